package main

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/patchbay/patchbay/sdk"
)

// failure is Firecrawl's error: {"success": false, "error", "code", "details"}.
type failure struct {
	Success *bool           `json:"success"`
	Error   json.RawMessage `json:"error"`
	Code    string          `json:"code"`
	Details json.RawMessage `json:"details"`
}

// retryPattern is where Firecrawl says how long to wait, where no header does.
var retryPattern = regexp.MustCompile(`retry after (\d{1,6})s`)

// explain reads Firecrawl's refusal out of an answer. Nil means: no refusal, or, with a failing status, none of Firecrawl's.
func explain(status int, header http.Header, body []byte) *sdk.Error {
	var f failure
	if json.Unmarshal(body, &f) != nil {
		return nil
	}
	reason := sdk.Said(sdk.Text(f.Error))
	if status < http.StatusBadRequest && (f.Success == nil || *f.Success) || reason == "" && f.Code == "" {
		return nil
	}
	e := &sdk.Error{Kind: f.kind(status, reason), Message: "Firecrawl: " + reason, PlatformCode: sdk.Said(f.Code), PlatformStatus: status}
	switch e.Kind {
	case sdk.AuthRevoked:
		e.Message = "Firecrawl refuses the API key. Make a new one and update the integration."
	case sdk.RateLimited:
		if e.RetryAfter = sdk.RetryAfter(header, time.Now()); e.RetryAfter == 0 {
			if m := retryPattern.FindStringSubmatch(strings.ToLower(reason)); m != nil {
				seconds, _ := strconv.Atoi(m[1]) // six digits
				e.RetryAfter = min(time.Duration(seconds)*time.Second, 24*time.Hour)
			}
		}
	case sdk.InvalidInput:
		e.Violations = f.violations()
	}
	return e
}

func (f failure) kind(status int, reason string) sdk.Kind {
	switch {
	case status == http.StatusRequestTimeout, status == http.StatusGatewayTimeout, f.Code == "SCRAPE_TIMEOUT":
		return sdk.Timeout
	case strings.HasPrefix(f.Code, "SCRAPE_"):
		return sdk.PlatformError // the page, not the request, is what failed
	case status < http.StatusBadRequest && strings.Contains(strings.ToLower(reason), "not found"):
		return sdk.NotFound
	case status < http.StatusBadRequest:
		return sdk.PlatformError
	}
	return sdk.KindOfStatus(status, sdk.MethodAPIKey)
}

// violations are the remarks on single parameters.
func (f failure) violations() []sdk.Violation {
	var remarks []struct {
		Path    []any  `json:"path"`
		Message string `json:"message"`
	}
	if json.Unmarshal(f.Details, &remarks) != nil {
		return nil
	}
	var out []sdk.Violation
	for _, r := range remarks[:min(len(remarks), 20)] {
		pointer := ""
		for _, step := range r.Path {
			switch s := step.(type) {
			case string:
				pointer += "/" + sdk.Pointer(sdk.Said(s))
			case float64:
				pointer += "/" + strconv.Itoa(int(s))
			}
		}
		out = append(out, sdk.Violation{Pointer: pointer, Detail: sdk.Said(r.Message)})
	}
	return out
}
