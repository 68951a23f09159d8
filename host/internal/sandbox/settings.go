package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
)

// Settings are the operator's.
type Settings struct {
	// Isolation is require-strong, prefer-strong or container.
	Isolation string `json:"isolation"`
	Prices    Prices `json:"prices"`
	// Of one user.
	MaxPerUser         int   `json:"max_per_user"`
	MaxMemoryMBPerUser int64 `json:"max_memory_mb_per_user"`
	MaxDiskMBPerUser   int64 `json:"max_disk_mb_per_user"`
	// Of one sandbox.
	MaxMemoryMB int64   `json:"max_memory_mb"`
	MaxDiskMB   int64   `json:"max_disk_mb"`
	MaxCPUs     float64 `json:"max_cpus"`
	// DefaultTimeout and MaxLifetime are in seconds; ParkAfter is after how many seconds of pause memory is given back, RetainFor after how many a
	// paused sandbox is removed.
	DefaultTimeout int `json:"default_timeout"`
	MaxLifetime    int `json:"max_lifetime"`
	ParkAfter      int `json:"park_after"`
	RetainFor      int `json:"retain_for"`
}

// defaults are used until the operator says otherwise.
func defaults() Settings {
	return Settings{Isolation: "prefer-strong", Prices: Prices{Currency: "USD", VCPUSecond: 0.000014, GiBSecond: 0.0000045, DiskGiBHour: 0.0001},
		MaxPerUser: 20, MaxMemoryMBPerUser: 16 << 10, MaxDiskMBPerUser: 100 << 10, MaxMemoryMB: 8 << 10, MaxDiskMB: 50 << 10, MaxCPUs: 8,
		DefaultTimeout: 900, MaxLifetime: 7 * 24 * 3600, ParkAfter: 600, RetainFor: 30 * 24 * 3600}
}

// Settings answers the operator's settings.
func (s *Service) Settings(ctx context.Context) (Settings, error) {
	out := defaults()
	raw, err := s.cfg.Store.SandboxSettings(ctx)
	if err != nil {
		return out, fmt.Errorf("reading the settings of sandboxes: %w", err)
	}
	if raw != nil {
		if err := json.Unmarshal(raw, &out); err != nil {
			return out, fmt.Errorf("reading the settings of sandboxes: %w", err)
		}
	}
	return out, nil
}

// Change changes the settings: what the JSON object leaves out stays.
func (s *Service) Change(ctx context.Context, actor string, change []byte) (Settings, error) {
	now, err := s.Settings(ctx)
	if err != nil {
		return now, err
	}
	if err := json.Unmarshal(change, &now); err != nil {
		return now, invalid("", "is not what settings of sandboxes look like")
	}
	if err := now.check(); err != nil {
		return now, err
	}
	raw, err := json.Marshal(now)
	if err != nil {
		return now, fmt.Errorf("encoding the settings of sandboxes: %w", err)
	}
	if err := s.cfg.Record(ctx, actor, "sandbox.settings", "sandboxes"); err != nil {
		return now, err
	}
	return now, s.cfg.Store.PutSandboxSettings(ctx, raw)
}

func (v Settings) check() error {
	switch {
	case v.Isolation != "require-strong" && v.Isolation != "prefer-strong" && v.Isolation != "container":
		return invalid("/isolation", "must be require-strong, prefer-strong or container")
	case v.Prices.VCPUSecond < 0 || v.Prices.GiBSecond < 0 || v.Prices.DiskGiBHour < 0:
		return invalid("/prices", "must not be negative")
	case v.MaxPerUser < 0 || v.MaxMemoryMB < 64 || v.MaxDiskMB < 32 || v.MaxCPUs <= 0 || v.DefaultTimeout < 10 || v.MaxLifetime < 60 || v.ParkAfter < 0 || v.RetainFor < 60:
		return invalid("", "holds a bound that nothing could be made within")
	}
	return nil
}

func invalid(pointer, detail string) error {
	return &catalog.Failure{Kind: catalog.ValidationFailed, Message: "The input is not valid: it " + detail + ".", NotSent: true,
		Violations: []catalog.Violation{{Pointer: pointer, Detail: detail}}}
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
