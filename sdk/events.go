package sdk

import (
	"bufio"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
)

// maxEventBytes bounds one server-sent event.
const maxEventBytes = 4 << 20

// Event is one server-sent event.
type Event struct {
	// Name is "message" when the platform gives none.
	Name string
	Data string
	ID   string
}

// Events sends a request that is answered by server-sent events (WHATWG HTML, 9.2) and calls each for every one, until the
// platform ends the stream, each fails, or each answers io.EOF, which ends it without an error.
func (c *Call) Events(ctx context.Context, r Request, each func(Event) error) error {
	if r.Header = r.Header.Clone(); r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Set("Accept", "text/event-stream")
	resp, err := c.Open(ctx, r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // a stream is left, not finished
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind != "text/event-stream" {
		return Errorf(PlatformError, "The platform did not answer with a stream of events (its type is %q).", kind)
	}
	if err := ReadEvents(resp.Body, each); err != nil {
		return bodyError(ctx, err)
	}
	return nil
}

// ReadEvents calls each for every event of an answer that is a stream of them, until it ends, each fails, or each answers io.EOF, which
// ends it without an error.
func ReadEvents(body io.Reader, each func(Event) error) error {
	err := readEvents(body, each)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// readEvents parses a stream of events.
func readEvents(r io.Reader, each func(Event) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 16<<10), maxEventBytes)
	lines.Split(scanEventLines)
	var event Event
	var data []string
	size := 0
	for first := true; lines.Scan(); first = false {
		line := lines.Text()
		if first {
			line = strings.TrimPrefix(line, "\uFEFF")
		}
		if line == "" {
			if len(data) > 0 {
				event.Data = strings.Join(data, "\n")
				event.Name = orString(event.Name, "message")
				if err := each(event); err != nil {
					return err
				}
			}
			event, data, size = Event{ID: event.ID}, nil, 0
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		if name == "" {
			continue // a comment
		}
		if size += len(line); size > maxEventBytes {
			return Errorf(PlatformError, "The platform sent an event that is too large.")
		}
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "event":
			event.Name = value
		case "data":
			data = append(data, value)
		case "id":
			event.ID = value
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return Errorf(PlatformError, "The platform sent an event that is too large.")
	}
	return lines.Err()
}

// scanEventLines splits at LF, CRLF and lone CR, as the standard has it.
func scanEventLines(data []byte, atEOF bool) (int, []byte, error) {
	for i, b := range data {
		switch {
		case b == '\n':
			return i + 1, data[:i], nil
		case b == '\r' && i+1 < len(data):
			if data[i+1] == '\n' {
				return i + 2, data[:i], nil
			}
			return i + 1, data[:i], nil
		case b == '\r' && atEOF:
			return i + 1, data[:i], nil
		}
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}
