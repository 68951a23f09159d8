package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// swapCallers is how many callers there are while releases take turns.
const swapCallers = 64

// swaps is what calls took beside swaps of their adapter, and without them.
type swaps struct {
	count         int // 0: not measured
	quiet, during sample
}

// measureSwaps lets callers call for a while, and then as long as the same takes with one swap after the other. Any call that fails
// fails the run.
func (b *bench) measureSwaps(ctx context.Context, p *patchbay) (swaps, error) {
	files, err := filepath.Glob(filepath.Join(b.o.releases, "slack-*"))
	if err != nil || b.o.releases == "" || len(files) < 2 {
		return swaps{}, err
	}
	var versions []string
	for _, file := range files {
		version := filepath.Base(file)[len("slack-"):]
		if err := p.install(ctx, file, version); err != nil {
			return swaps{}, err
		}
		versions = append(versions, version)
	}
	if err := p.activate(ctx, versions[0]); err != nil {
		return swaps{}, err
	}
	measured, err := p.target()
	if err != nil {
		return swaps{}, err
	}
	send, out := measured.send, swaps{}
	if _, err := slice(ctx, swapCallers, b.o.slice, send); err != nil { // warms up
		return swaps{}, err
	}
	d := 10 * b.o.slice
	if out.quiet, err = slice(ctx, swapCallers, d, send); err != nil {
		return swaps{}, err
	}
	swapping, stop := context.WithTimeout(ctx, d)
	defer stop()
	var turning sync.WaitGroup
	var turned error
	turning.Go(func() {
		for n := 1; swapping.Err() == nil && turned == nil; n++ {
			turned = p.activate(ctx, versions[n%2])
			out.count++
		}
	})
	out.during, err = slice(ctx, swapCallers, d, send)
	turning.Wait()
	return out, errors.Join(err, turned)
}

// install stores a release.
func (p *patchbay) install(ctx context.Context, file, version string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("binary", "binary")
	if err == nil {
		_, err = part.Write(raw)
	}
	if err = errors.Join(err, form.WriteField("version", version), form.WriteField("allow_unsigned", "true"), form.Close()); err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, "POST", p.url+"/v1/adapters/slack/releases", &body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	req.Header.Set("Content-Type", form.FormDataContentType())
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusCreated {
		err = fmt.Errorf("installing %s answered %d %s", version, resp.StatusCode, answer)
	}
	return err
}

// activate brings a release into service and waits until the host runs it.
func (p *patchbay) activate(ctx context.Context, version string) error {
	if err := p.do(ctx, "POST", "/v1/adapters/slack/activate", map[string]string{"version": version}, nil); err != nil {
		return err
	}
	for {
		var l struct {
			Items []struct {
				Name    string
				Desired struct{ Revision int64 }
				Hosts   []struct {
					Version, Problem string
					Revision         int64
				}
			}
		}
		if err := p.do(ctx, "GET", "/v1/adapters", nil, &l); err != nil {
			return err
		}
		for _, a := range l.Items {
			if a.Name != "slack" || len(a.Hosts) != 1 || a.Hosts[0].Revision != a.Desired.Revision {
				continue
			}
			if a.Hosts[0].Version != version {
				return fmt.Errorf("the host does not run %s: %s", version, a.Hosts[0].Problem)
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}
