package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestAnnouncement(t *testing.T) {
	for name, c := range map[string]struct {
		written, want string
		pid           int
	}{
		"at the beginning":   {"W 42\nrest\n", "rest\n", 42},
		"after a complaint":  {"profile: no\nW 42\nrest", "profile: no\nrest", 42},
		"never":              {"only this", "only this", 0},
		"another word":       {"V 42\nrest", "V 42\nrest", 0},
		"twice":              {"W 42\nW 43\n", "W 43\n", 42},
		"no number":          {"W x\nrest", "rest", 0},
		"a negative number":  {"W -1\nrest", "rest", 0},
		"a number too large": {"W 99999999999999999999\nrest", "rest", 0},
		"a flood before it":  {strings.Repeat("x", maxAnnouncement+1) + "W 42\n", strings.Repeat("x", maxAnnouncement+1) + "W 42\n", 0},
	} {
		for _, size := range []int{1, 3, maxAnnouncement + 1} {
			if size < 3 && len(c.written) > maxAnnouncement {
				continue // each write searches all that is held
			}
			var got bytes.Buffer
			a := &announcement{word: "W", to: &got}
			for rest := []byte(c.written); len(rest) > 0; {
				n := min(size, len(rest))
				if wrote, err := a.Write(rest[:n]); err != nil || wrote != n {
					t.Fatalf("%s: %d, %v", name, wrote, err)
				}
				rest = rest[n:]
			}
			a.flush()
			if got.String() != c.want || a.pid() != c.pid {
				t.Errorf("%s, %d bytes at a time: got %.80q and %d", name, size, got.String(), a.pid())
			}
		}
	}
}

func FuzzCapture(f *testing.F) {
	f.Add([]byte("aü🌍\xff\xc3"), 1)
	f.Add([]byte("\xf0\x9f\x8c"), 2)
	f.Fuzz(func(t *testing.T, written []byte, size int) {
		if size < 1 {
			return
		}
		var passed strings.Builder
		c := &capture{emit: func(p piece) error { passed.WriteString(p.Data); return nil }}
		for rest := written; len(rest) > 0; {
			n := min(size, len(rest))
			_, _ = c.Write(rest[:n]) // never fails
			rest = rest[n:]
		}
		text, truncated := c.text()
		if text != string(written) || passed.String() != text || truncated {
			t.Errorf("%q is kept as %q and passed on as %q", written, text, passed.String())
		}
	})
}
