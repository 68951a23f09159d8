package host_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime/multipart"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"aead.dev/minisign"
	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host"
)

// slackRelease builds Slack's adapter as a version; the flags go to the linker.
func slackRelease(t *testing.T, version string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "slack")
	build := exec.Command("go", "build", "-ldflags", "-s -w -X main.version="+version, "-o", path, "../plugins/slack")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// form is a field or a file of an upload.
type form struct{ name, value string }

// install uploads a release and answers the status and the answer.
func (c client) install(adapter string, fields ...form) (int, map[string]any) {
	c.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, f := range fields {
		part, err := w.CreateFormFile(f.name, f.name)
		if err == nil {
			_, err = io.WriteString(part, f.value)
		}
		if err != nil {
			c.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		c.t.Fatal(err)
	}
	var out map[string]any
	status := c.do("POST", "/v1/adapters/"+adapter+"/releases", body.Bytes(), &out, header{"Content-Type", w.FormDataContentType()})
	return status, out
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

type adapterState struct {
	Name    string
	Desired struct {
		Version, Canary string
		Revision        int64
	}
	Hosts []struct {
		Host, Version, State, Trust, Problem string
		Revision                             int64
		Swapping                             bool
		Canary                               *struct{ Version string }
	}
}

// slack answers the state of Slack's adapter.
func (c client) slack() adapterState {
	c.t.Helper()
	var l struct{ Items []adapterState }
	c.must("GET", "/v1/adapters", nil, &l)
	for _, a := range l.Items {
		if a.Name == "slack" {
			return a
		}
	}
	c.t.Fatal("there is no slack")
	return adapterState{}
}

// runs waits until the hosts run a version, and nothing is under way.
func (c client) runs(hosts int, version string) {
	c.t.Helper()
	eventually(c.t, strconv.Itoa(hosts)+" hosts run "+version, func() bool {
		a := c.slack()
		for _, h := range a.Hosts {
			if h.Version != version || h.Swapping || h.Revision != a.Desired.Revision {
				return false
			}
		}
		return len(a.Hosts) == hosts
	})
}

func (c client) events(kind string) int {
	c.t.Helper()
	var l struct{ Items []struct{ Kind string } }
	c.must("GET", "/v1/adapter-events?adapter=slack&limit=200", nil, &l)
	n := 0
	for _, e := range l.Items {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// Three hosts on one database follow one activation while calls run on each, one that was down catches up, and a canary is
// promoted and rolled back: no call fails.
func TestClusterFollowsOneActivation(t *testing.T) {
	t.Parallel()
	first, second := pair(t)
	third := second
	third.Data = dataDir(t)
	a, b := start(t, first), start(t, second)
	down := start(t, third)
	slack := newSlackDouble(t)
	i := a.connectSlack(slack)
	b.Token, down.Token = a.Token, a.Token
	for _, v := range []string{"1.2.0", "1.3.0"} {
		if status, out := a.install("slack", form{"binary", read(t, slackRelease(t, v))}, form{"version", v}, form{"allow_unsigned", "true"}); status != 201 {
			t.Fatalf("installing %s: %d %v", v, status, out)
		}
	}
	if err := down.stop(); err != nil {
		t.Fatal(err)
	}
	var done atomic.Bool
	var calls atomic.Int64
	var running sync.WaitGroup
	for _, c := range []client{a.client, b.client} {
		for range 4 {
			running.Go(func() {
				for !done.Load() {
					status, raw, err := c.try(c.Token, "POST", "/v1/calls", message(i, "x"))
					if calls.Add(1); err != nil || status != 200 {
						t.Errorf("a call answered %d %s %v", status, raw, err)
						return
					}
				}
			})
		}
	}
	step := func(path string, in any, version string) {
		t.Helper()
		a.must("POST", "/v1/adapters/slack/"+path, in, nil)
		seen := calls.Load()
		a.runs(2, version)
		eventually(t, "calls go on", func() bool { return calls.Load() > seen+16 || t.Failed() })
	}
	step("activate", map[string]any{"version": "1.2.0"}, "1.2.0")
	step("activate", map[string]any{"version": "1.3.0", "canary": 0.5}, "1.2.0")
	for _, h := range b.slack().Hosts {
		if h.Canary == nil || h.Canary.Version != "1.3.0" || h.Trust != "unsigned" {
			t.Errorf("a host says %+v", h)
		}
	}
	step("activate", map[string]any{"version": "1.3.0"}, "1.3.0")
	step("rollback", nil, "1.2.0")
	step("activate", map[string]any{"version": "1.3.0"}, "1.3.0")
	done.Store(true)
	running.Wait()
	back := start(t, third)
	back.Token = a.Token
	back.runs(3, "1.3.0")
	back.must("POST", "/v1/calls", message(i, "x"), nil)
	if a.events("swapped") == 0 || a.events("canary") != 1 || a.events("promoted") != 1 || a.events("rolled_back") != 1 {
		t.Error("the events do not tell what happened")
	}
	t.Logf("%d calls", calls.Load())
}

// A release is what its version, its manifest and its signature say, or is refused; nothing of it is stored then.
func TestInstallation(t *testing.T) {
	t.Parallel()
	url := database(t)
	s := start(t, config(t, dataDir(t), url))
	path := slackRelease(t, "1.2.0")
	binary := read(t, path)
	refuse := func(what, detail string, fields ...form) {
		t.Helper()
		status, out := s.install("slack", fields...)
		if text, _ := out["detail"].(string); status < 400 || !strings.Contains(text, detail) {
			t.Errorf("%s: %d %v", what, status, out)
		}
	}
	unsigned := form{"allow_unsigned", "true"}
	refuse("unsigned", "No pinned key", form{"binary", binary})
	refuse("another version", "the binary says that it is", form{"binary", binary}, form{"version", "1.2.1"}, unsigned)
	refuse("grants", "can be given no grants", form{"binary", binary}, unsigned, form{"grant", "containers"})
	refuse("nonsense grant", "is not one of", form{"binary", binary}, unsigned, form{"grant", "runtime:relative"})
	refuse("no program", "no program for Linux", form{"binary", "#!/bin/sh\n"}, unsigned)
	refuse("cut short", "", form{"binary", binary[:len(binary)/2]}, unsigned)
	refuse("nothing", "is missing", unsigned)
	refuse("no version", "want a semantic version", form{"binary", read(t, slackRelease(t, "latest"))}, unsigned)
	if status, out := s.install("other", form{"binary", binary}, unsigned); status != 422 {
		t.Errorf("another adapter's name: %d %v", status, out)
	}
	var dry map[string]any
	if status, out := s.install("slack", form{"binary", binary}, form{"dry_run", "true"}); status != 200 || out["refused"] == "" || out["installed"] != false {
		t.Errorf("a dry run: %d %v %v", status, out, dry)
	}

	public, secret, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, stranger, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	pack := func(key minisign.PrivateKey, grants ...string) string {
		t.Helper()
		var b bytes.Buffer
		_, err := host.Pack(t.Context(), host.PackConfig{Binaries: []string{path}, Grants: grants,
			Sign: func(m []byte) ([]byte, error) { return minisign.Sign(key, m), nil }}, &b)
		if err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	good := pack(secret)
	refuse("a key that is not pinned", "not pinned", form{"pack", good}, unsigned)
	s.must("POST", "/v1/adapter-keys", map[string]string{"name": "me", "public_key": public.String()}, nil)
	refuse("a stranger's key", "not pinned", form{"pack", pack(stranger)}, unsigned)
	refuse("a grant that is asked for", "egress:*", form{"pack", pack(secret, "egress:*")})
	refuse("a damaged pack", "", form{"pack", good[:len(good)-100]})
	var releases struct {
		Items []struct{ Version, Trust string }
	}
	s.must("GET", "/v1/adapters/slack/releases", nil, &releases)
	if len(releases.Items) != 1 {
		t.Fatalf("what was refused is there: %+v", releases.Items)
	}
	status, out := s.install("slack", form{"pack", pack(secret, "egress:*")}, form{"grant", "egress:*"})
	if status != 201 || out["trust"] != "signed" || out["publisher"] != "me" {
		t.Fatalf("a signed pack: %d %v", status, out)
	}
	if raw, _ := json.Marshal(out["platforms"]); !strings.Contains(string(raw), `"slack.com"`) || !strings.Contains(string(raw), `"files.slack.com"`) {
		t.Errorf("the platforms are %s", raw)
	}
	other := binary + "x" // what follows an ELF file does not matter to it
	refuse("the version of another binary", "never changes", form{"binary", other}, unsigned)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), `UPDATE adapter_releases SET trust = 'unsigned'`); err == nil {
		t.Error("the database takes an unsigned release with grants")
	}
	s.must("POST", "/v1/adapters/slack/activate", map[string]any{"version": "1.2.0"}, nil)
	s.runs(1, "1.2.0")
	if h := s.slack().Hosts[0]; h.Trust != "signed" {
		t.Errorf("the host says %+v", h)
	}
	if status := s.do("POST", "/v1/adapters/slack/activate", map[string]any{"version": "7.0.0"}, nil); status != 404 {
		t.Errorf("a release that is not there: %d", status)
	}
}

// A release that loses an operation in use is refused; forced, it serves. One that crashes is rolled back on every host.
func TestReleaseThatLosesAnOperation(t *testing.T) {
	t.Parallel()
	first, second := pair(t)
	a, b := start(t, first), start(t, second)
	slack := newSlackDouble(t)
	i := a.connectSlack(slack)
	a.must("POST", "/v1/calls", message(i, "x"), nil)
	old := a.slack().Desired.Version
	lossy, crashing := otherSlack(t, "2.0.0", "lossy"), otherSlack(t, "3.0.0", "crashing")
	for _, path := range []string{lossy, crashing} {
		if status, out := a.install("slack", form{"binary", read(t, path)}, form{"allow_unsigned", "true"}); status != 201 {
			t.Fatalf("%d %v", status, out)
		}
	}
	var p problem
	if status := a.do("POST", "/v1/adapters/slack/activate", map[string]any{"version": "2.0.0"}, &p); status != 409 || !strings.Contains(p.Detail, "slack.send_message is gone") {
		t.Errorf("a release that loses an operation: %d %+v", status, p)
	}
	a.must("POST", "/v1/adapters/slack/activate", map[string]any{"version": "3.0.0"}, nil)
	a.runs(2, "3.0.0")
	b.Token = a.Token
	failed := 0
	for range 10 {
		if status, _, _ := b.try(b.Token, "POST", "/v1/calls", message(i, "x")); status != 200 {
			failed++
		}
	}
	if failed != 1 {
		t.Errorf("%d calls failed", failed)
	}
	a.runs(2, old)
	if a.events("rolled_back") != 1 {
		t.Error("nobody tells of the rollback")
	}
	var releases struct {
		Items []struct {
			Version      string
			FailedReason string `json:"failed_reason"`
		}
	}
	a.must("GET", "/v1/adapters/slack/releases", nil, &releases)
	for _, r := range releases.Items {
		if (r.Version == "3.0.0") != (r.FailedReason != "") {
			t.Errorf("release %+v", r)
		}
	}
	a.must("POST", "/v1/adapters/slack/activate", map[string]any{"version": "2.0.0", "force": true}, nil)
	a.runs(2, "2.0.0")
}

// A rebuilt binary of the same version is taken at the next start, and by the other hosts too.
func TestRebuiltBuiltInAdapter(t *testing.T) {
	t.Parallel()
	first, second := pair(t)
	folder := t.TempDir()
	binary := read(t, slackRelease(t, "1.0.0-dev"))
	if err := os.WriteFile(filepath.Join(folder, "slack"), []byte(binary), 0o755); err != nil {
		t.Fatal(err)
	}
	first.Adapters = folder
	a := start(t, first)
	second.Adapters = t.TempDir()
	if err := os.WriteFile(filepath.Join(second.Adapters, "slack"), []byte(binary+"rebuilt"), 0o755); err != nil {
		t.Fatal(err)
	}
	b := start(t, second)
	b.Token = a.Token
	eventually(t, "both hosts run the rebuilt one", func() bool {
		var l struct {
			Items []struct{ Hosts []struct{ Digest string } }
		}
		a.must("GET", "/v1/adapters", nil, &l)
		h := l.Items[0].Hosts
		return len(h) == 2 && h[0].Digest == h[1].Digest
	})
	slack := newSlackDouble(t)
	i := a.connectSlack(slack)
	a.must("POST", "/v1/calls", message(i, "x"), nil)
	b.must("POST", "/v1/calls", message(i, "x"), nil)
}

// otherSlack builds a program that poses as Slack's adapter.
func otherSlack(t *testing.T, version, how string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "slack")
	build := exec.Command("go", "build", "-ldflags", "-s -w -X main.version="+version+" -X main.how="+how, "-o", path, "./testdata/otherslack")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}
