package main

import (
	"context"
	"encoding/json"
	"regexp"

	"github.com/patchbay/patchbay/sdk"
)

// accountPath is where APIs tell whose credential it is.
var accountPath = regexp.MustCompile(`(?i)^(/[a-z0-9._-]+){0,3}/(me|self|whoami|userinfo|current_user|current-user|currentuser|users/me|users/self|users/current|user|account|accounts/me|profile|auth\.test|verify_credentials)(\.json)?/?$`)

// probeOf answers the operation by which a credential is tested, or nil.
func probeOf(operations []*operation) *operationPlan {
	var best *operation
	for _, op := range operations {
		if op.method != "GET" || !accountPath.MatchString(op.path) || op.open && len(op.security) == 0 || needsInput(op) {
			continue
		}
		if best == nil || len(op.path) < len(best.path) {
			best = op
		}
	}
	if best == nil {
		return nil
	}
	plan := best.plan
	plan.Parameters, plan.Body = nil, nil
	return &plan
}

func needsInput(op *operation) bool {
	var schema struct {
		Required []string `json:"required"`
	}
	return json.Unmarshal(op.made.Input, &schema) != nil || len(schema.Required) > 0
}

// verify tests a credential where the document has an operation for it. Elsewhere nothing is sent: any other operation may cost something.
func (p platformPlan) verify(ctx context.Context, call *sdk.Call) (sdk.Account, error) {
	if p.Probe == nil || call.Credential.Method == sdk.MethodNone {
		return sdk.Account{}, nil
	}
	answer, err := p.Probe.run(ctx, call, []byte("{}"))
	if err != nil {
		return sdk.Account{}, err
	}
	var found object
	if json.Unmarshal(answer, &found) != nil {
		return sdk.Account{}, nil
	}
	for _, inner := range []string{"data", "user", "account", "result"} {
		if o := obj(found[inner]); o != nil {
			found = o
			break
		}
	}
	pick := func(names ...string) string {
		for _, name := range names {
			if s := scalarText(found[name]); s != "" {
				return cutText(s, 200)
			}
		}
		return ""
	}
	return sdk.Account{ID: pick("id", "sub", "uuid", "user_id", "account_id", "login", "email"), Name: pick("name", "display_name", "displayName", "full_name", "login", "username", "email", "id", "sub")}, nil
}

// scalarText writes a plain value as text.
func scalarText(v any) string {
	if f, ok := v.(float64); ok {
		encoded, err := json.Marshal(f)
		if err == nil {
			return string(encoded)
		}
	}
	return text(v)
}
