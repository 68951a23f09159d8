package signin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/patchbay/patchbay/host/internal/id"
)

// FlowLifetime is how long a person may take at the provider.
const FlowLifetime = 10 * time.Minute

// flow is one way to the provider and back. Its secret is known to one browser alone, which carries the flow in a cookie:
//
//	secret "." end in Unix seconds "." base64url of the page to return to "." HMAC of all that
//
// State, nonce and the verifier of PKCE are made of the secret, so that none of them is good in another browser or twice.
type flow struct {
	secret   string
	ends     time.Time
	returnTo string
}

func (p *Provider) newFlow(returnTo string) flow {
	return flow{secret: id.Secret("pbf"), ends: p.cfg.Now().Add(FlowLifetime).Truncate(time.Second), returnTo: Local(returnTo)}
}

// derive makes a value for one purpose: 43 characters that a URL may hold.
func (f flow) derive(purpose string) string { return mac([]byte(f.secret), purpose) }

func (f flow) state() string    { return f.derive("state") }
func (f flow) nonce() string    { return f.derive("nonce") }
func (f flow) verifier() string { return f.derive("verifier") }

// mark stands for the flow where it is remembered as used.
func (f flow) mark() []byte {
	h := sha256.Sum256([]byte("used " + f.secret))
	return h[:]
}

func mac(key []byte, text string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// cookie is what the browser carries.
func (p *Provider) cookie(f flow) string {
	text := f.secret + "." + strconv.FormatInt(f.ends.Unix(), 10) + "." + base64.RawURLEncoding.EncodeToString([]byte(f.returnTo))
	return text + "." + mac(p.cfg.Key, "flow "+text)
}

// flowOf reads what a browser carried; false where the host did not write it or its time is over.
func (p *Provider) flowOf(cookie string) (flow, bool) {
	at := strings.LastIndexByte(cookie, '.')
	if at < 0 || !same(cookie[at+1:], mac(p.cfg.Key, "flow "+cookie[:at])) {
		return flow{}, false
	}
	parts := strings.Split(cookie[:at], ".")
	if len(parts) != 3 {
		return flow{}, false
	}
	seconds, err := strconv.ParseInt(parts[1], 10, 64)
	returnTo, notEncoded := base64.RawURLEncoding.DecodeString(parts[2])
	f := flow{secret: parts[0], ends: time.Unix(seconds, 0), returnTo: string(returnTo)}
	return f, err == nil && notEncoded == nil && p.cfg.Now().Before(f.ends)
}

func same(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }

// Local answers a path of the host itself to return to; "/" for anything that could lead elsewhere.
func Local(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") ||
		len(path) > 1000 || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' }) {
		return "/"
	}
	// A browser resolves dots before it looks at the slashes, and a host may decode what was encoded.
	if clean := u.EscapedPath(); strings.Contains(clean, "//") || strings.Contains(strings.ToLower(clean), "%2f") || strings.Contains(strings.ToLower(clean), "%5c") ||
		strings.Contains(clean, "/.") {
		return "/"
	}
	return path
}
