package host_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/host"
)

// Bad input is answered with a stable code and does no damage.
func TestBadInput(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	slack := newSlackDouble(t)
	i := s.connectSlack(slack)
	call := func(format string, args ...any) []byte { return fmt.Appendf(nil, format, args...) }
	deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	cases := []struct {
		name, method, path string
		body               any
		status             int
		code               string
	}{
		{"unknown platform", "POST", "/v1/integrations", map[string]any{"platform": "nosuch"}, 404, "platform_not_found"},
		{"unknown operation", "POST", "/v1/calls", call(`{"integration":%q,"operation":"nosuch"}`, i.ID), 404, "operation_not_found"},
		{"nonsense id", "POST", "/v1/calls", call(`{"integration":"../../etc","operation":"send_message"}`), 404, "integration_not_found"},
		{"no integration", "POST", "/v1/calls", call(`{}`), 422, "validation_failed"},
		{"wrong type", "POST", "/v1/calls", call(`{"integration":5}`), 422, "validation_failed"},
		{"unknown field", "POST", "/v1/calls", call(`{"integration":%q,"operation":"send_message","nosuch":1}`, i.ID), 422, "validation_failed"},
		{"wrong input", "POST", "/v1/calls", call(`{"integration":%q,"operation":"send_message","input":{"channel":7,"nosuch":true}}`, i.ID), 422, "validation_failed"},
		{"not JSON", "POST", "/v1/calls", call(`{"integration":`), 400, "bad_request"},
		{"two objects", "POST", "/v1/calls", call(`{"integration":%q,"operation":"send_message"}{}`, i.ID), 400, "bad_request"},
		{"invalid UTF-8", "POST", "/v1/calls", []byte("{\"integration\":\"\xff\xfe\"}"), 400, "bad_request"},
		{"deep JSON", "POST", "/v1/calls", call(`{"integration":%q,"operation":"send_message","input":{"channel":%s}}`, i.ID, deep), 400, "bad_request"},
		{"50 MB", "POST", "/v1/calls", bytes.Repeat([]byte(" "), 50<<20), 413, "too_large"},
		{"long timeout", "POST", "/v1/calls", call(`{"integration":%q,"operation":"send_message","timeout":"9h"}`, i.ID), 422, "validation_failed"},
		{"long label", "PATCH", "/v1/integrations/" + i.ID, map[string]any{"label": strings.Repeat("x", 300)}, 422, "validation_failed"},
		{"NUL in a label", "PATCH", "/v1/integrations/" + i.ID, map[string]any{"label": "a\x00b"}, 422, "validation_failed"},
		{"NUL in a query", "GET", "/v1/integrations?query=%00", nil, 400, "bad_request"},
		{"invalid UTF-8 in a query", "GET", "/v1/integrations?query=%ff", nil, 400, "bad_request"},
		{"unknown credential field", "POST", "/v1/integrations", map[string]any{"platform": "slack", "credential": map[string]string{"nosuch": "x"}}, 422, "validation_failed"},
		{"missing credential field", "POST", "/v1/integrations", map[string]any{"platform": "slack", "auth_method": "bearer"}, 422, "validation_failed"},
		{"bad base URL", "PUT", "/v1/platforms/slack/settings", map[string]any{"base_url": "file:///etc/passwd"}, 422, "validation_failed"},
		{"bad range", "PUT", "/v1/platforms/slack/settings", map[string]any{"allowed_cidrs": []string{"nonsense"}}, 422, "validation_failed"},
		{"unknown route", "GET", "/v1/nosuch", nil, 404, "not_found"},
		{"wrong method", "PUT", "/v1/me", nil, 405, "method_not_allowed"},
		{"bad cursor", "GET", "/v1/audit?cursor=nonsense", nil, 422, "validation_failed"},
		{"bad limit", "GET", "/v1/calls?limit=100000", nil, 422, "validation_failed"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var p problem
			if status := s.do(c.method, c.path, c.body, &p); status != c.status || p.Code != c.code || p.Detail == "" || p.RequestID == "" {
				t.Errorf("it answers %d %+v, want %d %s", status, p, c.status, c.code)
			}
		})
	}
	var p problem
	s.do("POST", "/v1/calls", call(`{"integration":%q,"operation":"send_message","input":{"channel":7,"nosuch":true,"text":[]}}`, i.ID), &p)
	if len(p.Errors) < 3 {
		t.Errorf("not all that is wrong is told at once: %+v", p.Errors)
	}
	for _, token := range []string{"", "pb_nonsense", "nonsense", strings.Repeat("x", 10_000)} {
		if status := s.as(token, "GET", "/v1/me", nil, &p); status != 401 || p.Code != "unauthenticated" {
			t.Errorf("a bad token answers %d %s", status, p.Code)
		}
	}
	if slack.count() != 0 {
		t.Errorf("%d messages were sent by bad input", slack.count())
	}
	s.must("POST", "/v1/calls", message(i, "all is well"), nil)
}

// What keeps a host from starting is said in words that tell what to do.
func TestRefusalsToStart(t *testing.T) {
	t.Parallel()
	url := database(t)
	data := dataDir(t)
	cfg := config(t, data, url)
	s := start(t, cfg)
	taken := strings.TrimPrefix(s.URL, "http://")
	refuse := func(name, want string, change func(*host.Config)) {
		t.Helper()
		cfg := cfg
		change(&cfg)
		cfg.Logger = nil
		if err := tryOpen(t, cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v, want one about %q", name, err, want)
		}
	}
	refuse("port in use", "is in use", func(c *host.Config) { c.Listen = taken })
	refuse("plain HTTP on every interface", "--tls-cert", func(c *host.Config) { c.Listen = "0.0.0.0:0" })
	refuse("no adapters", "scripts/run", func(c *host.Config) { c.Adapters = filepath.Join(data, "nosuch") })
	refuse("no database", "database", func(c *host.Config) { c.DatabaseURL = "postgres://127.0.0.1:1/x?connect_timeout=2" })
	refuse("bad URL", "not valid", func(c *host.Config) { c.DatabaseURL = "postgres://secret-password@[::1" })
	refuse("missing key", "keys.json", func(c *host.Config) { c.Data = dataDir(t) })
	key := filepath.Join(dataDir(t), "keys.json")
	if err := os.MkdirAll(filepath.Dir(key), 0o711); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	refuse("damaged key", "keys.json", func(c *host.Config) { c.Key = key })
	other := start(t, config(t, dataDir(t), database(t)))
	refuse("another database's key", "key", func(c *host.Config) { c.Key = filepath.Join(other.Data, "keys.json") })
	raw, err := os.ReadFile(filepath.Join(data, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	refuse("a key that others can read", "chmod 600", func(c *host.Config) { c.Key = key })
	query(t, url, "UPDATE schema_version SET version = 99")
	refuse("a newer database", "newer", func(*host.Config) {})
}
