package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	message  = "Deployment of build 4711 finished in 38 s"
	formType = "application/x-www-form-urlencoded"
)

// patchbay is a host with its data folder.
type patchbay struct {
	o           options
	data        string
	url, token  string
	integration string // the one that is measured
	process     *child
	client      *http.Client
}

// launch starts a host on a data folder. It does not wait until it serves.
func launch(o options, data string) (*patchbay, error) {
	p := &patchbay{o: o, data: data, client: newClient()}
	return p, p.start()
}

func (p *patchbay) start() error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	p.url = "http://" + address
	program, args := p.o.binary, []string{"serve"}
	if program == "" {
		if program, err = os.Executable(); err != nil {
			return fmt.Errorf("finding this program: %w", err)
		}
		args = []string{"host"}
	}
	args = append(args, "--data", p.data, "--listen", address, "--adapters", p.o.adapters)
	if p.o.profile != "" {
		args = append(args, "--profile", p.o.profile)
	}
	p.process, err = start(exec.Command(program, args...), nil)
	return err
}

// freeAddress answers a loopback address that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("looking for a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// awaitToken waits until the host has written the operator's token, and then takes requests.
func (p *patchbay) awaitToken(ctx context.Context) error {
	path := filepath.Join(p.data, "operator.token")
	for {
		token, err := os.ReadFile(path)
		if err == nil && len(token) > 10 {
			p.token = strings.TrimSpace(string(token))
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the host: %w\n%s", ctx.Err(), p.process.log)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// do sends a request and decodes the answer into out. A status of 400 and above is an error.
func (p *patchbay) do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		encoded, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, method, p.url+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 400 {
		return fmt.Errorf("%s %s answered %d %s", method, path, resp.StatusCode, raw)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(raw, out)
}

// allow points a platform at the mock.
func (p *patchbay) allow(ctx context.Context, id, baseURL string) error {
	return p.do(ctx, "PUT", "/v1/platforms/"+id+"/settings", map[string]any{"base_url": baseURL, "allow_private_network": true}, nil)
}

// connect makes an integration of the mock platform and answers its id.
func (p *patchbay) connect(ctx context.Context, label string, verify bool) (string, error) {
	var out struct{ ID string }
	err := p.do(ctx, "POST", "/v1/integrations", map[string]any{"platform": "slack", "label": label, "auth_method": "bearer",
		"credential": map[string]string{"token": platformToken}, "verify": verify}, &out)
	return out.ID, err
}

// callBody is the request that is measured.
func callBody(integration string) map[string]any {
	return map[string]any{"integration": integration, "operation": "send_message", "input": map[string]string{"channel": "C1", "text": message}}
}

// call runs the measured call once and checks that it reached the platform.
func (p *patchbay) call(ctx context.Context) error {
	var out struct{ Output struct{ Channel, TS string } }
	if err := p.do(ctx, "POST", "/v1/calls", callBody(p.integration), &out); err != nil {
		return err
	}
	if out.Output.Channel != "C1" || out.Output.TS == "" {
		return errors.New("a call did not answer what the platform does")
	}
	return nil
}

// setUp connects a first account to the mock platform.
func (p *patchbay) setUp(ctx context.Context, platform string) error {
	if err := p.allow(ctx, "slack", platform+"/api"); err != nil {
		return err
	}
	var err error
	p.integration, err = p.connect(ctx, "measured", true)
	return err
}

// wakeAdapters makes the host start adapters, by tests of credentials that fail, and answers those that run.
func (p *patchbay) wakeAdapters(ctx context.Context, platform string) ([]string, error) {
	tries := []map[string]any{
		{"platform": "openai", "label": "idle", "auth_method": "api_key", "credential": map[string]string{"api_key": "sk-benchmark-000000"}},
		{"platform": "remote-server", "label": "idle", "auth_method": "custom",
			"credential": map[string]string{"host": "127.0.0.1", "port": "9", "username": "nobody", "password": "benchmark"}},
	}
	if err := p.allow(ctx, "openai", platform); err != nil {
		return nil, err
	}
	for _, try := range tries {
		_ = p.do(ctx, "POST", "/v1/integrations", try, nil) // refused, by adapters that run from now on
	}
	var adapters struct {
		Items []struct {
			Name  string
			Hosts []struct{ State string }
		}
	}
	if err := p.do(ctx, "GET", "/v1/adapters", nil, &adapters); err != nil {
		return nil, err
	}
	var names []string
	for _, a := range adapters.Items {
		if len(a.Hosts) == 1 && a.Hosts[0].State == "running" {
			names = append(names, a.Name)
		}
	}
	if len(names) < 3 {
		return nil, fmt.Errorf("of the adapters slack, openai and remote-server only these run: %v", names)
	}
	return names, nil
}

// databaseURL answers how to reach the host's private database.
func (p *patchbay) databaseURL() (string, error) {
	password, err := os.ReadFile(filepath.Join(p.data, "postgres.password"))
	if err != nil {
		return "", fmt.Errorf("reading the database's password: %w", err)
	}
	state, err := os.ReadFile(filepath.Join(p.data, "postgres", "postmaster.pid"))
	if err != nil {
		return "", fmt.Errorf("reading where the database listens: %w", err)
	}
	lines := strings.Split(string(state), "\n")
	if len(lines) < 5 {
		return "", errors.New("postmaster.pid does not say where the database listens")
	}
	query := url.Values{"host": {strings.TrimSpace(lines[4])}, "port": {strings.TrimSpace(lines[3])}}
	address := url.URL{Scheme: "postgres", User: url.UserPassword("patchbay", strings.TrimSpace(string(password))), Path: "/patchbay", RawQuery: query.Encode()}
	return address.String(), nil
}

func (p *patchbay) stop() error { return p.process.stop() }

// newClient answers a client that keeps as many connections as there are callers.
func newClient() *http.Client {
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConns: 256, MaxIdleConnsPerHost: 256}}
}
