package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal with a program at it.
type terminal struct {
	t        *testing.T
	keyboard *os.File // the side where a person sits
	line     *os.File
	cmd      *exec.Cmd

	mu     sync.Mutex
	screen bytes.Buffer
}

// atTerminal starts patchbay at a terminal of its own, speaking to a host.
func atTerminal(t *testing.T, host string, args ...string) *terminal {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this machine gives no pseudo-terminal: %v", err)
	}
	if err := unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	line, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{t: t, keyboard: keyboard, line: line, cmd: exec.Command("patchbay", args...)}
	term.cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "PATCHBAY_URL="+host, "PATCHBAY_TOKEN="+goodToken)
	term.cmd.Stdin, term.cmd.Stdout, term.cmd.Stderr = line, line, line
	if err := term.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	reading := make(chan struct{})
	go func() {
		defer close(reading)
		buffer := make([]byte, 1024)
		for {
			n, err := keyboard.Read(buffer)
			term.mu.Lock()
			term.screen.Write(buffer[:n])
			term.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = term.cmd.Process.Kill()
		_ = line.Close() // the reader's end: nobody holds the line any more
		<-reading
		_ = keyboard.Close()
	})
	return term
}

func (term *terminal) echoes() bool {
	state, err := unix.IoctlGetTermios(int(term.line.Fd()), unix.TCGETS)
	if err != nil {
		term.t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// until waits for something to become true; the test's own deadline ends a wait in vain.
func (term *terminal) until(what string, ok func() bool) {
	term.t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			term.t.Fatalf("waited in vain until %s; the screen shows:\n%s", what, term.text())
		}
	}
}

func (term *terminal) text() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	return term.screen.String()
}

func TestSecretsAreNotShown(t *testing.T) {
	host := &fake{}
	server := httptest.NewServer(host)
	defer server.Close()
	term := atTerminal(t, server.URL, "connect", "slack")
	term.until("the terminal hides what is typed", func() bool { return !term.echoes() })
	if _, err := io.WriteString(term.keyboard, "planted-typed\n"); err != nil {
		t.Fatal(err)
	}
	if err := term.cmd.Wait(); err != nil {
		t.Fatalf("connecting: %v\n%s", err, term.text())
	}
	if !strings.Contains(host.seen(), `"token":"planted-typed"`) {
		t.Errorf("the host was not sent the secret: %s", host.seen())
	}
	term.until("the result is shown", func() bool { return strings.Contains(term.text(), "Connected Slack") })
	if strings.Contains(term.text(), "planted") {
		t.Errorf("the screen shows the secret:\n%s", term.text())
	}
	if !term.echoes() {
		t.Error("the terminal still hides what is typed")
	}
}

func TestInterruptAtAQuestion(t *testing.T) {
	server := httptest.NewServer(&fake{})
	defer server.Close()
	term := atTerminal(t, server.URL, "connect", "slack")
	term.until("the terminal hides what is typed", func() bool { return !term.echoes() })
	if err := term.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := term.cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGINT {
		t.Errorf("ended with %v, not by the signal", err)
	}
	if !term.echoes() {
		t.Error("the terminal still hides what is typed")
	}
}
