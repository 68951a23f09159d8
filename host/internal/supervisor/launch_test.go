package supervisor

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/patchbay/patchbay/host/internal/catalog"
	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// A binary is started once, to hear what it offers; then nothing runs until a call comes, and what it said is known for good.
func TestLazyStartAndKnownDigest(t *testing.T) {
	r := newRig(t, "one").open()
	if s := r.only(); s.State != "stopped" || s.PID != 0 || len(r.starts()) != 1 || !slices.Equal(s.Platforms, []string{"one"}) {
		t.Fatalf("after Open: %+v, starts %v", s, r.starts())
	}
	if got := r.must("one", "echo", `{"a":1}`); got != `{"a":1}` {
		t.Errorf("echo answers %s", got)
	}
	if s := r.only(); s.State != "running" || s.PID == 0 || s.Since.IsZero() {
		t.Errorf("after a call: %+v", s)
	}
	r.Close()
	before := len(r.starts())
	r.cfg.Catalog = catalog.New(catalog.Config{})
	r.open()
	if n := len(r.starts()); n != before || r.only().State != "stopped" {
		t.Errorf("a known digest was started again: %d starts, then %d", before, n)
	}
	r.must("one", "echo", `{}`)
}

// Concurrent first calls share one process.
func TestOneProcessForManyFirstCalls(t *testing.T) {
	r := newRig(t, "one").open()
	var calls sync.WaitGroup
	for range 50 {
		calls.Go(func() {
			if _, err := r.call("one", "echo", `{}`); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	if n := len(r.starts()); n != 2 { // one of them to hear the manifest
		t.Errorf("%d processes were started", n)
	}
}

// An adapter gets what prepare sets and nothing of the host's.
func TestWhatAnAdapterGets(t *testing.T) {
	fd, err := syscall.Open(os.DevNull, syscall.O_RDONLY, 0) // as one that the host inherited
	if err == nil {
		err = syscall.Dup3(fd, 97, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = syscall.Close(fd), syscall.Close(97) })
	t.Setenv("PATCHBAY_KEY", "the-hosts-own-secret")
	t.Setenv("HTTPS_PROXY", "http://user:secret@proxy.example")
	r := newRig(t, "one").open()
	var got report
	if err := json.Unmarshal([]byte(r.must("one", "report", `{}`)), &got); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for _, entry := range got.Environment {
		name, value, _ := strings.Cut(entry, "=")
		env[name] = value
	}
	if !strings.HasPrefix(env["PLUGIN_CLIENT_CERT"], "-----BEGIN CERTIFICATE") || strings.Contains(env["PLUGIN_CLIENT_CERT"], "PRIVATE") {
		t.Errorf("the host's certificate is %q", env["PLUGIN_CLIENT_CERT"])
	}
	if dir := env["PLUGIN_UNIX_SOCKET_DIR"]; filepath.Dir(dir) != r.cfg.RunDir {
		t.Errorf("the folder for the socket is %s", dir)
	} else if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder for the socket: %v, %v", info, err)
	}
	delete(env, "PLUGIN_CLIENT_CERT")
	delete(env, "PLUGIN_UNIX_SOCKET_DIR")
	want := map[string]string{"PATCHBAY_ADAPTER": "connect-once", "PATCHBAY_EGRESS_FD": "3", "LANG": "C.UTF-8", "TZ": "UTC", "GOMEMLIMIT": "256MiB", "GOGC": "400",
		"GOMAXPROCS": strconv.Itoa(max(1, runtime.GOMAXPROCS(0)/2)), "GOTRACEBACK": "single", "PLUGIN_MIN_PORT": "10000", "PLUGIN_MAX_PORT": "25000", "PLUGIN_PROTOCOL_VERSIONS": "1"}
	if diff := cmp.Diff(want, env); diff != "" {
		t.Errorf("the environment (-want +got):\n%s", diff)
	}
	if got.Folder != "/" || got.Stdin != 0 || got.Group != got.PID || len(got.Arguments) != 1 {
		t.Errorf("folder %s, %d bytes on standard input, group %d of %d, arguments %v", got.Folder, got.Stdin, got.Group, got.PID, got.Arguments)
	}
	if !strings.HasPrefix(got.Files["0"], os.DevNull) || !strings.HasPrefix(got.Files["3"], "socket:") {
		t.Errorf("its files are %v", got.Files)
	}
	for _, fd := range slices.Collect(maps.Keys(got.Files)) {
		// The Go runtime of the adapter opens some of its own.
		if link := got.Files[fd]; len(fd) > 1 || fd > "3" && !slices.ContainsFunc([]string{"anon_inode:", "/proc/", "/sys/"}, func(own string) bool { return strings.HasPrefix(link, own) }) {
			t.Errorf("it inherited %s, %s", fd, link)
		}
	}
	if got.Credential["key"] != key || len(got.Dial) < 32 {
		t.Errorf("the call's context is %+v", got)
	}
}

// A start that fails says why, in words, and leaves nothing behind.
func TestStartFailures(t *testing.T) {
	t.Parallel()
	for how, want := range map[string]string{
		"exit":           "it ended before it greeted (it ended with exit status 7); it last said: the configuration is missing",
		"garbage":        `it does not greet as an adapter does (its first line was "Hello, I am no adapter.`,
		"longline":       "it does not greet as an adapter does",
		"wrong-cookie":   "it ended before it greeted (it ended with exit status 1); it last said: load any plugins automatically",
		"bad-version":    "incompatible API version with plugin",
		"netrpc":         "unsupported plugin protocol",
		"plaintext":      "it does not say who it is",
		"tcp":            "an address that is not in its own folder",
		"foreign":        "an address that is not in its own folder",
		"elsewhere":      "an address that is not in its own folder",
		"symlink":        "an address where no socket is",
		"missing-socket": "an address where no socket is",
	} {
		t.Run(how, func(t *testing.T) {
			r := newRig(t, "one")
			r.tell("start", how)
			r.open()
			if s := r.only(); s.State != "broken" || !strings.Contains(s.Problem, want) || strings.Contains(s.Problem, "\x1b") {
				t.Errorf("the status is %+v, want a problem with %q", s, want)
			}
			if told := r.read("connected"); told != "" && how != "netrpc" {
				t.Errorf("the host connected to what the greeting named")
			}
			leftInRunDir(t, r, 0)
		})
	}
}

// A start that hangs ends at its time, wherever it hangs.
func TestHungStart(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"hang", "silent", "mute"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "one")
			r.tell("start", how)
			r.cfg.StartTimeout = time.Second
			begun := time.Now()
			r.open()
			if s := r.only(); s.State != "broken" || !strings.Contains(s.Problem, "it did not come up in time") && how != "silent" {
				t.Errorf("the status is %+v", s)
			}
			if took := time.Since(begun); took > 15*time.Second { // go-plugin alone would take 20 s and more
				t.Errorf("the start was given up after %s", took)
			}
			leftInRunDir(t, r, 0)
		})
	}
	t.Run("undescribed", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, "one")
		r.tell("undescribed", "x")
		r.cfg.StartTimeout = 2 * time.Second
		r.open()
		if s := r.only(); s.State != "broken" || !strings.Contains(s.Problem, "in time") {
			t.Errorf("the status is %+v", s)
		}
	})
}

