package host

import "testing"

func TestMemoryIsGivenBackByAHostThatRests(t *testing.T) {
	const mib = 1 << 20
	r := resting{kept: 20 * mib}
	for _, look := range []struct {
		name            string
		allocated, held uint64
		want            bool
	}{
		{"it starts", 200 * mib, 150 * mib, false},
		{"it serves", 300 * mib, 150 * mib, false},
		{"it rests and holds much", 301 * mib, 150 * mib, true},
		{"it rests and holds little", 302 * mib, 30 * mib, false},
	} {
		if got := r.worth(look.allocated, look.held); got != look.want {
			t.Errorf("%s: %v, want %v", look.name, got, look.want)
		}
	}
	if allocated, held := heap(); allocated == 0 || held == 0 {
		t.Errorf("the runtime tells of %d allocated bytes and %d held ones", allocated, held)
	}
}
