package host_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestCallOverREST(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), ""))
	slack := newSlackDouble(t)
	i := s.connectSlack(slack)
	if i.Status != "active" || i.Account.Name == "" {
		t.Fatalf("the integration is %+v", i)
	}
	var a answerView
	s.must("POST", "/v1/calls", message(i, "hello"), &a)
	if a.Output["channel"] != "C1" || a.Attempts != 1 || slack.count() != 1 {
		t.Fatalf("the answer is %+v after %d messages", a, slack.count())
	}
	var call struct{ ID, Kind, Operation string }
	s.must("GET", "/v1/calls/"+a.ID, nil, &call)
	if call.Kind != "ok" || call.Operation != "send_message" {
		t.Errorf("the record is %+v", call)
	}
	var used struct {
		LastUsedAt *string `json:"last_used_at"`
	}
	s.must("GET", "/v1/integrations/"+i.ID, nil, &used)
	if used.LastUsedAt == nil {
		t.Error("last_used_at is empty after a call")
	}
}

func TestFailedCredentialIsNotSaved(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	slack := newSlackDouble(t)
	s.must("PUT", "/v1/platforms/slack/settings", map[string]any{"base_url": slack.URL + "/api", "allow_private_network": true}, nil)
	body := map[string]any{"platform": "slack", "auth_method": "bearer", "credential": map[string]string{"token": "xoxb-wrong-token-1"}}
	var p problem
	if status := s.do("POST", "/v1/integrations", body, &p); status != 409 || p.Code != "auth_revoked" || strings.Contains(p.Detail, "xoxb-wrong") {
		t.Errorf("a wrong credential answers %d %+v", status, p)
	}
	var l struct{ Items []integrationView }
	s.must("GET", "/v1/integrations", nil, &l)
	if len(l.Items) != 0 {
		t.Errorf("it was saved: %+v", l.Items)
	}
	body["verify"] = false
	s.must("POST", "/v1/integrations", body, nil)
}

func TestLifecycle(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	slack := newSlackDouble(t)
	i := s.connectSlack(slack)
	path := "/v1/integrations/" + i.ID
	steps := []struct {
		method, suffix string
		status         int
		state, code    string // of the integration, and of a call afterwards; "" for one that succeeds
	}{
		{"POST", "/deactivate", 200, "inactive", "integration_inactive"},
		{"POST", "/activate", 200, "active", ""},
		{"DELETE", "", 200, "deleted", "integration_not_found"},
		{"POST", "/restore", 200, "active", ""},
		{"POST", "/verify", 200, "active", ""},
	}
	for _, step := range steps {
		var view integrationView
		if status := s.do(step.method, path+step.suffix, nil, &view); status != step.status || view.Status != step.state {
			t.Errorf("%s %s answers %d, status %q", step.method, step.suffix, status, view.Status)
		}
		var p problem
		if s.do("POST", "/v1/calls", message(i, "x"), &p); p.Code != step.code {
			t.Errorf("a call after %s answers code %q, want %q", step.suffix, p.Code, step.code)
		}
	}
	var view integrationView
	s.must("PATCH", path, map[string]any{"label": "Renamed", "credential": map[string]string{"token": ""}}, &view)
	if view.Label != "Renamed" {
		t.Errorf("the label is %q", view.Label)
	}
	var p problem
	if s.do("PATCH", path, map[string]any{"credential": map[string]string{"token": "xoxb-wrong-token-2"}}, &p); p.Code != "auth_revoked" {
		t.Errorf("a wrong replacement answers %+v", p)
	}
	s.must("POST", "/v1/calls", message(i, "the old credential still works"), nil)
}

