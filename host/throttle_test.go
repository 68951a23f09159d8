package host_test

import (
	"net/http"
	"testing"
)

// A user and a token that send too much are told when to come again, on every surface, and others are not troubled.
func TestRequestsOfTokensAndUsersAreBounded(t *testing.T) {
	t.Parallel()
	cfg := config(t, dataDir(t), database(t))
	cfg.TokenRequests, cfg.UserRequests = 10, 15
	s := start(t, cfg)
	newToken := func(user string) string {
		var made struct{ Token string }
		s.must("POST", "/v1/tokens", map[string]any{"name": "x", "user": user}, &made)
		return made.Token
	}
	var ann, bob struct{ ID string }
	s.must("POST", "/v1/users", map[string]any{"name": "ann"}, &ann)
	s.must("POST", "/v1/users", map[string]any{"name": "bob"}, &bob)
	first, second, other := newToken(ann.ID), newToken(ann.ID), newToken(bob.ID)
	spend := func(token string) int {
		for n := range 100 {
			var p problem
			if status := s.as(token, "GET", "/v1/me", nil, &p); status == http.StatusTooManyRequests {
				if p.Code != "too_many_requests" {
					t.Errorf("the problem is %+v", p)
				}
				return n
			}
		}
		t.Fatal("nothing is refused")
		return 0
	}
	if n := spend(first); n < 10 {
		t.Errorf("a token is refused after %d requests", n)
	}
	req, err := http.NewRequest("POST", s.URL+"/mcp", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+first)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
		t.Errorf("an agent is answered %d %v", resp.StatusCode, resp.Header)
	}
	if n := spend(second); n < 4 || n >= 10 {
		t.Errorf("the user's other token is refused after %d requests, want what the user has left", n)
	}
	if status := s.as(other, "GET", "/v1/me", nil, nil); status != 200 {
		t.Errorf("another user is answered %d", status)
	}
}
