package egress

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"golang.org/x/sys/unix"
	"golang.org/x/time/rate"
)

// Session serves the dials of one launch of one adapter. Its methods are safe for concurrent use; Run is called once.
type Session struct {
	gate     *Gate
	adapter  string
	conn     *net.UnixConn
	outbox   outbox
	slots    chan struct{} // one token for each request under way
	messages *rate.Limiter
	dials    *rate.Limiter
	reporter *reporter

	mu     sync.Mutex
	closed bool
	calls  map[dialKey]*admitted
}

// dialKey is what calls are looked up by: the time that a look-up takes tells nothing of a dial id that was nearly right.
type dialKey [sha256.Size]byte

func keyOf(dialID string) dialKey { return sha256.Sum256([]byte(dialID)) }

func newSession(g *Gate, adapter string, conn *net.UnixConn) *Session {
	perMinute := func(n int) *rate.Limiter { return rate.NewLimiter(rate.Limit(float64(n)/60), n) }
	return &Session{
		gate:     g,
		adapter:  adapter,
		conn:     conn,
		outbox:   newOutbox(conn),
		slots:    make(chan struct{}, g.limits.Requests),
		messages: rate.NewLimiter(rate.Limit(g.limits.MessagesPerSecond), 2*g.limits.MessagesPerSecond),
		dials:    perMinute(g.limits.DialsPerMinute),
		reporter: &reporter{adapter: adapter, limiter: perMinute(g.limits.EventsPerMinute), events: g.events, logger: g.logger},
		calls:    make(map[dialKey]*admitted),
	}
}

// Admit lets the adapter dial for call until Release. It fails without a dial id, for one that is admitted already, and after
// Close.
func (s *Session) Admit(call Call) error {
	if call.DialID == "" || len(call.DialID) > maxDialIDBytes {
		return errors.New("admitting call: its dial id is missing or too long")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := keyOf(call.DialID)
	switch {
	case s.closed:
		return fmt.Errorf("admitting call: %w", errSessionClosed)
	case s.calls[key] != nil:
		return errors.New("admitting call: its dial id is in use")
	}
	s.calls[key] = newAdmitted(call)
	return nil
}

// Release ends what Admit began: dials under way for the call fail, and its integration_only connections are dead when Release
// returns. A dial id that is not admitted is ignored.
func (s *Session) Release(dialID string) {
	key := keyOf(dialID)
	s.mu.Lock()
	call := s.calls[key]
	delete(s.calls, key)
	s.mu.Unlock()
	if call != nil {
		call.end()
	}
}

func (s *Session) lookup(dialID string) *admitted {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[keyOf(dialID)]
}

// Run serves requests until ctx is done, Close is called or the adapter's end is closed (an empty message counts as that), and
// returns when all requests have ended. It returns nil in these cases, and an error when the socket fails. It closes the session.
func (s *Session) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, s.Close)
	var requests sync.WaitGroup
	err := s.serve(ctx, &requests)
	if ctx.Err() != nil || adapterLeft(err) || errors.Is(err, net.ErrClosed) {
		err = nil
	}
	stop()
	s.Close()
	cancel()
	requests.Wait()
	if err != nil {
		return fmt.Errorf("serving egress of adapter %s: %w", s.adapter, err)
	}
	return nil
}

// adapterLeft reports whether a socket's error means that the adapter's end is closed; a reset means that it had answers unread.
func adapterLeft(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, unix.ECONNRESET) }

// serve reads messages, starts a goroutine for each request within the limits, and answers the others itself.
func (s *Session) serve(ctx context.Context, requests *sync.WaitGroup) error {
	buffer := make([]byte, maxMessageBytes)
	for {
		if err := s.messages.Wait(ctx); err != nil {
			return nil // ctx is done: the limiter has no other reason for one message
		}
		message, spoilt, err := receive(s.conn, buffer)
		if err != nil {
			return err
		}
		r, err := decodeRequest(message)
		if spoilt != nil {
			err = spoilt
		}
		if err != nil {
			s.refuse(ctx, nil, r, &refusal{reason: ReasonMalformed, message: err.Error()})
			continue
		}
		select {
		case s.slots <- struct{}{}:
			requests.Go(func() {
				defer func() { <-s.slots }()
				s.handle(ctx, r)
			})
		default:
			s.refuse(ctx, nil, r, &refusal{
				reason:  ReasonTooMany,
				message: fmt.Sprintf("the adapter has %d dials under way already", s.gate.limits.Requests),
			})
		}
	}
}

// Close ends the session: Run returns, every call is released, Admit fails. It may be called more than once and does not wait for
// Run.
func (s *Session) Close() {
	s.mu.Lock()
	calls := s.calls
	s.calls, s.closed = nil, true
	s.mu.Unlock()
	_ = s.conn.Close() // the second time it fails, and nothing was to be saved the first time
	for _, call := range calls {
		call.end()
	}
}
