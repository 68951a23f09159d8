package agent

import (
	"errors"
	"io"
	"os"
	"sync"
)

// output is what a command says, in a file. Beyond its limit, and where the disk is full, it is dropped, so that the command is never held up.
type output struct {
	mu        sync.Mutex
	file      *os.File
	size      int64
	limit     int64
	truncated bool
	closed    bool
	changed   chan struct{} // closed and replaced at each change
}

func newOutput(path string, limit int64) (*output, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	return &output{file: f, limit: limit, changed: make(chan struct{})}, nil
}

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
	if room := o.limit - o.size; int64(len(data)) > room {
		data, o.truncated = data[:max(room, 0)], true
	}
	n, err := o.file.Write(data)
	o.size += int64(n)
	if err != nil {
		o.truncated, o.limit = true, o.size
	}
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
	n, err := o.file.ReadAt(buffer[:min(int64(len(buffer)), max(0, o.size-offset))], offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return n, nil, err
	}
	if o.closed && offset+int64(n) >= o.size {
		return n, nil, nil
	}
	return n, o.changed, nil
}

func (o *output) isTruncated() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.truncated
}
