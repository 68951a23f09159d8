package sdktest

import (
	"errors"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/sdk"
)

// Scenario is one call against a stand-in that checks requests.
type Scenario struct {
	Operation string
	// Input is the operation's; none when nil.
	Input  any
	Files  []*File
	Stream bool
	// Kind is what the call fails with; 0 means that it must not.
	Kind sdk.Kind
	// Says is what the failure's message holds. Optional.
	Says string
}

// Try runs scenarios, each as the request with its own operation, input and files. It fails where a call ends otherwise than its scenario says, where
// an error is not [Discreet], and where an operation of the platform is neither among the scenarios nor excepted with a reason. The objections of peer, which
// may be nil, fail a scenario that must succeed.
func (h *Harness) Try(t *testing.T, r Request, peer *Described, scenarios []Scenario, except map[string]string) {
	t.Helper()
	tried := map[string]bool{}
	for _, s := range scenarios {
		tried[s.Operation] = true
		t.Run(s.Operation, func(t *testing.T) {
			r := r
			r.Operation, r.Input, r.Files, r.Stream = s.Operation, s.Input, s.Files, s.Stream
			if r.Input == nil {
				r.Input = struct{}{}
			}
			result, err := h.Execute(t.Context(), r)
			var failed *sdk.Error
			var objections []string
			if peer != nil {
				_, objections = peer.Took()
			}
			switch {
			case s.Kind == 0 && len(objections) > 0:
				t.Fatalf("%v: the description objects: %q", s.Input, objections)
			case s.Kind == 0 && err != nil:
				t.Fatalf("%v: %v", s.Input, err)
			case s.Kind != 0 && (!errors.As(err, &failed) || failed.Kind != s.Kind || !strings.Contains(failed.Message, s.Says)):
				t.Fatalf("%v: got %v, want a failure of kind %d that says %q", s.Input, err, s.Kind, s.Says)
			case s.Kind == 0 && len(result.Output) == 0:
				t.Fatal("no output")
			}
			Discreet(t, r, err)
		})
	}
	for _, p := range h.Platforms {
		for _, op := range p.GetOperations() {
			if p.GetId() == r.Platform && !tried[op.GetName()] && except[op.GetName()] == "" {
				t.Errorf("%s is not tried", op.GetName())
			}
		}
	}
}
