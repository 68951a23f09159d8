package identity

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	operator = "usr_00000000000000000000000001"
	member   = "usr_00000000000000000000000002"
)

// double keeps users and what they prove themselves with, and counts how often a token is looked up.
type double struct {
	Store    // what is not called
	users    map[string]User
	tokens   map[string]Token // by hash
	links    map[string]time.Time
	sessions map[string]time.Time
	lookups  int
	fresh    bool
	told     []string // announcements
	during   func()   // runs while a token is looked up
}

func (d *double) User(_ context.Context, id string) (User, error) {
	u, ok := d.users[id]
	if !ok {
		return User{}, ErrNotFound
	}
	return u, nil
}

func (d *double) InsertToken(_ context.Context, t Token, hash []byte) error {
	d.tokens[string(hash)] = t
	return nil
}

func (d *double) Token(_ context.Context, hash []byte) (Token, User, error) {
	d.lookups++
	t, ok := d.tokens[string(hash)]
	if d.during != nil {
		d.during()
	}
	if !ok {
		return Token{}, User{}, ErrNotFound
	}
	return t, d.users[t.User], nil
}

func (d *double) RevokeToken(_ context.Context, user, id string, at time.Time) error {
	for hash, t := range d.tokens {
		if t.ID == id && (user == "" || user == t.User) {
			t.RevokedAt = &at
			d.tokens[hash] = t
			return nil
		}
	}
	return ErrNotFound
}

func (d *double) InsertLink(_ context.Context, hash []byte, _ string, expires time.Time) error {
	d.links[string(hash)] = expires
	return nil
}

func (d *double) UseLink(_ context.Context, hash []byte, now time.Time) (string, error) {
	expires, ok := d.links[string(hash)]
	delete(d.links, string(hash))
	if !ok || !now.Before(expires) {
		return "", ErrNotFound
	}
	return member, nil
}

func (d *double) InsertSession(_ context.Context, hash []byte, _ string, expires time.Time) error {
	d.sessions[string(hash)] = expires
	return nil
}

func (d *double) Announce(_ context.Context, topic, subject string) error {
	d.told = append(d.told, topic+" "+subject)
	return nil
}

func (d *double) Fresh() bool { return d.fresh }

// rig is a service with a clock that the test moves.
type rig struct {
	*Service
	double *double
	now    time.Time
}

func newRig() *rig {
	r := &rig{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), double: &double{fresh: true, tokens: map[string]Token{}, links: map[string]time.Time{},
		sessions: map[string]time.Time{}, users: map[string]User{operator: {ID: operator, Role: Operator}, member: {ID: member, Role: Member}}}}
	r.Service = New(Config{Store: r.double, Cluster: r.double, Now: func() time.Time { return r.now },
		Record: func(context.Context, string, string, string, ...string) error { return nil }})
	return r
}

// member's own principal, as a session has it.
var ann = Principal{User: member, Role: Member, Scopes: Scopes}

// add makes a token of the member's.
func (r *rig) add(t *testing.T, lifetime time.Duration) (Token, string) {
	t.Helper()
	token, secret, err := r.AddToken(t.Context(), NewToken{By: ann, Name: "ci", Lifetime: lifetime})
	if err != nil {
		t.Fatal(err)
	}
	return token, secret
}

// refused fails the test where a secret is taken.
func (r *rig) refused(t *testing.T, secret, why string) {
	t.Helper()
	if p, err := r.Authenticate(t.Context(), secret); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("%s: %+v, %v", why, p, err)
	}
}

func TestSecretsAreKeptAsHashesAlone(t *testing.T) {
	r := newRig()
	_, token := r.add(t, 0)
	link, err := r.AddLink(t.Context(), "host", member)
	if err != nil {
		t.Fatal(err)
	}
	session, err := r.SignIn(t.Context(), link)
	if err != nil {
		t.Fatal(err)
	}
	stored := fmt.Sprint(r.double.tokens, r.double.links, r.double.sessions)
	for _, secret := range []string{token, link, session} {
		if _, random, _ := strings.Cut(secret, "_"); len(random) < 32 || strings.Contains(stored, random) {
			t.Errorf("the secret %s is short, or the store has it", secret)
		}
	}
	for hash := range r.double.tokens {
		if want := sha256.Sum256([]byte(token)); hash != string(want[:]) {
			t.Error("what is stored is not the secret's SHA-256")
		}
	}
}

