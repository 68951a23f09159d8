package event

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/patchbay/patchbay/host/internal/id"
)

// Event is something that happened.
type Event struct {
	// ID is evt_...; Emit makes it where it is empty.
	ID string
	// User whose event it is; empty: the operator's.
	User string
	// Type in words with dots between, such as integration.expired.
	Type string
	// Subject is the id of what it happened to.
	Subject string
	// Data says more. It leaves the host: no secrets, no payloads.
	Data map[string]any
	// CreatedAt is the database's time; Emit sets it.
	CreatedAt time.Time
}

// Types of this room's own events.
const (
	TypeTest     = "webhook.test"     // somebody tries a webhook
	TypeFailing  = "webhook.failing"  // a delivery was given up
	TypeDisabled = "webhook.disabled" // the receiver answered 410 Gone
)

const (
	maxType    = 100
	maxSubject = 200
	// maxData in bytes of JSON keeps the body of a delivery under maxBody.
	maxData = 128 << 10
)

// Errors of this room. Their texts are for people.
var (
	ErrNotFound  = errors.New("there is no such thing of yours")
	ErrForbidden = errors.New("only an operator may have a webhook that gets everybody's events, or change it")
	ErrDisabled  = errors.New("the webhook is disabled: enable it first")
)

// InvalidError says what is wrong with a request; Pointer is a JSON Pointer into it.
type InvalidError struct{ Pointer, Detail string }

// Error answers the detail.
func (e *InvalidError) Error() string { return e.Detail }

// Prepare answers the event with an id, and its data as JSON. It fails where a type, a subject or the data cannot be sent to anybody.
func (e Event) Prepare() (Event, []byte, error) {
	if e.ID == "" {
		e.ID = id.New("evt")
	}
	if !validType(e.Type) || len(e.Subject) > maxSubject {
		return e, nil, fmt.Errorf("preparing an event: the type %.100q or the subject does not have the form of one", e.Type)
	}
	if e.Data == nil {
		e.Data = map[string]any{}
	}
	data, err := json.Marshal(e.Data)
	if err != nil {
		return e, nil, fmt.Errorf("preparing an event %s: %w", e.Type, err)
	}
	data = withoutNUL(data)
	if len(data) > maxData {
		return e, nil, fmt.Errorf("preparing an event %s: its data has %d bytes, more than %d", e.Type, len(data), maxData)
	}
	return e, data, nil
}

// withoutNUL drops the one character of JSON that PostgreSQL does not take: the words of a platform must not undo what happened.
func withoutNUL(raw []byte) []byte {
	out := raw[:0]
	for i := 0; i < len(raw); i++ {
		switch {
		case raw[i] != '\\':
			out = append(out, raw[i])
		case bytes.HasPrefix(raw[i:], []byte(`\u0000`)):
			i += len(`\u0000`) - 1
		default:
			out = append(out, raw[i], raw[i+1]) // an escape has at least two characters
			i++
		}
	}
	return out
}

// Events keeps events. It is a part of Store.
type Events interface {
	// EmitEvent stores an event and a delivery for each webhook that wants it, or for the one named alone, in one transaction.
	EmitEvent(ctx context.Context, e Event, webhook string) error
	// Event answers one, or ErrNotFound.
	Event(ctx context.Context, id string) (Event, error)
	// ListEvents answers a page; ErrNotFound where Filter.After names an event that is not kept.
	ListEvents(ctx context.Context, f Filter) ([]Event, error)
}

// First in Filter.After begins with the oldest event that is kept.
const First = "first"

// Filter narrows a list of events.
type Filter struct {
	User string
	// All asks for everybody's and the operator's.
	All bool
	// Type is a pattern; empty: all.
	Type string
	// Before is the event that the last page ended with: the newest come first then, as without any.
	Before string
	// After is the last event that was seen, or First: the next ones in the order in which they became visible, none left out.
	After string
	Limit int
}

// Log is where rooms say what happened. It is safe for concurrent use.
type Log struct{ store Events }

// NewLog answers a log over a store.
func NewLog(store Events) *Log { return &Log{store: store} }

// Emit stores an event and what is due for it, durably, before it returns.
func (l *Log) Emit(ctx context.Context, e Event) error {
	if err := l.store.EmitEvent(ctx, e, ""); err != nil {
		return fmt.Errorf("emitting %s: %w", e.Type, err)
	}
	return nil
}

// List answers a page of events. It fails with an *InvalidError for a bad pattern or an unknown Filter.After.
func (l *Log) List(ctx context.Context, f Filter) ([]Event, error) {
	if f.Type != "" && !validPattern(f.Type) {
		return nil, &InvalidError{"/type", patternHelp}
	}
	found, err := l.store.ListEvents(ctx, f)
	if f.After != "" && errors.Is(err, ErrNotFound) {
		return nil, &InvalidError{"/after", `must be the id of an event of the last 30 days that you may see, or "first"`}
	}
	if err != nil {
		return nil, fmt.Errorf("listing events: %w", err)
	}
	return found, nil
}
