package api

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/patchbay/patchbay/host/internal/identity"
	"github.com/patchbay/patchbay/host/internal/sandbox"
	"github.com/patchbay/patchbay/host/internal/sandbox/box"
)

// sandboxExec runs a command. With `Accept: application/x-ndjson` its output comes as lines of JSON as it is said: {"stream","offset","data"} with the
// data in base64, and at the end {"result"} or {"problem"}.
func (a *API) sandboxExec(w http.ResponseWriter, r *http.Request, p identity.Principal) {
	var in map[string]any
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 8<<20)).Decode(&in); err != nil {
		newProblem(r.Context(), 400, "bad_request", "The body is no JSON object.").write(w)
		return
	}
	c, err := a.sandboxCall(p, "run_command", r.PathValue("id"), in)
	if err != nil {
		a.problem(r.Context(), err).write(w)
		return
	}
	if strings.Contains(r.Header.Get("Accept"), "application/x-ndjson") {
		a.StreamSandbox(w, r, c)
		return
	}
	out, err := a.cfg.Sandboxes.Do(r.Context(), c)
	if err != nil {
		a.problem(r.Context(), err).write(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(out) // a caller that went away
}

// sandboxLine is one line of a streamed answer.
type sandboxLine struct {
	Stream  string          `json:"stream,omitempty"`
	Offset  uint64          `json:"offset,omitempty"`
	Data    []byte          `json:"data,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Problem *Problem        `json:"problem,omitempty"`
}

// StreamSandbox runs an operation and answers in lines.
func (a *API) StreamSandbox(w http.ResponseWriter, r *http.Request, c sandbox.Call) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	lines := json.NewEncoder(w)
	flush := http.NewResponseController(w)
	say := func(l sandboxLine) error {
		return errors.Join(lines.Encode(l), flush.Flush())
	}
	c.Said = func(stream string, offset uint64, data []byte) error {
		return say(sandboxLine{Stream: stream, Offset: offset, Data: data})
	}
	out, err := a.cfg.Sandboxes.Do(r.Context(), c)
	if err != nil {
		_ = say(sandboxLine{Problem: a.problem(r.Context(), err)}) // a caller that went away
		return
	}
	_ = say(sandboxLine{Result: out}) // a caller that went away
}

// sandboxHere passes a request on to the host that has the sandbox, where that is another one.
func (a *API) sandboxHere(next func(http.ResponseWriter, *http.Request, identity.Principal)) func(http.ResponseWriter, *http.Request, identity.Principal) {
	return func(w http.ResponseWriter, r *http.Request, p identity.Principal) {
		if p.Limits.Limited() {
			newProblem(r.Context(), 403, "forbidden", "A token with limits uses sandboxes by calls of the operations that it may run.").write(w)
			return
		}
		here, host, err := a.cfg.Sandboxes.Here(r.Context(), p.User, r.PathValue("id"))
		switch {
		case err != nil:
			a.problem(r.Context(), err).write(w)
		case here:
			next(w, r, p)
		default:
			a.cfg.Elsewhere(w, r, host, p.User)
		}
	}
}

// ServeSandbox serves what another host passed on for a user.
func (a *API) ServeSandbox(w http.ResponseWriter, r *http.Request, user string) {
	p := identity.Principal{User: user}
	switch {
	case r.Method == http.MethodGet:
		a.sandboxDownload(w, r, p)
	case r.Method == http.MethodPut:
		a.sandboxUpload(w, r, p)
	default:
		a.sandboxTerminal(w, r, p)
	}
}

func (a *API) sandboxDownload(w http.ResponseWriter, r *http.Request, p identity.Principal) {
	name := r.URL.Query().Get("path")
	begun := false
	err := a.cfg.Sandboxes.ReadTo(r.Context(), p.User, r.PathValue("id"), name, func(int64) error {
		begun = true
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": path.Base(name)}))
		w.Header().Set("Content-Security-Policy", "sandbox; default-src 'none'")
		return nil
	}, w)
	switch {
	case err != nil && begun:
		panic(http.ErrAbortHandler) // so that a part is not taken for the whole
	case err != nil:
		a.problem(r.Context(), err).write(w)
	}
}

// maxSandboxUpload bounds one file; the sandbox's disk does so too.
const maxSandboxUpload = 4 << 30

func (a *API) sandboxUpload(w http.ResponseWriter, r *http.Request, p identity.Principal) {
	mode, err := strconv.ParseUint(orDefault(r.URL.Query().Get("mode"), "644"), 8, 12)
	if err != nil || r.URL.Query().Get("path") == "" {
		newProblem(r.Context(), 422, "validation_failed", "Give ?path=, and a mode in octal if any.").write(w)
		return
	}
	err = a.cfg.Sandboxes.WriteFrom(r.Context(), p.User, r.PathValue("id"), r.URL.Query().Get("path"), uint32(mode), http.MaxBytesReader(w, r.Body, maxSandboxUpload))
	if err != nil {
		a.problem(r.Context(), err).write(w)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// terminalProtocol is what a connection becomes: frames of one byte of kind, four of length, and content. Kinds from the caller: 0 input,
// 1 size (rows and columns, two bytes each), 2 the end of input. From the host: 0 output, 3 the exit code (four bytes), 4 a problem (JSON).
const terminalProtocol = "patchbay-terminal"

// sandboxTerminal runs an interactive program on a connection that was upgraded.
func (a *API) sandboxTerminal(w http.ResponseWriter, r *http.Request, p identity.Principal) {
	if r.Header.Get("Upgrade") != terminalProtocol {
		newProblem(r.Context(), 400, "bad_request", "A terminal needs `Upgrade: "+terminalProtocol+"` over HTTP/1.1.").write(w)
		return
	}
	size := box.Size{Rows: number(r.URL.Query().Get("rows"), 24), Columns: number(r.URL.Query().Get("columns"), 80)}
	argv := r.URL.Query()["argv"]
	if len(argv) == 0 {
		argv = []string{"/bin/bash", "-i"}
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		newProblem(r.Context(), 400, "bad_request", "This connection cannot become a terminal.").write(w)
		return
	}
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+terminalProtocol+"\r\n\r\n")
	if err != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	feed := make(chan box.Feed)
	go func() {
		defer cancel() // whoever typed is gone
		readTerminal(ctx, buffered.Reader, feed)
	}()
	code, err := a.cfg.Sandboxes.Terminal(ctx, p.User, r.PathValue("id"), argv, size, feed, func(data []byte) error { return writeFrame(conn, 0, data) })
	if err != nil {
		raw, _ := json.Marshal(a.problem(r.Context(), err)) // its fields always encode
		_ = writeFrame(conn, 4, raw)                        // a caller that went away
		return
	}
	_ = writeFrame(conn, 3, binary.BigEndian.AppendUint32(nil, uint32(code))) // a caller that went away
}

func number(text string, otherwise uint32) uint32 {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return otherwise
	}
	return uint32(n)
}

func writeFrame(w io.Writer, kind byte, content []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(content))), content...))
	return err
}

// readTerminal reads what the caller types until the connection ends.
func readTerminal(ctx context.Context, in *bufio.Reader, feed chan<- box.Feed) {
	for {
		var head [5]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return
		}
		size := binary.BigEndian.Uint32(head[1:])
		if size > 128<<10 {
			return
		}
		content := make([]byte, size)
		if _, err := io.ReadFull(in, content); err != nil {
			return
		}
		f := box.Feed{Data: content}
		if head[0] == 1 && size == 4 {
			f = box.Feed{Resize: &box.Size{Rows: uint32(binary.BigEndian.Uint16(content)), Columns: uint32(binary.BigEndian.Uint16(content[2:]))}}
		} else if head[0] != 0 || size == 0 {
			continue
		}
		select {
		case feed <- f:
		case <-ctx.Done():
			return
		}
	}
}
