package host_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/patchbay/patchbay/host"
)

// pair answers the configurations of two hosts on one database, with the same key.
func pair(t *testing.T) (host.Config, host.Config) {
	t.Helper()
	url := database(t)
	a, b := config(t, dataDir(t), url), config(t, dataDir(t), url)
	a.Key = filepath.Join(filepath.Dir(a.Data), "keys.json")
	b.Key = a.Key
	return a, b
}

// A deactivation is in force on the other host, which has the integration in its memory, before it is answered.
func TestDeactivationIsInForceEverywhere(t *testing.T) {
	t.Parallel()
	ca, cb := pair(t)
	a, b := start(t, ca), start(t, cb)
	slack := newSlackDouble(t)
	i := a.connectSlack(slack)
	b.Token = a.Token
	for range 5 {
		b.must("POST", "/v1/calls", message(i, "x"), nil)
		a.must("POST", "/v1/integrations/"+i.ID+"/deactivate", nil, nil)
		var p problem
		if b.do("POST", "/v1/calls", message(i, "x"), &p); p.Code != "integration_inactive" {
			t.Fatalf("the other host answers %+v", p)
		}
		a.must("POST", "/v1/integrations/"+i.ID+"/activate", nil, nil)
	}
	var token struct{ ID, Token string }
	a.must("POST", "/v1/tokens", map[string]any{"name": "ci"}, &token)
	if status := b.as(token.Token, "GET", "/v1/me", nil, nil); status != 200 {
		t.Fatalf("the token answers %d", status)
	}
	a.must("DELETE", "/v1/tokens/"+token.ID, nil, nil)
	if status := b.as(token.Token, "GET", "/v1/me", nil, nil); status != 401 {
		t.Errorf("the other host takes a revoked token: %d", status)
	}
	var hosts struct{ Items []struct{ ID string } }
	a.must("GET", "/v1/hosts", nil, &hosts)
	if len(hosts.Items) != 2 {
		t.Errorf("the hosts are %+v", hosts.Items)
	}
	var adapters struct {
		Items []struct {
			Name  string
			Hosts []struct{ State string }
		}
	}
	a.must("GET", "/v1/adapters", nil, &adapters)
	for _, x := range adapters.Items {
		if len(x.Hosts) != 2 {
			t.Errorf("adapter %s is told of by %d hosts", x.Name, len(x.Hosts))
		}
	}
}

// A host that does not answer any more delays a deactivation until nobody can take it for alive, and no longer.
func TestDeactivationOutlivesADeadHost(t *testing.T) {
	t.Parallel()
	ca, cb := pair(t)
	a := start(t, ca)
	b := spawn(t, cb)
	slack := newSlackDouble(t)
	i := a.connectSlack(slack)
	b.Token = a.Token
	b.must("POST", "/v1/calls", message(i, "x"), nil)
	b.kill()
	a.must("POST", "/v1/integrations/"+i.ID+"/deactivate", nil, nil)
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	ca, cb := pair(t)
	a, b := start(t, ca), start(t, cb)
	slack := newSlackDouble(t)
	i := a.connectSlack(slack)
	b.Token = a.Token
	key := header{"Idempotency-Key", "order-1"}
	var first, second answerView
	a.must("POST", "/v1/calls", message(i, "once"), &first, key)
	b.must("POST", "/v1/calls", message(i, "once"), &second, key)
	if first.ID != second.ID || first.Output["ts"] != second.Output["ts"] || slack.count() != 1 {
		t.Errorf("the answers are %+v and %+v after %d messages", first, second, slack.count())
	}
	var p problem
	if status := b.do("POST", "/v1/calls", message(i, "another"), &p, key); status != 422 || p.Code != "idempotency_key_reused" {
		t.Errorf("another request under the key answers %d %+v", status, p)
	}
	var bob struct{ ID string }
	a.must("POST", "/v1/users", map[string]any{"name": "bob"}, &bob)
	var token struct{ Token string }
	a.must("POST", "/v1/tokens", map[string]any{"user": bob.ID, "name": "x"}, &token)
	if a.as(token.Token, "POST", "/v1/calls", message(i, "once"), &p, key); p.Code != "integration_not_found" {
		t.Errorf("another user's key answers %+v", p)
	}
}

