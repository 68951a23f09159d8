package sandbox

import (
	"context"
	"errors"
	"time"
)

// States of a sandbox.
const (
	New       = "new" // not made yet
	Running   = "running"
	Paused    = "paused"
	Destroyed = "destroyed"
	Lost      = "lost" // its machine does not have it any more
)

// What is under way with a sandbox: it is booked before it is begun, and again after a crash until it is done.
const (
	Creating   = "creating"
	Pausing    = "pausing"
	Parking    = "parking"
	Waking     = "waking"
	Destroying = "destroying"
)

// Sandbox is the record of one.
type Sandbox struct {
	ID, User string
	// Home is the machine that has it.
	Home           string
	State, Pending string
	Version        int64
	MemoryMB       int64
	DiskMB         int64
	Mark           Mark
	CreatedAt      time.Time
	Record
}

// Record is what nothing is looked up by.
type Record struct {
	Name     string            `json:"name,omitempty"`
	Template string            `json:"template"`
	Runtime  string            `json:"runtime,omitempty"`
	Strong   bool              `json:"strong,omitempty"`
	CPUs     float64           `json:"cpus"`
	Network  string            `json:"network"`
	Env      map[string]string `json:"env,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
	// Timeout is after how much time without work it is paused; Lifetime how long it may run, and Ran how long it has.
	Timeout  time.Duration `json:"timeout"`
	Lifetime time.Duration `json:"lifetime"`
	Ran      time.Duration `json:"ran"`
	// Cold says that no memory is held; Preserved what the last resume found.
	Cold      bool   `json:"cold,omitempty"`
	Preserved string `json:"preserved,omitempty"`
	// PausedAt is when it was paused; StoredBytes what it takes on its machine's disk, as last seen.
	PausedAt    time.Time `json:"paused_at,omitzero"`
	StoredBytes uint64    `json:"stored_bytes,omitempty"`
	Problem     string    `json:"problem,omitempty"`
}

// Usage is what was metered.
type Usage struct {
	VCPUSeconds  float64 `json:"vcpu_seconds"`
	GiBSeconds   float64 `json:"gib_seconds"`
	DiskGiBHours float64 `json:"disk_gib_hours"`
	Cost         float64 `json:"cost"`
}

// DayUsage is the usage of one day of one sandbox.
type DayUsage struct {
	Sandbox, User, Day string
	Usage
}

// ErrNotFound is the error for a sandbox that is not there, or not this user's.
var ErrNotFound = errors.New("there is no such sandbox")

// ErrChanged is the error for a change of a record that is not the one any more that it was made for.
var ErrChanged = errors.New("the sandbox was changed meanwhile")

// Quota bounds what one user may have; 0 is no bound.
type Quota struct {
	Count            int
	MemoryMB, DiskMB int64
}

// QuotaError says which bound was met.
type QuotaError struct{ What string }

// Error says which.
func (e *QuotaError) Error() string { return "you have as much of it as you may: " + e.What }

// Store keeps sandboxes.
type Store interface {
	// InsertSandbox stores a new one, unless it exceeds the quota (*QuotaError).
	InsertSandbox(ctx context.Context, b Sandbox, q Quota) error
	// Sandbox answers one; user "" any user's.
	Sandbox(ctx context.Context, user, id string) (Sandbox, error)
	// UserSandboxes answers those of a user that are not destroyed, the newest first.
	UserSandboxes(ctx context.Context, user string) ([]Sandbox, error)
	// HomeSandboxes answers those of a machine that are not destroyed.
	HomeSandboxes(ctx context.Context, home string) ([]Sandbox, error)
	// SaveSandbox stores a change with what it is charged on a day and what is told of it, all or nothing, and counts the version up. It fails with
	// ErrChanged where the version is another one.
	SaveSandbox(ctx context.Context, b Sandbox, day string, charge Usage, event string) error
	// SandboxUsage answers what was metered from one day to another, both included; "" for any user or sandbox.
	SandboxUsage(ctx context.Context, user, id, from, to string) ([]DayUsage, error)
	// Settings answers nil where there are none.
	SandboxSettings(ctx context.Context) ([]byte, error)
	PutSandboxSettings(ctx context.Context, raw []byte) error
	// ServeHome books which host serves a machine's sandboxes; HomeHost answers it.
	ServeHome(ctx context.Context, home, host string) error
	HomeHost(ctx context.Context, home string) (string, error)
}
