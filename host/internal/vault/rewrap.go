package vault

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
)

// RewrapperConfig is what a Rewrapper stands on.
type RewrapperConfig struct {
	// Rotation is required; its vault and its store are used.
	Rotation *Rotation
	// BatchSize is how many rows one transaction takes, optional; default 100.
	BatchSize int
	// Pause is the wait before another pass when all rows left are locked by
	// other hosts, optional; default 1 s.
	Pause time.Duration
	// Progress is told after each batch, optional.
	Progress func(RewrapReport)
	// Log is optional; default slog.Default.
	Log *slog.Logger
}

// RewrapReport is how far a rewrap has come.
type RewrapReport struct {
	Rewrapped int64            // rows moved to the primary by this run
	Failed    int64            // rows of the last pass that did not open
	Left      map[string]int64 // rows that hang on other keys, by key, when last counted
}

// Rewrapper moves rows to the primary key. All progress is in the rows
// themselves: it may run on several hosts at once, be killed at any moment and
// run again.
type Rewrapper struct {
	cfg   RewrapperConfig
	vault *Vault
	keys  *Keys
	rows  SealedRows
}

// NewRewrapper makes a Rewrapper. It fails when a required field is missing.
func NewRewrapper(cfg RewrapperConfig) (*Rewrapper, error) {
	if cfg.Rotation == nil {
		return nil, errors.New("making a rewrapper: a rotation is required")
	}
	if cfg.BatchSize <= 0 {
		cfg.BatchSize = 100
	}
	if cfg.Pause <= 0 {
		cfg.Pause = time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	of := cfg.Rotation.cfg
	return &Rewrapper{cfg: cfg, vault: of.Vault, keys: of.Keys, rows: of.Store}, nil
}

// Run takes batches until no row hangs on an old key, or until only rows are
// left that this host cannot rewrap: rows that do not open, or whose key is not
// here. For these it fails and the report says how many; another host may be
// able. A run on a database in order costs one count.
func (w *Rewrapper) Run(ctx context.Context) (RewrapReport, error) {
	var report RewrapReport
	for {
		if err := w.cfg.Rotation.catchUp(ctx); err != nil {
			return report, fmt.Errorf("rewrapping: %w", err)
		}
		if err := w.count(ctx, &report); err != nil {
			return report, fmt.Errorf("rewrapping: %w", err)
		}
		old := w.within(report.Left)
		if len(old) == 0 {
			return report, w.verdict(report)
		}
		before := report.Rewrapped
		err := w.pass(ctx, &report)
		if errors.Is(err, ErrPrimaryMoved) {
			continue
		}
		if err != nil {
			return report, fmt.Errorf("rewrapping: %w", err)
		}
		if report.Rewrapped > before {
			continue
		}
		if report.Failed > 0 {
			err := w.count(ctx, &report)
			return report, errors.Join(err, w.verdict(report))
		}
		if err := w.pause(ctx); err != nil {
			return report, fmt.Errorf("rewrapping: %w", err)
		}
	}
}

// count fills in what is left.
func (w *Rewrapper) count(ctx context.Context, report *RewrapReport) error {
	primary, err := w.vault.Primary()
	if err != nil {
		return err
	}
	rows, err := w.rows.CountRows(ctx)
	if err != nil {
		return fmt.Errorf("counting rows: %w", err)
	}
	maps.DeleteFunc(rows, func(id string, n int64) bool { return id == primary || n == 0 })
	report.Left = rows
	return nil
}

// within are the keys with rows left that this host can unwrap.
func (w *Rewrapper) within(left map[string]int64) []string {
	usable := w.keys.usable()
	return slices.DeleteFunc(usable, func(id string) bool { return left[id] == 0 })
}

// pass goes once over all rows that hang on an old key which is here.
func (w *Rewrapper) pass(ctx context.Context, report *RewrapReport) error {
	report.Failed = 0
	primary, err := w.vault.Primary()
	if err != nil {
		return err
	}
	batch := Batch{Primary: primary, Limit: w.cfg.BatchSize}
	batch.Keys = slices.DeleteFunc(w.keys.usable(), func(id string) bool { return id == primary })
	for {
		result, err := w.rows.RewrapBatch(ctx, batch, w.rewrap(ctx))
		if err != nil {
			return fmt.Errorf("taking a batch: %w", err)
		}
		if result.Taken == 0 {
			return nil
		}
		batch.After = result.Next
		report.Rewrapped += int64(result.Taken - result.Failed)
		report.Failed += int64(result.Failed)
		if w.cfg.Progress != nil {
			w.cfg.Progress(RewrapReport{Rewrapped: report.Rewrapped, Failed: report.Failed, Left: maps.Clone(report.Left)})
		}
	}
}

func (w *Rewrapper) rewrap(ctx context.Context) func(Sealed) (Sealed, error) {
	return func(s Sealed) (Sealed, error) {
		to, err := w.vault.Rewrap(ctx, s)
		if err != nil && ctx.Err() == nil {
			w.cfg.Log.WarnContext(ctx, "a row was not rewrapped", "key", s.KeyID, "error", err)
		}
		return to, err
	}
}

func (w *Rewrapper) pause(ctx context.Context) error {
	timer := time.NewTimer(w.cfg.Pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// verdict is an error when rows are left.
func (w *Rewrapper) verdict(report RewrapReport) error {
	if len(report.Left) == 0 {
		return nil
	}
	var left []string
	for _, id := range slices.Sorted(maps.Keys(report.Left)) {
		why := "not on this host"
		if w.keys.get(id) != nil {
			why = "did not open"
		}
		left = append(left, fmt.Sprintf("%d of key %s (%s)", report.Left[id], id, why))
	}
	return fmt.Errorf("rewrapping: rows are left: %s", strings.Join(left, ", "))
}