// A credential that the platform refuses makes the integration expired, and a test that succeeds heals it.
func TestRefusedCredentialExpires(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	slack := newSlackDouble(t)
	i := s.connectSlack(slack)
	slack.failWith(func(w http.ResponseWriter, _ int) bool {
		answer(w, map[string]any{"ok": false, "error": "token_revoked"})
		return true
	})
	var p problem
	if s.do("POST", "/v1/calls", message(i, "x"), &p); p.Code != "auth_revoked" {
		t.Fatalf("the call answers %+v", p)
	}
	if s.do("POST", "/v1/calls", message(i, "x"), &p); p.Code != "reauthorization_required" || slack.count() != 1 {
		t.Fatalf("the next one answers %+v after %d messages", p, slack.count())
	}
	slack.failWith(nil)
	s.must("POST", "/v1/integrations/"+i.ID+"/verify", nil, nil)
	s.must("POST", "/v1/calls", message(i, "x"), nil)
}

// What belongs to someone else is exactly as missing as what is not there.
func TestForeignIsMissing(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	slack := newSlackDouble(t)
	i := s.connectSlack(slack)
	var a answerView
	s.must("POST", "/v1/calls", message(i, "x"), &a)
	var ann struct{ ID string }
	s.must("POST", "/v1/users", map[string]any{"name": "ann"}, &ann)
	var token struct{ ID, Token string }
	s.must("POST", "/v1/tokens", map[string]any{"user": ann.ID, "name": "ci"}, &token)
	missing := "int_00000000000000000000000000"
	for _, r := range []struct{ method, path string }{
		{"GET", "/v1/integrations/%s"}, {"DELETE", "/v1/integrations/%s"}, {"POST", "/v1/integrations/%s/verify"}, {"POST", "/v1/integrations/%s/deactivate"},
		{"POST", "/v1/integrations/%s/activate"}, {"POST", "/v1/integrations/%s/restore"},
	} {
		foreignStatus, foreign, err := s.try(token.Token, r.method, fmt.Sprintf(r.path, i.ID), nil)
		if err != nil {
			t.Fatal(err)
		}
		missingStatus, none, err := s.try(token.Token, r.method, fmt.Sprintf(r.path, missing), nil)
		if err != nil {
			t.Fatal(err)
		}
		if foreignStatus != 404 || missingStatus != 404 || withoutID(foreign) != withoutID(none) {
			t.Errorf("%s %s: another's answers %d %s, a missing one %d %s", r.method, r.path, foreignStatus, foreign, missingStatus, none)
		}
	}
	var p problem
	if status := s.as(token.Token, "POST", "/v1/calls", message(i, "x"), &p); status != 404 || p.Code != "integration_not_found" {
		t.Errorf("a call with another's integration answers %d %+v", status, p)
	}
	if status := s.as(token.Token, "GET", "/v1/calls/"+a.ID, nil, &p); status != 404 {
		t.Errorf("another's call answers %d", status)
	}
	for _, path := range []string{"/v1/users", "/v1/audit", "/v1/keys", "/v1/adapters", "/v1/hosts", "/v1/platforms/slack/settings"} {
		if status := s.as(token.Token, "GET", path, nil, &p); status != 403 || p.Code != "forbidden" {
			t.Errorf("%s answers a user %d %s", path, status, p.Code)
		}
	}
	if status := s.as(token.Token, "POST", "/v1/tokens", map[string]any{"name": "x", "scopes": []string{"operator"}}, &p); status != 422 {
		t.Errorf("a user makes an operator's token: %d", status)
	}
	s.must("DELETE", "/v1/tokens/"+token.ID, nil, nil)
	if status := s.as(token.Token, "GET", "/v1/me", nil, &p); status != 401 || p.Code != "unauthenticated" {
		t.Errorf("a revoked token answers %d %s", status, p.Code)
	}
}

// withoutID cuts the request's id out of a problem.
func withoutID(raw []byte) string {
	before, after, _ := strings.Cut(string(raw), `"request_id":"`)
	_, after, _ = strings.Cut(after, `"`)
	return before + after
}

