package host_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host"
)

// trio answers the configurations of three hosts on one database, with the same key and a provider's time-out that a test can wait for.
func trio(t *testing.T, timeout time.Duration) []host.Config {
	t.Helper()
	a, b := pair(t)
	c := config(t, dataDir(t), a.DatabaseURL)
	c.Key = a.Key
	out := []host.Config{a, b, c}
	for i := range out {
		out[i].ProviderTimeout = timeout
	}
	return out
}

// spawnAll runs hosts as processes of their own, which take the first one's token.
func spawnAll(t *testing.T, configs []host.Config) []*spawned {
	t.Helper()
	var out []*spawned
	for _, cfg := range configs {
		s := spawn(t, cfg)
		if len(out) > 0 {
			s.Token = out[0].Token
		}
		out = append(out, s)
	}
	return out
}

// callAll makes n calls at once on hosts in turn, and answers the codes of those that failed.
func callAll(n int, hosts []*spawned, i integrationView) []string {
	var mu sync.Mutex
	var failed []string
	var wg sync.WaitGroup
	for k := range n {
		wg.Go(func() {
			h := hosts[k%len(hosts)]
			status, raw, err := h.try(h.Token, "POST", "/v1/calls", whoami(i))
			if err != nil || status != 200 {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, fmt.Sprint(status, " ", string(raw), " ", err))
			}
		})
	}
	wg.Wait()
	return failed
}

// A thousand calls find the token ended, on one host and on three: one token request, and no call fails.
func TestAThousandCallersOneRefresh(t *testing.T) {
	hosts := spawnAll(t, trio(t, 30*time.Second))
	p := newProvider(t)
	i := hosts[0].connectFixture(p)
	for n, some := range [][]*spawned{hosts[:1], hosts} {
		before := p.only(t).refreshes
		p.expire()
		if failed := callAll(1000, some, i); len(failed) > 0 {
			t.Fatalf("on %d hosts %d calls failed: %s", len(some), len(failed), failed[0])
		}
		if g := p.only(t); g.refreshes != before+1 || g.most != 1 || g.reused {
			t.Errorf("on %d hosts the provider saw %d token requests, %d at once (round %d)", len(some), g.refreshes-before, g.most, n)
		}
	}
}

// A provider that takes its time makes callers on two hosts wait, and none of them fail.
func TestASlowProviderIsWaitedFor(t *testing.T) {
	t.Parallel()
	hosts := spawnAll(t, trio(t, 30*time.Second)[:2])
	p := newProvider(t)
	i := hosts[0].connectFixture(p)
	release := make(chan struct{})
	slow := 25 * time.Second
	p.lock(func() {
		p.onRefresh = func(http.ResponseWriter, *http.Request) bool {
			select {
			case <-release:
			case <-time.After(slow):
			}
			return false
		}
	})
	defer close(release)
	p.expire()
	if failed := callAll(40, hosts, i); len(failed) > 0 {
		t.Fatalf("%d calls failed: %s", len(failed), failed[0])
	}
	if g := p.only(t); g.refreshes != 1 {
		t.Errorf("the provider saw %d token requests", g.refreshes)
	}
}

// Whatever a provider answers for a while, the grant survives it.
func TestNastyAnswersNeverHarmTheGrant(t *testing.T) {
	t.Parallel()
	h := start(t, config(t, dataDir(t), database(t)))
	p := newProvider(t)
	i := h.connectFixture(p)
	text := func(status int, kind, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
			return true
		}
	}
	nasty := map[string]func(http.ResponseWriter, *http.Request) bool{
		"500":             text(500, "text/plain", "oops"),
		"503 HTML":        text(503, "text/html", "<h1>maintenance</h1>"),
		"garbage":         text(200, "application/json", "{{{"),
		"HTML with 200":   text(200, "text/html", "<html>sign in</html>"),
		"an empty body":   text(200, "application/json", ""),
		"null":            text(200, "application/json", "null"),
		"a huge body":     text(200, "application/json", `{"access_token":"`+strings.Repeat("a", 8<<20)+`"}`),
		"no token":        text(200, "application/json", `{"token_type":"Bearer","expires_in":5}`),
		"a token object":  text(200, "application/json", `{"access_token":{"a":1}}`),
		"a header inside": text(200, "application/json", `{"access_token":"a\r\nX-Evil: 1"}`),
		"invalid_client":  text(401, "application/json", `{"error":"invalid_client"}`),
		"a plain 400":     text(400, "text/plain", "bad request"),
		"429": func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		},
		"a redirect": func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "http://"+r.Host+"/steal", http.StatusTemporaryRedirect)
			return true
		},
		"a cut connection": func(w http.ResponseWriter, _ *http.Request) bool { panic(http.ErrAbortHandler) },
	}
	for name, hook := range nasty {
		t.Run(name, func(t *testing.T) {
			p.lock(func() { p.onRefresh = hook })
			p.expire()
			var pr problem
			h.do("POST", "/v1/calls", map[string]any{"integration": i.ID, "operation": "whoami", "input": map[string]any{}, "timeout": "2s"}, &pr)
			if pr.Code == "" || pr.Code == "reauthorization_required" || pr.Code == "internal_error" {
				t.Errorf("the call answers %+v", pr)
			}
			var now integrationView
			if h.must("GET", "/v1/integrations/"+i.ID, nil, &now); now.Status != "active" {
				t.Fatalf("the integration is %+v", now)
			}
			p.lock(func() { p.onRefresh = nil })
			h.must("POST", "/v1/integrations/"+i.ID+"/refresh", nil, nil) // by hand, without waiting for the pause to end
			h.must("POST", "/v1/calls", whoami(i), nil)
		})
	}
	if g := p.only(t); g.reused || g.most != 1 {
		t.Errorf("the grant is %+v", g)
	}
}

