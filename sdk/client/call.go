package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Call asks the host to run an operation.
type Call struct {
	// Integration is the id of the account; or Pool, of several.
	Integration string
	Pool        string
	Operation   string
	// Input is what encodes to a JSON object; {} when nil.
	Input any
	// Files are small; together they stay under a few MiB.
	Files []InFile
	// Timeout is the host's, two minutes, when 0; 15 minutes at most.
	Timeout time.Duration
	// IdempotencyKey makes it safe to send the call again: it gets the first one's answer for 24 hours.
	IdempotencyKey string
}

// InFile is a file that goes with a call.
type InFile struct {
	Name      string `json:"name"`
	MediaType string `json:"media_type,omitempty"`
	Data      []byte `json:"data"`
}

// Answer is what a call gave.
type Answer struct {
	ID     string          `json:"id"`
	Output json.RawMessage `json:"output"`
	// OutputFile is the id of the file that holds the output where it was too large to stand in the answer.
	OutputFile string             `json:"output_file"`
	Files      []File             `json:"files"`
	Attempts   int                `json:"attempts"`
	DurationMS float64            `json:"duration_ms"`
	Usage      map[string]float64 `json:"usage"`
}

// Decode decodes the output.
func (a Answer) Decode(into any) error {
	if err := json.Unmarshal(a.Output, into); err != nil {
		return fmt.Errorf("decoding the output: %w", err)
	}
	return nil
}

// File is a file that a call gave. Its URL is good for some minutes, for whoever has it.
type File struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	MediaType string `json:"media_type"`
	Size      int64  `json:"size"`
	URL       string `json:"url"`
}

// request is a call as the host takes it.
func (c Call) request() (any, http.Header) {
	header := http.Header{}
	if c.IdempotencyKey != "" {
		header.Set("Idempotency-Key", c.IdempotencyKey)
	}
	timeout := ""
	if c.Timeout > 0 {
		timeout = c.Timeout.String()
	}
	return struct {
		Integration string   `json:"integration,omitempty"`
		Pool        string   `json:"pool,omitempty"`
		Operation   string   `json:"operation"`
		Input       any      `json:"input,omitempty"`
		Timeout     string   `json:"timeout,omitempty"`
		Files       []InFile `json:"files,omitempty"`
	}{c.Integration, c.Pool, c.Operation, c.Input, timeout, c.Files}, header
}

// Call runs an operation. Failures of the host are *Error.
func (c *Client) Call(ctx context.Context, call Call) (Answer, error) {
	in, header := call.request()
	resp, err := c.send(ctx, http.MethodPost, "/v1/calls", nil, in, header)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end, or given up
	var out Answer
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&out); err != nil {
		return Answer{}, fmt.Errorf("decoding the host's answer: %w", err)
	}
	return out, nil
}

// Event is a part of a call that streams: exactly one field is set. The last one is the Result.
type Event struct {
	Progress *Progress
	// Delta is a piece of the output, JSON.
	Delta  json.RawMessage
	Result *Answer
}

// Progress says how far a call has come; Fraction, from 0 to 1, is nil where it is not known.
type Progress struct {
	Message  string   `json:"message"`
	Fraction *float64 `json:"fraction"`
}

// Stream runs an operation and yields what it gives as it comes. An error is the last thing that is yielded. Breaking off cancels the call.
func (c *Client) Stream(ctx context.Context, call Call) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		in, header := call.request()
		header.Set("Accept", "text/event-stream")
		resp, err := c.send(ctx, http.MethodPost, "/v1/calls", nil, in, header)
		if err != nil {
			yield(Event{}, err)
			return
		}
		defer func() { _ = resp.Body.Close() }() // read as far as it was wanted
		reader := bufio.NewReader(resp.Body)
		for {
			name, data, err := readEvent(reader)
			if err != nil {
				yield(Event{}, fmt.Errorf("reading the call's events: %w", err))
				return
			}
			event, known, err := decodeEvent(name, data)
			if err != nil {
				yield(Event{}, err)
				return
			}
			if known && (!yield(event, nil) || event.Result != nil) {
				return
			}
		}
	}
}

// readEvent reads a server-sent event with a name; comments are passed over.
func readEvent(r *bufio.Reader) (name string, data []byte, err error) {
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return "", nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch {
		case len(line) == 0 && name != "":
			return name, data, nil
		case string(field) == "event":
			name = string(value)
		case string(field) == "data":
			data = append(data, value...)
		}
		if len(data) > maxAnswer {
			return "", nil, errors.New("an event is too large")
		}
	}
}

func decodeEvent(name string, data []byte) (Event, bool, error) {
	var e Event
	var err error
	switch name {
	case "progress":
		err = json.Unmarshal(data, &e.Progress)
	case "delta":
		e.Delta = data
	case "result":
		err = json.Unmarshal(data, &e.Result)
	case "error":
		refused := &Error{}
		if err = json.Unmarshal(data, refused); err == nil {
			err = refused
		}
		return e, false, err
	default:
		return e, false, nil // of a newer host
	}
	if err != nil {
		return e, false, fmt.Errorf("decoding an event: %w", err)
	}
	return e, true, nil
}

// Record is what the host recorded of a call.
type Record struct {
	ID          string             `json:"id"`
	Integration string             `json:"integration"`
	Label       string             `json:"label"`
	Platform    string             `json:"platform"`
	Operation   string             `json:"operation"`
	Effect      string             `json:"effect"`
	Kind        string             `json:"kind"` // ok, or how it failed
	Reason      string             `json:"reason"`
	StartedAt   time.Time          `json:"started_at"`
	DurationMS  float64            `json:"duration_ms"`
	Attempts    int                `json:"attempts"`
	Usage       map[string]float64 `json:"usage"`
	Files       []File             `json:"files"` // of GetCall alone
}

// Filter narrows a list of calls; empty fields mean any.
type Filter struct{ Integration, Platform, Kind string }

// Calls yields your calls, the newest first.
func (c *Client) Calls(ctx context.Context, f Filter) iter.Seq2[Record, error] {
	return pages[Record](ctx, c, "/v1/calls", values("integration", f.Integration, "platform", f.Platform, "kind", f.Kind))
}

// GetCall answers one of your calls with its files.
func (c *Client) GetCall(ctx context.Context, id string) (Record, error) {
	var out Record
	err := c.do(ctx, http.MethodGet, "/v1/calls/"+url.PathEscape(id), nil, nil, &out)
	return out, err
}
