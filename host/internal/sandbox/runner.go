package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"path"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
)

// Runner runs the operations of sandboxes, and hands all others on.
type Runner struct {
	Service *Service
	// Next runs the other platforms' operations.
	Next interface {
		Run(ctx context.Context, r catalog.Request, to catalog.Sink) (catalog.Response, error)
	}
}

// Run runs one attempt of an operation. Failures are *catalog.Failure.
func (n Runner) Run(ctx context.Context, r catalog.Request, to catalog.Sink) (catalog.Response, error) {
	if r.Platform.ID != Platform {
		return n.Next.Run(ctx, r, to)
	}
	c := Call{User: r.User, Operation: r.Operation.Name, Input: r.Input}
	if r.Stream {
		c.Said = func(stream string, offset uint64, data []byte) error {
			raw, err := json.Marshal(map[string]any{"stream": stream, "offset": offset, "text": string(bytes.ToValidUTF8(data, []byte("\uFFFD")))})
			if err != nil {
				return err
			}
			return to.Delta(ctx, raw)
		}
	}
	started := time.Now()
	if err := n.files(ctx, r, &c); err != nil {
		return catalog.Response{}, err
	}
	out, err := n.Service.Do(ctx, c)
	if err != nil {
		return catalog.Response{}, err
	}
	if r.Operation.Name == "download" {
		if err := n.give(ctx, r, to); err != nil {
			return catalog.Response{}, err
		}
	}
	return catalog.Response{Output: out, Units: map[string]float64{"seconds": time.Since(started).Seconds()}}, nil
}

// files puts the file of an upload where its input says.
func (n Runner) files(ctx context.Context, r catalog.Request, c *Call) error {
	if r.Operation.Name != "upload" || len(r.Files) == 0 {
		return nil
	}
	in, err := decode[struct {
		ID   string `json:"sandbox_id"`
		Path string `json:"path"`
	}](c.Input)
	if err != nil {
		return err
	}
	if err := n.Service.WriteFrom(ctx, r.User, in.ID, in.Path, 0, r.Files[0].Content); err != nil {
		return err
	}
	c.Operation = "download" // answers what is there now
	return nil
}

// give gives the file of a download with the result.
func (n Runner) give(ctx context.Context, r catalog.Request, to catalog.Sink) error {
	in, err := decode[struct {
		ID   string `json:"sandbox_id"`
		Path string `json:"path"`
	}](r.Input)
	if err != nil {
		return err
	}
	w := &sinkWriter{ctx: ctx, to: to, name: path.Base(in.Path)}
	err = n.Service.ReadTo(ctx, r.User, in.ID, in.Path, func(size int64) error {
		if size > maxDownload {
			return &catalog.Failure{Kind: catalog.InvalidInput, Message: "The file is larger than 64 MiB. Get it by GET /v1/sandboxes/{id}/files."}
		}
		return nil
	}, w)
	if err != nil {
		return err
	}
	return to.File(ctx, 0, w.name, "application/octet-stream", nil, true)
}

// sinkWriter gives a file in chunks.
type sinkWriter struct {
	ctx  context.Context
	to   catalog.Sink
	name string
	n    int64
}

// Write gives one chunk.
func (w *sinkWriter) Write(p []byte) (int, error) {
	if w.n += int64(len(p)); w.n > maxDownload {
		return 0, &catalog.Failure{Kind: catalog.InvalidInput, Message: "The file grew beyond 64 MiB while it was read."}
	}
	return len(p), w.to.File(w.ctx, 0, w.name, "application/octet-stream", p, false)
}
