package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// oauthFlags are for platforms that sign people in.
type oauthFlags struct {
	Again     string   `placeholder:"ID" help:"Connect this integration again: it keeps its id. For platforms that sign you in."`
	Scope     []string `placeholder:"SCOPE" help:"Ask for these scopes instead of the platform's own. May be given several times."`
	Grant     string   `enum:",browser,device,client" default:"" help:"How to sign in: browser, device (decide on another device) or client (the operator's own client); what the platform offers when left out."`
	NoBrowser bool     `name:"no-browser" help:"Print the link and open no browser."`
}

type authorization struct {
	ID          string    `json:"id"`
	State       string    `json:"state"`
	Integration string    `json:"integration"`
	Code        string    `json:"code"`
	Detail      string    `json:"detail"`
	URL         string    `json:"authorization_url"`
	ExpiresAt   time.Time `json:"expires_at"`
	Device      *struct {
		UserCode string `json:"user_code"`
		URI      string `json:"verification_uri"`
		Complete string `json:"verification_uri_complete"`
		Interval int    `json:"interval"`
	} `json:"device"`
}

// beginAuthorization is the body of POST /v1/oauth/authorizations.
type beginAuthorization struct {
	Platform    string   `json:"platform"`
	Label       string   `json:"label,omitempty"`
	Integration string   `json:"integration,omitempty"`
	Scopes      []string `json:"scopes,omitempty"`
	Grant       string   `json:"grant,omitempty"`
}

// byOAuth says whether an account is to be connected by signing in: asked for, or the platform's first method, for which an operator has
// registered a client, or its only one; and no field is given.
func (f *oauthFlags) byOAuth(p *platform, method string, given map[string]string) bool {
	if method != "" {
		return method == "oauth2"
	}
	if f.Again != "" || f.Grant != "" || len(f.Scope) > 0 {
		return true
	}
	if len(given) > 0 || len(p.AuthMethods) == 0 || p.AuthMethods[0].Type != "oauth2" {
		return false
	}
	return p.AuthMethods[0].Available || len(p.AuthMethods) == 1
}

// authorize begins an authorisation and waits for its end.
func (f *oauthFlags) authorize(ctx context.Context, at *client, con *console, p *platform, label string) error {
	grants := map[string]string{"browser": "authorization_code", "device": "device_code", "client": "client_credentials"}
	a, err := fetch[authorization](ctx, at, post(beginAuthorization{Platform: p.ID, Label: label, Integration: f.Again, Scopes: f.Scope,
		Grant: grants[f.Grant]}, "v1", "oauth", "authorizations"))
	if err != nil {
		return err
	}
	f.invite(ctx, con, p, a)
	if a, err = await(ctx, at, a); err != nil {
		return err
	}
	return show(ctx, at, con, get(nil, "v1", "integrations", a.Integration), func(i integration) { con.connected(p, i) })
}

// invite tells the person where to decide. It is said beside the result, so that --json stays JSON.
func (f *oauthFlags) invite(ctx context.Context, con *console, p *platform, a authorization) {
	switch {
	case a.Device != nil:
		con.note("Open %s on any device and enter the code %s.", clean(a.Device.URI), clean(a.Device.UserCode))
	case a.URL != "" && (f.NoBrowser || !openBrowser(ctx, a.URL)):
		con.note("Open this link in a browser to sign in at %s:\n\n    %s\n", clean(p.Name), clean(a.URL))
	case a.URL != "":
		con.note("A browser was opened to sign in at %s. If none appears, open:\n\n    %s\n", clean(p.Name), clean(a.URL))
	}
	if a.State == "pending" {
		con.note("Waiting until %s ...", con.dateOf(a.ExpiresAt))
	}
}

// await asks how far an authorisation has come until it has ended.
func await(ctx context.Context, at *client, a authorization) (authorization, error) {
	every := 700 * time.Millisecond
	if a.Device != nil && a.Device.Interval > 0 {
		every = time.Duration(a.Device.Interval) * time.Second
	}
	for a.State == "pending" || a.State == "working" {
		select {
		case <-ctx.Done():
			return a, errors.New("interrupted; nothing was connected unless you still decide in the browser")
		case <-time.After(every):
		}
		var err error
		if a, err = fetch[authorization](ctx, at, get(nil, "v1", "oauth", "authorizations", a.ID)); err != nil {
			return a, err
		}
	}
	if a.State != "done" {
		return a, refusedAuthorization(a)
	}
	return a, nil
}

// refusedAuthorization is the problem of an authorisation that failed, as the host would answer it.
func refusedAuthorization(a authorization) error {
	raw, err := json.Marshal(map[string]any{"type": "about:blank", "title": "Conflict", "status": 409, "code": a.Code, "detail": a.Detail})
	if err != nil {
		return err
	}
	if p := decodeProblem(raw); p != nil {
		return p
	}
	return errors.New(clean(a.Detail))
}

// openBrowser opens a link where a person seems to sit at a desktop, and says whether it tried. BROWSER names a program to use instead.
func openBrowser(ctx context.Context, link string) bool {
	ctx = context.WithoutCancel(ctx) // the browser outlives this command
	if program := os.Getenv("BROWSER"); program != "" {
		return exec.CommandContext(ctx, program, link).Start() == nil
	}
	switch {
	case runtime.GOOS == "darwin":
		return exec.CommandContext(ctx, "open", link).Start() == nil
	case strings.TrimSpace(os.Getenv("DISPLAY")+os.Getenv("WAYLAND_DISPLAY")) != "":
		return exec.CommandContext(ctx, "xdg-open", link).Start() == nil
	}
	return false
}