// While a call is under way its key answers 409; when its host is killed it answers outcome_unknown, and the call is never repeated.
func TestIdempotencyKeyOfADeadHost(t *testing.T) {
	t.Parallel()
	ca, cb := pair(t)
	a := start(t, ca)
	b := spawn(t, cb)
	slack := newSlackDouble(t)
	i := a.connectSlack(slack)
	b.Token = a.Token
	arrived, never := make(chan struct{}), make(chan struct{})
	var once sync.Once
	slack.failWith(func(http.ResponseWriter, int) bool {
		once.Do(func() { close(arrived) })
		<-never
		return true
	})
	t.Cleanup(func() { close(never) })
	key := header{"Idempotency-Key", "order-2"}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _, _ = b.try(b.Token, "POST", "/v1/calls", message(i, "once"), key)
	}()
	<-arrived
	status, raw, err := a.try(a.Token, "POST", "/v1/calls", message(i, "once"), key)
	if err != nil || status != 409 || !strings.Contains(string(raw), "idempotency_in_progress") {
		t.Fatalf("while it is under way: %d %s %v", status, raw, err)
	}
	b.kill()
	<-ended
	var p problem
	eventually(t, "the dead host is known to be dead", func() bool {
		a.do("POST", "/v1/calls", message(i, "once"), &p, key)
		return p.Code != "idempotency_in_progress"
	})
	if p.Code != "outcome_unknown" || slack.count() != 1 {
		t.Errorf("afterwards it answers %+v after %d messages", p, slack.count())
	}
}

// A new key comes into use once every host has it, the rows move to it, and then the old one can go.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	ca, cb := pair(t)
	cb.Key = filepath.Join(filepath.Dir(cb.Data), "keys.json")
	a := start(t, ca)
	raw, err := os.ReadFile(ca.Key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cb.Key, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	b := start(t, cb)
	slack := newSlackDouble(t)
	i := a.connectSlack(slack)
	b.Token = a.Token
	type keys struct {
		Items []struct {
			ID, State string
			Rows      int64
		}
	}
	var before keys
	a.must("GET", "/v1/keys", nil, &before)
	var rotated struct {
		ID, State, Next string
		HostsMissing    []string `json:"hosts_missing"`
	}
	a.must("POST", "/v1/keys/rotate", nil, &rotated)
	if rotated.State != "pending" || len(rotated.HostsMissing) != 1 || !strings.Contains(rotated.Next, ca.Key) {
		t.Fatalf("with a host that lacks the key: %+v", rotated)
	}
	if raw, err = os.ReadFile(ca.Key); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cb.Key+".new", raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(cb.Key+".new", cb.Key); err != nil {
		t.Fatal(err)
	}
	old := before.Items[0].ID
	eventually(t, "every row hangs on the new key", func() bool {
		var now keys
		a.must("GET", "/v1/keys", nil, &now)
		for _, k := range now.Items {
			if k.ID == old && (k.Rows > 0 || k.State != "secondary") {
				return false
			}
		}
		return len(now.Items) == 2
	})
	b.must("POST", "/v1/calls", message(i, "sealed anew"), nil)
	eventually(t, "the old key can go", func() bool {
		return a.do("POST", "/v1/keys/"+old+"/retire", nil, nil) == 204
	})
	var p problem
	if a.do("POST", "/v1/keys/"+rotated.ID+"/retire", nil, &p); p.Code != "key_in_use" {
		t.Errorf("the primary key can be retired: %+v", p)
	}
}

