package probe

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// Nobody gets anything by running the program by hand.
func TestRunByHand(t *testing.T) {
	for _, args := range [][]string{nil, {"x"}, {try}, {try, "{}"}, {try, "{", "dial-tcp"}, {try, "{}", "no such attempt"}, {say}} {
		var out bytes.Buffer
		if status := Run(args, strings.NewReader(""), &out); status != 2 || out.Len() > 0 {
			t.Errorf("%q ends with %d and %q", args, status, &out)
		}
	}
}

func TestAttemptsAreDistinct(t *testing.T) {
	names := map[string]bool{}
	for _, a := range Attempts(true) {
		if names[a.Name] || a.try == nil || strings.Trim(a.Name, "abcdefghijklmnopqrstuvwxyz-0123456789") != "" {
			t.Errorf("%q stands there twice, is misnamed or does nothing", a.Name)
		}
		names[a.Name] = true
	}
	for _, a := range Attempts(false) {
		if a.OwnUID || !names[a.Name] {
			t.Errorf("%q is not for a program without a user id of its own", a.Name)
		}
	}
}

func TestBystanderEndsWithItsInput(t *testing.T) {
	in, write := io.Pipe()
	out, said := io.Pipe()
	ended := make(chan int)
	go func() { ended <- Run(BystanderArguments()[1:], in, said) }()
	if _, err := out.Read(make([]byte, 64)); err != nil {
		t.Fatal(err)
	}
	if err := write.Close(); err != nil {
		t.Fatal(err)
	}
	if status := <-ended; status != 0 {
		t.Errorf("it ends with %d", status)
	}
}
