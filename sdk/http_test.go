package sdk_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/status"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk"
)

// Plain HTTP is for the operator alone to choose, and for that one host.
func TestPlainHTTPIsRefused(t *testing.T) {
	var reached atomic.Int32
	plain := plainServer(t, func(w http.ResponseWriter, _ *http.Request) {
		reached.Add(1)
		_, _ = io.WriteString(w, "{}")
	})
	secure := server(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, plain.URL+"/elsewhere", http.StatusFound)
	})
	for name, c := range map[string]struct{ base, path string }{
		"a whole address":             {secure.URL, plain.URL + "/in/the/path"},
		"without an operator's":       {"", plain.URL + "/in/the/path"},
		"a redirect":                  {secure.URL, "/in/the/path"},
		"another than the operator's": {"http://127.0.0.1:1", plain.URL + "/in/the/path"},
	} {
		_, err := attempt(t, c.base, platform(do(sdk.Request{Path: c.path})))
		if e := wantKind(t, err, sdk.PermissionDenied); !e.NotSent || !strings.Contains(e.Message, "--base-url") {
			t.Errorf("%s: %+v", name, *e)
		}
	}
	if reached.Load() != 0 {
		t.Error("the server was reached")
	}
	if _, err := attempt(t, plain.URL, platform(do(sdk.Request{Path: "/"}))); err != nil || reached.Load() != 1 {
		t.Errorf("the operator's own address: %v", err)
	}
}

// A redirect within the platform carries the credential; one to anywhere else carries nothing of the call's, however it was put in.
func TestRedirects(t *testing.T) {
	var seen http.Header
	var seenURL *url.URL
	other := server(t, func(w http.ResponseWriter, r *http.Request) {
		seen, seenURL = r.Header.Clone(), r.URL
		_, _ = io.WriteString(w, `"other"`)
	})
	var own *httptest.Server
	own = server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away/" + secret:
			http.Redirect(w, r, other.URL+"/landing", http.StatusFound)
		case "/around/" + secret:
			http.Redirect(w, r, other.URL+"/back", http.StatusFound)
		case "/near":
			http.Redirect(w, r, own.URL+"/here", http.StatusFound)
		case "/keep":
			http.Redirect(w, r, other.URL+"/landing", http.StatusTemporaryRedirect)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/nowhere":
			w.WriteHeader(http.StatusFound)
		default:
			seen, seenURL = r.Header.Clone(), r.URL
			_, _ = io.WriteString(w, `"own"`)
		}
	})
	methods := map[string]func(*http.Request, sdk.Credential){
		"bearer": nil,
		"header": func(r *http.Request, c sdk.Credential) { r.Header.Set("X-Api-Key", c.Token()) },
		"query":  func(r *http.Request, c sdk.Credential) { r.URL.RawQuery = "key=" + c.Token() },
		"cookie": func(r *http.Request, c sdk.Credential) { r.AddCookie(&http.Cookie{Name: "k", Value: c.Token()}) },
	}
	carried := func() bool { return strings.Contains(fmt.Sprint(seen, seenURL), secret) }
	for name, authorize := range methods {
		p := platform(do(sdk.Request{Path: "/near"}))
		p.Authorize = authorize
		if _, err := attempt(t, own.URL, p); err != nil || !carried() {
			t.Errorf("%s, within the platform: %v, %v", name, err, seen)
		}
		p = platform(do(sdk.Request{Path: "/away/" + secret, Header: http.Header{"X-Own": {secret}, "Authorization": {secret}}}))
		p.Authorize = authorize
		if _, err := attempt(t, own.URL, p); err != nil || seen.Get("User-Agent") == "" || carried() {
			t.Errorf("%s, to another host: %v, it got %v %v", name, err, seen, seenURL)
		}
	}
	// Not even to a declared host, and not on the way back.
	p := platform(do(sdk.Request{Path: "/away/" + secret}))
	p.Hosts = []string{strings.TrimPrefix(other.URL, "https://")}
	if _, err := attempt(t, own.URL, p); err != nil || carried() {
		t.Errorf("to a declared host by a redirect: %v, %v", err, seen)
	}
	_, err := attempt(t, own.URL, platform(do(sdk.Request{Path: "/keep", JSON: map[string]string{"password": secret}})))
	wantKind(t, err, sdk.PlatformError)
	_, err = attempt(t, own.URL, platform(do(sdk.Request{Path: "/loop"})))
	wantKind(t, err, sdk.PlatformError)
	if _, err = attempt(t, own.URL, platform(do(sdk.Request{Path: "/nowhere"}))); err == nil {
		t.Error("a redirect to nowhere succeeds")
	}
}

