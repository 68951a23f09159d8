package host

import (
	"context"
	"errors"

	"github.com/patchbay/patchbay/host/internal/alert"
	"github.com/patchbay/patchbay/host/internal/audit"
	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/dispatch"
	"github.com/patchbay/patchbay/host/internal/store"
)

// openAlerts makes the room of alerts and what looks after them.
func (h *Host) openAlerts(log *audit.Log) *alert.Service {
	kept := store.Alerts{Store: h.store}
	h.watch = alert.NewWatch(alert.WatchConfig{Queue: kept, Sums: h.store, Poster: poster{h.dispatcher}, Logger: h.cfg.Logger, Now: h.cluster.Now})
	return alert.New(alert.Config{Store: kept, Record: log.Record, Now: h.cfg.Now})
}

// poster posts for alerts, as calls of their owners.
type poster struct{ dispatcher *dispatch.Dispatcher }

// Post runs the operation under an Idempotency-Key: a post whose host died is not repeated blindly.
func (p poster) Post(ctx context.Context, user, key string, what alert.Post) (string, bool) {
	_, err := p.dispatcher.Run(ctx, dispatch.Call{User: user, Integration: what.Integration, Operation: what.Operation, Input: what.Input,
		Timeout: alert.PostTimeout, IdempotencyKey: key})
	if err == nil {
		return "", false
	}
	var f *catalog.Failure
	if !errors.As(err, &f) {
		return "The host failed on it.", true
	}
	again := f.NotSent || f.Kind == catalog.RateLimited || f.Kind == catalog.PlatformUnavailable || f.Kind == dispatch.InProgress
	return string(f.Kind) + ": " + f.Message, again
}
