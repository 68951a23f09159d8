package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/patchbay/patchbay/sdk/sandbox"
)

// TestMain makes this test binary the agent too, as the adapter's own is.
func TestMain(m *testing.M) {
	if inside(os.Args) {
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// box is a sandbox of a test.
type box struct {
	t  *testing.T
	s  *service
	at sandbox.Place
	id string
}

// folder is one that the sandboxes' root can pass.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pb-sbx-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = unix.Unmount(filepath.Join(dir, "run", "runsc", "null-netns"), 0) // gVisor keeps it; without gVisor there is none
		_ = os.RemoveAll(dir)                                                 // a temporary directory
	})
	return dir
}

// limits are small: the machine is shared.
var limits = sandbox.Limits{MemoryBytes: 256 << 20, MilliCPUs: 500, DiskBytes: 96 << 20, Processes: 64}

// make makes a sandbox, or skips where this machine cannot.
func newBox(t *testing.T, isolation string) *box {
	t.Helper()
	b := &box{t: t, s: newService(), at: sandbox.Place{Folder: folder(t), Isolation: isolation}, id: "sbx_test"}
	var chosen Runtime
	var err error
	if chosen, _, err = b.s.choose(t.Context(), b.at); err != nil {
		t.Skipf("this machine runs no sandboxes of this kind: %v", err)
	}
	t.Cleanup(func() {
		if err := b.s.Destroy(context.Background(), b.at, b.id); err != nil {
			t.Errorf("destroying: %v", err)
		}
		if n := processesOf(b.id); n > 0 {
			t.Errorf("%d processes are left", n)
		}
	})
	if _, err := b.s.Create(t.Context(), b.at, sandbox.New{ID: b.id, Template: machineTemplate, Limits: limits}); err != nil {
		raw, _ := os.ReadFile(filepath.Join(b.at.Folder, "boxes", b.id, "runtime.log"))
		t.Fatalf("creating with %s: %v\n%s", chosen.Name(), err, raw)
	}
	return b
}

// result is what a command gave.
type result struct {
	stdout, stderr string
	state          sandbox.CommandState
	failure        *sandbox.Failure
}

// work does one piece of work with nothing to feed.
func (b *box) work(open sandbox.Open, each func(sandbox.Answer)) (result, error) {
	var r result
	var out, problems strings.Builder
	err := b.s.Work(b.t.Context(), b.at, b.id, open, &testStream{answer: func(a sandbox.Answer) {
		switch {
		case a.Stdout != nil:
			out.Write(a.Stdout.Data)
		case a.Stderr != nil:
			problems.Write(a.Stderr.Data)
		case a.Ended != nil:
			r.state = *a.Ended
		case a.Started != nil:
			r.state = *a.Started
		case a.Failure != nil:
			r.failure = a.Failure
		}
		if each != nil {
			each(a)
		}
	}, feeds: []sandbox.Feed{{End: true}}})
	r.stdout, r.stderr = out.String(), problems.String()
	return r, err
}

// sh runs a script and fails where it cannot be run.
func (b *box) sh(script string) result {
	b.t.Helper()
	r, err := b.work(sandbox.Open{Start: &sandbox.Command{Argv: []string{"/bin/sh", "-c", script}, TimeoutMilliseconds: 60_000}}, nil)
	if err != nil || r.failure != nil {
		b.t.Fatalf("%s: %v %v", script, err, r.failure)
	}
	return r
}

// testStream feeds what it has and takes what comes.
type testStream struct {
	feeds  []sandbox.Feed
	answer func(sandbox.Answer)
}

// Receive answers the next feed, and then never.
func (s *testStream) Receive() (sandbox.Feed, error) {
	if len(s.feeds) == 0 {
		select {}
	}
	f := s.feeds[0]
	s.feeds = s.feeds[1:]
	return f, nil
}

// Send takes an answer.
func (s *testStream) Send(a sandbox.Answer) error { s.answer(a); return nil }
