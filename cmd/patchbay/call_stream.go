package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// maxEvent bounds one event of a stream.
const maxEvent = 32 << 20

// streamLine is a line that --stream --json prints.
type streamLine struct {
	Event string          `json:"event"`
	Data  json.RawMessage `json:"data"`
}

// streamCall runs a call as a stream, prints what comes and answers the result.
func streamCall(ctx context.Context, c *client, con *console, r request) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	response, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // read to its end, or given up
	if !strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		return nil, sent(c.strange(response))
	}
	events := newEventReader(response.Body)
	for {
		e, err := events.next()
		if errors.Is(err, io.EOF) {
			return nil, sent(unreachableError("the stream of %s ended before its result", c.url))
		}
		if err != nil {
			return nil, sent(c.unreachable(ctx, err))
		}
		if !json.Valid(e.data) {
			return nil, sent(c.strange(response))
		}
		switch e.name {
		case "result":
			return e.data, nil
		case "error":
			if p := decodeProblem(e.data); p != nil {
				return nil, p
			}
			return nil, sent(c.strange(response))
		}
		if err := con.event(e); err != nil {
			return nil, err
		}
	}
}

// event prints a delta or progress. Events of a kind that this version does not know are printed with --json alone.
func (c *console) event(e event) error {
	if c.json {
		return c.line(streamLine{e.name, e.data})
	}
	switch e.name {
	case "delta":
		return c.line(json.RawMessage(e.data))
	case "progress":
		p, err := decode[struct {
			Message  string   `json:"message"`
			Fraction *float64 `json:"fraction"`
		}](e.data)
		if err == nil && p.Fraction != nil {
			c.note("%3.0f%% %s", *p.Fraction*100, clean(p.Message))
		} else if err == nil {
			c.note("%s", clean(p.Message))
		}
	}
	return nil
}

// line prints a value as one line of JSON.
func (c *console) line(v any) error {
	raw, err := json.Marshal(v) // compacts what is JSON already
	if err != nil {
		return err
	}
	_, err = c.out.Write(append(raw, '\n'))
	return err
}

// event is one server-sent event.
type event struct {
	name string
	data []byte
}

// eventReader decodes server-sent events (the text/event-stream of the HTML standard): "event" and "data" lines up to a blank one;
// comments and other lines are left out, and so is an event that the end cuts off.
type eventReader struct{ lines *bufio.Reader }

func newEventReader(r io.Reader) *eventReader { return &eventReader{bufio.NewReaderSize(r, 64<<10)} }

// next answers the next event, io.EOF at the end, or an error where an event is larger than maxEvent.
func (e *eventReader) next() (event, error) {
	out, has, total := event{name: "message"}, false, 0
	for {
		line, err := e.line(maxEvent - total)
		if err != nil {
			return event{}, err
		}
		total += len(line)
		if len(line) == 0 {
			if has {
				return out, nil
			}
			out = event{name: "message"}
			continue
		}
		name, value, _ := strings.Cut(string(line), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "event":
			out.name = value
		case "data":
			if has {
				out.data = append(out.data, '\n')
			}
			out.data, has = append(out.data, value...), true
		}
	}
}

// line reads a line of at most n bytes, without its end.
func (e *eventReader) line(n int) ([]byte, error) {
	var line []byte
	for {
		part, err := e.lines.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > n {
			return nil, errors.New("an event of the stream is too large")
		}
		switch {
		case err == nil:
			line = line[:len(line)-1]
			if len(line) > 0 && line[len(line)-1] == '\r' {
				line = line[:len(line)-1]
			}
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}
