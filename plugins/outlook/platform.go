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

// fileHosts are where Exchange takes large attachments.
func fileHosts() []string { return []string{"outlook.office.com", "outlook.office365.com"} }

// platform is Outlook as data.
func platform() sdk.Platform {
	return sdk.Platform{
		ID: "outlook", Name: "Outlook", Category: sdk.Productivity, Icon: icon,
		Description: "Sends, searches, reads and sorts mail, and works with calendars and contacts, of Outlook.com and Microsoft 365 accounts.",
		Website:     "https://learn.microsoft.com/graph/outlook-mail-concept-overview",
		BaseURL:     "https://graph.microsoft.com/v1.0", Hosts: fileHosts(),
		Auth:       []sdk.AuthMethod{oauth()},
		Authorize:  authorize,
		Verify:     verify,
		Explain:    explain,
		RateLimits: []sdk.RateLimit{{Calls: 10000, PerSeconds: 600}}, // of an app in one mailbox; four calls at a time
		Operations: slices.Concat(readingOperations(), sendingOperations(), sortingOperations(), attachmentOperations(), eventOperations(), contactOperations()),
	}
}

// oauth declares the Microsoft identity platform, v2.0. Facts of learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow:
//   - A refresh token comes with the scope offline_access; each refresh answers a new one, which replaces the old. It lives for 90 days.
//   - An access token lives for 60 to 90 minutes. The client's secret stands in the body. PKCE is taken of every client.
//   - The part "common" of the addresses lets work, school and personal accounts in; an operator may put a tenant in its place
//     (patchbay platform set outlook --authorization-url ... --token-url ...).
//   - The token answer names the scopes that were granted, without offline_access, perhaps with https://graph.microsoft.com/ before them.
//   - There is no revocation endpoint.
func oauth() sdk.AuthMethod {
	return sdk.AuthMethod{Type: sdk.MethodOAuth2, Label: "Sign in with Microsoft",
		Help: "The operator registers a client once: at https://entra.microsoft.com under App registrations make a new registration for accounts in any directory and personal accounts, with a " +
			"redirect URI of type Web that is the host's public URL with /oauth/callback behind it, and a client secret under Certificates & secrets (they end: note when). Then you sign in and accept; " +
			"some organisations ask an admin first.",
		OAuth2: &sdk.OAuth2{
			AuthorizationURL:    "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
			TokenURL:            "https://login.microsoftonline.com/common/oauth2/v2.0/token",
			Scopes:              []string{"offline_access", "User.Read", "Mail.Read", "Mail.ReadWrite", "Mail.Send", "MailboxSettings.Read", "Calendars.ReadWrite", "Contacts.ReadWrite"},
			AuthorizeParameters: map[string]string{"prompt": "select_account"},
		}}
}

// anonymous marks the context of requests that carry no token.
type anonymous struct{}

// authorize puts the access token on a request, and asks for ids that stay the same when a message is moved.
func authorize(req *http.Request, c sdk.Credential) {
	if req.Context().Value(anonymous{}) != nil {
		return
	}
	req.Header.Add("Prefer", `IdType="ImmutableId"`)
	if token := c.Token(); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
}

// verify asks whose token it is. Which scopes were granted stands in the token answer alone.
func verify(ctx context.Context, call *sdk.Call) (sdk.Account, error) {
	var me struct {
		ID        string `json:"id"`
		Name      string `json:"displayName"`
		Mail      string `json:"mail"`
		Principal string `json:"userPrincipalName"`
	}
	if err := call.Do(ctx, sdk.Request{Path: "/me"}, &me); err != nil {
		return sdk.Account{}, err
	}
	if me.ID == "" {
		return sdk.Account{}, sdk.Errorf(sdk.PlatformError, "Microsoft did not say whose token it is.")
	}
	name := me.Name
	for _, address := range []string{me.Principal, me.Mail} {
		if address != "" {
			name = address
		}
	}
	return sdk.Account{ID: me.ID, Name: name}, nil
}
