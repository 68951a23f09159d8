package host_test

import (
	"bytes"
	"io"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// scenarios are those of the protocol's conformance suite that this server is for. The others are not:
//
//   - tools-call-sampling, tools-call-elicitation, elicitation-*: the server asks the client. No session outlives its request here, so that any
//     host of a cluster can answer the next one.
//   - server-sse-polling, resources-subscribe, resources-unsubscribe: they need a session too.
//   - logging-set-level, tools-call-with-logging: what operations say on the way is progress; the log is the operator's.
//   - completion-complete, prompts-*, resources-*: the server has tools alone, and says so; files are links and contents of results.
//   - json-schema-2020-12: it wants one schema of its own, word for word, which no Go type gives; schemas are handed on as adapters declare them.
//   - dns-rebinding-protection: a request needs a bearer token, which no page that rebinds a name has.
var scenarios = []string{"server-initialize", "ping", "tools-list", "tools-call-simple-text", "tools-call-image", "tools-call-audio", "tools-call-embedded-resource",
	"tools-call-mixed-content", "tools-call-error", "tools-call-with-progress", "server-sse-multiple-streams"}

// suiteProxy stands between the suite and the host: the suite sends no token, and calls tools by names that have no platform before them.
func suiteProxy(t *testing.T, s *server, token string) string {
	t.Helper()
	to, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.URL.Path = "/mcp"
		r.Out.URL.RawQuery = "tools=all"
		r.Out.Header.Set("Authorization", "Bearer "+token)
		r.Out.Header.Del("Accept-Encoding")
		body, err := io.ReadAll(r.In.Body)
		if err != nil {
			return
		}
		body = bytes.ReplaceAll(body, []byte(`"name":"test_`), []byte(`"name":"fixture__test_`))
		r.Out.Body, r.Out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.Out.Header.Set("Content-Length", strconv.Itoa(len(body)))
	}}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return server.URL + "/mcp"
}

// The suite's tools go the whole way: the host, the fixture's own process, and back.
func TestMCPConformance(t *testing.T) {
	t.Parallel()
	tools := os.Getenv("PATCHBAY_TEST_TOOLS")
	node, suite := filepath.Join(tools, "node_modules/.bin/node"), filepath.Join(tools, "node_modules/@modelcontextprotocol/conformance/dist/index.js")
	if _, err := os.Stat(suite); tools == "" || err != nil {
		t.Skip("the conformance suite is not installed: scripts/tools test does it, and scripts/test sets PATCHBAY_TEST_TOOLS")
	}
	s := start(t, config(t, dataDir(t), database(t)))
	s.must("POST", "/v1/integrations", map[string]any{"platform": "fixture", "label": "Suite", "auth_method": "api_key", "verify": false, "credential": map[string]string{"api_key": "planted-key-1234"}}, nil)
	at := suiteProxy(t, s, s.tokenOf("", "calls"))
	for _, scenario := range scenarios {
		t.Run(scenario, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), node, suite, "server", "--url", at, "--scenario", scenario, "--output-dir", t.TempDir())
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "0 failed") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
