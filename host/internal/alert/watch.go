package alert

import (
	"context"
	"log/slog"
	"time"

	"github.com/patchbay/patchbay/host/internal/usage"
)

const (
	// lookEvery is how often a host looks for what is due, and checkEvery how often one alert is.
	lookEvery  = 2 * time.Second
	checkEvery = 20 * time.Second
	// postLease is after how long another host takes over a post whose host died. PostTimeout bounds the call.
	postLease   = 2 * time.Minute
	PostTimeout = time.Minute
	maxPosts    = 6 // tries
)

// Poster runs an operation as a user; key makes a repeated one safe. again says whether a failure may pass; problem is for people, "" on success.
type Poster interface {
	Post(ctx context.Context, user, key string, p Post) (problem string, again bool)
}

// WatchConfig is what a Watch needs; every field is required.
type WatchConfig struct {
	Queue  Queue
	Sums   usage.Sums
	Poster Poster
	Logger *slog.Logger
	Now    func() time.Time
}

// Watch looks at alerts and posts. Any number of hosts may do it beside each other.
type Watch struct{ cfg WatchConfig }

// NewWatch answers a watch.
func NewWatch(cfg WatchConfig) *Watch { return &Watch{cfg: cfg} }

// Run works until ctx is done.
func (w *Watch) Run(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for _, work := range []func(context.Context) (bool, error){w.check, w.post} {
			for more, err := true, error(nil); more && ctx.Err() == nil; {
				if more, err = work(ctx); err != nil && ctx.Err() == nil {
					w.cfg.Logger.Warn("looking after alerts failed; it goes on later", "error", err)
					break
				}
			}
		}
	}
}

// check judges an alert that is due, and says whether there was one.
func (w *Watch) check(ctx context.Context) (bool, error) {
	a, ok, err := w.cfg.Queue.DueAlert(ctx, checkEvery)
	if err != nil || !ok {
		return false, err
	}
	q, err := a.question(w.cfg.Now())
	if err != nil {
		return false, err
	}
	sums, err := usage.Report(ctx, w.cfg.Sums, q, w.cfg.Now())
	if err != nil {
		return false, err
	}
	var sum usage.Sum
	if len(sums) > 0 {
		sum = sums[0] // grouped by its one user
	}
	state, value := a.Condition.judge(sum)
	eventType := TypeResolved
	if state == Firing {
		eventType = TypeFiring
	}
	return true, w.cfg.Queue.Judged(ctx, a, state, value, eventType)
}

// post posts what is due, and says whether there was something.
func (w *Watch) post(ctx context.Context) (bool, error) {
	due, ok, err := w.cfg.Queue.DuePost(ctx, postLease)
	if err != nil || !ok {
		return false, err
	}
	p := *due.Alert.Post
	if p.Input, err = due.input(); err != nil {
		return true, w.cfg.Queue.Posted(ctx, due.ID, "The input is not valid.", 0)
	}
	problem, again := w.cfg.Poster.Post(ctx, due.Alert.User, due.ID, p)
	if again && due.Attempts < maxPosts {
		return true, w.cfg.Queue.Posted(ctx, due.ID, problem, 5*time.Second<<due.Attempts)
	}
	return true, w.cfg.Queue.Posted(ctx, due.ID, problem, 0)
}
