package sdktest

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
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
// an error holds a value of the credential, and where an operation of the platform is neither among the scenarios nor excepted with a reason.
func (h *Harness) Try(t *testing.T, r Request, scenarios []Scenario, except map[string]string) {
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
			switch {
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

// Discreet fails where an error holds a value of the credential, or an address.
func Discreet(t testing.TB, r Request, err error) {
	t.Helper()
	if err == nil {
		return
	}
	text := err.Error()
	var failed *sdk.Error
	if errors.As(err, &failed) {
		text = fmt.Sprintf("%+v", *failed)
	}
	for name, value := range r.Fields {
		if len(value) > 8 && strings.Contains(text, value) && name != "endpoint" {
			t.Errorf("the error holds the credential's %s: %s", name, text)
		}
	}
	if address := strings.TrimPrefix(r.BaseURL, "http://"); address != "" && strings.Contains(text, address) {
		t.Errorf("the error holds an address: %s", text)
	}
}

// Readme fails where the table of operations in README.md of the working directory does not name each operation of a platform
// with its effect (read, idempotent, write), in lines that begin with "| `name` | effect |", or names another.
func (h *Harness) Readme(t *testing.T, platform string) {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]string{}
	for line := range strings.Lines(string(readme)) {
		if cells := strings.Split(line, "|"); strings.HasPrefix(line, "| `") && len(cells) > 3 {
			told[strings.Trim(cells[1], " `")] = strings.TrimSpace(cells[2])
		}
	}
	effects := map[adapterv1.Effect]string{adapterv1.Effect_EFFECT_READ: "read", adapterv1.Effect_EFFECT_IDEMPOTENT: "idempotent", adapterv1.Effect_EFFECT_WRITE: "write"}
	for _, p := range h.Platforms {
		for _, op := range p.GetOperations() {
			if p.GetId() != platform {
				continue
			}
			if told[op.GetName()] != effects[op.GetEffect()] {
				t.Errorf("the README says that %s is %q, and it is %q", op.GetName(), told[op.GetName()], effects[op.GetEffect()])
			}
		}
	}
	for name, effect := range told {
		if h.Operation(platform, name) == nil && (effect == "read" || effect == "idempotent" || effect == "write") {
			t.Errorf("the README has %s, and %s has not", name, platform)
		}
	}
}
