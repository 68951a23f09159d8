package host_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/patchbay/patchbay/host/internal/event"
)

// countingListener counts who connects.
type countingListener struct {
	net.Listener
	accepted atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.accepted.Add(1)
	}
	return conn, err
}

// A webhook reaches nothing of the host's own machine, by whatever name or spelling, and no metadata service even where private
// addresses are allowed; an address that is none is not taken.
func TestWebhooksLeadNowhereInside(t *testing.T) {
	t.Parallel()
	inside := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	counted := &countingListener{Listener: inside.Listener}
	inside.Listener = counted
	inside.StartTLS()
	t.Cleanup(inside.Close)
	_, port, err := net.SplitHostPort(counted.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, config(t, dataDir(t), database(t)))
	for _, name := range []string{"127.0.0.1", "localhost", "localhost.", "[::ffff:127.0.0.1]", "[::1]", "0.0.0.0", "[::]", "127.1", "2130706433", "0x7f.1"} {
		w := s.addWebhook("https://"+name+":"+port+"/hook", "webhook.test")
		s.must("POST", "/v1/webhooks/"+w.ID+"/test", nil, nil)
		d := s.settled(w, "pending", 1)
		if d.LastStatus != 0 || strings.Contains(d.LastError, port) {
			t.Errorf("a webhook to %s ends with %+v", name, d)
		}
		s.must("DELETE", "/v1/webhooks/"+w.ID, nil, nil)
	}
	if n := counted.accepted.Load(); n != 0 {
		t.Errorf("the server inside was connected to %d times", n)
	}
	w := s.addWebhook("https://127.0.0.1:"+port, "webhook.test")
	s.must("POST", "/v1/webhooks/"+w.ID+"/test", nil, nil)
	if d := s.settled(w, "pending", 1); !strings.Contains(d.LastError, "loopback") || !strings.Contains(d.LastError, "--allow-private-webhooks") {
		t.Errorf("the refusal says %q", d.LastError)
	}
	for _, address := range []string{"http://example.com/", "ftp://example.com/", "file:///etc/passwd", "https://user:secret@example.com/", "https://", "https:///x",
		"https://example.com/#a", "https:example.com", "https://exa mple.com/", "//example.com/", "javascript:alert(1)", "https://example.com/" + strings.Repeat("x", 2000)} {
		var p problem
		if status := s.do("POST", "/v1/webhooks", map[string]any{"url": address}, &p); status != 422 {
			t.Errorf("%.60s is answered %d %+v", address, status, p)
		}
	}
}

// Where private addresses are allowed, the metadata service is not, and a redirect leads nowhere.
func TestAllowedWebhooksLeadNoFurther(t *testing.T) {
	t.Parallel()
	s := start(t, hooked(t, database(t)))
	for _, address := range []string{"http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "http://[64:ff9b::a9fe:a9fe]/"} {
		w := s.addWebhook(address, "webhook.test")
		s.must("POST", "/v1/webhooks/"+w.ID+"/test", nil, nil)
		if d := s.settled(w, "pending", 1); d.LastStatus != 0 || !strings.Contains(d.LastError, "it leads to") {
			t.Errorf("a webhook to %s ends with %+v", address, d)
		}
	}
	target := newReceiver(t, nil)
	for _, status := range []int{301, 302, 303, 307, 308} {
		r := newReceiver(t, func(w http.ResponseWriter, req *http.Request) { http.Redirect(w, req, target.URL, status) })
		w := s.addWebhook(r.URL, "webhook.test")
		s.must("POST", "/v1/webhooks/"+w.ID+"/test", nil, nil)
		if d := s.settled(w, "pending", 1); d.LastStatus != status || !strings.Contains(d.LastError, "redirects are not followed") {
			t.Errorf("a redirect %d ends with %+v", status, d)
		}
	}
	if n := len(target.all()); n != 0 {
		t.Errorf("%d redirects were followed", n)
	}
}

