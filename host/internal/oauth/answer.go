package oauth

import (
	"bytes"
	"encoding/json"
	"math"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// maxToken bounds one token.
	maxToken = 64 << 10
	// maxLifetime bounds what a provider may say of a lifetime; more is taken for this.
	maxLifetime = 10 * 365 * 24 * time.Hour
	maxPause    = time.Hour
)

// readTokens reads an answer of a token endpoint, as tolerantly as is safe. took is how long the request took: a token lives from some
// moment in it, and the earliest is assumed.
func readTokens(p *Provider, status int, header http.Header, body []byte, took time.Duration) (Tokens, error) {
	doc, parsed := parseAnswer(header, body)
	if f := answerFailure(p, status, header, doc, parsed); f != nil {
		return Tokens{}, f
	}
	access := text(doc, p.AccessTokenPointer, "access_token")
	if access == "" {
		return Tokens{}, unusable(status, "answered no access token")
	}
	refresh := text(doc, p.RefreshTokenPointer, "refresh_token")
	if len(access) > maxToken || len(refresh) > maxToken || !plain(access) || !plain(refresh) {
		return Tokens{}, unusable(status, "answered a token that is none")
	}
	t := NewTokens(access, refresh)
	t.Lifetime = lifetime(find(doc, p.ExpiresInPointer, "expires_in"), took)
	if granted := find(doc, p.ScopePointer, "scope"); granted != nil {
		t.Scopes = scopesOf(granted)
	}
	return t, nil
}

// parseAnswer reads JSON whatever the content type says, and a form where it says so (as GitHub answers without an Accept header).
func parseAnswer(header http.Header, body []byte) (map[string]any, bool) {
	var doc map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&doc); err == nil && doc != nil {
		return doc, true
	}
	if kind, _, _ := mime.ParseMediaType(header.Get("Content-Type")); kind != "application/x-www-form-urlencoded" && kind != "text/plain" {
		return nil, false
	}
	form, err := url.ParseQuery(strings.TrimSpace(string(body)))
	if err != nil || (!form.Has("access_token") && !form.Has("error")) {
		return nil, false
	}
	doc = map[string]any{}
	for name := range form {
		doc[name] = form.Get(name)
	}
	return doc, true
}

// answerFailure says what is wrong with an answer, or nil.
func answerFailure(p *Provider, status int, header http.Header, doc map[string]any, parsed bool) *Failure {
	pause := retryAfter(header)
	switch {
	case status == http.StatusTooManyRequests:
		return &Failure{Meaning: Transient, Status: status, RetryAfter: pause, Message: "The provider limits token requests."}
	case status >= 500:
		return &Failure{Meaning: Transient, Status: status, RetryAfter: pause, Message: "The provider failed with status " + strconv.Itoa(status) + "."}
	case status >= 300 && status < 400:
		return unusable(status, "redirects elsewhere, which is not followed")
	case !parsed && status >= 400:
		return unusable(status, "answered status %d without an error code", status)
	case !parsed:
		return unusable(status, "answered something that is no JSON")
	}
	code := clean(text(doc, p.ErrorPointer, "error"), 100)
	if code == "" && status >= 400 {
		if nested, ok := doc["error"].(map[string]any); ok { // as some Google and Meta endpoints answer
			code = clean(firstText(nested["status"], nested["type"], nested["code"]), 100)
		}
	}
	if code != "" {
		description := clean(firstText(doc["error_description"], doc["message"]), 300)
		f := refusal(status, code, description)
		f.RetryAfter = pause
		return f
	}
	if status >= 400 {
		return unusable(status, "answered status %d without an error code", status)
	}
	return nil
}

// find answers what stands at a pointer, or else at the top under a name, or nil.
func find(doc map[string]any, pointer, name string) any {
	if pointer != "" {
		var at any = doc
		for _, part := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
			object, ok := at.(map[string]any)
			if !ok {
				at = nil
				break
			}
			at = object[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
		}
		if at != nil {
			return at
		}
	}
	return doc[name]
}

func text(doc map[string]any, pointer, name string) string {
	s, _ := find(doc, pointer, name).(string)
	return s
}

func firstText(values ...any) string {
	for _, v := range values {
		if s, ok := v.(string); ok && s != "" {
			return s
		}
	}
	return ""
}

// lifetime reads a number of seconds, also as text. One that is missing, not positive or no number is unknown: the token is used until the
// platform refuses it.
func lifetime(value any, took time.Duration) time.Duration {
	var said string
	switch v := value.(type) {
	case json.Number:
		said = v.String()
	case string:
		said = strings.TrimSpace(v)
	}
	seconds, err := strconv.ParseFloat(said, 64)
	if err != nil || math.IsNaN(seconds) || seconds <= 0 {
		return 0
	}
	d := maxLifetime
	if seconds < maxLifetime.Seconds() {
		d = time.Duration(seconds * float64(time.Second))
	}
	return max(d-took, time.Millisecond)
}

// scopesOf reads scopes as text or as a list.
func scopesOf(value any) []string {
	out := []string{}
	add := func(s string) {
		for _, scope := range splitScopes(s) {
			if len(out) < 200 {
				out = append(out, clean(scope, 300))
			}
		}
	}
	switch v := value.(type) {
	case string:
		add(v)
	case []any:
		for _, item := range v {
			if s, ok := item.(string); ok {
				add(s)
			}
		}
	}
	return out
}

// plain says whether a token can stand in a header.
func plain(token string) bool {
	return !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// retryAfter reads a number of seconds or a date (RFC 9110, 10.2.3), bounded.
func retryAfter(header http.Header) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.Atoi(value); err == nil && seconds > 0 {
		return min(time.Duration(min(seconds, 1<<20))*time.Second, maxPause)
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(time.Until(at), 0), maxPause)
	}
	return 0
}
