package egress

import (
	"context"
	"errors"
	"time"
)

// refusalPatience is how long a request waits, beyond its own timeout, for the adapter to take a refusal.
const refusalPatience = 5 * time.Second

// handle serves one request to its end: a connection, or a refusal.
func (s *Session) handle(ctx context.Context, r request) {
	call := s.lookup(r.dialID)
	err := callEnded()
	if call != nil {
		err = s.serveCall(ctx, call, r)
	}
	if err != nil {
		ctx, cancel := context.WithTimeout(ctx, refusalPatience)
		defer cancel()
		s.refuse(ctx, call, r, err)
	}
}

// serveCall connects and hands over. The connection of an integration's own host is held before it is sent, so that none can
// outlive its call.
func (s *Session) serveCall(ctx context.Context, call *admitted, r request) error {
	p, err := call.Rules.decide(call.Platform, r.host, r.port)
	if err != nil {
		return err
	}
	if !s.dials.Allow() {
		return &refusal{reason: ReasonTooMany, message: "the adapter opens too many connections a minute"}
	}
	timeout := s.gate.limits.Timeout
	if r.timeout > 0 {
		timeout = min(timeout, r.timeout)
	}
	dialling, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	defer context.AfterFunc(call.ctx, cancel)()
	fd, err := s.gate.connect(dialling, call.Call, p)
	if call.ctx.Err() != nil && err != nil {
		return callEnded()
	}
	if err != nil {
		return err
	}
	defer release(fd)
	if p.integrationOnly {
		if err := call.hold(fd, s.gate.limits.IntegrationConnections); err != nil {
			return err
		}
	}
	if call.ctx.Err() != nil {
		return callEnded()
	}
	message, err := encodeConnected(r.id, p.integrationOnly)
	if err != nil {
		return err
	}
	if err := s.outbox.send(dialling, message, fd); err != nil {
		s.gate.logger.DebugContext(ctx, "egress connection not handed over", "adapter", s.adapter, "error", err)
	}
	return nil
}

// refuse answers a request that gets no connection and reports the refusal. A request without an id gets no answer.
func (s *Session) refuse(ctx context.Context, call *admitted, r request, cause error) {
	why := asRefusal(cause)
	s.reporter.report(context.WithoutCancel(ctx), call, r, why)
	if r.id == 0 {
		return
	}
	message, err := encodeRefusal(r.id, why)
	if err == nil {
		err = s.outbox.send(ctx, message, -1)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		s.gate.logger.DebugContext(ctx, "egress refusal not delivered", "adapter", s.adapter, "error", err)
	}
}