// Odd expiries are lived with: what is said of a token's life is a hint, and the platform's refusal decides.
func TestOddExpiries(t *testing.T) {
	t.Parallel()
	h := start(t, config(t, dataDir(t), database(t)))
	p := newProvider(t)
	i := h.connectFixture(p)
	for name, said := range map[string]any{"none": nil, "past": -100, "zero": 0, "text": "3600", "a fraction": 3599.5, "a word": "soon", "eons": 1e30} {
		t.Run(name, func(t *testing.T) {
			p.lock(func() { p.said = said })
			h.must("POST", "/v1/integrations/"+i.ID+"/refresh", nil, nil)
			for range 3 {
				h.must("POST", "/v1/calls", whoami(i), nil)
			}
			before := p.only(t).refreshes
			p.expire()
			h.must("POST", "/v1/calls", whoami(i), nil)
			if g := p.only(t); g.refreshes != before+1 {
				t.Errorf("after the token's end it was refreshed %d times", g.refreshes-before)
			}
		})
	}
}

// An answer without a new refresh token keeps the old one; the same tokens again are no harm.
func TestAnOldTokenAgain(t *testing.T) {
	t.Parallel()
	h := start(t, config(t, dataDir(t), database(t)))
	p := newProvider(t)
	i := h.connectFixture(p)
	p.lock(func() {
		p.onRefresh = func(w http.ResponseWriter, r *http.Request) bool {
			_ = r.ParseForm()
			p.mu.Lock()
			defer p.mu.Unlock()
			for _, g := range p.grants {
				access := p.next("access")
				p.tokens[access] = issued{g.family, time.Now().Add(time.Hour)}
				answer(w, map[string]any{"access_token": access, "expires_in": 3600}) // does not rotate
			}
			return true
		}
	})
	for range 3 {
		h.must("POST", "/v1/integrations/"+i.ID+"/refresh", nil, nil)
		h.must("POST", "/v1/calls", whoami(i), nil)
	}
	p.lock(func() { p.onRefresh = nil })
	h.must("POST", "/v1/integrations/"+i.ID+"/refresh", nil, nil)
	h.must("POST", "/v1/calls", whoami(i), nil)
}

// holder holds rows of the database locked, so that a host stands still exactly before it writes them.
type holder struct {
	t    *testing.T
	conn *pgx.Conn
	tx   pgx.Tx
}

func holdRow(t *testing.T, url, sql string, args ...any) *holder {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
	return &holder{t, conn, tx}
}

func (h *holder) release() {
	_ = h.tx.Rollback(context.Background())
	_ = h.conn.Close(context.Background())
}

