package dispatch

import (
	"encoding/json"
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
	// Integration and Operation name what is run; Input is a JSON object.
	Integration, Operation string
	Input                  json.RawMessage
	Files                  []catalog.InFile
	// Timeout is DefaultTimeout when 0.
	Timeout time.Duration
	// IdempotencyKey makes a repeated request safe: it gets the first one's answer.
	IdempotencyKey string
	// Sink takes progress and deltas as they come; nil asks for the result alone.
	Sink Sink
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
