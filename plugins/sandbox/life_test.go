package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sandbox"
)

// isolations are those that every test of a sandbox's life runs with.
var isolations = []string{sandbox.Container, sandbox.RequireStrong}

func each(t *testing.T, f func(t *testing.T, b *box)) {
	for _, isolation := range isolations {
		t.Run(isolation, func(t *testing.T) { f(t, newBox(t, isolation)) })
	}
}

func TestCommands(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		if r := b.sh("echo hello; echo oops >&2; exit 7"); r.stdout != "hello\n" || r.stderr != "oops\n" || r.state.ExitCode != 7 {
			t.Errorf("got %+v", r)
		}
		if r := b.sh("python3 -c 'print(6*7)'; pwd; id -u"); r.stdout != "42\n/workspace\n0\n" {
			t.Errorf("got %q", r.stdout)
		}
		r, err := b.work(sandbox.Open{Start: &sandbox.Command{Argv: []string{"/bin/sh", "-c", "sleep 1000 & wait"}, TimeoutMilliseconds: 300}}, nil)
		if err != nil || !r.state.TimedOut || r.state.ExitCode != 128+9 {
			t.Errorf("a command whose time is over: %+v, %v", r, err)
		}
		if r, err := b.work(sandbox.Open{Start: &sandbox.Command{Argv: []string{"no-such-program"}}}, nil); err != nil || r.failure == nil || r.failure.Reason != sandbox.NotFound {
			t.Errorf("a program that is not there: %+v, %v", r, err)
		}
	})
}

// TestStartTwice asks for one command with the same id again, as a host does that does not know whether it was heard.
func TestStartTwice(t *testing.T) {
	b := newBox(t, sandbox.Container)
	open := sandbox.Open{Start: &sandbox.Command{ID: "cmd_once", Argv: []string{"/bin/sh", "-c", "echo x >> /workspace/log; echo done"}}}
	for range 3 {
		if r, err := b.work(open, nil); err != nil || r.stdout != "done\n" {
			t.Fatalf("got %+v, %v", r, err)
		}
	}
	if r := b.sh("cat /workspace/log"); r.stdout != "x\n" {
		t.Errorf("it ran more than once: %q", r.stdout)
	}
	r, err := b.work(sandbox.Open{Attach: &sandbox.Attach{Command: "cmd_once", StdoutOffset: 2}}, nil)
	if err != nil || r.stdout != "ne\n" {
		t.Errorf("its output from an offset on: %+v, %v", r, err)
	}
}

// counter starts a process that counts in a file, and answers how far it has come.
const counter = `i=0; while :; do i=$((i+1)); echo $i > /workspace/count.new; mv /workspace/count.new /workspace/count; sleep 0.05; done`

func (b *box) count() int {
	b.t.Helper()
	var n int
	if _, err := fmt.Sscan(b.sh("cat /workspace/count").stdout, &n); err != nil {
		b.t.Fatal(err)
	}
	return n
}