// value reads one value of the database.
func value[T any](t *testing.T, url, sql string, args ...any) T {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var v T
	if err := conn.QueryRow(context.Background(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// refreshStep is a moment of a refresh at which a host is stopped or killed.
type refreshStep struct {
	name string
	// arm prepares the moment; reached returns when it has come. undo lets everything go on, after the host that refreshes was killed or not.
	arm func(t *testing.T, url string, p *provider, i integrationView) (reached <-chan struct{}, undo func(killed bool))
	// lost is true where the answer was given and not stored: the one loss that no client can avoid.
	lost bool
}

// once makes a hook that runs its function for the first refresh alone.
func once(f func()) func() {
	var o sync.Once
	return func() { o.Do(f) }
}

func refreshSteps() []refreshStep {
	waiting := func(t *testing.T, url, table string) <-chan struct{} {
		reached := make(chan struct{})
		go func() {
			defer close(reached)
			for value[int](t, url, `SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
				AND query ILIKE '%`+table+`%'`) == 0 {
				time.Sleep(5 * time.Millisecond)
			}
		}()
		return reached
	}
	return []refreshStep{
		{name: "before the request", arm: func(t *testing.T, url string, _ *provider, i integrationView) (<-chan struct{}, func(bool)) {
			// The lease exists and is free; the host takes it, and stands still where it marks its request as sent.
			query(t, url, `INSERT INTO refresh_leases (integration_id) VALUES ($1) ON CONFLICT DO NOTHING`, i.ID)
			query(t, url, `CREATE OR REPLACE FUNCTION stand() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				IF NEW.sent_at IS NOT NULL AND OLD.sent_at IS NULL AND NEW.fence = (SELECT min(fence) FROM held) THEN PERFORM pg_advisory_xact_lock(77); END IF;
				RETURN NEW; END $$`)
			query(t, url, `CREATE TABLE IF NOT EXISTS held (fence bigint)`)
			query(t, url, `INSERT INTO held SELECT fence + 1 FROM refresh_leases WHERE integration_id = $1`, i.ID)
			query(t, url, `CREATE TRIGGER stand BEFORE UPDATE ON refresh_leases FOR EACH ROW EXECUTE FUNCTION stand()`)
			h := holdRow(t, url, `SELECT pg_advisory_xact_lock(77)`)
			return waiting(t, url, "refresh_leases"), func(bool) {
				h.release()
				query(t, url, `DROP TRIGGER stand ON refresh_leases`)
				query(t, url, `DROP TABLE held`)
			}
		}},
		{name: "during the request", arm: func(_ *testing.T, _ string, p *provider, _ integrationView) (<-chan struct{}, func(bool)) {
			reached, goOn := make(chan struct{}), make(chan bool, 1)
			arrived := once(func() { close(reached) })
			p.lock(func() {
				p.onRefresh = func(w http.ResponseWriter, r *http.Request) bool {
					first := false
					select {
					case <-reached:
					default:
						first = true
					}
					arrived()
					if first {
						killed := <-goOn
						if killed { // whoever asked is gone: nothing was spent
							<-r.Context().Done()
						}
						return killed
					}
					return false
				}
			})
			return reached, func(killed bool) {
				goOn <- killed
				p.lock(func() { p.onRefresh = nil })
			}
		}},
		{name: "after the answer, before the write", lost: true, arm: func(t *testing.T, url string, _ *provider, i integrationView) (<-chan struct{}, func(bool)) {
			h := holdRow(t, url, `SELECT 1 FROM integrations WHERE id = $1 FOR UPDATE`, i.ID)
			return waiting(t, url, "integrations"), func(bool) { h.release() }
		}},
		{name: "after the write", arm: func(t *testing.T, url string, _ *provider, i integrationView) (<-chan struct{}, func(bool)) {
			before := value[int64](t, url, `SELECT version FROM integrations WHERE id = $1`, i.ID)
			reached := make(chan struct{})
			go func() {
				defer close(reached)
				for value[int64](t, url, `SELECT version FROM integrations WHERE id = $1`, i.ID) == before {
					time.Sleep(2 * time.Millisecond)
				}
			}()
			return reached, func(bool) {}
		}},
	}
}

// upTo makes the first of three hosts refresh, brings it to a step, and does something to it there. first tells the status of the call that
// made it refresh.
func upTo(t *testing.T, step refreshStep, do func(*spawned)) (hosts []*spawned, p *provider, i integrationView, first <-chan int) {
	t.Helper()
	hosts = spawnAll(t, trio(t, 3*time.Second))
	p = newProvider(t)
	i = hosts[0].connectFixture(p)
	for _, h := range hosts {
		h.must("POST", "/v1/calls", whoami(i), nil)
	}
	p.expire()
	reached, undo := step.arm(t, hosts[0].database, p, i)
	answered := make(chan int, 1)
	go func() {
		status, _, _ := hosts[0].try(hosts[0].Token, "POST", "/v1/calls", whoami(i)) // 0 where its host dies
		answered <- status
	}()
	<-reached
	do(hosts[0])
	undo(hosts[0].cmd.ProcessState != nil)
	return hosts, p, i, answered
}

// A refreshing host is killed at every step of the refresh. The others go on; the only loss is the one that no client can avoid, and it is told.
func TestKillWhileRefreshing(t *testing.T) {
	for _, step := range refreshSteps() {
		t.Run(step.name, func(t *testing.T) {
			t.Parallel()
			for range (rounds(t) + 2) / 3 { // four steps a round
				killWhileRefreshing(t, step)
			}
		})
	}
}

func killWhileRefreshing(t *testing.T, step refreshStep) {
	hosts, p, i, first := upTo(t, step, func(h *spawned) { h.kill() })
	<-first
	failed := callAll(30, hosts[1:], i)
	var now integrationView
	var raw struct {
		StatusReason string `json:"status_reason"`
	}
	hosts[1].must("GET", "/v1/integrations/"+i.ID, nil, &now)
	hosts[1].must("GET", "/v1/integrations/"+i.ID, nil, &raw)
	g := p.only(t)
	if g.most > 1 {
		t.Errorf("%d refreshes were in flight at once", g.most)
	}
	if step.lost {
		if now.Status != "expired" || !strings.Contains(raw.StatusReason, "was lost") {
			t.Errorf("after the unavoidable loss the integration is %s: %s", now.Status, raw.StatusReason)
		}
		return
	}
	if len(failed) > 0 || now.Status != "active" || g.reused {
		t.Errorf("%d calls failed (%v), the integration is %s (%s), the grant %+v", len(failed), failed, now.Status, raw.StatusReason, g)
	}
}

// A refreshing host stands still (SIGSTOP) for longer than its lease, at every step. Two requests are never in flight, a late answer that holds
// the live token is kept, and a newer one is never overwritten.
func TestStandStillWhileRefreshing(t *testing.T) {
	for _, step := range refreshSteps() {
		t.Run(step.name, func(t *testing.T) {
			t.Parallel()
			standStill(t, step)
		})
	}
}

func standStill(t *testing.T, step refreshStep) {
	hosts, p, i, first := upTo(t, step, func(h *spawned) { stop(t, h) })
	url := hosts[0].database
	_ = callAll(10, hosts[1:], i) // they outwait the lease, and take over
	version := value[int64](t, url, `SELECT version FROM integrations WHERE id = $1`, i.ID)
	_ = hosts[0].cmd.Process.Signal(syscall.SIGCONT)
	<-first
	eventually(t, "the lease free", func() bool {
		return value[bool](t, url, `SELECT owner = '' FROM refresh_leases WHERE integration_id = $1`, i.ID)
	})
	g := p.only(t)
	if g.most > 1 {
		t.Errorf("%d refreshes were in flight at once", g.most)
	}
	var now integrationView
	hosts[1].must("GET", "/v1/integrations/"+i.ID, nil, &now)
	after := value[int64](t, url, `SELECT version FROM integrations WHERE id = $1`, i.ID)
	if after < version {
		t.Errorf("version %d was overwritten by %d", version, after)
	}
	if g.dead { // past the lease at most this grant is lost, and it is told
		if step.lost && now.Status == "active" { // the late answer was kept, and the platform has the last word on it
			_ = callAll(2, hosts[1:], i)
			hosts[1].must("GET", "/v1/integrations/"+i.ID, nil, &now)
		}
		if now.Status != "expired" {
			t.Errorf("the provider ended the grant, and the integration is %s", now.Status)
		}
		return
	}
	if failed := callAll(6, hosts, i); len(failed) > 0 || now.Status != "active" {
		t.Errorf("afterwards %d calls fail (%v); the integration is %s", len(failed), failed, now.Status)
	}
}

// A host that stands still between the request and the answer for less than its lease loses nothing: its answer is stored when it wakes.
func TestAShortStandStillLosesNothing(t *testing.T) {
	t.Parallel()
	hosts := spawnAll(t, trio(t, 30*time.Second)[:2])
	p := newProvider(t)
	i := hosts[0].connectFixture(p)
	p.expire()
	reached := make(chan struct{})
	arrived := once(func() { close(reached) })
	p.lock(func() { p.afterRefresh = arrived })
	first := make(chan int, 1)
	go func() {
		status, _, _ := hosts[0].try(hosts[0].Token, "POST", "/v1/calls", whoami(i))
		first <- status
	}()
	<-reached
	stop(t, hosts[0])
	waiting := make(chan []string, 1)
	go func() { waiting <- callAll(5, hosts[1:], i) }()
	eventually(t, "the other host waiting for the lease", func() bool { // it asks again every second
		return value[bool](t, hosts[1].database, `SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
			AND query ILIKE '%FROM refresh_leases%' AND query ILIKE '%retry_at - clock_timestamp()%' AND pid <> pg_backend_pid())`)
	})
	_ = hosts[0].cmd.Process.Signal(syscall.SIGCONT)
	if failed := <-waiting; len(failed) > 0 {
		t.Errorf("calls failed: %v", failed)
	}
	if status := <-first; status != 200 {
		t.Errorf("the call of the host that stood still answers %d", status)
	}
	if g := p.only(t); g.refreshes != 1 || g.dead {
		t.Errorf("the grant is %+v", g)
	}
}

// stop makes a host stand still, and go on at the test's end at the latest.
func stop(t *testing.T, s *spawned) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Signal(syscall.SIGCONT) })
}
