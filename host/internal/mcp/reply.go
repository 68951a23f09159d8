package mcp

import (
	"context"
	"net/http"
	"sync"
	"time"
)

const (
	// beat is how often a call that says nothing shows that it lives.
	beat = 15 * time.Second
	// patience is how long a slow reader may hold one message up.
	patience = 30 * time.Second
)

// reply writes an answer, one write at a time.
type reply struct {
	http.ResponseWriter
	control *http.ResponseController

	mu     sync.Mutex
	closed bool
}

func newReply(w http.ResponseWriter) *reply {
	return &reply{ResponseWriter: w, control: http.NewResponseController(w)}
}

// Write sends a piece, or fails where the reader is too slow for it.
func (r *reply) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return 0, http.ErrHandlerTimeout
	}
	if err := r.control.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	return r.ResponseWriter.Write(b)
}

// Flush sends what was written.
func (r *reply) Flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		_ = r.control.Flush() // the next write meets the same error
	}
}

// close ends the writing; the request is about to end.
func (r *reply) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
}

// keepAlive writes a comment into the stream of events now and then, so that nothing between takes the silence for an end. It returns when
// ctx is done.
func (r *reply) keepAlive(ctx context.Context) {
	t := time.NewTicker(beat)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			_, _ = r.Write([]byte(": still running\n\n")) // the answer meets the same error
			r.Flush()
		}
	}
}