// leftInRunDir checks how many folders of launches there are.
func leftInRunDir(t *testing.T, r *rig, want int) {
	t.Helper()
	entries, err := os.ReadDir(r.cfg.RunDir)
	if err != nil || len(entries) != want {
		t.Errorf("the folder for sockets holds %v, %v", entries, err)
	}
}

// What is no adapter is reported, and does not keep the others from serving.
func TestFilesThatAreNoAdapters(t *testing.T) {
	r := newRig(t, "good")
	write := func(name, content string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(r.dir, name), []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("notes.txt", "not executable", 0o600)
	write("script", "no shebang\n", 0o700)
	write("empty", "", 0o700)
	write(".hidden", "x", 0o700)
	for _, err := range []error{
		os.Mkdir(filepath.Join(r.dir, "folder"), 0o700),
		os.Symlink(filepath.Join(r.dir, "folder"), filepath.Join(r.dir, "to-folder")),
		os.Symlink(filepath.Join(r.dir, "nothing"), filepath.Join(r.dir, "dangling")),
		mkfifo(filepath.Join(r.dir, "fifo")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	within(t, "Open", func() { r.open() })
	got := map[string]string{}
	for _, s := range r.Status() {
		got[s.Name] = s.State + ": " + s.Problem
	}
	for name, want := range map[string]string{"notes.txt": "chmod +x", "script": "not a program for linux", "empty": "not a program for linux",
		"to-folder": "no regular file", "dangling": "no such file", "fifo": "no regular file", "good": "stopped"} {
		if !strings.Contains(got[name], want) {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if len(got) != 7 {
		t.Errorf("the adapters are %v", got)
	}
	r.must("good", "echo", `{}`)
}

func TestOpenWithoutFolder(t *testing.T) {
	r := newRig(t)
	r.cfg.Dir = filepath.Join(r.dir, "none")
	if _, err := Open(t.Context(), r.cfg); err == nil || !strings.Contains(err.Error(), "--adapters") {
		t.Errorf("Open: %v", err)
	}
}

// The caller of Open gave up: nothing runs on.
func TestOpenIsCancelled(t *testing.T) {
	r := newRig(t, "one")
	r.tell("start", "hang")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		eventually(t, "the probe runs", func() bool { return len(r.starts()) == 1 })
		cancel()
	}()
	within(t, "Open", func() {
		if _, err := Open(ctx, r.cfg); err == nil {
			t.Error("Open succeeds")
		}
	})
	for _, pid := range r.starts() {
		if alive(pid) {
			t.Errorf("process %d is left", pid)
		}
	}
}

// A binary that disappears or changes after it was taken into service is not run as what it was.
func TestBinaryChanges(t *testing.T) {
	t.Parallel()
	r := newRig(t, "one").open()
	path := filepath.Join(r.dir, "one")
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	_, err := r.call("one", "echo", `{}`)
	if f := failure(t, err); f.Kind != catalog.AdapterUnavailable || !f.NotSent || !strings.Contains(f.Message, "missing") {
		t.Errorf("without its binary: %+v", f)
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	r.must("one", "echo", `{}`)
	r.Close()
	for _, change := range []func(m *adapterv1.Manifest){
		func(m *adapterv1.Manifest) { m.Adapter.Name = "two" },
		func(m *adapterv1.Manifest) { m.Adapter.Version = "2.0.0" },
	} {
		r := newRig(t, "one").open()
		m := manifestOf("one")
		change(m)
		r.tell("manifest", string(encoded(t, m)))
		_, err := r.call("one", "echo", `{}`)
		if f := failure(t, err); !f.NotSent || !strings.Contains(f.Message, "it is not the adapter that it was") {
			t.Errorf("another adapter in its place: %+v", f)
		}
		if told := r.read("calls"); told != "" {
			t.Errorf("it was given a call: %s", told)
		}
	}
}

func encoded(t *testing.T, m proto.Message) []byte {
	t.Helper()
	raw, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Two binaries that call themselves the same, and two that serve one platform: the second is refused.
func TestNamesakes(t *testing.T) {
	r := newRig(t)
	r.copy("a")
	r.copy("b")
	m := manifestOf("same")
	r.tell("manifest", string(encoded(t, m)))
	r.open()
	states := map[string]string{}
	for _, s := range r.Status() {
		states[s.Name] = s.State + " " + s.Problem
	}
	if !strings.HasPrefix(states["same"], "stopped") || !strings.Contains(states["b"], "remove one") {
		t.Errorf("the adapters are %v", states)
	}
}

// The broker of go-plugin, which an adapter could flood, is not opened.
func TestBrokerIsNotOpened(t *testing.T) {
	r := newRig(t, "one").open()
	r.must("one", "echo", `{}`)
	r.Close()
	if told := r.read("broker"); told != "" {
		t.Errorf("the host opened %s", told)
	}
}
