package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// fileRequest makes a request to an address that Slack named. Only Slack's file host and the host of the base URL are let through,
// so that a false answer cannot send the token or a file elsewhere. The address may be a secret: no error names it.
func fileRequest(ctx context.Context, call *sdk.Call, method, address string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil || !ours(call, req.URL) {
		return nil, sdk.Errorf(sdk.PlatformError, "Slack named an address for the file that is not its own.")
	}
	return req, nil
}

// ours says whether an address is on Slack's file host, or beside the API.
func ours(call *sdk.Call, u *url.URL) bool {
	if u.User != nil {
		return false
	}
	base, err := url.Parse(call.BaseURL())
	if err == nil && u.Scheme == base.Scheme && strings.EqualFold(u.Host, base.Host) {
		return true
	}
	return u.Scheme == "https" && (strings.EqualFold(u.Host, fileHost) || strings.EqualFold(u.Host, fileHost+":443"))
}

// direct sends a request and follows no redirect: where a file is to be had, Slack answers it at once, and a redirect leads to
// a page to sign in on.
func direct(call *sdk.Call, req *http.Request) (*http.Response, error) {
	client := sdk.HTTP(call)
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(req)
	if err != nil {
		var own *sdk.Error
		if errors.As(err, &own) {
			return nil, own // without the address that net/http puts around it
		}
		return nil, sdk.Errorf(sdk.PlatformUnavailable, "The connection to Slack failed.")
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close() // nothing in it counts
		return nil, sdk.Errorf(sdk.PermissionDenied, "Slack did not transfer the file (status %d): the token may not reach it, or the address is no longer good.", resp.StatusCode)
	}
	return resp, nil
}