func TestAuditShowsTampering(t *testing.T) {
	t.Parallel()
	cfg := config(t, dataDir(t), database(t))
	s := start(t, cfg)
	slack := newSlackDouble(t)
	i := s.connectSlack(slack)
	for range 3 {
		s.must("POST", "/v1/calls", message(i, "x"), nil)
	}
	verify := func() bool {
		var out struct{ OK bool }
		s.must("POST", "/v1/audit/verify", nil, &out)
		return out.OK
	}
	if !verify() {
		t.Fatal("an untouched log does not verify")
	}
	for _, attack := range []struct{ do, undo string }{
		{"UPDATE audit SET actor = 'usr_other' WHERE action = 'call' AND seq = (SELECT max(seq) FROM audit WHERE action = 'call')", ""},
		{"CREATE TABLE stash AS SELECT * FROM audit WHERE action = 'platform.settings'; DELETE FROM audit WHERE action = 'platform.settings'",
			"INSERT INTO audit SELECT * FROM stash; DROP TABLE stash"},
		{"CREATE TABLE stash AS SELECT * FROM audit WHERE seq = (SELECT max(seq) FROM audit); DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)",
			"INSERT INTO audit SELECT * FROM stash; DROP TABLE stash"},
		{"UPDATE audit SET detail = '{\"operation\":\"slack.get_me\"}' WHERE action = 'call'", ""},
	} {
		for sql := range strings.SplitSeq(attack.do, "; ") {
			query(t, cfg.DatabaseURL, sql)
		}
		if verify() {
			t.Errorf("it verifies after %q", attack.do)
		}
		if attack.undo == "" {
			query(t, cfg.DatabaseURL, "UPDATE audit SET actor = (SELECT id FROM users WHERE role = 'operator') WHERE actor = 'usr_other'")
			continue
		}
		for sql := range strings.SplitSeq(attack.undo, "; ") {
			query(t, cfg.DatabaseURL, sql)
		}
		if !verify() {
			t.Fatalf("it does not verify after the records are back: %q", attack.undo)
		}
	}
}

// A ciphertext that someone moved to a row of their own does not open.
func TestMovedCiphertextDoesNotOpen(t *testing.T) {
	t.Parallel()
	cfg := config(t, dataDir(t), database(t))
	s := start(t, cfg)
	slack := newSlackDouble(t)
	victim := s.connectSlack(slack)
	var thief struct{ ID string }
	s.must("POST", "/v1/users", map[string]any{"name": "thief"}, &thief)
	var token struct{ Token string }
	s.must("POST", "/v1/tokens", map[string]any{"user": thief.ID, "name": "x"}, &token)
	var own integrationView
	s.as(token.Token, "POST", "/v1/integrations", map[string]any{"platform": "slack", "verify": false, "credential": map[string]string{"token": "xoxb-of-the-thief"}}, &own)
	if n := query(t, cfg.DatabaseURL, "UPDATE integrations SET sealed = v.sealed FROM integrations v WHERE integrations.id = $1 AND v.id = $2", own.ID, victim.ID); n != 1 {
		t.Fatal("nothing was moved")
	}
	before := slack.count()
	var raw json.RawMessage
	if status := s.as(token.Token, "POST", "/v1/calls", message(own, "x"), &raw); status < 400 || slack.count() != before {
		t.Errorf("a moved ciphertext answers %d %s", status, raw)
	}
}

// The listener for other hosts talks to nobody without a certificate of the cluster's own authority.
func TestPeersNeedTheClustersCertificate(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	var hosts struct {
		Items []struct{ ID, Address string }
	}
	s.must("GET", "/v1/hosts", nil, &hosts)
	if len(hosts.Items) != 1 {
		t.Fatalf("the hosts are %+v", hosts.Items)
	}
	certFile, keyFile, _ := certificate(t)
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	for name, certificates := range map[string][]tls.Certificate{"without one": nil, "with one of its own": {pair}} {
		conn, err := tls.Dial("tcp", hosts.Items[0].Address, &tls.Config{InsecureSkipVerify: true, Certificates: certificates})
		if err == nil {
			_, err = fmt.Fprintf(conn, "GET /adapters HTTP/1.1\r\nHost: x\r\n\r\n")
			if err == nil {
				_, err = conn.Read(make([]byte, 1))
			}
			_ = conn.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "tls") {
			t.Errorf("a stranger %s is answered: %v", name, err)
		}
	}
}
