package host

import (
	"context"
	"fmt"
	"time"

	"github.com/patchbay/patchbay/host/internal/signin"
	"github.com/patchbay/patchbay/host/internal/web"
)

// openSignIn answers the provider at which people sign in; nil where there is none.
func (h *Host) openSignIn(ctx context.Context) (web.Provider, error) {
	o := h.cfg.OIDC
	if o.Issuer == "" {
		return nil, nil
	}
	key, err := h.secretKey(ctx, "signin")
	if err != nil {
		return nil, err
	}
	provider, err := signin.New(signin.Config{Issuer: o.Issuer, ClientID: o.ClientID, ClientSecret: o.ClientSecret,
		RedirectURL: h.url + "/signin/oidc/callback", Scopes: o.Scopes, AllowedDomains: o.AllowedDomains, OperatorGroup: o.OperatorGroup,
		GroupsClaim: o.GroupsClaim, Key: key, Now: time.Now})
	if err != nil {
		return nil, fmt.Errorf("setting up sign-in: %w", err)
	}
	return provider, nil
}
