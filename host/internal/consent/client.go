package consent

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a registration.
const (
	maxRedirects = 5
	maxRedirect  = 500
	maxName      = 80
	maxClientID  = 6000
)

// Client is a program that asks users for consent. It says itself what it is called: a name is no proof.
type Client struct {
	Name      string   `json:"n"`
	Redirects []string `json:"r"`
}

// unsafe are schemes that a browser acts on by itself.
var unsafe = []string{"about", "blob", "data", "file", "filesystem", "ftp", "jar", "javascript", "vbscript", "view-source", "ws", "wss", "mailto", "tel", "sms"}

var privateScheme = regexp.MustCompile(`^[a-z][a-z0-9+.-]{1,63}$`)

// loopback says whether a name is this machine's alone, for whoever follows it.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// checkRedirect answers what is wrong with an address to send a browser back to, or "".
func checkRedirect(raw string) string {
	u, err := url.Parse(raw)
	switch {
	case err != nil || len(raw) > maxRedirect || strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"'<>\\^{}|`+"`", r) }):
		return "is no address"
	case u.Fragment != "" || strings.Contains(raw, "#") || u.User != nil:
		return "must have no fragment and no user"
	case u.Scheme == "https" && u.Hostname() != "", u.Scheme == "http" && loopback(u.Hostname()):
		return ""
	case u.Scheme == "http" || u.Scheme == "https":
		return "must begin with https://, but on loopback"
	case !privateScheme.MatchString(u.Scheme) || slices.Contains(unsafe, u.Scheme) || u.Opaque != "":
		return "has a scheme that is not taken"
	}
	return ""
}

// Register answers the id of a client. It is made of what the client says, under the host's signature, so that nobody can fill the
// database by registering.
func (s *Service) Register(c Client) (string, error) {
	c.Name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(c.Name, "")))
	if utf8.RuneCountInString(c.Name) > maxName {
		c.Name = string([]rune(c.Name)[:maxName])
	}
	if len(c.Redirects) == 0 || len(c.Redirects) > maxRedirects {
		return "", &Error{"invalid_redirect_uri", "redirect_uris must hold 1 to 5 addresses."}
	}
	for _, r := range c.Redirects {
		if problem := checkRedirect(r); problem != "" {
			return "", &Error{"invalid_redirect_uri", "An address of redirect_uris " + problem + "."}
		}
	}
	encoded, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	body := base64.RawURLEncoding.EncodeToString(encoded)
	return "pbclient_" + body + "." + s.sign("client", body), nil
}

// sign signs a body for one purpose, a word.
func (s *Service) sign(purpose, body string) string {
	h := hmac.New(sha256.New, s.cfg.Key)
	_, _ = h.Write([]byte(purpose + " " + body)) // a hash never fails
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// client reads an id that Register answered.
func (s *Service) client(id string) (Client, bool) {
	rest, ours := strings.CutPrefix(id, "pbclient_")
	body, signature, signed := strings.Cut(rest, ".")
	if !ours || !signed || len(id) > maxClientID || !hmac.Equal([]byte(signature), []byte(s.sign("client", body))) {
		return Client{}, false
	}
	encoded, err := base64.RawURLEncoding.DecodeString(body)
	var c Client
	if err != nil || json.Unmarshal(encoded, &c) != nil {
		return Client{}, false
	}
	return c, true
}

// takes says whether an address is one that the client registered: exactly, but for the port on loopback, which programs get as they start
// (RFC 8252, 7.3).
func (c Client) takes(redirect string) bool {
	if slices.Contains(c.Redirects, redirect) {
		return true
	}
	asked, err := url.Parse(redirect)
	if err != nil || asked.Scheme != "http" || !loopback(asked.Hostname()) || checkRedirect(redirect) != "" {
		return false
	}
	return slices.ContainsFunc(c.Redirects, func(registered string) bool {
		r, err := url.Parse(registered)
		return err == nil && r.Scheme == "http" && r.Hostname() == asked.Hostname() && r.EscapedPath() == asked.EscapedPath() && r.RawQuery == asked.RawQuery
	})
}
