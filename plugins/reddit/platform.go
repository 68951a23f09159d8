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

// platform is Reddit as data: where it is, how to connect, what can be done.
func platform() sdk.Platform {
	return sdk.Platform{
		ID: "reddit", Name: "Reddit", Category: sdk.Social, Icon: icon,
		Description: "Browses and searches Reddit, reads comments, posts, comments, votes, and manages what an account is subscribed to.",
		Website:     "https://www.reddit.com/dev/api",
		BaseURL:     "https://oauth.reddit.com",
		Auth:        []sdk.AuthMethod{oauth()},
		Authorize:   authorize,
		Verify:      verify,
		Explain:     explain, ExplainSuccess: true, // forms are refused with status 200
		// Reddit counts for each OAuth client and averages over ten minutes; the operator's integrations share one client.
		RateLimits: []sdk.RateLimit{{Calls: 100, PerSeconds: 60}},
		Operations: slices.Concat(postOperations(), commentOperations(), thingOperations(), subredditOperations(), userOperations(), messageOperations()),
	}
}

// oauth declares Reddit's OAuth2. Facts of github.com/reddit-archive/reddit/wiki/OAuth2 and of recorded token calls:
//   - Without duration=permanent there is no refresh token. A refresh gives a new access token (an hour) and keeps the refresh token.
//   - The client authenticates by HTTP Basic at the token and revocation endpoints, with a User-Agent that names it: common ones
//     are slowed down or refused.
//   - The token endpoint answers some refusals with status 200 and {"error": "..."}.
//   - Scopes are separated by spaces. PKCE is not documented.
func oauth() sdk.AuthMethod {
	return sdk.AuthMethod{Type: sdk.MethodOAuth2, Label: "Sign in to Reddit",
		Help: "The operator registers a client once: at https://www.reddit.com/prefs/apps choose \"create another app\", type \"web app\", and give " +
			"as redirect uri the host's public URL with /oauth/callback behind it. The id stands under the app's name, the secret beside it. Then " +
			"you sign in to Reddit and allow what it lists. save_thing, unsave_thing, list_flairs and messages need further scopes (save, flair, privatemessages), which the operator adds.",
		OAuth2: &sdk.OAuth2{
			AuthorizationURL: "https://www.reddit.com/api/v1/authorize", TokenURL: "https://www.reddit.com/api/v1/access_token",
			RevocationURL:        "https://www.reddit.com/api/v1/revoke_token",
			Scopes:               []string{"identity", "read", "submit", "vote", "mysubreddits", "subscribe", "history", "edit"},
			AuthorizeParameters:  map[string]string{"duration": "permanent"},
			ClientAuthentication: "basic", ErrorPointer: "/error", UserAgent: userAgent(), NoPKCE: true,
		}}
}

// userAgent names the client in the form that Reddit asks for.
func userAgent() string { return "server:patchbay:v" + version + " (integrations host)" }

// authorize puts the access token on a request.
func authorize(req *http.Request, c sdk.Credential) {
	req.Header.Set("User-Agent", userAgent())
	if token := c.Token(); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
}

// verify asks whose token it is. Reddit says which scopes were granted in the token answer alone.
func verify(ctx context.Context, call *sdk.Call) (sdk.Account, error) {
	var me struct{ ID, Name string }
	if err := call.Do(ctx, sdk.Request{Path: "/api/v1/me", Query: raw()}, &me); err != nil {
		return sdk.Account{}, err
	}
	if me.ID == "" {
		return sdk.Account{}, sdk.Errorf(sdk.PlatformError, "Reddit did not say whose token it is.")
	}
	return sdk.Account{ID: "t2_" + me.ID, Name: "u/" + me.Name}, nil
}
