package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// problem is an error as the host tells it (RFC 9457).
type problem struct {
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	Code      string `json:"code"`
	RequestID string `json:"request_id"`
	Call      string `json:"call"`
	Errors    []struct {
		Pointer string `json:"pointer"`
		Detail  string `json:"detail"`
	} `json:"errors"`
	MissingScopes  []string `json:"missing_scopes"`
	PlatformCode   string   `json:"platform_code"`
	PlatformStatus int      `json:"platform_status"`

	raw        json.RawMessage // the document as it came
	retryAfter string          // the header
}

func (p *problem) Error() string { return p.Detail }

// forbids says whether the host did not let the caller in, as against a platform that refused.
func (p *problem) forbids() bool {
	return p.Status == http.StatusUnauthorized || (p.Status == http.StatusForbidden && p.Code == "forbidden")
}

// decodeProblem answers the problem in a document, or nil where there is none.
func decodeProblem(raw []byte) *problem {
	var p problem
	if err := json.Unmarshal(raw, &p); err != nil || p.Code == "" {
		return nil
	}
	if p.Detail == "" {
		p.Detail = "The host answered " + p.Code + "."
	}
	p.raw = raw
	return &p
}

// text is the problem for people: what went wrong, each error, then what support asks for.
func (p *problem) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "patchbay: %s\n", clean(p.Detail))
	for _, e := range p.Errors {
		fmt.Fprintf(&b, "  %s: %s\n", clean(orDash(e.Pointer)), clean(e.Detail))
	}
	if len(p.MissingScopes) > 0 {
		fmt.Fprintf(&b, "  missing scopes: %s\n", clean(strings.Join(p.MissingScopes, ", ")))
	}
	if p.PlatformCode != "" || p.PlatformStatus != 0 {
		fmt.Fprintf(&b, "  the platform said: %s\n", clean(strings.TrimSpace(fmt.Sprintf("%s %s", statusText(p.PlatformStatus), p.PlatformCode))))
	}
	if p.retryAfter != "" {
		fmt.Fprintf(&b, "  try again in %s seconds\n", clean(p.retryAfter))
	}
	trailer := "code " + p.Code
	if p.RequestID != "" {
		trailer += ", request " + p.RequestID
	}
	if p.Call != "" {
		trailer += ", call " + p.Call
	}
	fmt.Fprintf(&b, "  (%s)", clean(trailer))
	return b.String()
}

func statusText(status int) string {
	if status == 0 {
		return ""
	}
	return fmt.Sprintf("HTTP %d", status)
}
