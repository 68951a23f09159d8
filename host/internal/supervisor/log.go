package supervisor

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Bounds of what an adapter may write into the host's log.
const (
	maxLine        = 2 << 10
	linesPerSecond = 100
	// keptSecrets is how many of the latest secrets a process is watched for.
	keptSecrets = 256
	// shortestSecret keeps words such as a user name of two letters from being cut out of every line.
	shortestSecret = 6
)

// logWriter takes an adapter's stderr line by line into the host's log: cut to length, a bounded number in a second, and without the
// secrets that it was given.
type logWriter struct {
	logger *slog.Logger
	name   string

	mu      sync.Mutex
	partial []byte
	over    bool // the rest of an over-long line is dropped
	second  time.Time
	count   int
	dropped int
	words   string
	secrets map[string]bool
	ring    []string
	next    int
}

func newLogWriter(logger *slog.Logger, name string) *logWriter {
	return &logWriter{logger: logger, name: name, secrets: map[string]bool{}}
}

// hide makes the writer cut a secret out of every line from now on.
func (w *logWriter) hide(values map[string]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, v := range values {
		for part := range strings.SplitSeq(v, "\n") { // a key of several lines may be printed by the line
			if len(part) < shortestSecret || w.secrets[part] {
				continue
			}
			w.secrets[part] = true
			if len(w.ring) < keptSecrets {
				w.ring = append(w.ring, part)
				continue
			}
			delete(w.secrets, w.ring[w.next])
			w.ring[w.next] = part
			w.next = (w.next + 1) % keptSecrets
		}
	}
}

// Write takes a piece of the stream. It never fails.
func (w *logWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(p)
	for {
		line, rest, found := bytes.Cut(p, []byte("\n"))
		w.add(line)
		if !found {
			return n, nil
		}
		w.emit()
		p = rest
	}
}

func (w *logWriter) add(piece []byte) {
	if room := maxLine - len(w.partial); len(piece) > room {
		piece, w.over = piece[:max(room, 0)], true
	}
	w.partial = append(w.partial, piece...)
}

// flush logs a last line without an end.
func (w *logWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.emit()
}

// emit logs the line that is complete; the lock is held.
func (w *logWriter) emit() {
	line := w.redact(strings.ToValidUTF8(string(w.partial), "\uFFFD"))
	over := w.over
	w.partial, w.over = w.partial[:0], false
	if strings.TrimSpace(line) == "" {
		return
	}
	level, text := parseLine(line)
	w.words = clip(text, 200)
	if now := time.Now(); now.Sub(w.second) >= time.Second {
		if w.dropped > 0 {
			w.logger.Warn("an adapter wrote too much to its log", "adapter", w.name, "lines_dropped", w.dropped)
		}
		w.second, w.count, w.dropped = now, 0, 0
	}
	if w.count++; w.count > linesPerSecond {
		w.dropped++
		return
	}
	w.logger.Log(context.Background(), level, text, "adapter", w.name, "cut", over)
}

// redact cuts the known secrets out of a line; the lock is held. A line that was cut may end within a secret, so what could be the
// beginning of one at its end goes too.
func (w *logWriter) redact(line string) string {
	for secret := range w.secrets {
		line = strings.ReplaceAll(line, secret, "[secret]")
		if !w.over {
			continue
		}
		for n := min(len(secret)-1, len(line)); n >= shortestSecret; n-- {
			if strings.HasSuffix(line, secret[:n]) {
				line = line[:len(line)-n] + "[secret]"
				break
			}
		}
	}
	return line
}

// last answers the last line that was said, cut and redacted.
func (w *logWriter) last() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.words
}

// parseLine reads the level and the message of a structured line, by the keys of slog and of hclog, and takes any other as it is.
func parseLine(line string) (slog.Level, string) {
	var entry struct {
		Level    string `json:"level"`
		Msg      string `json:"msg"`
		HLevel   string `json:"@level"`
		HMessage string `json:"@message"`
	}
	if line[0] != '{' || json.Unmarshal([]byte(line), &entry) != nil {
		return slog.LevelInfo, line
	}
	level := slog.LevelInfo
	_ = level.UnmarshalText([]byte(entry.Level + entry.HLevel)) // an unknown level stays info
	if entry.Msg == "" && entry.HMessage == "" {
		return level, line
	}
	return level, line
}
