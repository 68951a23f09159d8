package confine

import "testing"

func TestFreshUID(t *testing.T) {
	first, err := FreshUID()
	if err != nil {
		t.Fatal(err)
	}
	second, err := FreshUID()
	if err != nil {
		t.Fatal(err)
	}
	const nobody = 65534
	for _, uid := range []int{first, second} {
		if uid <= 1000 || uid == nobody || uid == nobody-1 || int64(uid) >= 1<<32-2 {
			t.Errorf("%d may be somebody's", uid)
		}
	}
	if first == second {
		t.Errorf("two launches have the user id %d", first)
	}
}

func TestAdapterRlimits(t *testing.T) {
	if l := AdapterRlimits(false); l.Tasks != 0 || l.OpenFiles == 0 || l.DataBytes == 0 || l.FileBytes == 0 {
		t.Errorf("with the host's user id: %+v", l) // whose threads are not the adapter's alone
	}
	if l := AdapterRlimits(true); l.Tasks == 0 {
		t.Errorf("with its own user id: %+v", l)
	}
}
