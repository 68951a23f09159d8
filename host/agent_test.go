package host_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// bearer adds headers to every request of an MCP client.
type bearer struct {
	headers []header
	next    http.RoundTripper
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for _, h := range b.headers {
		r.Header.Set(h.name, h.value)
	}
	return b.next.RoundTrip(r)
}

// agent is an MCP client of a host.
type agent struct {
	t *testing.T
	*sdk.ClientSession
	progress chan *sdk.ProgressNotificationParams
}

// agent connects with a token; query is what follows /mcp.
func (c client) agent(token, query string, headers ...header) *agent {
	c.t.Helper()
	a := &agent{t: c.t, progress: make(chan *sdk.ProgressNotificationParams, 100)}
	own := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, &sdk.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context, r *sdk.ProgressNotificationClientRequest) { a.progress <- r.Params }})
	session, err := own.Connect(c.t.Context(), &sdk.StreamableClientTransport{Endpoint: c.URL + "/mcp" + query, DisableStandaloneSSE: true,
		HTTPClient: &http.Client{Transport: bearer{append(headers, header{"Authorization", "Bearer " + token}), http.DefaultTransport}}}, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = session.Close() })
	a.ClientSession = session
	return a
}

// tools answers all tools, page by page, by name.
func (a *agent) tools() map[string]*sdk.Tool {
	a.t.Helper()
	out := map[string]*sdk.Tool{}
	for tool, err := range a.Tools(a.t.Context(), nil) {
		if err != nil {
			a.t.Fatal(err)
		}
		if out[tool.Name] != nil {
			a.t.Errorf("%s is listed twice", tool.Name)
		}
		out[tool.Name] = tool
	}
	return out
}

func (a *agent) names() []string {
	var out []string
	for name := range a.tools() {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// call runs a tool whose result there must be.
func (a *agent) call(name string, arguments map[string]any) *sdk.CallToolResult {
	a.t.Helper()
	result, err := a.CallTool(a.t.Context(), &sdk.CallToolParams{Name: name, Arguments: arguments})
	if err != nil {
		a.t.Fatalf("%s: %v", name, err)
	}
	return result
}

// text answers the text of a result.
func text(t *testing.T, r *sdk.CallToolResult) string {
	t.Helper()
	if len(r.Content) == 0 {
		t.Fatal("the result has no content")
	}
	content, ok := r.Content[0].(*sdk.TextContent)
	if !ok {
		t.Fatalf("the content is %T", r.Content[0])
	}
	return content.Text
}

// told answers what a failed result says to programs.
func told(t *testing.T, r *sdk.CallToolResult) problem {
	t.Helper()
	encoded, err := json.Marshal(r.Meta["patchbay/error"])
	if err != nil {
		t.Fatal(err)
	}
	var p problem
	if err := json.Unmarshal(encoded, &p); err != nil || !r.IsError {
		t.Fatalf("the result is no failure: %+v %v", r, err)
	}
	p.Call, _ = r.Meta["patchbay/call"].(string)
	return p
}

// member makes a user and a token of his.
func (c client) member(name string, scopes ...string) (user, token string) {
	c.t.Helper()
	var u struct{ ID string }
	c.must("POST", "/v1/users", map[string]any{"name": name}, &u)
	return u.ID, c.tokenOf(u.ID, scopes...)
}

func (c client) tokenOf(user string, scopes ...string) string {
	c.t.Helper()
	var t struct{ Token string }
	in := map[string]any{"name": "agent", "scopes": scopes}
	if user != "" {
		in["user"] = user
	}
	c.must("POST", "/v1/tokens", in, &t)
	return t.Token
}

// fetch reads an address without a token.
func fetch(t *testing.T, address string) string {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("reading the file answers %d %v", resp.StatusCode, err)
	}
	return string(b)
}

// signIn answers the cookie of a browser that the operator signed in with.
func signIn(t *testing.T, c client) string {
	t.Helper()
	var me struct{ ID string }
	c.must("GET", "/v1/me", nil, &me)
	var link struct{ URL string }
	c.must("POST", "/v1/users/"+me.ID+"/signin-link", nil, &link)
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := stay.Get(link.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if len(resp.Cookies()) != 1 {
		t.Fatalf("signing in answers %v", resp.Cookies())
	}
	return resp.Cookies()[0].String()
}

func decode(t *testing.T, r *sdk.CallToolResult, out any) {
	t.Helper()
	if r.IsError {
		t.Fatalf("it failed: %s", text(t, r))
	}
	encoded, err := json.Marshal(r.StructuredContent)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(encoded, out); err != nil {
		t.Fatal(err)
	}
}

// roundRobin sends each request to the next host.
type roundRobin struct {
	hosts []string
	n     atomic.Int64
}

func (r *roundRobin) RoundTrip(req *http.Request) (*http.Response, error) {
	req.URL.Host = r.hosts[int(r.n.Add(1))%len(r.hosts)]
	return http.DefaultTransport.RoundTrip(req)
}
