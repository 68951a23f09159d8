package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// oauth declares Google's OAuth2 for one of its services. Facts of developers.google.com/identity/protocols/oauth2/web-server:
//   - A refresh token comes with access_type=offline, and again on a repeated consent only with prompt=consent. It is not rotated. It ends
//     after six months unused, with a changed password where it has Gmail's scopes, and after seven days while the consent
//     screen is in "Testing".
//   - People may allow some of the scopes and refuse others; the token answer says which were granted, and each operation declares its own.
//   - With include_granted_scopes the new token also has what was granted to the same client before.
//   - The revocation endpoint takes the refresh token and ends all of the grant.
func oauth(platform, service string) sdk.AuthMethod {
	return sdk.AuthMethod{Type: sdk.MethodOAuth2, Label: "Sign in with Google",
		Help: "The operator registers a client once: at https://console.cloud.google.com/apis/credentials make a project, enable the APIs of " + service +
			", set up the consent screen, and create an OAuth client ID of type \"Web application\" whose authorised redirect URI is the host's public URL with " +
			"/oauth/callback behind it. While the consent screen is in \"Testing\", only listed test users can connect and must do so again every seven days. " +
			"Then you sign in and tick what you allow: operations that need what you did not tick are refused.",
		OAuth2: &sdk.OAuth2{
			AuthorizationURL: "https://accounts.google.com/o/oauth2/v2/auth", TokenURL: "https://oauth2.googleapis.com/token",
			RevocationURL:       "https://oauth2.googleapis.com/revoke",
			Scopes:              append([]string{"openid", "email"}, scope(asked()[platform]...)...),
			AuthorizeParameters: map[string]string{"access_type": "offline", "prompt": "consent", "include_granted_scopes": "true"},
		}}
}

// apiKey takes a key of Google Cloud.
func apiKey(help string, further ...sdk.Field) sdk.AuthMethod {
	m := sdk.APIKey(help)
	m.Fields[0].Pattern = `[!-~]+`
	m.Fields = append(m.Fields, further...)
	return m
}

// authorize puts the credential on a request. A key goes into a header: addresses are kept in logs.
func authorize(req *http.Request, c sdk.Credential) {
	switch c.Method {
	case sdk.MethodAPIKey:
		req.Header.Set("X-Goog-Api-Key", c.Token())
	default:
		req.Header.Set("Authorization", "Bearer "+c.Token())
	}
}

// identityHost answers whose token it is.
const identityHost = "openidconnect.googleapis.com"

// verify asks whose access token it is. Which scopes were granted stands in the token answer alone.
func verify(ctx context.Context, call *sdk.Call) (sdk.Account, error) {
	var me struct {
		Sub   string `json:"sub"`
		Name  string `json:"name"`
		Email string `json:"email"`
	}
	if err := call.Do(ctx, sdk.Request{Path: at(call, identityHost, "/v1/userinfo")}, &me); err != nil {
		return sdk.Account{}, err
	}
	name := me.Email
	if name == "" {
		name = me.Name
	}
	if me.Sub == "" {
		return sdk.Account{}, sdk.Errorf(sdk.PlatformError, "Google did not say whose token it is.")
	}
	return sdk.Account{ID: me.Sub, Name: name}, nil
}

// at answers where a path of another of Google's hosts is: with an operator's base URL, all is under that.
func at(call *sdk.Call, host, path string) string {
	if call.Replaced() {
		return path
	}
	return "https://" + host + path
}

// endpoint is a request to Google as data.
func endpoint(method, path string, query ...any) sdk.Endpoint {
	return sdk.Endpoint{Method: method, Path: path, Query: sdk.Query(query...), CamelCase: true, Methods: signIn()}
}

// signIn are the auth methods of what belongs to an account: Google takes no key for it.
func signIn() []string { return []string{sdk.MethodOAuth2} }

// public is the endpoint for what a key is good for too.
func public(e sdk.Endpoint) sdk.Endpoint {
	e.Methods = nil
	return e
}

// on is the endpoint on another host.
func on(host string, e sdk.Endpoint) sdk.Endpoint {
	e.Host = host
	return e
}

// object is any JSON object, kept as it came.
type object = map[string]any

// paged is how operations that give their result in pages are asked for one.
type paged struct {
	Cursor string `json:"cursor,omitempty" to:"query pageToken" maxLength:"4000" jsonschema:"next_cursor of the page before; leave it out for the first page"`
}

// none says whether an input's text is only blanks.
func none(s string) bool { return strings.TrimSpace(s) == "" }