// Another user's webhooks and events are exactly as missing as those that are not there; a user gets nobody else's events.
func TestForeignWebhookIsMissing(t *testing.T) {
	t.Parallel()
	db := database(t)
	s := start(t, hooked(t, db))
	r, annsReceiver, all := newReceiver(t, nil), newReceiver(t, nil), newReceiver(t, nil)
	w := s.addWebhook(r.URL)
	ann, token := s.another("ann")
	var annsHook, everybody webhookView
	if status := s.as(token, "POST", "/v1/webhooks", map[string]any{"url": annsReceiver.URL}, &annsHook); status != 201 {
		t.Fatalf("ann's webhook is answered %d", status)
	}
	s.must("POST", "/v1/webhooks", map[string]any{"url": all.URL, "all_users": true}, &everybody)
	e := emitter(t, db)
	emit(t, e, event.Event{User: s.me(), Type: "integration.expired", Subject: "int_own"})
	emit(t, e, event.Event{Type: "adapter.rolled_back", Subject: "slack"})
	emit(t, e, event.Event{User: ann, Type: "integration.expired", Subject: "int_anns"})
	all.waitFor(t, 3)
	anns, own := annsReceiver.waitFor(t, 1), r.waitFor(t, 1)
	if len(s.deliveries(w)) != 1 || !strings.Contains(string(own[0].body), "int_own") || !strings.Contains(string(anns[0].body), "int_anns") {
		t.Errorf("the operator's own webhook got %s, ann's %s", own, anns)
	}
	missing, missingEvent := "whk_00000000000000000000000000", "evt_00000000000000000000000000"
	for _, c := range []struct {
		method, path, real, none string
		in                       any
	}{
		{"GET", "/v1/webhooks/%s", w.ID, missing, nil}, {"DELETE", "/v1/webhooks/%s", w.ID, missing, nil},
		{"PATCH", "/v1/webhooks/%s", w.ID, missing, map[string]any{"url": annsReceiver.URL}}, {"POST", "/v1/webhooks/%s/rotate-secret", w.ID, missing, nil},
		{"POST", "/v1/webhooks/%s/test", w.ID, missing, nil}, {"GET", "/v1/webhooks/%s/deliveries", w.ID, missing, nil},
		{"POST", "/v1/events/%s/replay", own[0].id(), missingEvent, nil}, {"GET", "/v1/events?after=%s", own[0].id(), missingEvent, nil},
		{"POST", "/v1/events/" + anns[0].id() + "/replay%.0s", w.ID, missing, map[string]any{"webhook": w.ID}},
	} {
		foreignStatus, foreign, err := s.try(token, c.method, fmt.Sprintf(c.path, c.real), c.in)
		if err != nil {
			t.Fatal(err)
		}
		noneStatus, none, err := s.try(token, c.method, fmt.Sprintf(c.path, c.none), c.in)
		if err != nil {
			t.Fatal(err)
		}
		if foreignStatus < 400 || foreignStatus != noneStatus || withoutID(foreign) != withoutID(none) {
			t.Errorf("%s %s: another's answers %d %s, a missing one %d %s", c.method, c.path, foreignStatus, foreign, noneStatus, none)
		}
	}
	var l struct{ Items []eventView }
	if status := s.as(token, "GET", "/v1/events", nil, &l); status != 200 || len(l.Items) != 1 || l.Items[0].User != ann {
		t.Errorf("ann's events are %d %+v", status, l.Items)
	}
	s.must("GET", "/v1/events?all_users=true", nil, &l)
	l.Items = slices.DeleteFunc(l.Items, func(e eventView) bool { return e.Type == "adapter.activated" }) // the built-in ones, at the first start
	if len(l.Items) != 3 {
		t.Errorf("everybody's events are %+v", l.Items)
	}
	if len(annsReceiver.all()) != 1 || len(r.all()) != 1 {
		t.Error("somebody was told of what is not theirs")
	}
}

