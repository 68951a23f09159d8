package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// Refusals become kinds, with Google's own words.
func TestRefusals(t *testing.T) {
	tests := map[string]struct {
		status int
		header map[string]string
		body   string
		key    bool
		kind   sdk.Kind
		code   string
		wait   time.Duration
	}{
		"expired":         {401, nil, `{"error":{"code":401,"message":"Invalid Credentials","errors":[{"reason":"authError"}],"status":"UNAUTHENTICATED"}}`, false, sdk.AuthExpired, "authError", 0},
		"a key":           {400, nil, `{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}`, true, sdk.AuthRevoked, "API_KEY_INVALID", 0},
		"a scope":         {403, map[string]string{"WWW-Authenticate": `Bearer realm="https://accounts.google.com/", error="insufficient_scope", scope="https://mail.google.com/ https://www.googleapis.com/auth/gmail.modify https://www.googleapis.com/auth/gmail.readonly https://www.googleapis.com/auth/gmail.metadata"`}, `{"error":{"message":"Request had insufficient authentication scopes.","status":"PERMISSION_DENIED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}}`, false, sdk.PermissionDenied, "ACCESS_TOKEN_SCOPE_INSUFFICIENT", 0},
		"not enabled":     {403, nil, `{"error":{"message":"Gmail API has not been used in project 1 before or it is disabled.","errors":[{"reason":"accessNotConfigured"}]}}`, false, sdk.PermissionDenied, "accessNotConfigured", 0},
		"too many":        {403, nil, `{"error":{"message":"Rate Limit Exceeded","errors":[{"reason":"userRateLimitExceeded"}]}}`, false, sdk.RateLimited, "userRateLimitExceeded", 0},
		"too many, wait":  {429, map[string]string{"Retry-After": "7"}, `{"error":{"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED"}}`, false, sdk.RateLimited, "RESOURCE_EXHAUSTED", 7 * time.Second},
		"too many, delay": {429, nil, `{"error":{"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"3.5s"}]}}`, false, sdk.RateLimited, "RESOURCE_EXHAUSTED", 3500 * time.Millisecond},
		"fields":          {400, nil, `{"error":{"message":"Bad","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"requests.0","description":"no"}]}]}}`, false, sdk.InvalidInput, "INVALID_ARGUMENT", 0},
		"not found":       {404, nil, `{"error":{"message":"File not found","errors":[{"reason":"notFound"}]}}`, false, sdk.NotFound, "notFound", 0},
		"gone":            {410, nil, `{"error":{"message":"Resource has been deleted","errors":[{"reason":"deleted"}]}}`, false, sdk.NotFound, "deleted", 0},
		"duplicate":       {409, nil, `{"error":{"message":"exists","errors":[{"reason":"duplicate"}]}}`, false, sdk.Conflict, "duplicate", 0},
		"full":            {403, nil, `{"error":{"message":"full","errors":[{"reason":"storageQuotaExceeded"}]}}`, false, sdk.Conflict, "storageQuotaExceeded", 0},
		"broken":          {500, nil, `{"error":{"message":"Internal error","status":"INTERNAL"}}`, false, sdk.PlatformError, "INTERNAL", 0},
		"HTML":            {502, nil, `<html>`, false, sdk.PlatformError, "", 0},
		"of a token":      {400, nil, `{"error":"invalid_grant","error_description":"Bad Request"}`, false, sdk.InvalidInput, "", 0},
	}
	h := sdktest.Start(t, adapter())
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
				for name, value := range test.header {
					w.Header().Set(name, value)
				}
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body) // the test sees when it does not arrive
			})
			r := request("youtube", base, "search", given{"query": "x"})
			if test.key {
				r = byKey("youtube", base, "search", given{"query": "x"})
			}
			e := sdktest.Failure(t, h, r)
			if e.Kind != test.kind || e.PlatformCode != test.code || e.RetryAfter != test.wait || e.PlatformStatus != test.status {
				t.Errorf("got kind %d, code %q, wait %s: %s", e.Kind, e.PlatformCode, e.RetryAfter, e.Message)
			}
			if name == "a scope" {
				sdktest.Equal(t, "missing", e.MissingScopes, []string{"https://www.googleapis.com/auth/gmail.readonly"})
			}
			if name == "fields" {
				sdktest.Equal(t, "violations", e.Violations, []sdk.Violation{{Pointer: "/requests/0", Detail: "no."}})
			}
		})
	}
}

