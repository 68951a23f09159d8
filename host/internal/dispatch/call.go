package dispatch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/file"
)

// Bounds of a call.
const (
	DefaultTimeout = 2 * time.Minute
	MaxTimeout     = 15 * time.Minute
	// MaxInput bounds the JSON input.
	MaxInput = 8 << 20
	// MaxInline bounds the JSON output of an answer; a larger one becomes a file.
	MaxInline = 1 << 20
)

// Call is what a surface asks for.
type Call struct {
	// User is whose integration it is, Token the id of the token that asks, or "".
	User, Token string
	// Limits are what the token's calls are held to; nil is nothing.
	Limits Limits
	// Integration and Operation name what is run; Input is a JSON object.
	Integration, Operation string
	Input                  json.RawMessage
	// Pool, by its id or its name, stands in the place of Integration.
	Pool string
	// Workflow and WorkflowRun say which workflow the call belongs to, or "".
	Workflow, WorkflowRun string
	Files                 []catalog.InFile
	// Timeout is DefaultTimeout when 0.
	Timeout time.Duration
	// IdempotencyKey makes a repeated request safe: it gets the first one's answer.
	IdempotencyKey string
	// Sink takes progress and deltas as they come; nil asks for the result alone.
	Sink Sink

	more bool // another member of the pool can serve
}

// Limits hold calls to some of what their user could run.
type Limits interface {
	Allow(integration, platform, operation, effect string) bool
}

// Sink takes what a call gives before its result. Its methods are called one at a time.
type Sink interface {
	Progress(message string, fraction float64) error
	Delta(delta json.RawMessage) error
}

// Answer is what a call gave.
type Answer struct {
	ID     string          `json:"id"`
	Output json.RawMessage `json:"output"`
	// OutputFile is the id of the file that holds the output where it was too large to stand here; Output is null then.
	OutputFile string             `json:"output_file,omitempty"`
	Files      []file.File        `json:"files"`
	Attempts   int                `json:"attempts"`
	DurationMS float64            `json:"duration_ms"`
	Usage      map[string]float64 `json:"usage"`
	// Replayed is true where an Idempotency-Key found it.
	Replayed bool `json:"-"`
}

// JSON answers the answer as its fields say, on a line of its own. The output stands in it as the adapter gave it: dispatch has made
// sure that it is JSON, and it is not read once more for that.
func (a Answer) JSON() ([]byte, error) {
	output := a.Output
	if output == nil {
		output = json.RawMessage("null")
	}
	a.Output = nil
	whole, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("encoding the answer: %w", err)
	}
	before, after, _ := bytes.Cut(whole, []byte(`"output":null`)) // the first one: an id holds no quotes
	line := make([]byte, 0, len(whole)+len(output)+len(`"output":`)+1)
	line = append(append(append(line, before...), `"output":`...), output...)
	return append(append(line, after...), '\n'), nil
}
