package main

import (
	"context"
	"os/exec"
	"testing"

	"github.com/patchbay/patchbay/sdk/sandbox"
)

// The benchmarks measure what a sandbox costs beside the bare runtime, in the same run:
//
//	go test ./plugins/sandbox -run '^$' -bench . -benchtime 20x

// benchBox is a sandbox of a benchmark, which has no *testing.T.
func benchBox(b *testing.B, isolation string) (*service, sandbox.Place, place, Runtime) {
	b.Helper()
	s, at := newService(), sandbox.Place{Folder: folder(b), Isolation: isolation}
	r, _, err := s.choose(b.Context(), at)
	if err != nil {
		b.Skipf("this machine runs no sandboxes of this kind: %v", err)
	}
	p := place{at.Folder, "sbx_bench"}
	b.Cleanup(func() {
		if err := s.remove(context.Background(), p, ""); err != nil {
			b.Error(err)
		}
	})
	if _, err := s.Create(b.Context(), at, sandbox.New{ID: p.id, Template: machineTemplate, Limits: limits}); err != nil {
		b.Fatal(err)
	}
	return s, at, p, r
}

func perIsolation(b *testing.B, f func(b *testing.B, isolation string)) {
	for _, isolation := range isolations {
		b.Run(isolation, func(b *testing.B) { f(b, isolation) })
	}
}

// BenchmarkCreate makes a sandbox until the first command has run in it.
func BenchmarkCreate(b *testing.B) {
	perIsolation(b, func(b *testing.B, isolation string) {
		s, at, p, _ := benchBox(b, isolation)
		for b.Loop() {
			b.StopTimer()
			if err := s.Destroy(b.Context(), at, p.id); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			if _, err := s.Create(b.Context(), at, sandbox.New{ID: p.id, Template: machineTemplate, Limits: limits}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkExec runs true as a user's command, BenchmarkExecBare by the runtime itself.
func BenchmarkExec(b *testing.B) {
	perIsolation(b, func(b *testing.B, isolation string) {
		s, at, p, _ := benchBox(b, isolation)
		for b.Loop() {
			err := s.Work(b.Context(), at, p.id, sandbox.Open{Start: &sandbox.Command{Argv: []string{"true"}}}, &testStream{answer: func(sandbox.Answer) {}, feeds: []sandbox.Feed{{End: true}}})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkExecBare(b *testing.B) {
	perIsolation(b, func(b *testing.B, isolation string) {
		_, _, p, r := benchBox(b, isolation)
		client, err := r.Client(b.Context(), p)
		if err != nil {
			b.Fatal(err)
		}
		args := append(append([]string{}, client.Args[1:len(client.Args)-2]...), "true")
		for b.Loop() {
			cmd := exec.CommandContext(b.Context(), client.Path, args...)
			cmd.Env = program
			if out, err := cmd.CombinedOutput(); err != nil {
				b.Fatalf("%v: %s", err, out)
			}
		}
	})
}

// BenchmarkPauseResume is one hot pause with its resume; BenchmarkParkWake one cold.
func BenchmarkPauseResume(b *testing.B) { benchmarkPause(b, isolations, false) }

func BenchmarkParkWake(b *testing.B) { benchmarkPause(b, []string{sandbox.RequireStrong}, true) }

func benchmarkPause(b *testing.B, isolations []string, cold bool) {
	for _, isolation := range isolations {
		b.Run(isolation, func(b *testing.B) {
			s, at, p, _ := benchBox(b, isolation)
			for b.Loop() {
				if _, err := s.Pause(b.Context(), at, p.id, cold); err != nil {
					b.Fatal(err)
				}
				if _, err := s.Resume(b.Context(), at, p.id); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
