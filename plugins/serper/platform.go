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

// scrapeHost is where Serper reads web pages.
const scrapeHost = "scrape.serper.dev"

// platform is Serper as data: where it is, how to connect, what can be done.
func platform() sdk.Platform {
	key := sdk.APIKey("Sign in at serper.dev and copy the key under API key.")
	key.Fields[0].Pattern = `[!-~]+`
	return sdk.Platform{
		ID: "serper", Name: "Serper Scraper", Category: sdk.Tools, Icon: icon, Website: "https://serper.dev",
		Description: "Google's results as data: web, images, videos, news, places, maps, reviews, shopping, scholar, patents and suggestions; and web pages as text.",
		BaseURL:     "https://google.serper.dev",
		Hosts:       []string{scrapeHost},
		Auth:        []sdk.AuthMethod{key},
		Authorize:   func(r *http.Request, c sdk.Credential) { r.Header.Set("X-Api-Key", c.Token()) },
		Explain:     explain,
		Verify:      verify,
		VerifyNote:  "Reads the balance, which costs nothing. Serper does not say whose key it is, so the account is named by the key's last four characters.",
		Operations:  slices.Concat(searchOperations(), placeOperations(), pageOperations()),
	}
}

// balance is what Serper tells of an account.
type balance struct {
	Balance   *float64 `json:"balance" jsonschema:"credits left"`
	RateLimit float64  `json:"rateLimit,omitempty" jsonschema:"requests a second"`
}

func account(ctx context.Context, call *sdk.Call, _ sdk.None) (balance, error) {
	var out balance
	if err := call.Do(ctx, sdk.Request{Path: "/account"}, &out); err != nil {
		return balance{}, err
	}
	if out.Balance == nil {
		return balance{}, sdk.Errorf(sdk.PlatformError, "Serper answered without a balance.")
	}
	return out, nil
}

func verify(ctx context.Context, call *sdk.Call) (sdk.Account, error) {
	if _, err := account(ctx, call, sdk.None{}); err != nil {
		return sdk.Account{}, err
	}
	return sdk.KeyAccount(call, "API key"), nil
}
