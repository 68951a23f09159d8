package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// retryAnnounce is how long a host that could not be told is left alone.
const retryAnnounce = 200 * time.Millisecond

type announcement struct {
	Topic   string `json:"topic"`
	Subject string `json:"subject"`
}

// Announce tells every other live host that a subject has changed, after the change was committed. It returns when each has
// dropped its copy or is no longer alive, or with an error when ctx is done first.
func (c *Cluster) Announce(ctx context.Context, topic, subject string) error {
	hosts, err := c.Live(ctx)
	if err != nil {
		return fmt.Errorf("listing the live hosts: %w", err)
	}
	errs := make(chan error, len(hosts))
	var wg sync.WaitGroup
	for _, h := range hosts {
		if h.ID == c.self.ID {
			continue
		}
		wg.Go(func() { errs <- c.tell(ctx, h, announcement{topic, subject}) })
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// tell repeats an announcement until the host has answered or is no longer alive.
func (c *Cluster) tell(ctx context.Context, h Host, a announcement) error {
	for {
		if err := c.post(ctx, h, "/announce", a); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("host %s (%s) did not answer: %w", h.Name, h.ID, ctx.Err())
		case <-time.After(retryAnnounce):
		}
		live, err := c.Live(ctx)
		if err != nil {
			return fmt.Errorf("listing the live hosts: %w", err)
		}
		if !contains(live, h.ID) {
			return nil
		}
	}
}

// post sends a JSON value to another host, which must answer with status 204.
func (c *Cluster) post(ctx context.Context, h Host, path string, value any) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encoding the message: %w", err)
	}
	req, err := http.NewRequestWithContext(withPeer(ctx, h), http.MethodPost, "https://"+h.ID+peerDomain+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("making the request: %w", err)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // nothing is read
	if resp.StatusCode != http.StatusNoContent {
		return fmt.Errorf("host %s answered status %d", h.ID, resp.StatusCode)
	}
	return nil
}

func (c *Cluster) serveAnnounce(w http.ResponseWriter, r *http.Request) {
	var a announcement
	if err := json.NewDecoder(io.LimitReader(r.Body, 4<<10)).Decode(&a); err != nil {
		http.Error(w, "not an announcement", http.StatusBadRequest)
		return
	}
	c.mu.RLock()
	drop := c.topics[a.Topic]
	c.mu.RUnlock()
	if drop != nil {
		drop(a.Subject)
	}
	w.WriteHeader(http.StatusNoContent)
}

func contains(hosts []Host, id string) bool {
	for _, h := range hosts {
		if h.ID == id {
			return true
		}
	}
	return false
}

// Handle serves a path to the other hosts, which alone can reach it.
func (c *Cluster) Handle(pattern string, h http.HandlerFunc) { c.routes.HandleFunc(pattern, h) }

// Get asks another host for the JSON value at a path.
func (c *Cluster) Get(ctx context.Context, h Host, path string, out any) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(withPeer(ctx, h), http.MethodGet, "https://"+h.ID+peerDomain+path, nil)
	if err != nil {
		return fmt.Errorf("making the request: %w", err)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // read below
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("host %s answered status %d", h.ID, resp.StatusCode)
	}
	return json.NewDecoder(io.LimitReader(resp.Body, 4<<20)).Decode(out)
}
