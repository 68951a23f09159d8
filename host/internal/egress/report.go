package egress

import (
	"context"
	"log/slog"
	"sync"

	"golang.org/x/time/rate"
)

// reporter turns refusals into events, as many as its limiter lets through.
type reporter struct {
	adapter string
	limiter *rate.Limiter
	events  func(ctx context.Context, event Event)
	logger  *slog.Logger

	mu         sync.Mutex
	suppressed int
}

// report tells of a refusal that was the host's decision; call is nil where none is known.
func (p *reporter) report(ctx context.Context, call *admitted, r request, why *refusal) {
	if !why.reason.decided() {
		return
	}
	suppressed, ok := p.pass()
	if !ok {
		return
	}
	event := Event{
		Adapter: p.adapter, Host: printable(r.host), Port: r.port, Address: why.address,
		Reason: why.reason, Message: why.message, Setting: why.setting, Suppressed: suppressed,
	}
	if call != nil {
		event.CallID, event.Platform = call.CallID, call.Platform
	}
	p.logger.WarnContext(ctx, "an adapter was refused a connection", "adapter", event.Adapter, "call", event.CallID, "platform", event.Platform,
		"host", event.Host, "port", event.Port, "reason", string(event.Reason), "setting", event.Setting, "suppressed", suppressed)
	p.events(ctx, event)
}

// pass counts what the limiter stops, and hands the count to the next one through.
func (p *reporter) pass() (suppressed int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.limiter.Allow() {
		p.suppressed++
		return 0, false
	}
	suppressed, p.suppressed = p.suppressed, 0
	return suppressed, true
}
