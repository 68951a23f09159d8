package integration

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/id"
	"github.com/patchbay/patchbay/host/internal/oauth"
	"github.com/patchbay/patchbay/host/internal/vault"
)

// Begin asks for a connection by OAuth.
type Begin struct {
	User, Platform string
	// Label is the account's own name when empty.
	Label string
	// Integration is one of the user's to connect again, which keeps its id; empty for a new one.
	Integration string
	// Scopes are what the platform and the operator say when empty.
	Scopes []string
	// Grant is what the platform offers when empty: in a browser before all others.
	Grant string
	// Session is the connect session in which it is begun, or "".
	Session string
}

// Begun is a connection under way.
type Begun struct {
	Authorization
	// Link is the secret of the start link, for a grant in a browser.
	Link string
	// Device is what the person needs for a grant on another device.
	Device *oauth.Device
}

// Begin begins a connection. One by client credentials is done when it returns.
func (s *Service) Begin(ctx context.Context, b Begin) (Begun, error) {
	p, err := s.providerOf(ctx, b.Platform)
	if err != nil {
		return Begun{}, err
	}
	if err := s.checkBegin(ctx, &b, p); err != nil {
		return Begun{}, err
	}
	now := s.cfg.Now()
	a := Authorization{ID: id.New("auth"), User: b.User, Platform: p.platform.ID, Grant: b.Grant, Label: b.Label, Integration: b.Integration,
		Scopes: b.Scopes, Session: b.Session, State: Pending, CreatedAt: now, ExpiresAt: now.Add(AuthorizationLifetime)}
	switch b.Grant {
	case oauth.DeviceCode:
		return s.beginDevice(ctx, p, a)
	case oauth.ClientCredentials:
		return s.beginClient(ctx, p, a)
	}
	link := id.Secret("pba")
	a.LinkHash = digest(link)
	if err := s.cfg.Store.InsertAuthorization(ctx, a); err != nil {
		return Begun{}, fmt.Errorf("saving the authorisation: %w", err)
	}
	return Begun{Authorization: a, Link: link}, s.cfg.Audit.Record(ctx, b.User, "authorization.begin", a.ID, "platform", a.Platform)
}

// checkBegin fills in what was left out and refuses what does not fit.
func (s *Service) checkBegin(ctx context.Context, b *Begin, p *provider) error {
	if b.Label != "" {
		if err := checkLabel(b.Label); err != nil {
			return err
		}
	}
	if b.Integration != "" {
		i, err := s.Get(ctx, b.User, b.Integration)
		switch {
		case err != nil:
			return err
		case i.DeletedAt != nil:
			return notFound()
		case i.Platform != p.platform.ID || i.AuthMethod != "oauth2":
			return invalid("/integration", "is not an OAuth connection to "+p.platform.Name)
		}
	}
	for _, grant := range []string{oauth.AuthorizationCode, oauth.DeviceCode, oauth.ClientCredentials} {
		if b.Grant == "" && p.Takes(grant) {
			b.Grant = grant
		}
	}
	if !p.Takes(b.Grant) {
		return invalid("/grant", "is not one that "+p.platform.Name+" offers")
	}
	if len(b.Scopes) == 0 {
		b.Scopes = p.scopes
	}
	if slices.ContainsFunc(b.Scopes, func(scope string) bool { return scope == "" || len(scope) > 300 || clipLabel(scope) != scope }) {
		return invalid("/scopes", "must be plain names")
	}
	return nil
}

// Departure is what a browser takes along to the provider.
type Departure struct {
	// Address is the provider's page, with the state in it.
	Address string
	State   string
	// Binder is a secret that the browser keeps until it comes back.
	Binder string
}

// Start sends a browser to the provider. signedIn is the user of the browser's session, or "". A link that is not good is ErrAuthorization.
func (s *Service) Start(ctx context.Context, link, signedIn string) (Departure, error) {
	verifier := oauth.NewVerifier()
	d := Departure{State: id.Secret("st"), Binder: id.Secret("pbb")}
	found := false
	a, err := s.cfg.Store.ChangeAuthorization(ctx, AuthorizationKey{Link: digest(link)}, func(a *Authorization) error {
		if a.State != Pending || s.cfg.Now().After(a.ExpiresAt) || (signedIn != "" && signedIn != a.User) {
			return ErrNotFound
		}
		found = true
		sealed, err := s.sealFor(ctx, a.User, a.ID, verifier)
		if err != nil {
			return err
		}
		a.Sealed, a.StateHash, a.BinderHash, a.Redirect = sealed, digest(d.State), digest(d.Binder), s.RedirectURI()
		return nil
	})
	if errors.Is(err, ErrNotFound) || (err == nil && !found) {
		return Departure{}, ErrAuthorization
	}
	if err != nil {
		return Departure{}, fmt.Errorf("starting the authorisation: %w", err)
	}
	p, err := s.providerOf(ctx, a.Platform)
	if err != nil {
		return Departure{}, err
	}
	d.Address, err = oauth.AuthorizeURL(&p.Provider, p.client.ID, a.Redirect, d.State, verifier, a.Scopes)
	return d, err
}

// Callback is what a browser brings back from the provider.
type Callback struct {
	State, Code, Issuer string
	// Error and Description are the provider's, where it refused.
	Error, Description string
	// Binder is the secret of the browser's cookie.
	Binder string
}

