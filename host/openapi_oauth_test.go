package host_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/host/internal/oidctest"
)

// A document that nobody has seen before is mounted, an account is connected to it by OAuth2 at a certified provider, and it is called.
func TestMountedPlatformByOAuth(t *testing.T) {
	t.Parallel()
	cfg := config(t, dataDir(t), database(t))
	cfg.Listen = ownAddress()
	p := oidctest.Start(t, oidctest.Options{Scopes: []string{"notes:read"}, RotateRefreshTokens: true, Clients: []oidctest.Client{{ID: "mounted", Secret: "planted-client-secret",
		RedirectURIs: []string{"http://" + cfg.Listen + "/oauth/callback"}, GrantTypes: []string{"authorization_code", "refresh_token"}}},
		Accounts: map[string]map[string]any{"ann": {"name": "Ann"}}})
	// The API believes whom the provider says a token is of.
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ask, err := http.NewRequestWithContext(r.Context(), "GET", p.Issuer+"/me", nil)
		if err != nil {
			t.Error(err)
			return
		}
		ask.Header.Set("Authorization", r.Header.Get("Authorization"))
		resp, err := http.DefaultClient.Do(ask)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = resp.Body.Close() }()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	}))
	t.Cleanup(api.Close)
	h := start(t, cfg)
	document := `{"openapi":"3.1.0","info":{"title":"Notes","version":"2"},"servers":[{"url":"https://notes.example.com"}],
"components":{"securitySchemes":{"signIn":{"type":"oauth2","flows":{"authorizationCode":{"authorizationUrl":"https://id.example.com/auth","tokenUrl":"https://id.example.com/token",
"scopes":{"openid":"","notes:read":""}}}}}},"security":[{"signIn":["openid"]}],"paths":{"/whoami":{"get":{"operationId":"whoAmI","responses":{}}},
"/notes":{"get":{"operationId":"listNotes","security":[{"signIn":["openid","notes:read"]}],"responses":{}}}}}`
	h.must("POST", "/v1/platforms", map[string]any{"id": "notes", "document": document, "settings": map[string]any{"base_url": api.URL, "allow_private_network": true,
		"oauth": map[string]any{"client_id": "mounted", "client_secret": "planted-client-secret", "authorization_url": p.Issuer + "/auth", "token_url": p.Issuer + "/token"}}}, nil)
	var a authorizationView
	h.must("POST", "/v1/oauth/authorizations", map[string]any{"platform": "notes", "label": "Mine"}, &a)
	resp, err := person(t).Get(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	h.must("GET", "/v1/oauth/authorizations/"+a.ID, nil, &a)
	if a.State != "done" {
		t.Fatalf("the authorisation is %+v", a)
	}
	var i struct {
		integrationView
		Scopes []string
	}
	h.must("GET", "/v1/integrations/"+a.Integration, nil, &i)
	if i.Account.ID != "ann" || !strings.Contains(strings.Join(i.Scopes, " "), "notes:read") {
		t.Errorf("the integration is %+v", i)
	}
	var out answerView
	h.must("POST", "/v1/calls", map[string]any{"integration": a.Integration, "operation": "list_notes", "input": map[string]any{}}, &out)
	if out.Output["sub"] != "ann" {
		t.Errorf("the call answers %+v", out)
	}
	h.must("POST", "/v1/integrations/"+a.Integration+"/refresh", nil, nil)
	h.must("POST", "/v1/calls", map[string]any{"integration": a.Integration, "operation": "who_am_i", "input": map[string]any{}}, &out)
	if strings.Contains(h.log.String(), "planted-client-secret") {
		t.Error("the log holds the client's secret")
	}
}

