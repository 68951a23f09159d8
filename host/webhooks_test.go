package host_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay/patchbay/host"
	"github.com/patchbay/patchbay/host/internal/event"
	"github.com/patchbay/patchbay/host/internal/store"
)

type webhookView struct {
	ID, URL, Secret string
	Enabled         bool
	DisabledReason  string  `json:"disabled_reason"`
	FailingSince    *string `json:"failing_since"`
}

type deliveryView struct {
	Event, Type, State string
	Attempts           int
	LastStatus         int    `json:"last_status"`
	LastError          string `json:"last_error"`
}

type eventView struct {
	ID, Type, User, Subject string
	Data                    map[string]any
}

// received is one request that a receiver got.
type received struct {
	header http.Header
	body   []byte
}

func (r received) id() string { return r.header.Get("webhook-id") }

// receiver is a server that webhooks lead to.
type receiver struct {
	*httptest.Server
	mu  sync.Mutex
	got []received
	// answer is how it answers; 204 when nil.
	answer http.HandlerFunc
}

func newReceiver(t *testing.T, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	r.got = append(r.got, received{req.Header.Clone(), body})
	answer := r.answer
	r.mu.Unlock()
	if answer == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	answer(w, req)
}

func (r *receiver) answerWith(answer http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// waitFor waits until the receiver got n requests.
func (r *receiver) waitFor(t *testing.T, n int) []received {
	t.Helper()
	eventually(t, fmt.Sprintf("the receiver got %d requests", n), func() bool { return len(r.all()) >= n })
	return r.all()
}

// verified checks a request as the text of the Standard Webhooks specification says, with nothing of the host's own code.
func verified(r received, secret string) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || !strings.HasPrefix(secret, "whsec_") || len(key) < 24 || len(key) > 64 {
		return false
	}
	seconds, err := strconv.ParseInt(r.header.Get("webhook-timestamp"), 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return false
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%d.%s", r.id(), seconds, r.body)
	for signature := range strings.FieldsSeq(r.header.Get("webhook-signature")) {
		version, encoded, _ := strings.Cut(signature, ",")
		raw, err := base64.StdEncoding.DecodeString(encoded)
		if version == "v1" && err == nil && hmac.Equal(raw, mac.Sum(nil)) {
			return true
		}
	}
	return false
}

// hooked is a host that may reach receivers on loopback.
func hooked(t *testing.T, url string) host.Config {
	t.Helper()
	cfg := config(t, dataDir(t), url)
	cfg.AllowPrivateWebhooks = true
	return cfg
}

func (c client) addWebhook(url string, types ...string) webhookView {
	c.t.Helper()
	var w webhookView
	c.must("POST", "/v1/webhooks", map[string]any{"url": url, "types": types}, &w)
	return w
}

func (c client) deliveries(w webhookView) []deliveryView {
	c.t.Helper()
	var l struct{ Items []deliveryView }
	c.must("GET", "/v1/webhooks/"+w.ID+"/deliveries?limit=200", nil, &l)
	return l.Items
}

// settled waits until the newest delivery to a webhook is in a state after so many attempts.
func (c client) settled(w webhookView, state string, attempts int) deliveryView {
	c.t.Helper()
	var d deliveryView
	eventually(c.t, fmt.Sprintf("the delivery is %s after %d attempts", state, attempts), func() bool {
		all := c.deliveries(w)
		if len(all) == 0 {
			return false
		}
		d = all[0]
		return d.State == state && d.Attempts == attempts && (state != "pending" || d.LastError != "")
	})
	return d
}

// another is a user with a token of all their scopes.
func (c client) another(name string) (user, token string) {
	c.t.Helper()
	var u struct{ ID string }
	c.must("POST", "/v1/users", map[string]any{"name": name}, &u)
	var made struct{ Token string }
	c.must("POST", "/v1/tokens", map[string]any{"user": u.ID, "name": "test"}, &made)
	return u.ID, made.Token
}

// emitter is a room that says what happened, on a host of its own that serves nothing.
func emitter(t *testing.T, url string) store.Events {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{URL: url, Host: "host_test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return store.Events{Store: s}
}

func emit(t *testing.T, s store.Events, e event.Event) {
	t.Helper()
	if err := event.NewLog(s).Emit(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

func (c client) me() string {
	c.t.Helper()
	var me struct{ ID string }
	c.must("GET", "/v1/me", nil, &me)
	return me.ID
}

// An event reaches the webhooks that want it and no other, signed as the specification says; the secret is told once.
func TestWebhookIsDelivered(t *testing.T) {
	t.Parallel()
	url := database(t)
	s := start(t, hooked(t, url))
	r, other := newReceiver(t, nil), newReceiver(t, nil)
	w := s.addWebhook(r.URL+"/hook?x=1", "integration.*")
	s.addWebhook(other.URL, "adapter.rolled_back")
	me := s.me()
	emit(t, emitter(t, url), event.Event{User: me, Type: "integration.expired", Subject: "int_1", Data: map[string]any{"reason": "é \"x\"\x00", "n": 1 << 60}})
	got := r.waitFor(t, 1)[0]
	if !verified(got, w.Secret) {
		t.Errorf("the signature of %v does not verify", got.header)
	}
	if altered := (received{got.header, append(slices.Clone(got.body), ' ')}); verified(altered, w.Secret) {
		t.Error("a changed body verifies")
	}
	var body struct {
		eventView
		Timestamp time.Time
	}
	if err := json.Unmarshal(got.body, &body); err != nil || body.ID != got.id() || body.Type != "integration.expired" || body.Subject != "int_1" ||
		body.User != me || body.Data["reason"] != "é \"x\"" || body.Timestamp.IsZero() || !strings.Contains(string(got.body), "1152921504606846976") {
		t.Errorf("the body is %s: %v", got.body, err)
	}
	if d := s.settled(w, "delivered", 1); d.LastStatus != 204 || d.Event != got.id() {
		t.Errorf("the delivery is %+v", d)
	}
	var again webhookView
	if s.must("GET", "/v1/webhooks/"+w.ID, nil, &again); again.Secret != "" || again.URL != w.URL {
		t.Errorf("it is answered again as %+v", again)
	}
	if n := query(t, url, "SELECT 1 FROM webhooks w WHERE w::text LIKE '%' || $1 || '%'", strings.TrimPrefix(w.Secret, "whsec_")); n != 0 {
		t.Error("the secret lies in the database in clear")
	}
	standardwebhooks(t, got, w.Secret)
	if len(other.all()) != 0 {
		t.Error("a webhook of other types was told")
	}
}

// standardwebhooks has the specification's own library for Node verify a request.
func standardwebhooks(t *testing.T, r received, secret string) {
	t.Helper()
	tools := os.Getenv("PATCHBAY_TEST_TOOLS")
	if tools == "" {
		t.Log("PATCHBAY_TEST_TOOLS is not set: standardwebhooks was not asked")
		return
	}
	headers, err := json.Marshal(map[string]string{"webhook-id": r.id(), "webhook-timestamp": r.header.Get("webhook-timestamp"),
		"webhook-signature": r.header.Get("webhook-signature")})
	if err != nil {
		t.Fatal(err)
	}
	script := `const { Webhook } = require(process.argv[1]); new Webhook(process.argv[2]).verify(process.argv[4], JSON.parse(process.argv[3])); console.log("good")`
	out, err := exec.Command("node", "-e", script, filepath.Join(tools, "node_modules", "standardwebhooks"), secret, string(headers), string(r.body)).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "good") {
		t.Errorf("standardwebhooks says %s: %v", out, err)
	}
}

// The example in the documentation verifies what the host sends, and refuses what is altered, old or of another secret.
func TestWebhookExampleInTheDocs(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed: the example cannot be run")
	}
	docs, err := os.ReadFile("docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(docs), "```js\n")
	example, _, found := strings.Cut(example, "```")
	if !found {
		t.Fatal("docs/webhooks.md has no example in js")
	}
	file := filepath.Join(t.TempDir(), "verify.mjs")
	driver := "\nconsole.log(verify(process.argv[2], JSON.parse(process.argv[3]), process.argv[4]));\n"
	if err := os.WriteFile(file, []byte(example+driver), 0o600); err != nil {
		t.Fatal(err)
	}
	url := database(t)
	s := start(t, hooked(t, url))
	r := newReceiver(t, nil)
	w := s.addWebhook(r.URL)
	s.must("POST", "/v1/webhooks/"+w.ID+"/test", nil, nil)
	got := r.waitFor(t, 1)[0]
	says := func(secret string, change func(h map[string]string), body string) string {
		headers := map[string]string{}
		for name := range got.header {
			headers[strings.ToLower(name)] = got.header.Get(name)
		}
		change(headers)
		encoded, _ := json.Marshal(headers)
		out, err := exec.Command("node", file, secret, string(encoded), body).CombinedOutput()
		if err != nil {
			t.Fatalf("the example fails: %v\n%s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	keep := func(map[string]string) {}
	for _, c := range []struct {
		what, secret string
		change       func(map[string]string)
		body, want   string
	}{
		{"the request", w.Secret, keep, string(got.body), "true"},
		{"a changed body", w.Secret, keep, string(got.body) + " ", "false"},
		{"another secret", "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32)), keep, string(got.body), "false"},
		{"an old request", w.Secret, func(h map[string]string) { h["webhook-timestamp"] = "1700000000" }, string(got.body), "false"},
		{"no signature", w.Secret, func(h map[string]string) { h["webhook-signature"] = "" }, string(got.body), "false"},
		{"two signatures", w.Secret, func(h map[string]string) { h["webhook-signature"] = "v1,AAAA " + h["webhook-signature"] }, string(got.body), "true"},
	} {
		if out := says(c.secret, c.change, c.body); out != c.want {
			t.Errorf("the example says %s of %s", out, c.what)
		}
	}
}

// What failed is tried again with the same id and body; what was given up marks the webhook; a replay heals it.
func TestWebhookRetries(t *testing.T) {
	t.Parallel()
	url := database(t)
	s := start(t, hooked(t, url))
	r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "secret words of the receiver", 500) })
	w := s.addWebhook(r.URL, "webhook.test")
	s.must("POST", "/v1/webhooks/"+w.ID+"/test", nil, nil)
	if d := s.settled(w, "pending", 1); d.LastStatus != 500 || strings.Contains(d.LastError, "secret") {
		t.Errorf("after a failure the delivery is %+v", d)
	}
	query(t, url, "UPDATE deliveries SET due_at = now()") // time passes
	s.settled(w, "pending", 2)
	got := r.all()
	if got[0].id() != got[1].id() || string(got[0].body) != string(got[1].body) || !verified(got[1], w.Secret) {
		t.Errorf("the attempts are %+v", got)
	}
	query(t, url, "UPDATE deliveries SET due_at = now(), first_attempt_at = now() - interval '73 hours'")
	s.settled(w, "failed", 3)
	var view webhookView
	if s.must("GET", "/v1/webhooks/"+w.ID, nil, &view); view.FailingSince == nil || !view.Enabled {
		t.Errorf("after giving up the webhook is %+v", view)
	}
	var events struct{ Items []eventView }
	if s.must("GET", "/v1/events?type=webhook.failing", nil, &events); len(events.Items) != 1 || events.Items[0].Subject != w.ID {
		t.Errorf("the events are %+v", events.Items)
	}
	r.answerWith(nil)
	var replayed struct{ Deliveries int }
	if s.must("POST", "/v1/events/"+got[0].id()+"/replay", nil, &replayed); replayed.Deliveries != 1 {
		t.Errorf("%d deliveries are due after a replay", replayed.Deliveries)
	}
	s.settled(w, "delivered", 1)
	if last := r.all()[3]; last.id() != got[0].id() || string(last.body) != string(got[0].body) || !verified(last, w.Secret) {
		t.Errorf("the replay was %+v", last)
	}
	if s.must("GET", "/v1/webhooks/"+w.ID, nil, &view); view.FailingSince != nil {
		t.Error("a webhook that was reached is still failing")
	}
}

// 410 Gone disables a webhook, gives up what is due to it, and is an event; enabled again it gets what comes then.
func TestGoneDisablesAWebhook(t *testing.T) {
	t.Parallel()
	s := start(t, hooked(t, database(t)))
	r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) })
	w := s.addWebhook(r.URL)
	s.must("POST", "/v1/webhooks/"+w.ID+"/test", nil, nil)
	s.settled(w, "failed", 1)
	var view webhookView
	if s.must("GET", "/v1/webhooks/"+w.ID, nil, &view); view.Enabled || !strings.Contains(view.DisabledReason, "410") {
		t.Errorf("after 410 the webhook is %+v", view)
	}
	var p problem
	if status := s.do("POST", "/v1/webhooks/"+w.ID+"/test", nil, &p); status != 409 || p.Code != "conflict" {
		t.Errorf("testing a disabled webhook answers %d %+v", status, p)
	}
	var events struct{ Items []eventView }
	if s.must("GET", "/v1/events?type=webhook.disabled", nil, &events); len(events.Items) != 1 {
		t.Errorf("the events are %+v", events.Items)
	}
	r.answerWith(nil)
	s.must("PATCH", "/v1/webhooks/"+w.ID, map[string]any{"enabled": true}, nil)
	s.must("POST", "/v1/webhooks/"+w.ID+"/test", nil, nil)
	s.settled(w, "delivered", 1)
}

// After a rotation both secrets sign for a day, and a key rotation of the host reaches the sealed secrets.
func TestWebhookSecretRotates(t *testing.T) {
	t.Parallel()
	url := database(t)
	s := start(t, hooked(t, url))
	r := newReceiver(t, nil)
	w := s.addWebhook(r.URL)
	var rotated webhookView
	s.must("POST", "/v1/webhooks/"+w.ID+"/rotate-secret", nil, &rotated)
	if rotated.Secret == "" || rotated.Secret == w.Secret {
		t.Fatalf("the rotation answers %+v", rotated)
	}
	s.must("POST", "/v1/webhooks/"+w.ID+"/test", nil, nil)
	got := r.waitFor(t, 1)[0]
	if !verified(got, w.Secret) || !verified(got, rotated.Secret) || len(strings.Fields(got.header.Get("webhook-signature"))) != 2 {
		t.Errorf("after a rotation the signatures are %q", got.header.Get("webhook-signature"))
	}
	standardwebhooks(t, got, w.Secret)
	var key struct{ ID string }
	s.must("POST", "/v1/keys/rotate", nil, &key)
	eventually(t, "the webhook is rewrapped", func() bool {
		return query(t, url, "SELECT 1 FROM webhooks WHERE key_id = $1", key.ID) == 1
	})
	s.must("POST", "/v1/webhooks/"+w.ID+"/test", nil, nil)
	if got := r.waitFor(t, 2)[1]; !verified(got, rotated.Secret) {
		t.Error("after a key rotation the signature does not verify")
	}
}
