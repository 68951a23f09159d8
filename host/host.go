package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/patchbay/patchbay/host/internal/alert"
	"github.com/patchbay/patchbay/host/internal/cluster"
	"github.com/patchbay/patchbay/host/internal/dispatch"
	"github.com/patchbay/patchbay/host/internal/event"
	"github.com/patchbay/patchbay/host/internal/integration"
	"github.com/patchbay/patchbay/host/internal/release"
	"github.com/patchbay/patchbay/host/internal/sandbox"
	"github.com/patchbay/patchbay/host/internal/store"
	"github.com/patchbay/patchbay/host/internal/store/postgres"
	"github.com/patchbay/patchbay/host/internal/supervisor"
	"github.com/patchbay/patchbay/host/internal/usage"
	"github.com/patchbay/patchbay/host/internal/vault"
	"github.com/patchbay/patchbay/host/internal/workflow"
)

// Times of what runs in the background.
const (
	// drainTime is how long calls under way may take to end when the host is told to.
	drainTime    = 30 * time.Second
	refreshEvery = 2 * time.Second
	sweepEvery   = 10 * time.Minute
	// rollUpEvery is how often calls are added to the sums; whoever asks for sums does it too.
	rollUpEvery = 5 * time.Second
)

// Host is one process that serves.
type Host struct {
	cfg      Config
	id       string
	url      string
	link     string
	draining atomic.Bool

	database   *postgres.Server // nil: the operator's own
	store      *store.Store
	keys       *vault.Keys
	vault      *vault.Vault
	rotation   *vault.Rotation
	cluster    *cluster.Cluster
	supervisor *supervisor.Supervisor
	shelf      *release.Shelf
	runDir     string // of this process: sockets, uploads
	ledger     *usage.Ledger
	dispatcher *dispatch.Dispatcher
	// integrations is the room; its tokens are kept fresh in the background.
	integrations *integration.Service
	courier      *event.Courier
	watch        *alert.Watch
	engine       *workflow.Engine
	sandboxes    *sandbox.Service
	telemetry    *telemetry
	listener     net.Listener
	server       *http.Server

	closers []func() // of what Open opened, in that order
}

// Open starts everything that the host stands on and listens, without serving yet: Run does. On an error nothing is left running.
func Open(ctx context.Context, cfg Config) (*Host, error) {
	h := &Host{cfg: cfg}
	if err := h.open(ctx); err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

// Close ends what Open started, the last first. It may be called after Run, which does it too.
func (h *Host) Close() {
	for i := len(h.closers) - 1; i >= 0; i-- {
		h.closers[i]()
	}
	h.closers = nil
}

func (h *Host) onClose(f func()) { h.closers = append(h.closers, f) }

// URL is where clients reach the host.
func (h *Host) URL() string { return h.url }

// SignInLink is a link on which the operator signs in, once.
func (h *Host) SignInLink() string { return h.link }

// Run serves until ctx is done, then lets the calls under way end, and closes the host.
func (h *Host) Run(ctx context.Context) error {
	defer h.Close()
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	failed := make(chan error, 2)
	running.Go(func() { h.ledger.Run(background) })
	running.Go(func() { h.supervisor.StopIdle(background) })
	running.Go(func() { h.shelf.Run(background) })
	running.Go(func() { h.refreshKeys(background) })
	running.Go(func() { h.rewrap(background) })
	running.Go(func() { h.sweep(background) })
	running.Go(func() { h.integrations.KeepFresh(background) })
	running.Go(func() { h.listenTo(background) })
	running.Go(func() { h.rollUp(background) })
	running.Go(func() { h.watch.Run(background) })
	running.Go(func() { h.courier.Run(background) })
	stopWorkflows := h.runWorkflows(background)
	running.Go(func() { h.sandboxes.Run(background) })
	running.Go(func() {
		if err := h.cluster.Run(background); err != nil {
			failed <- err
		}
	})
	go func() {
		if err := h.server.Serve(h.listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("serving: %w", err)
		}
	}()
	running.Go(func() { giveBack(background) })
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	case <-h.databaseGone():
		err = h.database.Err()
	}
	h.drain()
	stopWorkflows()
	h.ledger.Close()
	stop()
	running.Wait()
	return err
}

