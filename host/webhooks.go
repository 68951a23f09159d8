package host

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/patchbay/patchbay/host/internal/audit"
	"github.com/patchbay/patchbay/host/internal/egress"
	"github.com/patchbay/patchbay/host/internal/event"
	"github.com/patchbay/patchbay/host/internal/store"
)

// openEvents makes the courier, which Run starts, and answers the door to webhooks.
func (h *Host) openEvents(log *audit.Log) *event.Webhooks {
	kept := store.Events{Store: h.store}
	h.courier = event.NewCourier(event.CourierConfig{Queue: kept, Vault: h.vault, Dial: receivers(h.cfg.AllowPrivateWebhooks),
		AllowPlain: h.cfg.AllowPrivateWebhooks, Version: h.cfg.Version, Logger: h.cfg.Logger, Now: time.Now})
	return event.NewWebhooks(event.Config{Store: kept, Vault: h.vault, Audit: log, AllowPlain: h.cfg.AllowPrivateWebhooks, Now: time.Now})
}

// receivers dials the receivers of webhooks, which users name: never a link-local address, and no private one unless it is allowed.
func receivers(allowPrivate bool) func(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := egress.Reach{AllowPrivate: allowPrivate, Setting: "patchbay serve --allow-private-webhooks"}.Dialer()
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		var refused *egress.AddressError
		if errors.As(err, &refused) {
			return nil, &event.RefusedAddressError{Reason: refused.Error()}
		}
		return conn, err
	}
}
