package agent

import (
	"errors"
	"io"
	"os"
	"sync"
)

// maxSpill bounds what of an output is held in memory where the disk is full.
const maxSpill = 256 << 10

// output is what a command says, in a file, and in memory as far as the disk has no room for it. Beyond its limit it is dropped, so that
// the command is never held up.
type output struct {
	mu        sync.Mutex
	file      *os.File // nil where it could not be made
	written   int64    // to the file
	spill     []byte   // what follows
	limit     int64
	truncated bool
	closed    bool
	changed   chan struct{} // closed and replaced at each change
}

func newOutput(path string, limit int64) *output {
	o := &output{limit: limit, changed: make(chan struct{})}
	if f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600); err == nil {
		o.file = f
	}
	return o
}

func (o *output) size() int64 { return o.written + int64(len(o.spill)) }

// copyFrom takes what comes until it ends.
func (o *output) copyFrom(r io.Reader) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := r.Read(buffer)
		if n > 0 {
			o.write(buffer[:n])
		}
		if err != nil {
			return // its end, or EIO where a terminal has no program any more
		}
	}
}

func (o *output) write(data []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if room := o.limit - o.size(); int64(len(data)) > room {
		data, o.truncated = data[:max(room, 0)], true
	}
	if o.file != nil && len(o.spill) == 0 {
		n, _ := o.file.Write(data) // what it does not take is spilled
		o.written += int64(n)
		data = data[n:]
	}
	if room := maxSpill - len(o.spill); len(data) > room {
		data, o.truncated = data[:room], true
	}
	o.spill = append(o.spill, data...)
	o.signal()
}

func (o *output) signal() {
	close(o.changed)
	o.changed = make(chan struct{})
}

func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.signal()
}

// read answers what there is from an offset on, and a channel that tells of more; nil where no more comes.
func (o *output) read(offset int64, buffer []byte) (int, <-chan struct{}, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	switch {
	case offset < o.written:
		var err error
		if n, err = o.file.ReadAt(buffer[:min(int64(len(buffer)), o.written-offset)], offset); err != nil && !errors.Is(err, io.EOF) {
			return n, nil, err
		}
	case offset < o.size():
		n = copy(buffer, o.spill[offset-o.written:])
	}
	if o.closed && offset+int64(n) >= o.size() {
		return n, nil, nil
	}
	return n, o.changed, nil
}

func (o *output) isTruncated() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.truncated
}