// counts waits until the counter has gone on.
func (b *box) counts() {
	b.t.Helper()
	from := b.count()
	for b.count() <= from {
		if b.t.Context().Err() != nil {
			b.t.Fatal("the background process stands still")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (b *box) background(script string) {
	b.t.Helper()
	r, err := b.work(sandbox.Open{Start: &sandbox.Command{Argv: []string{"/bin/sh", "-c", script}, Background: true}}, nil)
	if err != nil || r.failure != nil {
		b.t.Fatal(err, r.failure)
	}
}

func TestPauseCycles(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		cold := b.at.Isolation == sandbox.RequireStrong
		b.background(counter)
		b.sh("until [ -e /workspace/count ]; do sleep 0.01; done; echo kept > /dev/shm/memory; mkdir -p .packages/python; echo 'x = 5' > .packages/python/installed.py")
		for i := range 10 {
			b.sh(fmt.Sprintf("echo %d > file%d", i, i))
			if isCold, err := b.s.Pause(t.Context(), b.at, b.id, cold && i%2 == 1); err != nil || isCold != (cold && i%2 == 1) {
				t.Fatalf("cycle %d: pausing: %v, cold: %v", i, err, isCold)
			}
			var refused *sdk.Error
			if _, err := b.work(sandbox.Open{Commands: true}, nil); !asError(err, &refused) || refused.Kind != sdk.Conflict {
				t.Fatalf("work in a paused sandbox: %v", err)
			}
			b.s = newService() // another process of the adapter
			if memory, err := b.s.Resume(t.Context(), b.at, b.id); err != nil || !memory {
				t.Fatalf("cycle %d: resuming: %v, memory: %v", i, err, memory)
			}
			b.counts()
		}
		r := b.sh("cat file? | tr -d '\\n'; cat /dev/shm/memory; python3 -c 'import installed; print(installed.x)'")
		if r.stdout != "0123456789kept\n5\n" {
			t.Errorf("after ten cycles: %q %q", r.stdout, r.stderr)
		}
	})
}

// await waits until the sandbox is found in a state.
func (b *box) await(state string) {
	b.t.Helper()
	for {
		found, err := b.s.List(b.t.Context(), b.at)
		if err != nil {
			b.t.Fatal(err)
		}
		for _, f := range found {
			if f.ID == b.id && f.State == state {
				return
			}
		}
		if b.t.Context().Err() != nil {
			b.t.Fatalf("the sandbox did not become %s", state)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestStopped takes the processes away behind the adapter's back, as a restart of the machine does.
func TestStopped(t *testing.T) {
	b := newBox(t, sandbox.Container)
	b.sh("echo kept > file")
	b.background("sleep 1000")
	killGroup(b.id)
	p := place{b.at.Folder, b.id}
	b.await(sandbox.Stopped)
	if err := p.unmount(t.Context()); err != nil {
		t.Fatal(err)
	}
	if memory, err := b.s.Resume(t.Context(), b.at, b.id); err != nil || memory {
		t.Fatalf("resuming: %v, memory: %v", err, memory)
	}
	if r := b.sh("cat file"); r.stdout != "kept\n" {
		t.Errorf("the file is %q", r.stdout)
	}
	ended := false
	if _, err := b.work(sandbox.Open{Commands: true}, func(a sandbox.Answer) {
		ended = ended || a.Command != nil && strings.Contains(a.Command.Summary, "sleep 1000") && !a.Command.Running && a.Command.ExitCode == -1
	}); err != nil || !ended {
		t.Errorf("a command that ended with the memory is not told so: %v", err)
	}
}

func TestUnavailable(t *testing.T) {
	s := &service{runtimes: []Runtime{absent{newRunsc(), "runsc is not installed"}, absent{newRunc(), "runc is not installed"}}, locks: newService().locks, tried: newService().tried}
	for isolation, want := range map[string]string{sandbox.RequireStrong: "runsc is not installed", sandbox.Container: "runc is not installed", sandbox.PreferStrong: "runc is not installed"} {
		_, err := s.Create(t.Context(), sandbox.Place{Folder: folder(t), Isolation: isolation}, sandbox.New{ID: "sbx_test", Template: machineTemplate, Limits: limits})
		var e *sdk.Error
		if !asError(err, &e) || e.PlatformCode != "sandbox_unavailable" || !strings.Contains(e.Message, want) {
			t.Errorf("%s: %v", isolation, err)
		}
	}
	// A weaker runtime that is there is not taken where a strong one is required.
	s.runtimes[1] = newRunc()
	if _, _, err := s.choose(t.Context(), sandbox.Place{Folder: folder(t), Isolation: sandbox.RequireStrong}); err == nil {
		t.Error("strong isolation was required, and another was taken")
	}
}

// TestDeleteIsTriedAgain ends a sandbox whose runtime fails to end it at first.
func TestDeleteIsTriedAgain(t *testing.T) {
	b := newBox(t, sandbox.Container)
	failing := &failingDelete{Runtime: newRunc(), left: 1}
	b.s.runtimes = []Runtime{failing}
	if err := b.s.Destroy(t.Context(), b.at, b.id); err == nil {
		t.Fatal("a failed end is taken for one")
	}
	states, err := b.s.List(t.Context(), b.at)
	if err != nil || len(states) != 1 {
		t.Fatalf("the sandbox is not listed any more: %v, %v", states, err)
	}
	if err := b.s.Destroy(t.Context(), b.at, b.id); err != nil {
		t.Fatal(err)
	}
	if states, err := b.s.List(t.Context(), b.at); err != nil || len(states) != 0 || processesOf(b.id) != 0 {
		t.Errorf("something is left: %v, %v", states, err)
	}
	if _, err := os.Stat(place{b.at.Folder, b.id}.dir()); !os.IsNotExist(err) {
		t.Errorf("its folder: %v", err)
	}
}
