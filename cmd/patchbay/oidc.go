package main

import (
	"os"
	"strings"

	"github.com/patchbay/patchbay/host"
)

// oidcSecretVariable holds the secret of the client at the provider. It is no flag: other users of the machine see those.
const oidcSecretVariable = "PATCHBAY_OIDC_CLIENT_SECRET"

// oidcFlags name the provider at which people sign in.
type oidcFlags struct {
	Issuer           string   `env:"PATCHBAY_OIDC_ISSUER" placeholder:"URL" help:"OpenID provider at which people sign in. Register PUBLIC-URL/signin/oidc/callback there."`
	ClientID         string   `name:"client-id" env:"PATCHBAY_OIDC_CLIENT_ID" placeholder:"ID" help:"The client that you registered at the provider."`
	ClientSecretFile string   `name:"client-secret-file" env:"PATCHBAY_OIDC_CLIENT_SECRET_FILE" placeholder:"FILE" help:"File with its secret; PATCHBAY_OIDC_CLIENT_SECRET when left out."`
	Scope            []string `env:"PATCHBAY_OIDC_SCOPE" placeholder:"SCOPE" help:"Scopes to ask for besides openid; profile and email when left out."`
	AllowedDomain    []string `name:"allowed-domain" env:"PATCHBAY_OIDC_ALLOWED_DOMAIN" placeholder:"DOMAIN" help:"Let only people with a verified email address of this domain sign in; may be given more than once."`
	OperatorGroup    string   `name:"operator-group" env:"PATCHBAY_OIDC_OPERATOR_GROUP" placeholder:"GROUP" help:"Make the members of this group operators, and everybody else who signs in there none."`
	GroupsClaim      string   `name:"groups-claim" env:"PATCHBAY_OIDC_GROUPS_CLAIM" default:"groups" placeholder:"CLAIM" help:"Claim with a person's groups. ${default} when left out."`
}

func (f oidcFlags) config(home string) (host.OIDC, error) {
	out := host.OIDC{Issuer: f.Issuer, ClientID: f.ClientID, Scopes: f.Scope, AllowedDomains: f.AllowedDomain, OperatorGroup: f.OperatorGroup,
		GroupsClaim: f.GroupsClaim}
	if f.Issuer == "" && (f.ClientID != "" || f.ClientSecretFile != "" || len(f.AllowedDomain) > 0 || f.OperatorGroup != "") {
		return out, usageError("--oidc-issuer is missing: the other --oidc flags belong to it")
	}
	secret := os.Getenv(oidcSecretVariable)
	if f.ClientSecretFile != "" {
		raw, err := readGiven(expandHome(f.ClientSecretFile, home))
		if err != nil {
			return out, usageError("reading --oidc-client-secret-file: %w", err)
		}
		secret = string(raw)
	}
	out.ClientSecret = host.NewSecret(strings.TrimSpace(secret))
	return out, nil
}