func TestATokenEndsAtItsTimeAlthoughItIsKnown(t *testing.T) {
	r := newRig()
	_, secret := r.add(t, time.Hour)
	for _, after := range []time.Duration{0, time.Hour - time.Nanosecond} {
		r.now = r.now.Add(after)
		if p, err := r.Authenticate(t.Context(), secret); err != nil || p.User != member {
			t.Fatalf("before its end: %+v, %v", p, err)
		}
	}
	if r.double.lookups != 1 {
		t.Errorf("it was looked up %d times", r.double.lookups)
	}
	r.now = r.now.Add(time.Nanosecond)
	r.refused(t, secret, "a token at its end")
}

func TestARevokedTokenIsTakenNoMore(t *testing.T) {
	r := newRig()
	token, secret := r.add(t, 0)
	if _, err := r.Authenticate(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	if err := r.RevokeToken(t.Context(), ann, token.ID); err != nil {
		t.Fatal(err)
	}
	r.refused(t, secret, "a revoked token")
	if !slices.Equal(r.double.told, []string{Topic + " " + token.ID}) {
		t.Errorf("the other hosts were told %q", r.double.told)
	}
}

func TestARevocationDuringALookUpIsNotForgotten(t *testing.T) {
	r := newRig()
	token, secret := r.add(t, 0)
	r.double.during = func() { // the look-up has read the token when another host revokes it
		r.double.during = nil
		if err := r.double.RevokeToken(t.Context(), "", token.ID, r.now); err != nil {
			t.Error(err)
		}
		r.Drop("")
	}
	_, _ = r.Authenticate(t.Context(), secret) // it began before: either answer is right
	r.refused(t, secret, "a token that was revoked while it was looked up")
}

func TestAHostThatIsNotFreshAsksTheStore(t *testing.T) {
	r := newRig()
	token, secret := r.add(t, 0)
	if _, err := r.Authenticate(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	r.double.fresh = false
	if err := r.double.RevokeToken(t.Context(), "", token.ID, r.now); err != nil { // by a host that could not tell this one
		t.Fatal(err)
	}
	r.refused(t, secret, "a token that another host revoked")
}

func TestWhatIsNoTokenIsNotLookedUp(t *testing.T) {
	r := newRig()
	_, secret := r.add(t, 0)
	for _, wrong := range []string{"", "pb", "pbs_" + secret, strings.ToUpper(secret), "pb_" + strings.Repeat("a", 100)} {
		r.refused(t, wrong, wrong)
	}
	if r.double.lookups != 0 {
		t.Errorf("%d look-ups", r.double.lookups)
	}
	r.refused(t, secret[:len(secret)-1], "a part of a secret")
}

func TestATokenGivesNoMoreThanItsMakerHas(t *testing.T) {
	r := newRig()
	narrow := Principal{User: member, Role: Member, Scopes: []string{ScopeTokens}}
	if token, _, err := r.AddToken(t.Context(), NewToken{By: narrow, Name: "x"}); err != nil || !slices.Equal(token.Scopes, []string{ScopeTokens}) {
		t.Errorf("%+v, %v", token, err)
	}
	demoted := Principal{User: member, Role: Member, Scopes: Scopes}
	for name, n := range map[string]NewToken{
		"a scope of the operator's":    {By: demoted, Name: "x", Scopes: []string{ScopeOperator}},
		"a scope that the maker lacks": {By: narrow, Name: "x", Scopes: []string{ScopeCalls}},
		"another user's token":         {By: demoted, Name: "x", User: operator},
		"a service token":              {By: demoted, Name: "x", Service: true},
		"an end in the past":           {By: demoted, Name: "x", Lifetime: -time.Second},
		"an operator's scope for a member": {By: Principal{User: operator, Role: Operator, Scopes: Scopes}, Name: "x", User: member,
			Scopes: []string{ScopeOperator}},
	} {
		if token, secret, err := r.AddToken(t.Context(), n); err == nil || secret != "" {
			t.Errorf("%s was given: %+v", name, token)
		}
	}
}

func TestASignInLinkIsGoodOnceAndForItsTime(t *testing.T) {
	r := newRig()
	link, err := r.AddLink(t.Context(), "host", member)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.SignIn(t.Context(), link); err != nil {
		t.Error(err)
	}
	if _, err := r.SignIn(t.Context(), link); !errors.Is(err, ErrLink) {
		t.Errorf("the second time: %v", err)
	}
	if link, err = r.AddLink(t.Context(), "host", member); err != nil {
		t.Fatal(err)
	}
	r.now = r.now.Add(LinkLifetime)
	if _, err := r.SignIn(t.Context(), link); !errors.Is(err, ErrLink) {
		t.Errorf("at its end: %v", err)
	}
}
