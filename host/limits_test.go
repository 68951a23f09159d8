package host_test

import (
	"slices"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// limited makes a token with limits and answers its secret.
func (c client) limited(limits map[string]any, scopes ...string) string {
	c.t.Helper()
	var t struct {
		Token  string
		Scopes []string
		Limits map[string][]string
	}
	in := map[string]any{"name": "limited", "limits": limits}
	if len(scopes) > 0 {
		in["scopes"] = scopes
	}
	c.must("POST", "/v1/tokens", in, &t)
	if len(t.Limits) != len(limits) || slices.Contains(t.Scopes, "tokens") || slices.Contains(t.Scopes, "operator") {
		c.t.Fatalf("the token is %+v", t)
	}
	return t.Token
}

func TestTokenLimits(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	slack := newSlackDouble(t)
	i := s.connectSlack(slack)
	reader := s.limited(map[string]any{"effects": []string{"read"}})
	var p problem
	if status := s.as(reader, "POST", "/v1/calls", message(i, "x"), &p); status != 403 || p.Code != "forbidden" || p.Call == "" {
		t.Errorf("a write by a token for reads answers %d %+v", status, p)
	}
	var record struct{ Kind string }
	if s.must("GET", "/v1/calls/"+p.Call, nil, &record); record.Kind != "forbidden" {
		t.Errorf("it is recorded as %+v", record)
	}
	read := map[string]any{"integration": i.ID, "operation": "get_channel", "input": map[string]any{"channel": "C1"}}
	var a answerView
	if status := s.as(reader, "POST", "/v1/calls", read, &a); status != 200 {
		t.Errorf("a read answers %d", status)
	}
	for _, path := range []string{"/v1/calls", "/v1/calls/" + a.ID, "/v1/usage", "/v1/calls/" + a.ID + "/files/file_x", "/v1/tokens", "/v1/users"} {
		if status := s.as(reader, "GET", path, nil, &p); status != 403 {
			t.Errorf("GET %s answers %d %+v", path, status, p)
		}
	}
	for _, none := range []map[string]any{{"platforms": []string{"fixture"}}, {"operations": []string{"fixture.get_channel"}}, {"integrations": []string{i.ID[:len(i.ID)-1] + "0"}}} {
		if status := s.as(s.limited(none, "calls", "integrations"), "POST", "/v1/calls", read, &p); status != 403 {
			t.Errorf("limits %v answer %d", none, status)
		}
	}
	for _, bad := range []map[string]any{
		{"name": "x", "scopes": []string{"calls", "tokens"}, "limits": map[string]any{"effects": []string{"read"}}},
		{"name": "x", "limits": map[string]any{"effects": []string{"nosuch"}}},
		{"name": "x", "limits": map[string]any{"nosuch": []string{"x"}}},
	} {
		if status := s.do("POST", "/v1/tokens", bad, &p); status != 422 {
			t.Errorf("%v answers %d", bad, status)
		}
	}
	if slack.count() != 0 {
		t.Errorf("%d messages were sent", slack.count())
	}
	agent := s.agent(reader, "?tools=all")
	names := agent.names()
	if !slices.Contains(names, "slack__get_channel") || slices.Contains(names, "slack__send_message") {
		t.Errorf("an agent for reads sees %v", names)
	}
	if _, err := agent.CallTool(t.Context(), &sdk.CallToolParams{Name: "slack__send_message", Arguments: map[string]any{"channel": "C1", "text": "x"}}); err == nil {
		t.Error("an agent for reads may write")
	}
	if r := agent.call("search_operations", map[string]any{"query": "send message"}); strings.Contains(text(t, r), "slack__send_message") {
		t.Errorf("an agent for reads finds %s", text(t, r))
	}
}
