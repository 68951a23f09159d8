package api

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/patchbay/patchbay/host/internal/dispatch"
)

const (
	// streamBeat is how often a stream without events shows that it lives.
	streamBeat = 15 * time.Second
	// streamPatience is how long a slow reader may hold one event up.
	streamPatience = 30 * time.Second
)

// streamCall answers a call with server-sent events. A call that fails before its first event is answered as a problem.
func (a *API) streamCall(w http.ResponseWriter, r *http.Request, call dispatch.Call) {
	s := &eventStream{w: w, control: http.NewResponseController(w)}
	call.Sink = s
	done := make(chan struct{})
	var beats sync.WaitGroup
	beats.Go(func() { s.keepAlive(done) })
	answer, err := a.cfg.Dispatcher.Run(r.Context(), call)
	close(done)
	beats.Wait()
	if err == nil {
		a.Link(&answer)
		_ = s.send("result", answer) // a caller that went away
		return
	}
	p := a.callProblem(r.Context(), answer, err)
	if !s.begun {
		p.write(w)
		return
	}
	_ = s.send("error", p) // a caller that went away
}

// eventStream writes server-sent events.
type eventStream struct {
	mu      sync.Mutex
	w       http.ResponseWriter
	control *http.ResponseController
	begun   bool
}

// Progress sends an event of that name.
func (s *eventStream) Progress(message string, fraction float64) error {
	event := map[string]any{"message": message}
	if fraction >= 0 {
		event["fraction"] = fraction
	}
	return s.send("progress", event)
}

// Delta sends an event of that name.
func (s *eventStream) Delta(delta json.RawMessage) error { return s.send("delta", delta) }

func (s *eventStream) send(name string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return s.write([]byte("event: " + name + "\ndata: " + string(data) + "\n\n"))
}

func (s *eventStream) write(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.begun {
		s.begun = true
		h := s.w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Accel-Buffering", "no")
	}
	if err := s.control.SetWriteDeadline(time.Now().Add(streamPatience)); err != nil {
		return err
	}
	if _, err := s.w.Write(b); err != nil {
		return err
	}
	return s.control.Flush()
}

// keepAlive writes a comment now and then, so that nothing between takes the silence for an end.
func (s *eventStream) keepAlive(done <-chan struct{}) {
	t := time.NewTicker(streamBeat)
	defer t.Stop()
	for {
		select {
		case <-done:
			return
		case <-t.C:
			_ = s.write([]byte(": still running\n\n")) // the next event meets the same error
		}
	}
}
