package identity

import (
	"errors"
	"strings"
	"testing"
)

const team = "int_00000000000000000000000001"

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		limits Limits
		allow  bool
	}{
		{Limits{}, true},
		{Limits{Platforms: []string{"slack"}, Integrations: []string{"int_x", team}, Operations: []string{"send_message"}, Effects: []string{"write"}}, true},
		{Limits{Operations: []string{"slack.send_message"}}, true},
		{Limits{Platforms: []string{"reddit"}}, false},
		{Limits{Integrations: []string{"int_x"}}, false},
		{Limits{Operations: []string{"reddit.send_message", "send"}}, false},
		{Limits{Effects: []string{"read", "idempotent"}}, false},
		{Limits{Platforms: []string{"slack"}, Effects: []string{"read"}}, false},
	} {
		if got := c.limits.Allow(team, "slack", "send_message", "write"); got != c.allow {
			t.Errorf("%+v allow it: %v", c.limits, got)
		}
	}
}

func TestLimitsThatAreRefused(t *testing.T) {
	many := make([]string, maxLimit+1)
	for n := range many {
		many[n] = "x"
	}
	calls := []string{ScopeCalls}
	for _, c := range []struct {
		limits  Limits
		scopes  []string
		pointer string
	}{
		{Limits{Effects: []string{"read", "delete"}}, calls, "/limits/effects/1"},
		{Limits{Integrations: []string{"Team"}}, calls, "/limits/integrations/0"},
		{Limits{Platforms: []string{" "}}, calls, "/limits/platforms/0"},
		{Limits{Operations: []string{strings.Repeat("x", maxLimitEntry+1)}}, calls, "/limits/operations/0"},
		{Limits{Platforms: many}, calls, "/limits/platforms"},
		{Limits{Platforms: []string{"slack"}}, []string{ScopeCalls, ScopeTokens}, "/limits"},
		{Limits{Platforms: []string{"slack"}}, []string{ScopeOperator}, "/limits"},
	} {
		var invalid *InvalidError
		if err := c.limits.Check(c.scopes); !errors.As(err, &invalid) || invalid.Pointer != c.pointer {
			t.Errorf("%+v with %v answers %v", c.limits, c.scopes, err)
		}
	}
	if err := (Limits{}).Check(Scopes); err != nil {
		t.Error(err)
	}
}