// A quota for the day is held until the day ends in California.
func TestDailyQuota(t *testing.T) {
	noon := time.Date(2026, 1, 31, 20, 0, 0, 0, time.UTC) // noon there
	if wait := (refusal{}).wait("quotaExceeded", http.Header{}, noon); wait != 12*time.Hour {
		t.Errorf("got %s", wait)
	}
}

func TestRefusalHidesToken(t *testing.T) {
	base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":{"message":"you sent `+secret+`","status":"INVALID_ARGUMENT"}}`)
	})
	if e := sdktest.Failure(t, sdktest.Start(t, adapter()), request("gmail", base, "get_profile", given{})); !strings.Contains(e.Message, "[secret]") {
		t.Errorf("got %q", e.Message)
	}
}

func TestFindRows(t *testing.T) {
	base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"values":[["Name","City"],["Ann","Bonn","x"],["Bob"],[],["Anna",7]]}`)
	})
	h := sdktest.Start(t, adapter())
	for value, want := range map[string]string{
		"Ann": `{"rows":[{"row":2,"values":{"City":"Bonn","Name":"Ann","column 3":"x"}}],"more":false}`,
		"ann": `{"rows":[{"row":2,"values":{"City":"Bonn","Name":"Ann","column 3":"x"}},{"row":5,"values":{"City":"7","Name":"Anna"}}],"more":false}`,
	} {
		result, err := h.Execute(t.Context(), request("google-sheets", base, "find_rows", given{"spreadsheet_id": "s", "sheet": "S", "column": "Name", "value": value, "part": value == "ann"}))
		if err != nil {
			t.Fatal(err)
		}
		sdktest.Equal(t, value, string(result.Output), want)
	}
	if e := sdktest.Failure(t, h, request("google-sheets", base, "find_rows", given{"spreadsheet_id": "s", "sheet": "S", "column": "Age", "value": "1"})); e.Kind != sdk.InvalidInput {
		t.Errorf("got kind %d", e.Kind)
	}
}

func TestDocumentText(t *testing.T) {
	base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"title":"T","body":{"content":[{"sectionBreak":{}},{"paragraph":{"elements":[{"textRun":{"content":"One\n"}}]}},{"paragraph":{"bullet":{},"elements":[{"textRun":{"content":"Two\n"}}]}},
			{"table":{"tableRows":[{"tableCells":[{"content":[{"paragraph":{"elements":[{"textRun":{"content":"a\n"}}]}}]},{"content":[{"paragraph":{"elements":[{"textRun":{"content":"b\n"}}]}}]}]}]}}]}}`)
	})
	result, err := sdktest.Start(t, adapter()).Execute(t.Context(), request("google", base, "get_document", given{"document_id": "d1"}))
	if err != nil {
		t.Fatal(err)
	}
	sdktest.Equal(t, "output", string(result.Output), `{"document_id":"d1","title":"T","text":"One\n- Two\na\tb\n"}`)
}

func TestWebSearch(t *testing.T) {
	base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"items":[{"title":"T","link":"https://example.com","snippet":"S","displayLink":"example.com"}],"searchInformation":{"totalResults":"12"},"queries":{"nextPage":[{"startIndex":11}]}}`)
	})
	result, err := sdktest.Start(t, adapter()).Execute(t.Context(), byKey("google", base, "web_search", given{"query": "x"}))
	if err != nil {
		t.Fatal(err)
	}
	sdktest.Equal(t, "output", string(result.Output), `{"results":[{"title":"T","link":"https://example.com","snippet":"S","display_link":"example.com"}],"total":"12","next_cursor":"11"}`)
	sdktest.Equal(t, "units", result.Units, map[string]float64{"searches": 1})
}

func FuzzExplain(f *testing.F) {
	f.Add(403, []byte(`{"error":{"message":"m","errors":[{"reason":"rateLimitExceeded"}],"details":[{"fieldViolations":[{"field":"a"}]}]}}`))
	f.Fuzz(func(_ *testing.T, status int, body []byte) {
		_ = explain(status, http.Header{}, body) // it must not panic
	})
}
