package workflow

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/dispatch"
	"github.com/patchbay/patchbay/host/internal/vault"
)

const (
	// workers is how many nodes one host runs at the same time.
	workers = 64
	// lookEvery is how often a host looks for what other hosts made ready, tendEvery for what dead hosts left and what is due by the clock.
	lookEvery = 200 * time.Millisecond
	tendEvery = time.Second
	// maxBatch bounds how many results are stored together.
	maxBatch = 256
)

// Dispatcher runs calls.
type Dispatcher interface {
	Run(ctx context.Context, c dispatch.Call) (dispatch.Answer, error)
}

// EngineConfig is what an Engine needs; every field is required.
type EngineConfig struct {
	Queue      Queue
	Service    *Service
	Dispatcher Dispatcher
	Catalog    *catalog.Catalog
	Vault      *vault.Vault
	Logger     *slog.Logger
}

// Engine runs the nodes that this host takes.
type Engine struct {
	cfg     EngineConfig
	loaded  *shelf
	results chan Result

	mu     sync.Mutex
	flying map[Place]flight
	// strikes counts how often the host failed on nodes.
	strikes map[Place]int
}

// flight is a node that runs on this host.
type flight struct {
	task   Task
	cancel context.CancelFunc
}

// NewEngine answers an engine that does nothing before Run.
func NewEngine(cfg EngineConfig) *Engine {
	return &Engine{cfg: cfg, loaded: newShelf(), results: make(chan Result, workers), flying: map[Place]flight{}, strikes: map[Place]int{}}
}

// Run takes nodes and runs them until ctx is done, and returns when those under way have ended or patience is over; then they are cut.
func (e *Engine) Run(ctx context.Context, patience time.Duration) {
	working, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	settled := make(chan struct{})
	go func() { // ends when results is closed, below
		defer close(settled)
		e.settle(working)
	}()
	var tending, running sync.WaitGroup
	tending.Go(func() { e.tend(ctx) })
	e.look(ctx, working, &running)
	over := time.AfterFunc(patience, e.cutAll)
	defer over.Stop()
	// A database that does not come back must not keep the host.
	lost := time.AfterFunc(patience+10*time.Second, cut)
	defer lost.Stop()
	running.Wait()
	tending.Wait()
	close(e.results)
	<-settled
}

// look takes what is ready until ctx is done.
func (e *Engine) look(ctx, working context.Context, running *sync.WaitGroup) {
	slots := make(chan struct{}, workers)
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		more := e.take(ctx, working, running, slots)
		if more && ctx.Err() == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-e.cfg.Service.ready:
		}
	}
}

// take takes as many nodes as there are free slots, once half of them are: a few at a time would make many small transactions.
func (e *Engine) take(ctx, working context.Context, running *sync.WaitGroup, slots chan struct{}) (more bool) {
	free := cap(slots) - len(slots)
	if free == 0 {
		return false
	}
	tasks, err := e.cfg.Queue.Take(ctx, free)
	if err != nil {
		if ctx.Err() == nil {
			e.cfg.Logger.Warn("looking for nodes that are ready failed", "error", err)
		}
		return false
	}
	for _, t := range tasks {
		slots <- struct{}{} // free: this loop alone fills them
		flight, done := e.begin(working, t)
		running.Go(func() {
			defer func() { <-slots }()
			defer done()
			r := e.perform(flight, t)
			select {
			case e.results <- r:
			case <-working.Done(): // the host gives up; others take over what it had
			}
		})
	}
	return len(tasks) == free
}

// begin notes that a node runs here; done forgets it when its result is stored or on its way.
func (e *Engine) begin(ctx context.Context, t Task) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.flying[t.Place] = flight{t, cancel}
	return ctx, cancel
}

func (e *Engine) forget(results []Result) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range results {
		if r.State != Pending {
			delete(e.strikes, r.Place)
		}
		if f, ok := e.flying[r.Place]; ok && f.task.Fence == r.Fence {
			delete(e.flying, r.Place)
		}
	}
}

// settle stores results, many at a time, until there are no more. One that cannot be stored is tried again for as long as this host lives.
func (e *Engine) settle(ctx context.Context) {
	for first := range e.results {
		batch := []Result{first}
		for len(batch) < maxBatch {
			select {
			case r, ok := <-e.results:
				if ok {
					batch = append(batch, r)
					continue
				}
			default:
			}
			break
		}
		for {
			ready, err := e.cfg.Queue.Settle(ctx, batch)
			if err == nil {
				e.forget(batch)
				if ready {
					e.cfg.Service.Kick()
				}
				break
			}
			e.cfg.Logger.Warn("storing what nodes gave failed; it is tried again", "error", err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
}

// tend looks after what nobody else does.
func (e *Engine) tend(ctx context.Context) {
	ticker := time.NewTicker(tendEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		stopping, err := e.cfg.Queue.Recover(ctx, e.mine())
		if err == nil {
			e.cut(stopping)
			err = e.cfg.Queue.Fire(ctx, e.cfg.Service.scheduled)
		}
		if err != nil && ctx.Err() == nil {
			e.cfg.Logger.Warn("looking after runs failed", "error", err)
		}
	}
}

func (e *Engine) mine() []Task {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make([]Task, 0, len(e.flying))
	for _, f := range e.flying {
		out = append(out, f.task)
	}
	return out
}

// cut ends the nodes of runs that are being cancelled.
func (e *Engine) cut(runs []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, run := range runs {
		for at, f := range e.flying {
			if at.Run == run {
				f.cancel()
			}
		}
	}
}

func (e *Engine) cutAll() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, f := range e.flying {
		f.cancel()
	}
}