// Finish uses an authorisation's state up, exchanges the code, and saves the account. A state that is not known, or was used, is
// ErrAuthorization; all other failures are for people, and are kept for whoever waits for the authorisation.
func (s *Service) Finish(ctx context.Context, c Callback) (Authorization, Integration, error) {
	var sealed vault.Sealed
	bound := false
	a, err := s.cfg.Store.ChangeAuthorization(ctx, AuthorizationKey{State: digest(c.State)}, func(a *Authorization) error {
		if a.State != Pending || s.cfg.Now().After(a.ExpiresAt) {
			return ErrNotFound
		}
		bound = len(a.BinderHash) > 0 && subtle.ConstantTimeCompare(a.BinderHash, digest(c.Binder)) == 1
		sealed = a.Sealed
		a.State, a.StateHash, a.Sealed = Working, nil, vault.Sealed{} // once and never again, whatever comes of it
		return nil
	})
	if errors.Is(err, ErrNotFound) {
		return Authorization{}, Integration{}, ErrAuthorization
	}
	if err != nil {
		return Authorization{}, Integration{}, fmt.Errorf("using the authorisation: %w", err)
	}
	a.Sealed = sealed
	i, err := s.finish(ctx, a, c, bound)
	if err != nil {
		f := asConnectFailure(err)
		if f == nil {
			f = &catalog.Failure{Kind: "internal_error", Message: "The host failed to save the account. Its log says more."}
			s.cfg.Logger.Error("connecting an account failed", "authorization", a.ID, "error", err)
		}
		return a, Integration{}, errors.Join(f, s.fail(ctx, a, string(f.Kind), f.Message))
	}
	return a, i, nil
}

func (s *Service) finish(ctx context.Context, a Authorization, c Callback, bound bool) (Integration, error) {
	if !bound {
		return Integration{}, &catalog.Failure{Kind: "browser_mismatch",
			Message: "The answer came to another browser than the one that began. If you did not begin this yourself, somebody tried to connect their account as yours. Begin again."}
	}
	p, err := s.providerOf(ctx, a.Platform)
	if err != nil {
		return Integration{}, err
	}
	if err := oauth.CheckIssuer(&p.Provider, c.Issuer); err != nil {
		return Integration{}, &catalog.Failure{Kind: "issuer_mismatch", Message: "The answer was refused: " + err.Error() + "."}
	}
	if c.Error != "" {
		return Integration{}, explainRefusal(p.platform, c.Error, c.Description)
	}
	verifier, err := s.openFor(ctx, a)
	if err != nil {
		return Integration{}, err
	}
	asking, cancel := context.WithTimeout(ctx, s.cfg.ProviderTimeout)
	defer cancel()
	t, err := oauth.Exchange(asking, p.via, &p.Provider, p.client, c.Code, a.Redirect, verifier)
	if err != nil {
		return Integration{}, err
	}
	return s.save(ctx, p, a, t)
}

// asConnectFailure answers an error as one for the person who connects, or nil.
func asConnectFailure(err error) *catalog.Failure {
	var f *catalog.Failure
	var o *oauth.Failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &o) && o.Meaning == oauth.Dead:
		return &catalog.Failure{Kind: "authorization_refused", PlatformCode: o.Code, Message: o.Message + " Begin again; a code is good once and for a short time."}
	case errors.As(err, &o) && o.Meaning == oauth.Misconfigured:
		return &catalog.Failure{Kind: OAuthNotConfigured, PlatformCode: o.Code, Message: o.Message}
	case errors.As(err, &o):
		return &catalog.Failure{Kind: catalog.PlatformUnavailable, PlatformCode: o.Code, Message: o.Message + " Begin again in a while."}
	}
	return nil
}

// explainRefusal says in words what an error of the authorisation endpoint means (RFC 6749, 4.1.2.1) and what to do.
func explainRefusal(p *catalog.Platform, code, description string) *catalog.Failure {
	f := &catalog.Failure{Kind: "authorization_refused", PlatformCode: clipLabel(code)}
	said := ""
	if description = clipLabel(description); description != "" {
		said = " It said: " + description
	}
	switch code {
	case "access_denied":
		f.Message = fmt.Sprintf("%s was not given access: it was declined there, by you or by a rule of your organisation. Nothing was connected.%s", p.Name, said)
	case "invalid_scope":
		f.Message = fmt.Sprintf("%s does not give this app all that was asked for. An operator must look at the scopes that are set for it.%s", p.Name, said)
	case "unauthorized_client", "invalid_request", "unsupported_response_type", "invalid_client":
		f.Message = fmt.Sprintf("%s does not take this host's app as it is registered. An operator must look at the client id and the redirect URI.%s", p.Name, said)
	case "server_error", "temporarily_unavailable":
		f.Message = fmt.Sprintf("%s has a problem of its own. Try again in a while.%s", p.Name, said)
	case "login_required", "interaction_required", "consent_required", "account_selection_required":
		f.Message = fmt.Sprintf("%s wants you to sign in there first. Begin again.%s", p.Name, said)
	default:
		f.Message = fmt.Sprintf("%s refused with %q. Nothing was connected.%s", p.Name, clipLabel(code), said)
	}
	return f
}
