package host_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/patchbay/patchbay/host/internal/oidctest"
)

// chromium starts a real browser, or skips the test where there is none.
func chromium(t *testing.T) context.Context {
	t.Helper()
	const program = "/usr/bin/chromium"
	if _, err := os.Stat(program); err != nil {
		t.Skipf("%s is missing: scripts/tools test installs it", program)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.UserDataDir(t.TempDir()))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	ctx, timeout := context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(func() {
		timeout()
		cancel()
		stop()
	})
	return ctx
}

// steps does what a person does in a browser, one after the other.
func steps(t *testing.T, tab context.Context, all ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(tab, all...); err != nil {
		shoot(t, tab, "failed-"+t.Name())
		t.Fatal(err)
	}
}

// textOf answers the text of an element.
func textOf(t *testing.T, tab context.Context, selector string) string {
	t.Helper()
	text, err := chromedp.Run(tab, chromedp.Text(selector))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// certified starts a provider that nobody here wrote, and points the fixture's platform at it. The platform itself is a double that asks
// the provider whose token it gets.
func certified(t *testing.T, h client, o oidctest.Options) *oidctest.Provider {
	t.Helper()
	o.Clients = []oidctest.Client{{ID: clientID, Secret: "planted-client-secret", RedirectURIs: []string{h.URL + "/oauth/callback"},
		GrantTypes: []string{"authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code"}}}
	o.Scopes, o.RotateRefreshTokens = []string{"read", "write"}, true
	o.Accounts = map[string]map[string]any{"ann": {"name": "Ann Example"}}
	p := oidctest.Start(t, o)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ask, _ := http.NewRequestWithContext(r.Context(), http.MethodGet, p.Issuer+"/me", nil)
		ask.Header.Set("Authorization", r.Header.Get("Authorization"))
		resp, err := http.DefaultClient.Do(ask)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer func() { _ = resp.Body.Close() }()
		var who struct{ Sub, Name string }
		if resp.StatusCode != http.StatusOK || json.NewDecoder(resp.Body).Decode(&who) != nil {
			refuse(w, http.StatusUnauthorized, "invalid_token")
			return
		}
		answer(w, map[string]any{"id": who.Sub, "name": who.Name})
	}))
	t.Cleanup(api.Close)
	h.must("PUT", "/v1/platforms/fixture/settings", map[string]any{"base_url": api.URL, "allow_private_network": true, "oauth": map[string]any{
		"client_id": clientID, "client_secret": "planted-client-secret", "authorization_url": p.Issuer + "/auth", "token_url": p.Issuer + "/token",
		"revocation_url": p.Issuer + "/token/revocation", "device_authorization_url": p.Issuer + "/device/auth", "issuer": p.Issuer,
		"scopes": []string{"openid", "profile", "offline_access"}}}, nil)
	return p
}

// A person clicks in a real browser at a certified provider, and the account is there; after its token ended a call works with no sign of it.
func TestConnectInARealBrowser(t *testing.T) {
	t.Parallel()
	h := start(t, config(t, dataDir(t), database(t)))
	p := certified(t, h.client, oidctest.Options{Ask: true, AccessTokenSeconds: 5})
	tab := chromium(t)
	var a authorizationView
	h.must("POST", "/v1/oauth/authorizations", map[string]any{"platform": "fixture"}, &a)
	steps(t, tab, chromedp.Navigate(a.URL), chromedp.Click("#allow"), chromedp.WaitVisible(`body[data-ok="true"]`))
	shoot(t, tab, "connected")
	if title := textOf(t, tab, "h1"); title != "Fixture is connected" {
		t.Errorf("the page says %q", title)
	}
	h.must("GET", "/v1/oauth/authorizations/"+a.ID, nil, &a)
	var i integrationView
	h.must("GET", "/v1/integrations/"+a.Integration, nil, &i)
	if i.Account.ID != "ann" || i.Label != "Ann Example" {
		t.Errorf("the integration is %+v", i)
	}
	issued := p.Counts(t).Issued["refresh_token"]
	eventually(t, "a refresh ahead of the token's end", func() bool { return p.Counts(t).Issued["refresh_token"] > issued })
	var out answerView
	h.must("POST", "/v1/calls", whoami(i), &out)
	if out.Output["name"] != "Ann Example" {
		t.Errorf("the call answers %+v", out)
	}
	if c := p.Counts(t); len(c.Refused) != 0 {
		t.Errorf("the provider refused %v", c.Refused)
	}

	// Who says no is told so in words, and the popup's opener would be too.
	h.must("POST", "/v1/oauth/authorizations", map[string]any{"platform": "fixture"}, &a)
	other := chromium(t) // the first has a session at the provider, which does not ask again
	steps(t, other, chromedp.Navigate(a.URL), chromedp.Click("#deny"), chromedp.WaitVisible(`body[data-ok="false"]`))
	if page := textOf(t, other, "main"); !strings.Contains(page, "declined") || !strings.Contains(page, "authorization_refused") {
		t.Errorf("the page says %q", page)
	}
	shoot(t, other, "declined")
}

