package host_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// With an endpoint, the trace of a call holds the request and the adapter's part, and no payload or credential.
func TestTraces(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got strings.Builder
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got.Write(raw)
	}))
	t.Cleanup(collector.Close)
	cfg := config(t, dataDir(t), database(t))
	cfg.TraceEndpoint = collector.URL
	s := start(t, cfg)
	slack := newSlackDouble(t)
	i := s.connectSlack(slack)
	s.must("POST", "/v1/calls", message(i, "payload-that-is-nobodys-business"), nil)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{"AdapterService/Execute", "service.name"} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("the traces do not hold %q", want)
		}
	}
	for _, secret := range []string{slackToken, s.Token, "payload-that-is-nobodys-business"} {
		if strings.Contains(got.String(), secret) {
			t.Errorf("the traces hold %q", secret)
		}
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	slack := newSlackDouble(t)
	s.must("POST", "/v1/calls", message(s.connectSlack(slack), "x"), nil)
	status, raw, err := s.try("", "GET", "/metrics", nil)
	if err != nil || status != 200 {
		t.Fatalf("it answers %d: %v", status, err)
	}
	for _, want := range []string{`patchbay_calls_total{kind="ok",operation="send_message",platform="slack"} 1`, `patchbay_adapter_up{adapter="slack",state="running"} 1`} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("the metrics do not hold %q", want)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/openapi.json", "/docs"} {
		if status, _, err := s.try("", "GET", path, nil); err != nil || status != 200 {
			t.Errorf("%s answers %d: %v", path, status, err)
		}
	}
}
