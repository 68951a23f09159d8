package workflow

import (
	"context"
	"errors"
	"time"

	"github.com/patchbay/patchbay/host/internal/vault"
)

// State is how a run or a node is. A run is running, waiting (nothing of it runs, and something waits), succeeded, failed or cancelled.
type State string

// States.
const (
	Pending   State = "pending"
	Running   State = "running"
	Waiting   State = "waiting"
	Succeeded State = "succeeded"
	Failed    State = "failed"
	Skipped   State = "skipped"
	Cancelled State = "cancelled"
)

// Ended says whether a state is the last one.
func (s State) Ended() bool {
	return s == Succeeded || s == Failed || s == Skipped || s == Cancelled
}

// Phases say what a node has behind it, or waits for.
const (
	phaseApproval = "approval" // waits for a person
	phaseApproved = "approved"
	phaseUnknown  = "unknown" // the fate of a write: waits for a person
	phaseTimer    = "timer"
	phaseChild    = "child" // waits for another run
	// PhaseChildDone is set by the store when that run has ended.
	PhaseChildDone = "child_done"
)

// EventFinished is the type of the event of a run's end.
const EventFinished = "run.finished"

// ErrNotFound is answered for a missing thing and for another user's alike.
var ErrNotFound = errors.New("there is no such thing of yours")

// ConflictError says why something cannot be done now.
type ConflictError struct{ Detail string }

// Error answers the detail.
func (e *ConflictError) Error() string { return e.Detail }

// InvalidError says what is wrong with a request or a document; Pointer is a JSON Pointer into it, Line a line of it or 0.
type InvalidError struct {
	Pointer, Detail string
	Line            int
}

// Error answers the detail.
func (e *InvalidError) Error() string { return e.Detail }

// Binding is what the words of a document for an integration stand for.
type Binding struct {
	ID       string `json:"id"`
	Platform string `json:"platform"`
}

// Workflow is a stored one.
type Workflow struct {
	ID, User, Name       string
	Source               string
	Bindings             map[string]Binding
	Enabled              bool
	Version              int
	Hook                 string // id of its inbound webhook, or ""
	Secret               vault.Sealed
	CreatedAt, UpdatedAt time.Time
}

// Run is one execution.
type Run struct {
	ID, User             string
	WorkflowID, Workflow string
	Version              int
	Trigger              string
	Test                 bool
	State                State
	Stopping             bool // it fails or is cancelled, and something still runs
	Code, Error, Node    string
	Parent               Place
	Root                 string
	Depth                int
	Input                []byte // sealed under Key
	Key                  vault.Sealed
	CreatedAt            time.Time
	FinishedAt           *time.Time
}

// Place names a node of a run; Item is -1 but for an item of a for_each.
type Place struct {
	Run, Node string
	Item      int
}

// NodeRow is a node of a run, or an item of one. Value, Input and Output are sealed under the run's key.
type NodeRow struct {
	Place
	State                    State
	Phase                    string
	Blocked, Attempt         int
	Items                    *int
	ItemsOpen                int
	Child                    string
	Code, Error, Call        string
	Value, Input, Output     []byte
	StartedAt, FinishedAt    *time.Time
	SucceededItems, BadItems int
}

// Start is a run to be stored with its nodes.
type Start struct {
	Run
	Nodes []StartNode
}

// StartNode is a node before anything ran. One with nothing to wait for is ready.
type StartNode struct {
	Name    string
	Blocked int
}

// Filter narrows a list of runs. User is required.
type Filter struct {
	User, Workflow string
	State          State
	Before         string
	Limit          int
}

// Workflows keeps workflows.
type Workflows interface {
	// PutWorkflow stores another version of a user's workflow, or its first one unless the user has most already. Its schedules are those of
	// the document, due from now on where it is enabled.
	PutWorkflow(ctx context.Context, w Workflow, schedules []Schedule, most int) (Workflow, error)
	Workflow(ctx context.Context, user, name string) (Workflow, error)
	ListWorkflows(ctx context.Context, user, after string, limit int) ([]Workflow, error)
	DeleteWorkflow(ctx context.Context, user, name string) error
	// EnableWorkflow switches one on or off; next answers when each of its schedules is due.
	EnableWorkflow(ctx context.Context, user, name string, enabled bool, next func(Schedule) time.Time) (Workflow, error)
	// SetHook gives a workflow an inbound webhook, or takes it where the id is empty.
	SetHook(ctx context.Context, user, name, hook string, secret vault.Sealed) (Workflow, error)
	// Hook answers the enabled or disabled workflow of an inbound webhook.
	Hook(ctx context.Context, hook string) (Workflow, error)
}