// An adapter's platform that stands somewhere else is a platform of its own: with its settings, its integrations, its place in the lists,
// and no way to the hosts of the one that it was made of.
func TestVariant(t *testing.T) {
	t.Parallel()
	h := start(t, config(t, dataDir(t), database(t)))
	slack := newSlackDouble(t)
	var m mountAnswer
	h.must("POST", "/v1/platforms", map[string]any{"id": "corp-slack", "name": "Corp Slack", "adapter": "slack", "base_url": slack.URL + "/api",
		"settings": map[string]any{"allow_private_network": true}}, &m)
	if len(m.Hosts) != 0 || m.Count == 0 {
		t.Errorf("the variant is %+v", m)
	}
	var i integrationView
	h.must("POST", "/v1/integrations", map[string]any{"platform": "corp-slack", "label": "Corp", "auth_method": "bearer", "credential": map[string]string{"token": slackToken}}, &i)
	var out answerView
	h.must("POST", "/v1/calls", message(i, "hello"), &out)
	if out.Output["channel"] != "C1" {
		t.Errorf("the call answers %+v", out)
	}
	var list struct {
		Items []struct{ ID, Name, Adapter string }
	}
	h.must("GET", "/v1/platforms?query=slack", nil, &list)
	if len(list.Items) != 2 || list.Items[0].Name != "Corp Slack" || list.Items[0].Adapter != "slack" {
		t.Errorf("the list is %+v", list)
	}
	var own struct{ Items []struct{ ID string } }
	h.must("GET", "/v1/integrations?platform=slack", nil, &own)
	if len(own.Items) != 0 {
		t.Errorf("Slack itself has integrations: %+v", own)
	}
	// Without its address it reaches nothing, least of all Slack.
	h.must("PUT", "/v1/platforms/corp-slack/settings", map[string]any{"base_url": ""}, nil)
	var p problem
	if status := h.do("POST", "/v1/calls", message(i, "hello"), &p); status != 403 || p.Code != "permission_denied" {
		t.Errorf("without an address a call answers %d %+v", status, p)
	}
	for name, in := range map[string]any{
		"an id that an adapter has": map[string]any{"id": "slack", "adapter": "slack", "base_url": "https://x.example.com"},
		"no such adapter":           map[string]any{"id": "x", "adapter": "nobody", "base_url": "https://x.example.com"},
		"no such platform":          map[string]any{"id": "x", "adapter": "slack", "platform": "nobody"},
		"both":                      map[string]any{"id": "x", "adapter": "slack", "document": json.RawMessage(petDocument)},
		"neither":                   map[string]any{"id": "x"},
		"a bad address":             map[string]any{"id": "x", "adapter": "slack", "base_url": "ftp://x"},
		"there already":             map[string]any{"id": "corp-slack", "adapter": "slack", "base_url": "https://x.example.com"},
	} {
		if status := h.do("POST", "/v1/platforms", in, &p); status != 422 && status != 409 {
			t.Errorf("%s answers %d %+v", name, status, p)
		}
	}
	_, user := h.another("Ann")
	if status := h.as(user, "POST", "/v1/platforms", map[string]any{"id": "x", "adapter": "slack", "base_url": "https://x.example.com"}, &p); status != 403 {
		t.Errorf("a user who adds a platform is answered %d", status)
	}
}

// The hosts of a cluster have the same platforms, also those that start later.
func TestMountedInCluster(t *testing.T) {
	t.Parallel()
	ca, cb := pair(t)
	a, b := start(t, ca), start(t, cb)
	b.Token = a.Token
	a.must("POST", "/v1/platforms", map[string]any{"id": "pets", "document": json.RawMessage(petDocument)}, nil)
	for _, h := range []*server{a, b} {
		var p struct {
			Hosts []string
			Count int `json:"operation_count"`
		}
		if h.must("GET", "/v1/platforms/pets", nil, &p); p.Count != 3 || strings.Join(p.Hosts, " ") != "pets.example.com" {
			t.Errorf("a host has %+v", p)
		}
	}
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	again := start(t, cb)
	again.Token = a.Token
	again.must("GET", "/v1/platforms/pets/operations/get_pet", nil, nil)
	a.must("DELETE", "/v1/platforms/pets", nil, nil)
	if status := again.do("GET", "/v1/platforms/pets", nil, nil); status != 404 {
		t.Errorf("the other host answers %d for a platform that was removed", status)
	}
}
