// Package box has the words in which the host speaks of a sandbox to whoever runs it. It stands below the room, so that the supervisor can
// know them.
package box

import "context"

// Driver runs sandboxes on this machine. Every method may be called again with the same id. Failures are *catalog.Failure.
type Driver interface {
	Probe(ctx context.Context, at Place) (Abilities, error)
	Create(ctx context.Context, at Place, n New) (Created, error)
	// Pause answers whether no memory is held any more.
	Pause(ctx context.Context, at Place, id string, cold bool) (isCold bool, err error)
	// Resume answers whether processes were preserved, or files alone.
	Resume(ctx context.Context, at Place, id string) (memory bool, err error)
	Destroy(ctx context.Context, at Place, id string) error
	List(ctx context.Context, at Place) ([]State, error)
	Stats(ctx context.Context, at Place, id string) (Stats, error)
	// Work runs until the last answer. feed is closed by the caller when it feeds no more; nil feeds nothing.
	Work(ctx context.Context, at Place, id string, open Open, feed <-chan Feed, each func(Answer) error) error
}

// Place says where sandboxes are, and how strongly they are to be isolated.
type Place struct{ Folder, Isolation string }

// Abilities are what a machine can run.
type Abilities struct {
	Runtimes  []Runtime
	Templates []Template
}

// Runtime is one way to run sandboxes.
type Runtime struct {
	Name, Version string
	Strong, Cold  bool
	// Missing says why it cannot be used, or "".
	Missing string
}

// Template is what a sandbox begins with.
type Template struct{ ID, Description, Missing string }

// Limits bound a sandbox.
type Limits struct {
	MemoryBytes uint64
	MilliCPUs   uint32
	DiskBytes   uint64
	Processes   uint32
}

// New says what to make.
type New struct {
	ID, Template string
	Limits       Limits
	Env          map[string]string
}

// Created says what runs it.
type Created struct {
	Runtime string
	Strong  bool
}

// State is a sandbox as it was found: running, paused, parked, stopped or unknown.
type State struct{ ID, State, Runtime string }

// States that a driver finds.
const (
	Running = "running"
	Paused  = "paused"
	Parked  = "parked"
	Stopped = "stopped"
	Unknown = "unknown"
)

// Stats are what a sandbox uses.
type Stats struct {
	MemoryBytes, MemoryLimitBytes, CPUNanoseconds, Processes uint64
	StoredBytes, DiskUsedBytes, DiskLimitBytes               uint64
}

// Open begins work: one field is set.
type Open struct {
	Start    *Command
	Attach   *Attach
	File     *FileWork
	Commands bool
}

// Command runs as a process group of its own.
type Command struct {
	ID                  string
	Argv                []string
	Cwd                 string
	Env                 map[string]string
	TimeoutMilliseconds uint64
	Terminal            *Size
	Background          bool
	MaxOutputBytes      uint64
}

// Size of a terminal, in characters.
type Size struct{ Rows, Columns uint32 }

// Attach asks for the output of a command.
type Attach struct {
	Command                    string
	StdoutOffset, StderrOffset uint64
	Now                        bool
}

// FileWork is done inside the sandbox.
type FileWork struct {
	Action, Path, To string
	Offset, Limit    uint64
	Mode             uint32
	Recursive        bool
	Pattern          string
}

// Feed follows an Open: one field is set.
type Feed struct {
	Data   []byte
	End    bool
	Resize *Size
	Signal int32
}

// Answer comes back: one field is set. Its content is the sandbox's: nothing in it is to be believed.
type Answer struct {
	Started, Ended, Command *CommandState
	Stdout, Stderr          *Output
	Data                    []byte
	Entry                   *File
	Done                    bool
	Failure                 *Failure
}

// Output is a piece of an output, and where it begins.
type Output struct {
	Offset uint64
	Data   []byte
}

// CommandState says how a command is.
type CommandState struct {
	ID                               string
	Running, TimedOut                bool
	ExitCode                         int
	StdoutTruncated, StderrTruncated bool
	Milliseconds                     int64
	Summary                          string
}

// File is one file.
type File struct {
	Path, Kind, Target string
	Size               int64
	Mode               uint32
	ModifiedMS         int64
}

// Failure says why work could not be done: not_found, invalid, exists, denied, full or failed.
type Failure struct{ Reason, Detail string }