// Runs keeps runs.
type Runs interface {
	// StartRun stores a run. Where message is not empty it is that of an inbound webhook, and a repeated one answers the first one's run. It
	// answers a ConflictError while the user has most live runs.
	StartRun(ctx context.Context, s Start, message Message, most int) (string, error)
	Run(ctx context.Context, user, id string) (Run, error)
	// Source answers the document of a version.
	Source(ctx context.Context, workflow string, version int) (string, error)
	ListRuns(ctx context.Context, f Filter) ([]Run, error)
	// Nodes answers the nodes of a run in the order of the document, without the items, and with their outputs where they are asked for.
	Nodes(ctx context.Context, run string, outputs bool) ([]NodeRow, error)
	// Items answers a page of a node's items behind one.
	Items(ctx context.Context, run, node string, after, limit int) ([]NodeRow, error)
	CancelRun(ctx context.Context, user, id string) error
	// RetryRun lets plan say what is to run again, given the nodes as they are under the run's lock.
	RetryRun(ctx context.Context, user, id string, plan func(Run, []NodeRow) ([]Reset, error)) error
	// Decide changes a waiting node of a user's run.
	Decide(ctx context.Context, user string, at Place, decide func(NodeRow) (Result, error)) error
}

// Message is one of an inbound webhook.
type Message struct{ Hook, ID string }

// Reset makes a node run again. Where Items is true only its items that did not succeed do, Parallel at a time.
type Reset struct {
	Node     string
	Blocked  int
	Items    bool
	Parallel int
}

// Store keeps everything of this room.
type Store interface {
	Workflows
	Runs
}

// Queue hands nodes out. Its clock is the database's.
type Queue interface {
	// Take makes this host the owner of up to n ready nodes, the users in turn.
	Take(ctx context.Context, n int) ([]Task, error)
	// Settle records what nodes gave and makes ready what waited for them, in one transaction. What belongs to another taking is ignored.
	// It answers whether anything is ready now.
	Settle(ctx context.Context, results []Result) (bool, error)
	// Load answers a run with the document of its version, as it is stored.
	Load(ctx context.Context, run string) (Loaded, error)
	// Given answers nodes of a run; the outputs, those of items too, of the ones in outputs alone.
	Given(ctx context.Context, run string, nodes, outputs []string) ([]NodeRow, error)
	// Family counts the runs that began with a root.
	Family(ctx context.Context, root string) (int, error)
	// Recover makes nodes of dead hosts ready, and those that this host owns and does not know; it stops runs whose parent stopped. It
	// answers which of the given runs are being stopped.
	Recover(ctx context.Context, mine []Task) (stopping []string, err error)
	// Fire starts the runs of schedules that are due.
	Fire(ctx context.Context, start func(Workflow, Schedule) (Start, time.Time, error)) error
}

// Loaded is a run with its document.
type Loaded struct {
	Run
	Source   string
	Bindings map[string]Binding
}

// Task is a node that this host owns.
type Task struct {
	Place
	Phase        string
	Fence        int64
	Attempt      int
	Child        string
	Value, Input []byte
}

// Result is what became of a node.
type Result struct {
	Place
	Fence int64
	State State
	Phase string
	// Again is after how long it is ready once more; nil: not by time.
	Again *time.Duration
	// Repeat counts another attempt.
	Repeat            bool
	Code, Error, Call string
	Input, Output     []byte
	// Fails makes the run fail.
	Fails bool
	// Next are the nodes that wait for this one, or for the one that it is an item of.
	Next []string
	// Items make it a node of items, Parallel of them at a time.
	Items    [][]byte
	Parallel int
	Child    *Start
}
