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

// apiVersion is the version of Notion's API that this adapter speaks: the one that parts databases from their data sources.
const apiVersion = "2025-09-03"

// platform is Notion as data.
func platform() sdk.Platform {
	return sdk.Platform{
		ID: "notion", Name: "Notion", Category: sdk.Productivity, Icon: icon,
		Description: "Searches, reads and writes the pages, databases, blocks, comments and files of a Notion workspace that were shared with the connection.",
		Website:     "https://developers.notion.com",
		BaseURL:     "https://api.notion.com",
		Auth:        []sdk.AuthMethod{oauth(), token()},
		Authorize:   authorize,
		Verify:      verify,
		Explain:     explain,
		RateLimits:  []sdk.RateLimit{{Calls: 180, PerSeconds: 60}}, // about three a second on average
		Operations:  slices.Concat(searchOperations(), pageOperations(), blockOperations(), dataOperations(), commentOperations(), userOperations(), fileOperations()),
	}
}

// oauth declares Notion's OAuth2. Facts of developers.notion.com (authorization, create and refresh a token):
//   - There are no scopes: what a connection may do is fixed with the client (its capabilities), and people pick the pages that it sees.
//   - The token endpoint takes JSON, and the client authenticates by HTTP Basic. The revocation endpoint does likewise.
//   - A refresh answers a new access token and a new refresh token; both old ones are dead then.
//   - The answer says no expires_in: a token is refreshed when it is refused. PKCE is not documented.
func oauth() sdk.AuthMethod {
	return sdk.AuthMethod{Type: sdk.MethodOAuth2, Label: "Add to Notion",
		Help: "The operator registers a client once: at https://www.notion.so/profile/integrations make a new integration of type Public, choose its capabilities, and give as " +
			"redirect URI the host's public URL with /oauth/callback behind it. Then you sign in to Notion and pick the pages that the connection may see; further ones are added in Notion, under a page's Connections.",
		OAuth2: &sdk.OAuth2{
			AuthorizationURL: "https://api.notion.com/v1/oauth/authorize", TokenURL: "https://api.notion.com/v1/oauth/token",
			RevocationURL:        "https://api.notion.com/v1/oauth/revoke",
			AuthorizeParameters:  map[string]string{"owner": "user"},
			ClientAuthentication: "basic", TokenRequestFormat: "json", NoPKCE: true,
		}}
}

// token takes the token of an internal integration.
func token() sdk.AuthMethod {
	m := sdk.Bearer("Internal integration token", "At https://www.notion.so/profile/integrations make an integration of type Internal in your workspace, copy its Internal Integration Secret, and add the "+
		"integration to each page that it may see (the page's menu, Connections); pages below are seen too.")
	m.Fields[0].Pattern = `\S+`
	m.Fields[0].Help = "Begins with ntn_ (older ones with secret_)."
	return m
}

// authorize puts the token on a request, and the version of the API, which every one needs.
func authorize(req *http.Request, c sdk.Credential) {
	req.Header.Set("Notion-Version", apiVersion)
	if token := c.Token(); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
}

// verify asks whose token it is: a bot's of a workspace, which a person may stand behind.
func verify(ctx context.Context, call *sdk.Call) (sdk.Account, error) {
	var me struct {
		ID   string `json:"id"`
		Name string `json:"name"`
		Bot  struct {
			Workspace string `json:"workspace_name"`
			Owner     struct {
				User struct {
					Name string `json:"name"`
				} `json:"user"`
			} `json:"owner"`
		} `json:"bot"`
	}
	if err := call.Do(ctx, sdk.Request{Path: "/v1/users/me"}, &me); err != nil {
		return sdk.Account{}, err
	}
	if me.ID == "" {
		return sdk.Account{}, sdk.Errorf(sdk.PlatformError, "Notion did not say whose token it is.")
	}
	name := me.Name
	if me.Bot.Owner.User.Name != "" {
		name = me.Bot.Owner.User.Name
	}
	if me.Bot.Workspace != "" {
		name += " (" + me.Bot.Workspace + ")"
	}
	return sdk.Account{ID: me.ID, Name: name}, nil
}
