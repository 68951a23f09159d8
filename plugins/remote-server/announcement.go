package main

import (
	"bytes"
	"crypto/rand"
	"io"
	"strconv"
	"sync"
)

// maxAnnouncement is how much may stand on stderr before the announcement, such as what a shell's profile complains of.
const maxAnnouncement = 64 << 10

// announcement takes one line out of what a program writes to stderr: the launcher's "WORD PID", which tells the process to
// signal when its time is up. The word is random, so that nothing else can be taken for it.
type announcement struct {
	word string
	to   io.Writer

	mu     sync.Mutex
	held   []byte
	passed bool // the line was found, or is not to be expected any more
	number int
}

// newWord makes the word of an announcement.
func newWord() string { return "started-" + rand.Text() }

// Write passes everything but the announcement on.
func (a *announcement) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.passed {
		return a.to.Write(p)
	}
	a.held = append(a.held, p...)
	start := bytes.Index(a.held, []byte(a.word+" "))
	length := -1
	if start >= 0 {
		length = bytes.IndexByte(a.held[start:], '\n')
	}
	if length < 0 {
		if len(a.held) > maxAnnouncement {
			return len(p), a.release()
		}
		return len(p), nil
	}
	digits := a.held[start+len(a.word)+1 : start+length]
	if n, err := strconv.ParseUint(string(digits), 10, 31); err == nil {
		a.number = int(n)
	}
	a.held = append(a.held[:start], a.held[start+length+1:]...)
	return len(p), a.release()
}

// release passes on what was held back.
func (a *announcement) release() error {
	a.passed = true
	held := a.held
	a.held = nil
	if len(held) == 0 {
		return nil
	}
	_, err := a.to.Write(held)
	return err
}

// flush ends the waiting for an announcement that did not come, as with a command that the server forces.
func (a *announcement) flush() {
	a.mu.Lock()
	defer a.mu.Unlock()
	_ = a.release() // a capture never fails
}

// pid answers the process, 0 when it was not announced.
func (a *announcement) pid() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.number
}
