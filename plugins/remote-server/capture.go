package main

import (
	"bytes"
	"sync"
	"unicode/utf8"
)

// maxOutputBytes bounds what is kept of each stream of a program.
const maxOutputBytes = 1 << 20

// piece is a delta: what a program wrote, as it comes.
type piece struct {
	Stream string `json:"stream"`
	Data   string `json:"data"`
}

// capture keeps the beginning of one stream and passes it on as it comes, whole characters at a time. What is beyond the bound is
// read and dropped, so that the program is not held up.
type capture struct {
	stream string
	emit   func(piece) error // nil passes nothing on
	failed func()            // called when emit fails: nobody listens any more

	mu        sync.Mutex
	kept      bytes.Buffer
	passed    int // bytes of kept that were passed on
	truncated bool
}

// Write never fails.
func (c *capture) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	take := p[:min(len(p), maxOutputBytes-c.kept.Len())]
	c.kept.Write(take)
	c.truncated = c.truncated || len(take) < len(p)
	c.pass(wholeRunes(c.kept.Bytes()))
	return len(p), nil
}

// text ends the capture and answers what was kept.
func (c *capture) text() (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	end := c.kept.Len()
	if c.truncated {
		end = wholeRunes(c.kept.Bytes()) // the bound may lie within a character
	}
	c.pass(end)
	return string(c.kept.Bytes()[:end]), c.truncated
}

func (c *capture) pass(end int) {
	if c.emit == nil || end <= c.passed {
		return
	}
	if err := c.emit(piece{Stream: c.stream, Data: string(c.kept.Bytes()[c.passed:end])}); err != nil {
		c.emit = nil
		c.failed()
	}
	c.passed = end
}

// wholeRunes answers how many bytes stand before a character that has only begun.
func wholeRunes(b []byte) int {
	for back := 1; back < utf8.UTFMax && back <= len(b); back++ {
		if start := len(b) - back; utf8.RuneStart(b[start]) {
			if utf8.FullRune(b[start:]) {
				return len(b)
			}
			return start
		}
	}
	return len(b)
}
