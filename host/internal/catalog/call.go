package catalog

import (
	"context"
	"fmt"
	"io"
)

// Request asks an adapter to run an operation, or to test a credential (Operation is empty then).
type Request struct {
	// User whose call it is, for operations that the host serves itself; adapters are not told.
	User       string
	CallID     string
	Platform   *Platform
	Operation  *Operation
	Credential Credential
	Settings   Settings
	Input      []byte
	Files      []InFile
	// Stream asks for progress and deltas as they come.
	Stream bool
}

// InFile is a file that goes to the adapter. Its content is read once.
type InFile struct {
	Name, MediaType string
	Content         io.Reader
}

// Response is what an operation gave.
type Response struct {
	Output []byte
	Units  map[string]float64
}

// Account says whose credential it is.
type Account struct {
	ID, Name string
	Scopes   []string
	Observed map[string]string
}

// Sink takes what an operation gives before its result. Its methods are called one at a time.
type Sink interface {
	// Progress tells how far the work has come; fraction is negative when unknown.
	Progress(ctx context.Context, message string, fraction float64) error
	// Delta is a piece of the output, JSON.
	Delta(ctx context.Context, delta []byte) error
	// File takes one chunk of a file; name and media type come with the first, last ends it.
	File(ctx context.Context, index uint32, name, mediaType string, data []byte, last bool) error
}

// Credential is an opened credential on its way to an adapter. It cannot be printed or marshalled.
type Credential struct {
	Method string
	fields map[string]string
}

// NewCredential wraps opened fields.
func NewCredential(method string, fields map[string]string) Credential {
	return Credential{Method: method, fields: fields}
}

// Reveal answers the fields, for the one place that puts them on the wire.
func (c Credential) Reveal() map[string]string { return c.fields }

// Format hides the fields from every verb.
func (c Credential) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[credential]") }

// MarshalJSON hides the fields.
func (c Credential) MarshalJSON() ([]byte, error) { return []byte(`"[credential]"`), nil }

// MarshalText hides the fields.
func (c Credential) MarshalText() ([]byte, error) { return []byte("[credential]"), nil }