// What everybody's events go to is changed by an operator alone, not by a lesser token of the operator's.
func TestEverybodysWebhookNeedsAnOperator(t *testing.T) {
	t.Parallel()
	db := database(t)
	s := start(t, hooked(t, db))
	r := newReceiver(t, nil)
	var w webhookView
	s.must("POST", "/v1/webhooks", map[string]any{"url": r.URL, "all_users": true}, &w)
	_, anns := s.another("ann")
	var lesser struct{ Token string }
	s.must("POST", "/v1/tokens", map[string]any{"name": "lesser", "scopes": []string{"integrations"}}, &lesser)
	var p problem
	for _, c := range []struct{ token, method, path string }{
		{anns, "POST", "/v1/webhooks"}, {lesser.Token, "POST", "/v1/webhooks"}, {lesser.Token, "PATCH", "/v1/webhooks/" + w.ID},
		{lesser.Token, "DELETE", "/v1/webhooks/" + w.ID}, {lesser.Token, "POST", "/v1/webhooks/" + w.ID + "/rotate-secret"},
		{anns, "GET", "/v1/events?all_users=true"}, {lesser.Token, "GET", "/v1/events?all_users=true"},
	} {
		in := map[string]any{"url": "http://127.0.0.1:1/", "all_users": true}
		if c.method == "PATCH" {
			delete(in, "all_users")
		}
		if status := s.as(c.token, c.method, c.path, in, &p); status != 403 || p.Code != "forbidden" {
			t.Errorf("%s %s answers %d %+v", c.method, c.path, status, p)
		}
	}
	if s.must("GET", "/v1/webhooks/"+w.ID, nil, &w); w.URL != r.URL {
		t.Errorf("it leads to %s now", w.URL)
	}
	query(t, db, "UPDATE users SET role = 'user'") // who was an operator is none any more
	e := emitter(t, db)
	emit(t, e, event.Event{Type: "adapter.rolled_back", Subject: "slack"})
	if n := query(t, db, "SELECT 1 FROM deliveries"); n != 0 {
		t.Errorf("%d deliveries are due to a webhook whose user is no operator any more", n)
	}
}

// A receiver that does not answer takes the turns of its own user alone.
func TestSlowReceiverTakesNoOthersTurn(t *testing.T) {
	t.Parallel()
	db := database(t)
	s := start(t, hooked(t, db))
	release := make(chan struct{})
	var mu sync.Mutex
	now, most := 0, 0
	slow := newReceiver(t, func(w http.ResponseWriter, req *http.Request) {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		select {
		case <-release:
		case <-req.Context().Done():
		}
		mu.Lock()
		now--
		mu.Unlock()
	})
	t.Cleanup(sync.OnceFunc(func() { close(release) }))
	for range 3 {
		s.addWebhook(slow.URL, "integration.*")
	}
	e, me := emitter(t, db), s.me()
	for range 30 {
		emit(t, e, event.Event{User: me, Type: "integration.expired", Subject: "int_1"})
	}
	slow.waitFor(t, 4)
	ann, token := s.another("ann")
	quick := newReceiver(t, nil)
	if status := s.as(token, "POST", "/v1/webhooks", map[string]any{"url": quick.URL}, nil); status != 201 {
		t.Fatalf("ann's webhook is answered %d", status)
	}
	emit(t, e, event.Event{User: ann, Type: "integration.expired", Subject: "int_2"})
	quick.waitFor(t, 1)
	mu.Lock()
	defer mu.Unlock()
	if most != 4 {
		t.Errorf("%d deliveries of one user were under way at the same time", most)
	}
}

// What webhooks take is bounded and checked.
func TestWebhookInput(t *testing.T) {
	t.Parallel()
	s := start(t, hooked(t, database(t)))
	good := "https://example.com/"
	for what, in := range map[string]map[string]any{
		"no url": {}, "a pattern in the middle": {"url": good, "types": []string{"a.*.b"}}, "an empty type": {"url": good, "types": []string{""}},
		"capital letters": {"url": good, "types": []string{"Integration.expired"}}, "two stars": {"url": good, "types": []string{"**"}},
		"SQL": {"url": good, "types": []string{"x' OR '1'='1"}}, "a control character": {"url": good, "description": "a\u0007b"},
		"a long description": {"url": good, "description": strings.Repeat("x", 401)}, "many types": {"url": good, "types": make([]string, 51)},
		"a line break in the url": {"url": "https://example.com/\r\nx: y"}, "an unknown field": {"url": good, "secret": "mine"},
	} {
		var p problem
		if status := s.do("POST", "/v1/webhooks", in, &p); status != 422 || p.Code != "validation_failed" || len(p.Errors) == 0 {
			t.Errorf("%s is answered %d %+v", what, status, p)
		}
	}
	for range event.MaxWebhooks {
		s.addWebhook(good)
	}
	var p problem
	if status := s.do("POST", "/v1/webhooks", map[string]any{"url": good}, &p); status != 422 || !strings.Contains(p.Detail, "20") {
		t.Errorf("one webhook too many is answered %d %+v", status, p)
	}
	for _, path := range []string{"/v1/events?type=" + url.QueryEscape("a%"), "/v1/events?after=nothing", "/v1/events?after=evt_00000000000000000000000000"} {
		if status := s.do("GET", path, nil, &p); status != 422 {
			t.Errorf("%s is answered %d %+v", path, status, p)
		}
	}
}
