package signin

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Person is who came back from the provider, proven.
type Person struct {
	// Issuer and Subject are who it is, and nothing else is.
	Issuer, Subject string
	// Name is what the provider calls them: for people to read, never to find a user by.
	Name string
	// Operator is nil where the provider has no say in it.
	Operator *bool
	// ReturnTo is a path of the host.
	ReturnTo string
	// Flow stands for this way to the provider, which is good once, until FlowEnds.
	Flow     []byte
	FlowEnds time.Time
}

// ErrFlow says that a browser came back from a way that it did not begin, that is over, or was used.
var ErrFlow = errors.New("this sign-in was not begun in this browser, took too long, or was used already: begin again")

// RefusedError says why the provider or the operator does not let somebody in, in words for that person.
type RefusedError struct{ Why string }

// Error answers why.
func (e *RefusedError) Error() string { return e.Why }

// claims are what the provider says of a person.
type claims map[string]any

func (c claims) text(name string) string {
	s, _ := c[name].(string)
	return s
}

// texts reads a list of texts; some providers send one text alone.
func (c claims) texts(name string) []string {
	if s := c.text(name); s != "" {
		return []string{s}
	}
	list, _ := c[name].([]any)
	var out []string
	for _, item := range list {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// verifiedDomain answers the domain of an email address that the provider has verified, or "".
func (c claims) verifiedDomain() string {
	if verified := c["email_verified"]; verified != true && verified != "true" {
		return ""
	}
	email := c.text("email")
	at := strings.LastIndexByte(email, '@')
	if at < 1 {
		return ""
	}
	return strings.ToLower(email[at+1:])
}

// name answers how to call a person: text of one line that a user may be named.
func (c claims) name() string {
	for _, claim := range []string{"name", "preferred_username", "nickname", "email"} {
		name := strings.TrimSpace(strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f || r == utf8.RuneError {
				return -1
			}
			return r
		}, c.text(claim)))
		if runes := []rune(name); len(runes) > 200 {
			name = strings.TrimSpace(string(runes[:200]))
		}
		if name != "" {
			return name
		}
	}
	return "somebody"
}

// fill adds what is missing.
func (c claims) fill(more claims) {
	for name, value := range more {
		if _, known := c[name]; !known {
			c[name] = value
		}
	}
}

// incomplete says whether the rules or the name ask for a claim that is not there.
func (p *Provider) incomplete(c claims) bool {
	has := func(name string) bool { _, ok := c[name]; return ok }
	return !has("name") || (len(p.cfg.AllowedDomains) > 0 && !(has("email") && has("email_verified"))) || (p.cfg.OperatorGroup != "" && !has(p.cfg.GroupsClaim))
}

// admit decides whether the operator lets a person in, and as what. It fails with a *RefusedError.
func (p *Provider) admit(c claims) (operator *bool, err error) {
	if len(p.cfg.AllowedDomains) > 0 {
		domain := c.verifiedDomain()
		if !slices.ContainsFunc(p.cfg.AllowedDomains, func(allowed string) bool { return domain != "" && strings.EqualFold(allowed, domain) }) {
			return nil, &RefusedError{"The operator lets only people sign in whose provider has verified an email address of certain domains. Yours is none of them."}
		}
	}
	if p.cfg.OperatorGroup == "" {
		return nil, nil
	}
	is := slices.Contains(c.texts(p.cfg.GroupsClaim), p.cfg.OperatorGroup)
	return &is, nil
}

// decodeClaims reads an object of claims.
func decodeClaims(from interface{ Claims(v any) error }) (claims, error) {
	var raw json.RawMessage
	if err := from.Claims(&raw); err != nil {
		return nil, fmt.Errorf("reading the claims: %w", err)
	}
	c := claims{}
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, fmt.Errorf("reading the claims: %w", err)
	}
	return c, nil
}
