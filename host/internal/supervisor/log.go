package supervisor

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of what an adapter may write into the host's log.
const (
	maxLine        = 2 << 10
	linesPerSecond = 100
	// keptSecrets is how many of the latest secrets a process is watched for.
	keptSecrets = 1024
)

// logWriter takes what an adapter prints line by line into the host's log: cut to length, a bounded number in a second, and without
// the secrets that it was given. Each stream of the adapter has its own lines.
type logWriter struct {
	logger *slog.Logger
	name   string

	mu      sync.Mutex
	streams []*logStream
	second  time.Time
	count   int
	dropped int
	words   string
	cause   string
	secrets map[string]bool
	ring    []string
	next    int
	replace *strings.Replacer // of the secrets; nil when they have changed
}

func newLogWriter(logger *slog.Logger, name string) *logWriter {
	return &logWriter{logger: logger, name: name, secrets: map[string]bool{}}
}

// hide makes the writer cut secrets out of every line from now on.
func (w *logWriter) hide(secrets []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range secrets {
		if w.secrets[s] {
			continue
		}
		w.secrets[s], w.replace = true, nil
		if len(w.ring) < keptSecrets {
			w.ring = append(w.ring, s)
			continue
		}
		delete(w.secrets, w.ring[w.next])
		w.ring[w.next] = s
		w.next = (w.next + 1) % keptSecrets
	}
}

// stream answers a writer for one stream of the adapter's. It never fails.
func (w *logWriter) stream() io.Writer {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := &logStream{log: w}
	w.streams = append(w.streams, s)
	return s
}

// logStream collects one stream's lines.
type logStream struct {
	log     *logWriter
	partial []byte
	over    bool // the rest of an over-long line is dropped
}

// Write takes a piece of the stream.
func (s *logStream) Write(p []byte) (int, error) {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	n := len(p)
	for {
		line, rest, found := bytes.Cut(p, []byte("\n"))
		s.add(line)
		if !found {
			return n, nil
		}
		s.emit()
		p = rest
	}
}

func (s *logStream) add(piece []byte) {
	if room := maxLine - len(s.partial); len(piece) > room {
		piece, s.over = piece[:max(room, 0)], true
	}
	s.partial = append(s.partial, piece...)
}

// emit logs the line that is complete; the lock is held.
func (s *logStream) emit() {
	line := clean(s.log.redact(string(s.partial), s.over), 2*maxLine)
	over := s.over
	s.partial, s.over = s.partial[:0], false
	if strings.TrimSpace(line) != "" {
		s.log.emit(line, over)
	}
}

// flush logs last lines without an end, and how many were dropped.
func (w *logWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.streams {
		s.emit()
	}
	w.tellDropped()
}

// emit logs a line within the limit; the lock is held.
func (w *logWriter) emit(line string, cut bool) {
	level, text, fields := parseLine(line)
	text, fields = clean(w.redact(text, false), 2*maxLine), w.redact(fields, false) // what JSON had hidden in escapes
	w.words = clip(text, 200)
	if w.cause == "" && (strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")) {
		w.cause = w.words // the last line of a stack says little
	}
	if now := time.Now(); now.Sub(w.second) >= time.Second {
		w.tellDropped()
		w.second, w.count = now, 0
	}
	if w.count++; w.count > linesPerSecond {
		w.dropped++
		return
	}
	attributes := []any{"adapter", w.name}
	if fields != "" {
		attributes = append(attributes, "fields", fields)
	}
	if cut {
		attributes = append(attributes, "cut", true)
	}
	w.logger.Log(context.Background(), level, text, attributes...)
}

func (w *logWriter) tellDropped() {
	if w.dropped > 0 {
		w.logger.Warn("an adapter wrote too much to its log", "adapter", w.name, "lines_dropped", w.dropped)
	}
	w.dropped = 0
}

// redact cuts the known secrets out of a line, longest first; the lock is held. A line that was cut may end within a secret, so
// what could be the beginning of one at its end goes too.
func (w *logWriter) redact(line string, cut bool) string {
	if w.replace == nil {
		var pairs []string
		for _, secret := range slices.SortedFunc(maps.Keys(w.secrets), func(a, b string) int { return len(b) - len(a) }) {
			pairs = append(pairs, secret, hidden)
		}
		w.replace = strings.NewReplacer(pairs...)
	}
	line = w.replace.Replace(line)
	if cut {
		line = w.withoutEnd(line)
	}
	return line
}

// withoutEnd hides the longest end of a line that is the beginning of a secret.
func (w *logWriter) withoutEnd(line string) string {
	longest := 0
	for secret := range w.secrets {
		for n := min(len(secret)-1, len(line)); n > longest && n >= shortestSecret/2; n-- {
			if strings.HasSuffix(line, secret[:n]) {
				longest = n
				break
			}
		}
	}
	if longest == 0 {
		return line
	}
	return line[:len(line)-longest] + hidden
}

// last answers what the adapter said of its end: why it panicked, or its last line, cut and redacted.
func (w *logWriter) last() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cause != "" {
		return w.cause
	}
	return w.words
}

// parseLine reads the level, the message and the other fields (as JSON) of a structured line, by the keys of slog and of hclog, and
// takes any other line as it is.
func parseLine(line string) (level slog.Level, text, fields string) {
	var entry map[string]any
	if line[0] != '{' || json.Unmarshal([]byte(line), &entry) != nil {
		return slog.LevelInfo, line, ""
	}
	take := func(keys ...string) string {
		for _, key := range keys {
			if value, ok := entry[key].(string); ok {
				delete(entry, key)
				return value
			}
		}
		return ""
	}
	if err := level.UnmarshalText([]byte(take("level", "@level"))); err != nil {
		level = slog.LevelInfo
	}
	level = min(max(level, slog.LevelDebug), slog.LevelError)
	text = take("msg", "@message")
	take("time", "@timestamp") // the host's own stands in the line already
	if text == "" {
		text = "an adapter's line"
	}
	if len(entry) == 0 {
		return level, text, ""
	}
	encoded, err := json.Marshal(entry)
	if err != nil {
		return level, text, "" // what was JSON a moment ago is
	}
	return level, text, string(encoded)
}