// A request goes with the credential to the platform's own hosts and to no other one.
func TestCredentialGoesToDeclaredHosts(t *testing.T) {
	var seen http.Header
	other := server(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header.Clone()
		_, _ = io.WriteString(w, "{}")
	})
	own := server(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })
	for host, carried := range map[string]bool{strings.TrimPrefix(other.URL, "https://"): true, "127.0.0.1": false, "127.0.0.1:1": false, "*.0.0.1": false} {
		p := platform(do(sdk.Request{Path: other.URL + "/in/the/path"}))
		p.Hosts = []string{host}
		if _, err := attempt(t, own.URL, p); err != nil || (seen.Get("Authorization") == "Bearer "+secret) != carried {
			t.Errorf("declared %s: %v, it got %v", host, err, seen)
		}
	}
}

// zeros compresses a great many zeros into little.
func zeros(t *testing.T, n int64) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.CopyN(w, zeroReader{}, n); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// Answers that no one should believe end as the platform's error, bounded.
func TestOddAnswers(t *testing.T) {
	bomb := zeros(t, 256<<20)
	p := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/bomb", "/bomb-error":
			w.Header().Set("Content-Encoding", "gzip")
			if r.URL.Path == "/bomb-error" {
				w.WriteHeader(http.StatusBadRequest)
			}
			_, _ = w.Write(bomb)
		case "/endless":
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		case "/html":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, "<html>log in</html>")
		case "/cut":
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"a":`)
		case "/half":
			_, _ = io.WriteString(w, `{"a":`)
		case "/two":
			_, _ = io.WriteString(w, `{} {}`)
		case "/deep":
			_, _ = io.WriteString(w, strings.Repeat("[", 1<<20))
		case "/empty":
		case "/typed":
			_, _ = io.WriteString(w, `{"a":"not a number"}`)
		case "/hang-up":
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_ = conn.Close()
			}
		case "/headers":
			for i := range 200 {
				w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("h", 10<<10))
			}
		}
	}
	secure := httptest.NewUnstartedServer(http.HandlerFunc(p))
	secure.StartTLS()
	t.Cleanup(secure.Close)
	for path, want := range map[string]struct {
		kind sdk.Kind
		text string
	}{
		"/bomb":       {sdk.PlatformError, "larger than 16 MiB"},
		"/bomb-error": {sdk.InvalidInput, "400 Bad Request"},
		"/endless":    {sdk.PlatformError, "larger than 16 MiB"},
		"/html":       {sdk.PlatformError, `(its type is "text/html")`},
		"/cut":        {sdk.OutcomeUnknown, "broke off"},
		"/half":       {sdk.PlatformError, "not the JSON"},
		"/two":        {sdk.PlatformError, "not the JSON"},
		"/deep":       {sdk.PlatformError, "not the JSON"},
		"/empty":      {sdk.PlatformError, "empty"},
		"/typed":      {sdk.PlatformError, "not the JSON"},
		"/hang-up":    {sdk.OutcomeUnknown, "without an answer"},
		"/headers":    {sdk.OutcomeUnknown, "without an answer"},
	} {
		_, err := attempt(t, secure.URL, platform(func(ctx context.Context, call *sdk.Call) (json.RawMessage, error) {
			var out struct{ A int }
			return nil, call.Do(ctx, sdk.Request{Path: path, Query: url.Values{"q": {secret}}}, &out)
		}))
		if err == nil {
			t.Errorf("%s succeeds", path)
			continue
		}
		if e := wantKind(t, err, want.kind); !strings.Contains(e.Message, want.text) {
			t.Errorf("%s: %q, want %q", path, e.Message, want.text)
		}
	}
}

// A platform that drips is left at the call's deadline, whether it drips headers or content.
func TestSlowPlatforms(t *testing.T) {
	for _, path := range []string{"/silent", "/drip", "/drip-stream"} {
		t.Run(path, func(t *testing.T) {
			begun := make(chan struct{}, 1)
			s := server(t, func(w http.ResponseWriter, r *http.Request) {
				begun <- struct{}{}
				for r.URL.Path != "/silent" {
					_, err := io.WriteString(w, " ")
					if err != nil || http.NewResponseController(w).Flush() != nil {
						return
					}
					select {
					case <-r.Context().Done():
						return
					case <-time.After(time.Millisecond):
					}
				}
				<-r.Context().Done()
			})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			p := platform(func(ctx context.Context, call *sdk.Call) (json.RawMessage, error) {
				ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
				defer cancel()
				err := call.Do(ctx, sdk.Request{Path: path}, &struct{}{})
				ended <- err
				return nil, err
			})
			_, err := service(t, p).Execute(ctx, executeRequest(s.URL, nil))
			if err == nil {
				t.Fatal("it succeeds")
			}
			<-begun
			select {
			case err := <-ended:
				if e := wantKind(t, err, sdk.Timeout); e.NotSent {
					t.Errorf("%+v", *e)
				}
			case <-time.After(patience):
				t.Fatal("the request does not end")
			}
		})
	}
}

func TestStatuses(t *testing.T) {
	for code, want := range map[int]sdk.Kind{400: sdk.InvalidInput, 401: sdk.AuthRevoked, 402: sdk.PermissionDenied, 403: sdk.PermissionDenied, 404: sdk.NotFound,
		405: sdk.InvalidInput, 408: sdk.PlatformUnavailable, 409: sdk.Conflict, 410: sdk.NotFound, 412: sdk.Conflict, 418: sdk.InvalidInput, 422: sdk.InvalidInput,
		423: sdk.Conflict, 429: sdk.RateLimited, 500: sdk.PlatformError, 502: sdk.PlatformError, 503: sdk.PlatformUnavailable, 504: sdk.PlatformError,
		529: sdk.PlatformUnavailable, 599: sdk.PlatformError} {
		s := server(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.Header().Set("X-Request-Id", "req-1")
			w.WriteHeader(code)
			_, _ = io.WriteString(w, `{"error":"`+secret+`"}`)
		})
		_, err := attempt(t, s.URL, platform(do(sdk.Request{Path: "/in/the/path"})))
		e := wantKind(t, err, want)
		if e.PlatformStatus != code || e.PlatformRequestID != "req-1" || (e.RetryAfter == 7*time.Second) != (want == sdk.RateLimited || want == sdk.PlatformUnavailable) {
			t.Errorf("%d: %+v", code, *e)
		}
	}
	if sdk.KindOfStatus(401, sdk.MethodOAuth2) != sdk.AuthExpired {
		t.Error("a refused access token can be refreshed")
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "30": 30 * time.Second, "0": 0, "-5": 0, "1.5": 1500 * time.Millisecond, "99999999999": 24 * time.Hour, "1e300": 24 * time.Hour,
		"Inf": 24 * time.Hour, "-Inf": 0, "NaN": 0, "soon": 0, "1e999": 0,
		"Fri, 01 May 2026 12:01:00 GMT": time.Minute, "Fri, 01 May 2026 11:00:00 GMT": 0, "Fri, 01 May 2099 12:00:00 GMT": 24 * time.Hour,
		"Friday, 01-May-26 12:00:10 GMT": 10 * time.Second,
	} {
		if got := sdk.RetryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("%q is %s, want %s", value, got, want)
		}
	}
}

// The platform's own words decide, wherever it puts them, and none of the credential's stand in what leaves.
func TestExplain(t *testing.T) {
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/fails" {
			w.WriteHeader(http.StatusTeapot)
		}
		_, _ = io.WriteString(w, `{"ok":false,"error":"bad key `+secret+`"}`)
	})
	for _, path := range []string{"/fails", "/succeeds"} {
		p := platform(do(sdk.Request{Path: path}))
		p.ExplainSuccess = true
		p.Explain = func(_ int, _ http.Header, body []byte) *sdk.Error {
			var answer struct{ Error string }
			if json.Unmarshal(body, &answer) != nil || answer.Error == "" {
				return nil
			}
			return &sdk.Error{Kind: sdk.AuthRevoked, Message: answer.Error, PlatformCode: answer.Error}
		}
		_, err := attempt(t, s.URL, p)
		if e := wantKind(t, err, sdk.AuthRevoked); !strings.Contains(e.Message, "bad key [secret]") || e.PlatformStatus == 0 {
			t.Errorf("%s: %+v", path, *e)
		}
	}
}

// A text that is no UTF-8, or a page long, does not cost the failure its kind.
func TestFailuresWithOddTexts(t *testing.T) {
	odd := "caf\xe9 \xff" + strings.Repeat("é", 1<<20)
	_, err := attempt(t, "", platform(func(context.Context, *sdk.Call) (json.RawMessage, error) {
		return nil, &sdk.Error{Kind: sdk.RateLimited, Message: odd, PlatformCode: odd, PlatformRequestID: odd, MissingScopes: []string{odd}, RetryAfter: time.Minute,
			Violations: []sdk.Violation{{Pointer: odd, Detail: odd}}}
	}))
	if e := wantKind(t, err, sdk.RateLimited); e.RetryAfter != time.Minute || len(e.Message) > 10<<10 || !strings.HasPrefix(e.Message, "caf\uFFFD") {
		t.Errorf("%.100q, %s", e.Message, e.RetryAfter)
	}
	p := platform(do(sdk.Request{}))
	p.Verify = func(context.Context, *sdk.Call) (sdk.Account, error) {
		return sdk.Account{ID: odd, Name: odd, Scopes: []string{odd}, Observed: map[string]string{"a\xff": "b\xff"}}, nil
	}
	if _, err := service(t, p).Verify(t.Context(), &adapterv1.VerifyRequest{Call: executeRequest("", nil).GetCall()}); err != nil {
		t.Error(err)
	}
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "https://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = attempt(t, base, platform(do(sdk.Request{Path: "/in/the/path?key=" + secret})))
	if e := wantKind(t, err, sdk.PlatformUnavailable); !e.NotSent || !strings.Contains(e.Message, "refused") {
		t.Errorf("%+v", *e)
	}
	_, err = attempt(t, "https://does-not-exist.invalid", platform(do(sdk.Request{Path: "/in/the/path?key=" + secret})))
	if e := wantKind(t, err, sdk.PlatformUnavailable); !e.NotSent || strings.Contains(e.Message, "does-not-exist") {
		t.Errorf("%+v", *e)
	}
}

// The platform must show a certificate that this machine trusts, and speak TLS 1.3 unless the operator lowered it.
func TestTLS(t *testing.T) {
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &own.PublicKey, own)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		config *tls.Config
		min    string
		text   string
	}{
		"a certificate of nobody's": {&tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: own}}}, "", "not to be trusted"},
		"TLS 1.2":                   {&tls.Config{MaxVersion: tls.VersionTLS12}, "", "--min-tls 1.2"},
		"TLS 1.2, lowered":          {&tls.Config{MaxVersion: tls.VersionTLS12}, "1.2", ""},
		"TLS 1.1, lowered":          {&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, "1.2", "--min-tls 1.2"},
		"TLS 1.2, odd setting":      {&tls.Config{MaxVersion: tls.VersionTLS12}, "1.0", "--min-tls 1.2"},
	} {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }))
		s.TLS = c.config
		s.Config.ErrorLog = nil
		s.StartTLS()
		t.Cleanup(s.Close)
		_, err := service(t, platform(do(sdk.Request{Path: "/"}))).Execute(t.Context(), executeRequest(s.URL, func(cc *adapterv1.CallContext) { cc.Settings.MinTlsVersion = c.min }))
		if c.text == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if text := status.Convert(err).Message(); err == nil || !strings.Contains(text, c.text) {
			t.Errorf("%s: %q, want %q", name, text, c.text)
		}
	}
}

// A path begins below the base URL, whatever an adapter makes of it.
func TestPathsStayOnTheHost(t *testing.T) {
	var got string
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.URL.RequestURI()
		_, _ = io.WriteString(w, "{}")
	})
	for path, want := range map[string]string{
		"":                                       "/base",
		"?a=b":                                   "/base?a=b&q=1",
		"users":                                  "/base/users?q=1",
		".evil.example/x":                        "/base/.evil.example/x?q=1",
		"@evil.example/":                         "/base/@evil.example/?q=1",
		":1/x":                                   "/base/:1/x?q=1",
		sdk.Path("/a/%s/b", "x/y?z#w%"):          "/base/a/x%2Fy%3Fz%23w%25/b?q=1",
		sdk.Path("/a/%s", ".."):                  "/base/a/%2E%2E?q=1",
		sdk.Path("/a/%s/%s", ".", "a b"):         "/base/a/%2E/a%20b?q=1",
		sdk.Path("/%s", "https://evil.example/"): "/base/https:%2F%2Fevil.example%2F?q=1",
	} {
		r := sdk.Request{Path: path, Query: sdk.Query("q", 1)}
		if path == "" {
			r.Query = nil
		}
		if _, err := attempt(t, s.URL+"/base/", platform(do(r))); err != nil || got != want {
			t.Errorf("%q goes to %s, want %s; %v", path, got, want, err)
		}
	}
	got = ""
	_, err := attempt(t, s.URL, platform(do(sdk.Request{Method: "DELETE", Path: sdk.Path("/items/%s", "")})))
	if wantKind(t, err, sdk.InvalidInput); got != "" {
		t.Errorf("an empty value in the path reaches %s", got)
	}
	_, err = attempt(t, s.URL, platform(do(sdk.Request{Path: "/a\nb"})))
	wantKind(t, err, sdk.AdapterBug)
}

func TestQuery(t *testing.T) {
	zero, text := 0, "x"
	var none *int
	got := sdk.Query("a", "1", "b", "", "c", 0, "d", 2.5, "e", []string{"x", "y"}, "f", nil, "g", true, "h", false, "i", &zero, "j", none, "k", &text, "l", []int{}).Encode()
	if want := "a=1&d=2.5&e=x&e=y&g=true&i=0&k=x"; got != want {
		t.Errorf("the query is %s, want %s", got, want)
	}
}

// What a request may carry, and in which form.
func TestRequestBodies(t *testing.T) {
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_ = json.NewEncoder(w).Encode([]string{r.Method, r.Header.Get("Content-Type"), r.Header.Get("Accept"), fmt.Sprint(r.ContentLength), string(body)})
	})
	for name, c := range map[string]struct {
		request sdk.Request
		want    string
	}{
		"get":  {sdk.Request{}, `["GET","","application/json","0",""]`},
		"json": {sdk.Request{JSON: map[string]int{"a": 1}}, `["POST","application/json","application/json","7","{\"a\":1}"]`},
		"form": {sdk.Request{Method: "PUT", Form: url.Values{"a": {"b c"}}}, `["PUT","application/x-www-form-urlencoded","application/json","5","a=b+c"]`},
		"body": {sdk.Request{Body: io.MultiReader(strings.NewReader("x")), ContentType: "text/plain", Length: 1, Header: http.Header{"accept": {"text/*"}}}, `["POST","text/plain","text/*","1","x"]`},
	} {
		r, err := attempt(t, s.URL, platform(do(c.request)))
		if err != nil || strings.TrimSpace(string(r.Output)) != c.want {
			t.Errorf("%s: %s, %v", name, r.Output, err)
		}
	}
	_, err := attempt(t, s.URL, platform(do(sdk.Request{JSON: make(chan int)})))
	wantKind(t, err, sdk.AdapterBug)
}
