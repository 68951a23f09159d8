package main

import (
	_ "embed"
	"slices"

	"github.com/patchbay/patchbay/sdk"
)

//go:embed icon.svg
var icon []byte

// fileHost is where Slack takes and keeps files.
const fileHost = "files.slack.com"

// platform is Slack as data: where it is, how to connect, what can be done.
func platform() sdk.Platform {
	return sdk.Platform{
		ID: "slack", Name: "Slack", Category: sdk.Social, Icon: icon,
		Description: "Sends, schedules and reads messages, and manages channels, files, reactions, pins and bookmarks of a Slack workspace.",
		Website:     "https://docs.slack.dev",
		BaseURL:     "https://slack.com/api",
		Hosts:       []string{fileHost},
		Auth:        []sdk.AuthMethod{oauth(), token()},
		Authorize:   authorize,
		Verify:      verify,
		Explain:     explain, ExplainSuccess: true, // Slack answers its refusals with status 200
		Operations: slices.Concat(messageOperations(), scheduleOperations(), channelOperations(), membershipOperations(), historyOperations(),
			userOperations(), reactionOperations(), pinOperations(), bookmarkOperations(), fileOperations(), searchOperations()),
	}
}

// token takes what a Slack app's own page shows: a bot's token, or a user's where an operation needs one.
func token() sdk.AuthMethod {
	m := sdk.Bearer("Bot token", "Make an app at https://api.slack.com/apps, add bot scopes under \"OAuth & Permissions\", install it to the "+
		"workspace and copy the Bot User OAuth Token (xoxb-...). search_messages and set_status need a User OAuth Token (xoxp-...) of the same "+
		"page instead. A token with rotation (xoxe.xoxb-...) lives for twelve hours and is not refreshed.")
	m.Fields[0].Pattern = `\S+`
	m.Fields[0].Help = "Begins with xoxb- (bot) or xoxp- (user)."
	return m
}

// oauth declares the OAuth v2 flow for a bot's token. Facts of docs.slack.dev/authentication (installing with OAuth, token rotation,
// PKCE) and of the oauth.v2.access and auth.revoke methods:
//   - Scopes are separated by commas. Those of "scope" are a bot's and its token stands at the top of the answer; those asked for in
//     "user_scope" give a second token, a user's, at /authed_user/access_token. One integration holds one token, so user_scope
//     is not asked for: consent to what nobody could use would be too much. User tokens come in by the bearer method.
//   - Refusals of the token endpoint arrive with status 200 and {"ok":false,"error":"..."}.
//   - Only apps with token rotation have a refresh token and expires_in (43200); each refresh revokes the refresh token before.
//   - PKCE is an app's own choice, which makes it a public client for good and ends its refresh tokens after 30 days.
//   - auth.revoke takes the access token (never a refresh token) as the form parameter "token", and also answers with status 200.
func oauth() sdk.AuthMethod {
	return sdk.AuthMethod{Type: sdk.MethodOAuth2, Label: "Add to Slack",
		Help: "Installs the operator's Slack app in your workspace; some workspaces ask an admin first. The app acts as a bot: invite it to the " +
			"channels that it should read. Searching and setting a status act as a person and need a user token instead.",
		OAuth2: &sdk.OAuth2{
			AuthorizationURL: "https://slack.com/oauth/v2/authorize", TokenURL: "https://slack.com/api/oauth.v2.access",
			RevocationURL: "https://slack.com/api/auth.revoke",
			Scopes: []string{"chat:write", "chat:write.public", "channels:read", "channels:history", "channels:join", "channels:manage",
				"groups:read", "groups:history", "groups:write", "im:read", "im:history", "im:write", "mpim:read", "mpim:history", "mpim:write",
				"users:read", "users:read.email", "reactions:read", "reactions:write", "files:read", "files:write", "pins:read", "pins:write",
				"bookmarks:read", "bookmarks:write", "team:read"},
			ScopeSeparator: ",", ClientAuthentication: "basic", AccessTokenPointer: "/access_token", RefreshTokenPointer: "/refresh_token",
			ExpiresInPointer: "/expires_in", ScopePointer: "/scope", ErrorPointer: "/error", NoPKCE: true,
		}}
}
