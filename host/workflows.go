package host

import (
	"context"

	"github.com/patchbay/patchbay/host/internal/audit"
	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/dispatch"
	"github.com/patchbay/patchbay/host/internal/integration"
	"github.com/patchbay/patchbay/host/internal/pool"
	"github.com/patchbay/patchbay/host/internal/store"
	"github.com/patchbay/patchbay/host/internal/workflow"
)

// openWorkflows makes the engine, which Run starts, and answers the door to workflows.
func (h *Host) openWorkflows(integrations *integration.Service, pools *pool.Service, cat *catalog.Catalog, d *dispatch.Dispatcher, log *audit.Log) *workflow.Service {
	kept := store.Workflows{Store: h.store}
	s := workflow.New(workflow.Config{Store: kept, Integrations: integrations, Pools: pools, Catalog: cat, Vault: h.vault, Audit: log, Now: h.cluster.Now})
	h.engine = workflow.NewEngine(workflow.EngineConfig{Queue: kept, Service: s, Dispatcher: d, Catalog: cat, Vault: h.vault, Logger: h.cfg.Logger})
	return s
}

// runWorkflows runs nodes of workflows until stop is called, which waits for those under way as drain waits for calls.
func (h *Host) runWorkflows(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.engine.Run(ctx, drainTime)
	}()
	return func() {
		cancel()
		<-done
	}
}
