package oauth

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"time"
)

// Device is what a person needs to decide on another device (RFC 8628, 3.2). Code is the secret half.
type Device struct {
	Code                    string `json:"-"`
	UserCode                string
	VerificationURI         string
	VerificationURIComplete string
	Lifetime, Interval      time.Duration
}

// StartDevice begins a device flow (RFC 8628, 3.1).
func StartDevice(ctx context.Context, via HTTP, p *Provider, c Client, scopes []string) (Device, error) {
	form := url.Values{}
	if len(scopes) > 0 {
		form.Set("scope", p.joinScopes(scopes))
	}
	status, header, body, err := post(ctx, via, p, c, p.DeviceAuthorizationURL, form, nil)
	if err != nil {
		return Device{}, err
	}
	doc, parsed := parseAnswer(header, body)
	if f := answerFailure(p, status, header, doc, parsed); f != nil {
		return Device{}, f
	}
	d := Device{Code: text(doc, "", "device_code"), UserCode: clean(text(doc, "", "user_code"), 100),
		VerificationURI:         clean(firstText(doc["verification_uri"], doc["verification_url"]), 2000),
		VerificationURIComplete: clean(text(doc, "", "verification_uri_complete"), 2000),
		Lifetime:                seconds(doc["expires_in"], 10*time.Minute), Interval: seconds(doc["interval"], 5*time.Second)}
	if d.Code == "" || d.UserCode == "" || !webAddress(d.VerificationURI) {
		return Device{}, unusable(status, "answered no device code")
	}
	if !webAddress(d.VerificationURIComplete) {
		d.VerificationURIComplete = ""
	}
	return d, nil
}

// PollDevice asks once whether the person has decided (RFC 8628, 3.4). Until then the failure's meaning is Pending.
func PollDevice(ctx context.Context, via HTTP, p *Provider, c Client, code string) (Tokens, error) {
	return requestTokens(ctx, via, p, c, url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {code}}, nil)
}

func seconds(value any, otherwise time.Duration) time.Duration {
	n, ok := value.(json.Number)
	if !ok {
		return otherwise
	}
	s, err := strconv.ParseFloat(n.String(), 64)
	if err != nil || s <= 0 || s > 86400 {
		return otherwise
	}
	return time.Duration(s * float64(time.Second))
}

// webAddress says whether a text can be opened in a browser.
func webAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}
