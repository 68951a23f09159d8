package main

import (
	"context"
	_ "embed"
	"net/http"
	"slices"

	"github.com/patchbay/patchbay/sdk"
)

//go:embed icon.svg
var icon []byte

// Hosts beside the API's: where attachments are taken, and where they are kept.
const (
	contentHost = "content.airtable.com"
	fileHosts   = "*.airtableusercontent.com"
)

// platform is Airtable as data.
func platform() sdk.Platform {
	return sdk.Platform{
		ID: "airtable", Name: "Airtable", Category: sdk.Productivity, Icon: icon,
		Description: "Reads, searches and writes the records of Airtable bases, and manages tables, fields, comments, attachments and webhooks.",
		Website:     "https://airtable.com/developers/web/api",
		BaseURL:     "https://api.airtable.com", Hosts: []string{contentHost, fileHosts},
		Auth:       []sdk.AuthMethod{oauth(), token()},
		Authorize:  authorize,
		Verify:     verify,
		Explain:    explain,
		RateLimits: []sdk.RateLimit{{Calls: 50, PerSeconds: 1}}, // of a person; a base takes five a second
		Operations: slices.Concat(recordOperations(), schemaOperations(), commentOperations(), attachmentOperations(), webhookOperations()),
	}
}

// oauth declares Airtable's OAuth2. Facts of airtable.com/developers/web/api/oauth-reference:
//   - PKCE with S256 is required, and the redirect URI must be exactly one that was registered.
//   - A client with a secret authenticates by HTTP Basic; one without sends its id in the body.
//   - Scopes are separated by spaces. People pick the bases and workspaces that the connection sees.
//   - An access token lives for an hour, a refresh token for 60 days (refresh_expires_in) and for one refresh: the answer has a new one, and
//     using an old one again revokes all of the grant.
func oauth() sdk.AuthMethod {
	return sdk.AuthMethod{Type: sdk.MethodOAuth2, Label: "Connect Airtable",
		Help: "The operator registers a client once: at https://airtable.com/create/oauth make an integration whose OAuth redirect URL is exactly the host's public URL with /oauth/callback behind it, " +
			"generate a client secret, and tick the scopes. Then you sign in to Airtable and pick the bases that the connection may see.",
		OAuth2: &sdk.OAuth2{
			AuthorizationURL: "https://airtable.com/oauth2/v1/authorize", TokenURL: "https://airtable.com/oauth2/v1/token",
			Scopes: []string{"data.records:read", "data.records:write", "data.recordComments:read", "data.recordComments:write", "schema.bases:read",
				"schema.bases:write", "webhook:manage", "user.email:read"},
			ClientAuthentication: "basic",
		}}
}

// token takes a personal access token.
func token() sdk.AuthMethod {
	m := sdk.Bearer("Personal access token", "At https://airtable.com/create/tokens make a token with the scopes of the operations that you want (data.records:read and schema.bases:read are a start), and add the bases that it may see.")
	m.Fields[0].Pattern = `\S+`
	m.Fields[0].Help = "Begins with pat."
	return m
}

// anonymous marks the context of requests that carry no token.
type anonymous struct{}

// authorize puts the token on a request.
func authorize(req *http.Request, c sdk.Credential) {
	if token := c.Token(); token != "" && req.Context().Value(anonymous{}) == nil {
		req.Header.Set("Authorization", "Bearer "+token)
	}
}

// verify asks whose token it is. Its scopes are told of tokens by sign-in alone.
func verify(ctx context.Context, call *sdk.Call) (sdk.Account, error) {
	var me struct {
		ID     string   `json:"id"`
		Email  string   `json:"email"`
		Scopes []string `json:"scopes"`
	}
	if err := call.Do(ctx, sdk.Request{Path: "/v0/meta/whoami"}, &me); err != nil {
		return sdk.Account{}, err
	}
	if me.ID == "" {
		return sdk.Account{}, sdk.Errorf(sdk.PlatformError, "Airtable did not say whose token it is.")
	}
	name := me.Email // only with the scope user.email:read
	if name == "" {
		name = "Airtable user " + me.ID
	}
	return sdk.Account{ID: me.ID, Name: name, Scopes: me.Scopes}, nil
}
