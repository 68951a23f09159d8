package identity

import (
	"fmt"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/host/internal/id"
)

const (
	maxLimit      = 100 // of each list
	maxLimitEntry = 200
)

// Limits hold a token's calls to some of what its user could run. An empty list holds them to nothing; a call must be in each other list.
type Limits struct {
	Platforms    []string `json:"platforms,omitempty"`
	Integrations []string `json:"integrations,omitempty"`
	// Operations are names, such as send_message, or with the platform, such as slack.send_message.
	Operations []string `json:"operations,omitempty"`
	// Effects are read, idempotent and write.
	Effects []string `json:"effects,omitempty"`
}

// Limited says whether the limits hold calls to anything.
func (l Limits) Limited() bool {
	return len(l.Platforms)+len(l.Integrations)+len(l.Operations)+len(l.Effects) > 0
}

// Allow says whether a call may run.
func (l Limits) Allow(integration, platform, operation, effect string) bool {
	return in(l.Integrations, integration) && in(l.Platforms, platform) && in(l.Effects, effect) &&
		(in(l.Operations, operation) || in(l.Operations, platform+"."+operation))
}

func in(list []string, one string) bool { return len(list) == 0 || slices.Contains(list, one) }

// Check refuses limits that no call could meet, and limits of a token that could get round them.
func (l Limits) Check(scopes []string) error {
	for name, list := range map[string][]string{"platforms": l.Platforms, "integrations": l.Integrations, "operations": l.Operations, "effects": l.Effects} {
		if len(list) > maxLimit {
			return &InvalidError{"/limits/" + name, fmt.Sprintf("has more than %d entries", maxLimit)}
		}
		for n, entry := range list {
			if strings.TrimSpace(entry) == "" || len(entry) > maxLimitEntry {
				return &InvalidError{fmt.Sprintf("/limits/%s/%d", name, n), "is empty or too long"}
			}
		}
	}
	for n, entry := range l.Integrations {
		if !id.Is("int", entry) {
			return &InvalidError{fmt.Sprintf("/limits/integrations/%d", n), "must be the id of an integration"}
		}
	}
	for n, entry := range l.Effects {
		if entry != "read" && entry != "idempotent" && entry != "write" {
			return &InvalidError{fmt.Sprintf("/limits/effects/%d", n), "must be read, idempotent or write"}
		}
	}
	if l.Limited() && (slices.Contains(scopes, ScopeTokens) || slices.Contains(scopes, ScopeOperator)) {
		return &InvalidError{"/limits", "goes with the scopes calls and integrations alone: others could get round it"}
	}
	return nil
}
