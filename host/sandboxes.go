package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/patchbay/patchbay/host/internal/api"
	"github.com/patchbay/patchbay/host/internal/audit"
	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/cluster"
	"github.com/patchbay/patchbay/host/internal/id"
	"github.com/patchbay/patchbay/host/internal/release"
	"github.com/patchbay/patchbay/host/internal/sandbox"
)

// sandboxAdapter is the adapter that runs sandboxes.
const sandboxAdapter = "sandbox"

// userHeader names the user that a host passes a request on for.
const userHeader = "Patchbay-For-User"

// builtInGrants are what adapters that come with the host get beyond the ordinary. Only root can run containers: elsewhere their adapter is
// confined as all are, and says what is missing.
func builtInGrants() map[string]release.Grants {
	if os.Geteuid() != 0 {
		return nil
	}
	return map[string]release.Grants{sandboxAdapter: {release.GrantContainers}}
}

// openSandboxes makes the room of sandboxes, which Run keeps.
func (h *Host) openSandboxes(log *audit.Log) error {
	folder := filepath.Join(h.cfg.Data, "sandboxes")
	home, err := homeOf(folder)
	if err != nil {
		return err
	}
	h.sandboxes = sandbox.NewService(sandbox.Config{Store: h.store, Driver: h.supervisor.Sandboxes(sandboxAdapter), Home: home, Folder: folder, Host: h.id,
		Record: log.Record, Elsewhere: h.callElsewhere, Logger: h.cfg.Logger})
	return nil
}

// homeOf answers the name of a folder of sandboxes, which outlives this process; it is made once.
func homeOf(folder string) (string, error) {
	path := filepath.Join(folder, "home")
	raw, err := os.ReadFile(path)
	if err == nil && id.Is("home", strings.TrimSpace(string(raw))) {
		return strings.TrimSpace(string(raw)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading the name of the folder of sandboxes: %w", err)
	}
	if err := os.MkdirAll(folder, 0o711); err != nil {
		return "", fmt.Errorf("making the folder of sandboxes: %w", err)
	}
	home := id.New("home")
	return home, writeFile(path, home+"\n")
}

// serveSandboxes takes what other hosts pass on.
func (h *Host) serveSandboxes(rest *api.API) {
	h.cluster.Handle("POST /sandboxes/call", func(w http.ResponseWriter, r *http.Request) {
		c := sandbox.Call{Forwarded: true}
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 16<<20)).Decode(&c); err != nil {
			http.Error(w, "not a call", http.StatusBadRequest)
			return
		}
		rest.StreamSandbox(w, r, c)
	})
	for _, pattern := range []string{"GET /sandboxes/{id}/files", "PUT /sandboxes/{id}/files", "GET /sandboxes/{id}/terminal", "POST /sandboxes/{id}/terminal"} {
		h.cluster.Handle(pattern, func(w http.ResponseWriter, r *http.Request) { rest.ServeSandbox(w, r, r.Header.Get(userHeader)) })
	}
}

// passElsewhere passes a request about a sandbox on to the host that has it.
func (h *Host) passElsewhere(w http.ResponseWriter, r *http.Request, host, user string) {
	to, ok, err := h.cluster.Find(r.Context(), host)
	if err != nil || !ok {
		http.Error(w, "The machine that has this sandbox is not in the cluster now.", http.StatusServiceUnavailable)
		return
	}
	h.cluster.Pass(w, r, to, strings.TrimPrefix(r.URL.Path, "/v1"), http.Header{userHeader: {user}})
}

// callElsewhere runs an operation on the host that has the sandbox.
func (h *Host) callElsewhere(ctx context.Context, host string, c sandbox.Call) ([]byte, error) {
	to, ok, err := h.cluster.Find(ctx, host)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, &catalog.Failure{Kind: catalog.AdapterUnavailable, NotSent: true,
			Message: "The machine that has this sandbox is not in the cluster now. The sandbox is kept there; try again when it is back."}
	}
	return h.askHost(ctx, to, c)
}

func (h *Host) askHost(ctx context.Context, to cluster.Host, c sandbox.Call) ([]byte, error) {
	raw, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encoding the call: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://host/sandboxes/call", bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	resp, err := h.cluster.Send(ctx, to, req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // read below
	lines := json.NewDecoder(resp.Body)
	for {
		var line struct {
			Stream  string
			Offset  uint64
			Data    []byte
			Result  json.RawMessage
			Problem *struct {
				Code, Detail string
				Errors       []catalog.Violation
			}
		}
		if err := lines.Decode(&line); err != nil {
			return nil, &catalog.Failure{Kind: catalog.OutcomeUnknown, Message: "The host that has the sandbox stopped answering."}
		}
		switch {
		case line.Problem != nil:
			return nil, &catalog.Failure{Kind: catalog.Kind(line.Problem.Code), Message: line.Problem.Detail, Violations: line.Problem.Errors}
		case line.Result != nil:
			return line.Result, nil
		case c.Said != nil:
			if err := c.Said(line.Stream, line.Offset, line.Data); err != nil {
				return nil, err
			}
		}
	}
}