// listenTo follows what the database tells every host.
func (h *Host) listenTo(ctx context.Context) {
	h.store.Listen(ctx, map[string]func(string){
		store.ChangedChannel: h.integrations.Changed,
		store.HoldsChannel:   func(notice string) { h.dispatcher.HoldChanged(ctx, notice) },
	})
}

// databaseGone is closed when the private database cannot run any more.
func (h *Host) databaseGone() <-chan struct{} {
	if h.database == nil {
		return nil
	}
	return h.database.Done()
}

// drain takes no new requests and waits for those under way.
func (h *Host) drain() {
	h.draining.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if err := h.server.Shutdown(ctx); err != nil {
		h.cfg.Logger.Warn("calls were cut because they did not end in time", "error", err)
		_ = h.server.Close() // the cut
	}
}

// ready says what keeps the host from serving.
func (h *Host) ready(ctx context.Context) error {
	if h.draining.Load() {
		return errors.New("shutting down")
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := h.store.Ping(ctx); err != nil {
		return errors.New("the database does not answer")
	}
	if _, err := h.vault.Primary(); err != nil {
		return err
	}
	return nil
}

// refreshKeys follows changes of the keys, on other hosts and in the key file.
func (h *Host) refreshKeys(ctx context.Context) {
	h.every(ctx, refreshEvery, func() {
		if err := h.rotation.Refresh(ctx); err != nil && ctx.Err() == nil {
			h.cfg.Logger.Warn("following the encryption keys failed", "error", err)
		}
	})
}

// rewrap moves what hangs on an old key to the primary one, whenever there is something.
func (h *Host) rewrap(ctx context.Context) {
	h.every(ctx, refreshEvery, func() {
		w, err := vault.NewRewrapper(vault.RewrapperConfig{Rotation: h.rotation, Log: h.cfg.Logger})
		if err == nil {
			var report vault.RewrapReport
			if report, err = w.Run(ctx); report.Rewrapped > 0 {
				h.cfg.Logger.Info("rows were rewrapped", "rows", report.Rewrapped, "failed", report.Failed)
			}
		}
		if err != nil && ctx.Err() == nil {
			h.cfg.Logger.Warn("rewrapping failed; it goes on later", "error", err)
		}
	})
}

// sweep removes what has outlived its time.
func (h *Host) sweep(ctx context.Context) {
	h.every(ctx, sweepEvery, func() {
		if err := h.store.Sweep(ctx, time.Now(), dispatch.ClaimLifetime); err != nil && ctx.Err() == nil {
			h.cfg.Logger.Warn("sweeping the database failed", "error", err)
		}
	})
}

// rollUp adds the calls to the sums, and removes now and then what is kept no longer.
func (h *Host) rollUp(ctx context.Context) {
	swept := time.Now()
	h.every(ctx, rollUpEvery, func() {
		err := h.store.RollUp(ctx)
		if err == nil && time.Since(swept) > sweepEvery {
			swept = time.Now()
			err = h.store.SweepUsage(ctx, swept)
		}
		if err != nil && ctx.Err() == nil {
			h.cfg.Logger.Warn("rolling calls up failed; it goes on later", "error", err)
		}
	})
}

// every calls f now and then until ctx is done.
func (h *Host) every(ctx context.Context, d time.Duration, f func()) {
	ticker := time.NewTicker(d)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			f()
		}
	}
}

// writeFile replaces a file of the data folder that only its owner may read.
func writeFile(path string, content string) error {
	temporary := path + ".new"
	if err := os.WriteFile(temporary, []byte(content), 0o600); err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(path), err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(path), err)
	}
	return nil
}
