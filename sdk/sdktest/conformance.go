package sdktest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// Outcomes of a check.
const (
	Pass = "pass"
	Fail = "fail"
	Skip = "skip"
)

// Check is one thing that the suite looked at, with what it found.
type Check struct {
	Name    string `json:"name"`
	Outcome string `json:"outcome"`
	// Reason says why it failed or was skipped.
	Reason string `json:"reason,omitempty"`
}

// Report is what the suite found.
type Report struct {
	Adapter string  `json:"adapter"`
	Version string  `json:"version"`
	Checks  []Check `json:"checks"`
}

// Passed says whether nothing failed.
func (r Report) Passed() bool {
	for _, c := range r.Checks {
		if c.Outcome == Fail {
			return false
		}
	}
	return true
}

// Options say what to check.
type Options struct {
	// Binary is the adapter's program, in any language. Required.
	Binary string
	// Args and Env are added to those of the host, for adapters that need an interpreter. Optional.
	Args, Env []string
	// StartTimeout bounds a launch; 10 s when 0.
	StartTimeout time.Duration
	// Logf is told of each check when it has ended. Optional.
	Logf func(format string, args ...any)
}

// suite is a run of the checks against one process.
type suite struct {
	options Options
	process *launched
	report  Report
}

// skipError is a check that does not apply.
type skipError struct{ reason string }

// Error answers the reason.
func (e skipError) Error() string { return e.reason }

// started is the first check, without which there are no others.
const started = "starts and greets over gRPC with mutual TLS"

// Conformance runs a built adapter as a host does and checks that it keeps the contract (proto/README.md). Every dial that it tries is
// refused, so nothing is reached. The error is for a binary that cannot be started at all; what is wrong with one that can is in the
// report.
func Conformance(ctx context.Context, options Options) (Report, error) {
	if _, err := os.Stat(options.Binary); err != nil {
		return Report{}, fmt.Errorf("looking for the adapter: %w", err)
	}
	if options.StartTimeout == 0 {
		options.StartTimeout = 10 * time.Second
	}
	s := &suite{options: options}
	process, err := launch(options)
	if err != nil {
		s.book(started, err)
		return s.report, nil
	}
	defer process.kill()
	s.process = process
	s.book(started, nil)
	for _, c := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"describes itself the same way twice, and cheaply", s.describes},
		{"ignores capabilities that it does not know", s.ignoresCapabilities},
		{"declares a valid manifest", s.declares},
		{"refuses an unknown platform and an unknown operation with a kind", s.refusesUnknown},
		{"answers wrong input with a kind, and lives on", s.survivesWrongInput},
		{"answers a bad credential with a kind", s.refusesCredential},
		{"answers nobody but the host that started it", s.refusesStrangers},
		{"answers streams with a result or a kind", s.streams},
		{"gives a call up at its deadline", s.keepsDeadline},
		{"takes an 8 MiB message or refuses it, and lives on", s.survivesLargeMessage},
		{"lives on after a call was cancelled", s.survivesCancellation},
		{"runs twice side by side", s.runsTwice},
		{"writes nothing to standard output but its greeting", s.keepsQuiet},
		{"writes no credential to its log", s.keepsSecrets},
		{"ends within two seconds when it is asked to", s.ends},
		{"ends with its parent", s.endsWithParent},
	} {
		checkCtx, cancel := context.WithTimeout(ctx, time.Minute)
		s.book(c.name, c.run(checkCtx))
		cancel()
	}
	return s.report, nil
}

func (s *suite) book(name string, err error) {
	c := Check{Name: name, Outcome: Pass}
	var skip skipError
	switch {
	case errors.As(err, &skip):
		c.Outcome, c.Reason = Skip, skip.reason
	case err != nil:
		c.Outcome, c.Reason = Fail, err.Error()
	}
	s.report.Checks = append(s.report.Checks, c)
	if s.options.Logf != nil {
		s.options.Logf("%s: %s %s", c.Outcome, c.Name, c.Reason)
	}
}

// TestBinary runs the suite as a test, one subtest for each check.
func TestBinary(t *testing.T, binary string) {
	t.Helper()
	report, err := Conformance(t.Context(), Options{Binary: binary})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range report.Checks {
		t.Run(strings.ReplaceAll(c.Name, " ", "_"), func(t *testing.T) {
			switch c.Outcome {
			case Fail:
				t.Error(c.Reason)
			case Skip:
				t.Skip(c.Reason)
			}
		})
	}
}