// The credential is nowhere in clear: not in the database's files, the other files of the host, its log, or any process' environment.
func TestCredentialIsNowhereInClear(t *testing.T) {
	t.Parallel()
	data := dataDir(t)
	s := start(t, config(t, data, ""))
	slack := newSlackDouble(t)
	i := s.connectSlack(slack)
	s.must("POST", "/v1/calls", message(i, "payload-that-is-nobodys-business"), nil, header{"Idempotency-Key", "k1"})
	slack.failWith(func(w http.ResponseWriter, _ int) bool { http.Error(w, "no", 500); return true })
	s.do("POST", "/v1/calls", message(i, "payload-that-is-nobodys-business"), nil)
	for _, env := range environments(t) {
		if strings.Contains(env, slackToken) {
			t.Error("the credential is in a process' environment")
		}
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	planted := []string{slackToken, "payload-that-is-nobodys-business"}
	for _, secret := range planted {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	seen := 0
	err := filepath.WalkDir(data, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		seen++
		for _, secret := range planted {
			if strings.Contains(string(raw), secret) {
				t.Errorf("%s holds %q", path, secret)
			}
		}
		return nil
	})
	if err != nil || seen < 100 {
		t.Fatalf("looked at %d files: %v", seen, err)
	}
}

// environments answers those of this process and its descendants.
func environments(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, path := range paths {
		if raw, err := os.ReadFile(path); err == nil {
			out = append(out, string(raw))
		}
	}
	return slices.Compact(out)
}

func TestSignInLinkWorksOnce(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	var me struct{ ID string }
	s.must("GET", "/v1/me", nil, &me)
	var link struct{ URL string }
	s.must("POST", "/v1/users/"+me.ID+"/signin-link", nil, &link)
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	first, err := browser.Get(link.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = first.Body.Close()
	if first.StatusCode != 303 || len(first.Cookies()) != 1 || !first.Cookies()[0].HttpOnly {
		t.Fatalf("the link answers %d with %v", first.StatusCode, first.Cookies())
	}
	second, err := browser.Get(link.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = second.Body.Close()
	if second.StatusCode != 403 || len(second.Cookies()) != 0 {
		t.Errorf("the second use answers %d", second.StatusCode)
	}
	send := func(site string) int {
		req, err := http.NewRequest("POST", s.URL+"/v1/users", strings.NewReader(`{"name":"bob"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.AddCookie(first.Cookies()[0])
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Sec-Fetch-Site", site)
		resp, err := browser.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	if status := send("cross-site"); status != 403 {
		t.Errorf("a request of another site answers %d", status)
	}
	if status := send("same-origin"); status != 201 {
		t.Errorf("a request of the host's own page answers %d", status)
	}
}

func TestPaging(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	for n := range 5 {
		s.must("POST", "/v1/integrations", map[string]any{"platform": "slack", "label": fmt.Sprint("Team ", n), "verify": false,
			"credential": map[string]string{"token": slackToken}}, nil)
	}
	var labels []string
	cursor := ""
	for pages := 0; pages == 0 || cursor != ""; pages++ {
		var l struct {
			Items      []integrationView
			NextCursor string `json:"next_cursor"`
		}
		s.must("GET", "/v1/integrations?limit=2&cursor="+cursor, nil, &l)
		for _, i := range l.Items {
			labels = append(labels, i.Label)
		}
		if cursor = l.NextCursor; pages > 5 {
			t.Fatal("the pages do not end")
		}
	}
	if want := []string{"Team 4", "Team 3", "Team 2", "Team 1", "Team 0"}; !slices.Equal(labels, want) {
		t.Errorf("the pages hold %q, want %q", labels, want)
	}
	var l struct{ Items []integrationView }
	if s.must("GET", "/v1/integrations?query=m%203", nil, &l); len(l.Items) != 1 || l.Items[0].Label != "Team 3" {
		t.Errorf("the search finds %+v", l.Items)
	}
	if s.must("GET", "/v1/audit?limit=3", nil, nil); s.do("GET", "/v1/integrations?query=%25", nil, &l) != 200 || len(l.Items) != 0 {
		t.Errorf("a percent sign finds %d", len(l.Items))
	}
}
