package postgres

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
)

// serverLog passes what a server writes on to the host's log, line by line, and remembers the last lines for errors.
type serverLog struct {
	log  *slog.Logger
	mu   sync.Mutex
	rest []byte
	last []string
}

const (
	maxLine   = 2 << 10 // the rest of a longer line is dropped
	keepLines = 5
)

// Write takes any part of the output; it never fails.
func (l *serverLog) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(text)
	for {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		l.rest = append(l.rest, line[:min(len(line), maxLine-len(l.rest))]...)
		if !whole {
			return n, nil
		}
		l.line(strings.TrimSpace(strings.ToValidUTF8(string(l.rest), "?")))
		l.rest, text = l.rest[:0], rest
	}
}

func (l *serverLog) line(line string) {
	if line == "" {
		return
	}
	l.log.Log(context.Background(), level(line), "postgres: "+line)
	l.last = append(l.last, line)
	l.last = l.last[max(0, len(l.last)-keepLines):]
}

// level is the weight of a server's line in the host's log. LOG is its word for how it fares.
func level(line string) slog.Level {
	switch severity, _, _ := strings.Cut(line, ":"); severity {
	case "PANIC":
		return slog.LevelError
	case "FATAL", "ERROR", "WARNING":
		return slog.LevelWarn
	default:
		return slog.LevelDebug
	}
}

// lastWords answers the last lines on one line.
func (l *serverLog) lastWords() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.last) == 0 {
		return "it said nothing"
	}
	return "it said: " + strings.Join(l.last, "; ")
}
