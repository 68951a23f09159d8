package sdk

import (
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strings"
)

// shortestSecret is the length from which on a secret is looked for in texts; a shorter one would be found everywhere.
const shortestSecret = 5

// hidden stands in place of a secret.
const hidden = "[secret]"

// hide answers an error whose texts hold none of the call's secrets, whatever the platform quoted in its own. It is the last thing
// that happens to an error before it leaves the adapter; an adapter still has to keep other secrets, such as signed addresses, out.
func (c *Call) hide(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err // its text never leaves
	}
	secrets := c.secrets()
	if len(secrets) == 0 {
		return err
	}
	var pairs []string
	for _, secret := range secrets {
		pairs = append(pairs, secret, hidden)
	}
	replace := strings.NewReplacer(pairs...).Replace
	out := *e
	out.Message, out.PlatformCode, out.PlatformRequestID = replace(e.Message), replace(e.PlatformCode), replace(e.PlatformRequestID)
	out.MissingScopes, out.Violations = slices.Clone(e.MissingScopes), slices.Clone(e.Violations)
	for i := range out.MissingScopes {
		out.MissingScopes[i] = replace(out.MissingScopes[i])
	}
	for i, v := range out.Violations {
		out.Violations[i] = Violation{Pointer: replace(v.Pointer), Detail: replace(v.Detail)}
	}
	return &out
}

// secrets answers the values of the credential that are not declared to be public, longest first, each as it is and as it stands
// in an address.
func (c *Call) secrets() []string {
	public := map[string]bool{}
	for _, m := range c.platform.Auth {
		if m.Type == c.Credential.Method {
			for _, f := range m.Fields {
				public[f.Name] = !f.Secret
			}
		}
	}
	var all []string
	for name, value := range c.Credential.values() {
		if value = strings.TrimSpace(value); !public[name] && len(value) >= shortestSecret {
			all = append(all, value, url.QueryEscape(value), url.PathEscape(value))
		}
	}
	if password := c.Credential.Field("password"); password != "" { // as basic authentication has it
		all = append(all, base64.StdEncoding.EncodeToString([]byte(c.Credential.Field("username")+":"+password)))
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(all)
}
