package sdktest

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/sdk"
)

// Refusal is an answer by which a platform refuses a call, and the failure that must come of it.
type Refusal struct {
	// Status, Header and Body are the answer. Its type is JSON unless the header says otherwise.
	Status int
	Header map[string]string
	Body   string
	// Kind is the failure's, and Says what its message holds.
	Kind sdk.Kind
	Says string
	// After is the wait that the failure tells; none when 0.
	After time.Duration
	// Violations are what the failure points at in the input; not looked at when nil.
	Violations []sdk.Violation
}

// Refuse runs a request against each answer, and fails where a call ends otherwise than it must, or with an error that is not [Discreet].
func (h *Harness) Refuse(t *testing.T, r Request, refusals map[string]Refusal) {
	t.Helper()
	for name, c := range refusals {
		t.Run(name, func(t *testing.T) {
			r := r
			r.BaseURL = Serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				for name, value := range c.Header {
					w.Header().Set(name, value)
				}
				w.WriteHeader(c.Status)
				_, _ = w.Write([]byte(c.Body)) // a client that has gone says so itself
			})
			_, err := h.Execute(t.Context(), r)
			var failed *sdk.Error
			if !errors.As(err, &failed) || failed.Kind != c.Kind || failed.RetryAfter != c.After || !strings.Contains(failed.Message, c.Says) {
				t.Fatalf("got %+v (%v), want kind %d after %s, ...%s...", failed, err, c.Kind, c.After, c.Says)
			}
			if c.Status >= http.StatusBadRequest && failed.PlatformStatus != c.Status {
				t.Errorf("the failure tells status %d of %d", failed.PlatformStatus, c.Status)
			}
			if c.Violations != nil && !cmp.Equal(c.Violations, failed.Violations) {
				t.Error(cmp.Diff(c.Violations, failed.Violations))
			}
			Discreet(t, r, err)
		})
	}
}
