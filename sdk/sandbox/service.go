package sandbox

import "context"

// Service runs sandboxes. Every method may be called again with the same id, by a new process of the adapter as well: what it has to know
// it finds in the place's folder. Failures are *sdk.Error.
type Service interface {
	// Probe says what this machine can run, and what is missing.
	Probe(ctx context.Context, at Place) (Abilities, error)
	// Create makes and starts a sandbox; one that exists is answered as it is.
	Create(ctx context.Context, at Place, n New) (Created, error)
	// Pause stops all processes, and answers whether their memory is given back.
	Pause(ctx context.Context, at Place, id string, cold bool) (isCold bool, err error)
	// Resume lets a sandbox go on and answers whether its processes are still there, or its files alone.
	Resume(ctx context.Context, at Place, id string) (memory bool, err error)
	// Destroy removes a sandbox with all that it holds; one that is not there is destroyed.
	Destroy(ctx context.Context, at Place, id string) error
	// Update changes the limits of memory, processors and processes.
	Update(ctx context.Context, at Place, id string, l Limits) error
	// List answers all sandboxes of the place as they are found.
	List(ctx context.Context, at Place) ([]State, error)
	// Stats answers what a sandbox uses.
	Stats(ctx context.Context, at Place, id string) (Stats, error)
	// Work runs a command or reaches files inside a sandbox until it is done.
	Work(ctx context.Context, at Place, id string, open Open, s Stream) error
}

// Stream is the two directions of work. Receive answers io.EOF where the other side feeds nothing more; Send may be called by one
// goroutine and Receive by another.
type Stream interface {
	Receive() (Feed, error)
	Send(Answer) error
}

// Place says where the sandboxes of a host are.
type Place struct {
	// Folder outlives the process; absolute.
	Folder string
	// Isolation is one of the constants of this package.
	Isolation string
}

// Isolations that an operator can ask for.
const (
	RequireStrong = "require-strong"
	PreferStrong  = "prefer-strong"
	Container     = "container"
)

// Abilities are what a machine can run.
type Abilities struct {
	Runtimes  []Runtime
	Templates []Template
}

// Runtime is one way to run sandboxes.
type Runtime struct {
	Name, Version string
	// Strong isolates untrusted code by more than the kernel's namespaces; Cold can put memory away on disk.
	Strong, Cold bool
	// Missing says why it cannot be used, or "".
	Missing string
}

// Template is what a new sandbox begins with.
type Template struct{ ID, Description, Missing string }

// Limits bound a sandbox.
type Limits struct {
	MemoryBytes uint64
	MilliCPUs   uint32
	DiskBytes   uint64
	Processes   uint32
}

// New says what sandbox to make.
type New struct {
	ID, Template string
	Limits       Limits
	Env          map[string]string
}

// Created says what runs a new sandbox.
type Created struct {
	Runtime string
	Strong  bool
}

// State is a sandbox as it was found.
type State struct {
	ID string
	// State is one of the constants of this package.
	State, Runtime string
}

// States of a sandbox on its machine.
const (
	Running = "running"
	Paused  = "paused"
	Parked  = "parked"  // paused, and no memory is held
	Stopped = "stopped" // only its disk is left
	Unknown = "unknown" // it could not be found out
)

// Stats are what a sandbox uses.
type Stats struct {
	MemoryBytes, MemoryLimitBytes uint64
	CPUNanoseconds, Processes     uint64
	// StoredBytes is what it occupies on the machine's disk; DiskUsedBytes what its own file system says.
	StoredBytes, DiskUsedBytes, DiskLimitBytes uint64
}
