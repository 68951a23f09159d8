package sandbox

// Open begins work inside a sandbox: exactly one field is set.
type Open struct {
	Start    *Command  `json:"start,omitempty"`
	Attach   *Attach   `json:"attach,omitempty"`
	File     *FileWork `json:"file,omitempty"`
	Commands bool      `json:"commands,omitempty"`
}

// Command runs as a process group of its own, and goes on when the stream ends.
type Command struct {
	Argv []string          `json:"argv"`
	Cwd  string            `json:"cwd,omitempty"`
	Env  map[string]string `json:"env,omitempty"`
	// TimeoutMilliseconds is 0 for none; time in which the sandbox is paused does not count.
	TimeoutMilliseconds uint64        `json:"timeout_ms,omitempty"`
	Terminal            *TerminalSize `json:"terminal,omitempty"`
	// ID keeps a repeated start from running it twice.
	ID         string `json:"id,omitempty"`
	Background bool   `json:"background,omitempty"`
	// MaxOutputBytes of each output are kept; 16 MiB when 0.
	MaxOutputBytes uint64 `json:"max_output,omitempty"`
}

// TerminalSize in characters.
type TerminalSize struct {
	Rows    uint32 `json:"rows"`
	Columns uint32 `json:"columns"`
}

// Attach asks for the output of a command from these offsets on.
type Attach struct {
	Command      string `json:"command"`
	StdoutOffset uint64 `json:"stdout,omitempty"`
	StderrOffset uint64 `json:"stderr,omitempty"`
	// Now answers what there is, without waiting.
	Now bool `json:"now,omitempty"`
}

// Actions of FileWork.
const (
	ReadFile   = "read"
	WriteFile  = "write"
	ListFiles  = "list"
	StatFile   = "stat"
	MakeFolder = "mkdir"
	MoveFile   = "move"
	RemoveFile = "remove"
)

// FileWork is done inside the sandbox.
type FileWork struct {
	Action string `json:"action"`
	Path   string `json:"path"`
	To     string `json:"to,omitempty"`
	Offset uint64 `json:"offset,omitempty"`
	// Limit is in bytes for a read, in entries for a list; 0: none.
	Limit     uint64 `json:"limit,omitempty"`
	Mode      uint32 `json:"mode,omitempty"`
	Recursive bool   `json:"recursive,omitempty"`
	Pattern   string `json:"pattern,omitempty"`
}

// Feed is what follows an Open: exactly one field is set.
type Feed struct {
	Data   []byte        `json:"data,omitempty"`
	End    bool          `json:"end,omitempty"`
	Resize *TerminalSize `json:"resize,omitempty"`
	Signal int32         `json:"signal,omitempty"`
}

// Answer is what comes back: exactly one field is set.
type Answer struct {
	Started *CommandState `json:"started,omitempty"`
	Stdout  *Output       `json:"stdout,omitempty"`
	Stderr  *Output       `json:"stderr,omitempty"`
	// Ended is the last answer of a command that was waited for.
	Ended   *CommandState `json:"ended,omitempty"`
	Data    []byte        `json:"data,omitempty"`
	Entry   *FileEntry    `json:"entry,omitempty"`
	Command *CommandState `json:"command,omitempty"`
	// Done is the last answer of everything else.
	Done    bool     `json:"done,omitempty"`
	Failure *Failure `json:"failure,omitempty"`
}

// Output is a piece of an output, and where in it the piece begins.
type Output struct {
	Offset uint64 `json:"offset"`
	Data   []byte `json:"data"`
}

// CommandState says how a command is.
type CommandState struct {
	ID              string `json:"id"`
	Running         bool   `json:"running"`
	ExitCode        int32  `json:"exit_code"`
	TimedOut        bool   `json:"timed_out,omitempty"`
	StdoutTruncated bool   `json:"stdout_truncated,omitempty"`
	StderrTruncated bool   `json:"stderr_truncated,omitempty"`
	Milliseconds    uint64 `json:"ms"`
	Summary         string `json:"summary,omitempty"`
}

// Kinds of files.
const (
	KindFile   = "file"
	KindFolder = "folder"
	KindLink   = "link"
	KindOther  = "other"
)

// FileEntry is one file.
type FileEntry struct {
	Path     string `json:"path"`
	Kind     string `json:"kind"`
	Size     uint64 `json:"size"`
	Mode     uint32 `json:"mode"`
	Modified int64  `json:"modified"` // milliseconds since 1970
	Target   string `json:"target,omitempty"`
}

// Reasons of a Failure.
const (
	NotFound = "not_found"
	Invalid  = "invalid"
	Exists   = "exists"
	Denied   = "denied"
	Full     = "full"
	Failed   = "failed"
)

// Failure says why work could not be done.
type Failure struct {
	Reason string `json:"reason"`
	Detail string `json:"detail"`
}
