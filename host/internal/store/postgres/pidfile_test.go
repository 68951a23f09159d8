package postgres

import (
	"os"
	"testing"
)

func TestStalePidFile(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text string
		kept bool
	}{
		"number of another program": {itoa(os.Getpid()) + "\n/data\n", false},
		"number of nobody":          {"4194999\n/data\n", true}, // above the kernel's largest
		"single-user mode":          {"-" + itoa(os.Getpid()) + "\n", false},
		"garbage":                   {"what\n", true},
		"init":                      {"1\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(pidFile(dir), []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := removeStalePidFile(dir); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(pidFile(dir)); (err == nil) != tc.kept {
				t.Errorf("after the look: %v", err)
			}
		})
	}
}

func FuzzParsePidFile(f *testing.F) {
	for _, seed := range []string{"123\n/data\n", "-7\n", "", "0", "1", "-9223372036854775808", "99999999999999999999", "x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if pid, _, err := parsePidFile(text); err == nil && pid < 2 {
			t.Errorf("%q is process %d: a signal to it would go to many", text, pid)
		}
	})
}