// `patchbay connect` opens a browser, waits while its person signs in there, and says what was connected.
func TestConnectFromTheCommandLine(t *testing.T) {
	t.Parallel()
	tab := chromium(t)
	h := start(t, config(t, dataDir(t), database(t)))
	certified(t, h.client, oidctest.Options{Ask: true, AccessTokenSeconds: 5})
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	opener := filepath.Join(dir, "browser") // stands for the desktop's browser: the tab takes the link from it
	if err := os.WriteFile(opener, []byte("#!/bin/sh\necho \"$1\" > "+link+".part && mv "+link+".part "+link+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(commandLine(t), "connect", "fixture", "--label", "Mine")
	cmd.Env = append(os.Environ(), "PATCHBAY_URL="+h.URL, "PATCHBAY_TOKEN="+h.Token, "BROWSER="+opener)
	out := &lockedBuffer{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the link in the browser", func() bool { _, err := os.Stat(link); return err == nil })
	at, err := os.ReadFile(link)
	if err != nil {
		t.Fatal(err)
	}
	steps(t, tab, chromedp.Navigate(strings.TrimSpace(string(at))), chromedp.Click("#allow"), chromedp.WaitVisible(`body[data-ok="true"]`))
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if !strings.Contains(out.String(), "Connected Fixture: Mine") || !strings.Contains(out.String(), "The account is Ann Example.") {
		t.Errorf("it says %s", out)
	}
}

// commandLine answers the program: that of scripts/build, or a fresh one.
func commandLine(t *testing.T) string {
	t.Helper()
	if bin := os.Getenv("PATCHBAY_TEST_BIN"); bin != "" {
		return filepath.Join(bin, "patchbay")
	}
	program := filepath.Join(t.TempDir(), "patchbay")
	if out, err := exec.Command("go", "build", "-o", program, "../cmd/patchbay").CombinedOutput(); err != nil {
		t.Fatalf("building patchbay: %v\n%s", err, out)
	}
	return program
}

// A person enters the code on another device; the host asks as often as it may and no more.
func TestDeviceFlow(t *testing.T) {
	t.Parallel()
	h := start(t, config(t, dataDir(t), database(t)))
	certified(t, h.client, oidctest.Options{})
	tab := chromium(t)
	var a struct {
		authorizationView
		Device struct {
			URI      string `json:"verification_uri_complete"`
			UserCode string `json:"user_code"`
			Interval int
		}
	}
	h.must("POST", "/v1/oauth/authorizations", map[string]any{"platform": "fixture", "grant": "device_code"}, &a)
	if a.Device.UserCode == "" || a.URL != "" {
		t.Fatalf("the authorisation is %+v", a)
	}
	h.must("GET", "/v1/oauth/authorizations/"+a.ID, nil, &a.authorizationView)
	if a.State != "pending" {
		t.Errorf("before anybody decided it is %+v", a.authorizationView)
	}
	steps(t, tab, chromedp.Navigate(a.Device.URI))
	eventually(t, "the provider's last page", func() bool { // the person presses what each page offers, once
		const press = `(() => {
			const over = /success/i.test(document.body.innerText), button = document.querySelector("button[type=submit]:not([data-pressed])");
			if (!over && button) { button.dataset.pressed = "yes"; button.click() }
			return over })()`
		over, err := chromedp.Run(tab, chromedp.Evaluate[bool](press))
		if tab.Err() != nil {
			t.Fatalf("the browser is gone: %v", err)
		}
		return err == nil && over
	})
	eventually(t, "the end of the device flow", func() bool {
		h.must("GET", "/v1/oauth/authorizations/"+a.ID, nil, &a.authorizationView)
		return a.State != "pending"
	})
	if a.State != "done" {
		t.Fatalf("it ended as %+v", a.authorizationView)
	}
	h.must("POST", "/v1/calls", whoami(integrationView{ID: a.Integration}), nil)
}

// shoot writes what a page looks like to the folder named by PATCHBAY_TEST_SHOTS, for a person to look at.
func shoot(t *testing.T, tab context.Context, name string) {
	t.Helper()
	dir := os.Getenv("PATCHBAY_TEST_SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		t.Fatal(err)
	}
}
