package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// secret is planted as the key: it may stand in no error, whatever the platform answers.
const secret = "fc-planted0123456789abcdefghijklmnop"

// given is an input.
type given = map[string]any

// request is a call with the planted key.
func request(operation, base string, input any) sdktest.Request {
	return sdktest.Request{Platform: "firecrawl", Operation: operation, BaseURL: base, Input: input,
		Method: sdk.MethodAPIKey, Fields: map[string]string{"api_key": secret}}
}

func start(t *testing.T) *sdktest.Harness {
	t.Helper()
	return sdktest.Start(t, adapter())
}

func TestReadme(t *testing.T) { start(t).Readme(t, sdktest.ReadmeRows{}) }

const work = "123e4567-e89b-12d3-a456-426614174000"

// with adds to an input everything that says how a page is read.
func with(in given) given {
	for name, value := range (given{"formats": []any{"markdown", "links", given{"type": "json", "prompt": "p", "schema": given{"type": "object"}}, given{"type": "screenshot", "fullPage": true}},
		"onlyMainContent": false, "includeTags": []string{"main"}, "excludeTags": []string{"nav"}, "maxAge": 0, "waitFor": 10, "mobile": true, "timeout": 30000, "parsers": []given{{"type": "pdf", "mode": "auto"}},
		"location": given{"country": "DE", "languages": []string{"de"}}, "removeBase64Images": true, "blockAds": true, "proxy": "auto", "storeInCache": false, "skipTlsVerification": false,
		"headers": given{"Accept-Language": "de"}, "zeroDataRetention": false}) {
		in[name] = value
	}
	return in
}

// successful makes the stand-in's answers whole, and of success always true: it is a random one otherwise.
func successful(description map[string]any) {
	sdktest.WholeAnswers(description)
	var walk func(any)
	walk = func(value any) {
		switch v := value.(type) {
		case []any:
			for _, one := range v {
				walk(one)
			}
		case map[string]any:
			if success, ok := v["success"].(map[string]any); ok {
				success["enum"] = []any{true}
			}
			for _, one := range v {
				walk(one)
			}
		}
	}
	walk(description)
}

func TestAgainstItsDescription(t *testing.T) {
	h, d := start(t), sdktest.Describe(t, sdktest.Description{File: sdktest.Fixture(t, "specs/firecrawl.json"), Change: successful})
	id := given{"id": work}
	const url = "https://example.com"
	h.Try(t, request("", d.URL, nil), d, []sdktest.Scenario{
		{Operation: "scrape", Input: given{"url": url}},
		{Operation: "scrape", Input: with(given{"url": url})},
		{Operation: "scrape", Input: given{"url": url, "formats": []string{"no-such-format"}}, Kind: sdk.InvalidInput},
		{Operation: "scrape_with_actions", Input: given{"url": url, "actions": []given{{"type": "click", "selector": "#more"}, {"type": "write", "text": "x"}, {"type": "wait", "milliseconds": 100}}}},
		{Operation: "scrape_with_actions", Input: given{"url": url, "actions": []given{{"type": "explode"}}}, Kind: sdk.InvalidInput},
		{Operation: "parse", Input: given{}, Files: []*sdktest.File{{Name: "a.pdf", MediaType: "application/pdf", Data: []byte("%PDF-1.7")}}},
		{Operation: "parse", Input: given{"formats": []string{"markdown"}, "onlyMainContent": true, "timeout": 30000}, Files: []*sdktest.File{{Name: "a.html", MediaType: "text/html", Data: []byte("<p>Hello")}}},
		{Operation: "batch_scrape", Input: with(given{"urls": []string{url}, "maxConcurrency": 2, "ignoreInvalidURLs": true, "webhook": given{"url": url, "events": []string{"completed"}}})},
		{Operation: "get_batch_scrape", Input: id},
		{Operation: "get_batch_scrape_errors", Input: id},
		{Operation: "cancel_batch_scrape", Input: id},
		{Operation: "crawl", Input: given{"url": url, "limit": 5, "maxDiscoveryDepth": 0, "includePaths": []string{"^/a"}, "excludePaths": []string{"^/b"}, "sitemap": "skip", "ignoreQueryParameters": true, "crawlEntireDomain": false,
			"allowExternalLinks": false, "allowSubdomains": false, "delay": 0.5, "maxConcurrency": 1, "webhook": given{"url": url, "events": []string{"page"}}, "scrapeOptions": given{"formats": []given{{"type": "markdown"}}}, "zeroDataRetention": false, "prompt": "p"}},
		{Operation: "get_crawl", Input: id},
		{Operation: "get_crawl_errors", Input: id},
		{Operation: "cancel_crawl", Input: id},
		{Operation: "list_active_crawls"},
		{Operation: "preview_crawl", Input: given{"url": url, "prompt": "docs alone"}},
		{Operation: "map", Input: given{"url": url, "search": "docs", "limit": 5, "sitemap": "include", "includeSubdomains": true, "ignoreQueryParameters": true, "ignoreCache": true, "timeout": 1000, "location": given{"country": "DE"}}},
		{Operation: "search", Input: given{"query": "cats", "limit": 5, "sources": []string{"web", "news"}, "categories": []string{"pdf"}, "includeDomains": []string{"example.com"}, "tbs": "qdr:w", "location": "Berlin", "country": "DE", "timeout": 1000, "ignoreInvalidURLs": true, "read_formats": []any{"markdown"}}},
		{Operation: "extract", Input: given{"urls": []string{url + "/*"}, "prompt": "p", "schema": given{"type": "object"}, "enableWebSearch": false, "ignoreSitemap": true, "includeSubdomains": true, "showSources": true, "ignoreInvalidURLs": true, "scrapeOptions": given{"formats": []given{{"type": "markdown"}}}}},
		{Operation: "get_extract", Input: id},
		{Operation: "agent", Input: given{"prompt": "p", "urls": []string{url}, "schema": given{"type": "object"}, "maxCredits": 10, "strictConstrainToURLs": true, "model": "spark-1-mini"}},
		{Operation: "get_agent", Input: id},
		{Operation: "cancel_agent", Input: id},
		{Operation: "get_credit_usage"},
		{Operation: "get_token_usage"},
		{Operation: "get_queue_status"},
		{Operation: "list_activity", Input: given{"endpoint": "crawl", "limit": 5, "cursor": "c"}},
	}, nil)
	if account, err := h.Verify(t.Context(), request("", d.URL, nil)); err != nil || account.Name != "API key ending in mnop" {
		t.Errorf("got %v, %v, want the account of the key", account, err)
	}
	none := sdktest.Request{Platform: "firecrawl", BaseURL: d.URL, Method: sdk.MethodNone}
	if account, err := h.Verify(t.Context(), none); err != nil || account.Name != "Firecrawl without a key" {
		t.Errorf("got %v, %v, want an account without a key", account, err)
	}
}

// answering runs a call against one answer.
func answering(t *testing.T, operation string, in given, status int, answer string) (sdktest.Result, *http.Request, error) {
	t.Helper()
	var sent *http.Request
	base := sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		sent = r.Clone(t.Context())
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(answer)) // a client that has gone says so itself
	})
	r := request(operation, base+"/v2", in)
	result, err := start(t).Execute(t.Context(), r)
	sdktest.Discreet(t, r, err)
	return result, sent, err
}

// The next page is asked for by what it skips: the address that an answer names is not followed.
func TestLongWork(t *testing.T) {
	result, sent, err := answering(t, "get_crawl", given{"id": work, "cursor": "10"}, 200, `{"success":true,"status":"scraping","total":30,"completed":20,"creditsUsed":20,"next":"https://evil.example/v2/crawl/x?skip=20","data":[{"markdown":"a"},{"markdown":"b"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	var got state
	if err := json.Unmarshal(result.Output, &got); err != nil {
		t.Fatal(err)
	}
	want := state{Status: "scraping", Total: 30, Completed: 20, NextCursor: "20", Items: []json.RawMessage{json.RawMessage(`{"markdown":"a"}`), json.RawMessage(`{"markdown":"b"}`)}, Details: sdk.Object{"creditsUsed": json.RawMessage("20")}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if sent.URL.String() != "/v2/crawl/"+work+"?skip=10" || sent.Header.Get("Authorization") != "Bearer "+secret || len(result.Units) != 0 {
		t.Errorf("sent %s %v, counted %v", sent.URL, sent.Header, result.Units)
	}
	if _, _, err := answering(t, "crawl", given{"url": "https://example.com"}, 200, `{"success":true}`); sdk.KindOf(err) != sdk.PlatformError {
		t.Errorf("got %v for work without an id", err)
	}
	if _, _, err := answering(t, "get_crawl", given{"id": work}, 200, `{"success":true}`); sdk.KindOf(err) != sdk.PlatformError {
		t.Errorf("got %v for work without a status", err)
	}
}

func TestUnits(t *testing.T) {
	result, _, err := answering(t, "scrape", given{"url": "https://example.com"}, 200, `{"success":true,"data":{"markdown":"a","metadata":{"creditsUsed":5}}}`)
	if err != nil || result.Units["credits"] != 5 {
		t.Errorf("got %v, %v", result.Units, err)
	}
	result, _, err = answering(t, "search", given{"query": "cats"}, 200, `{"success":true,"data":{"web":[{"url":"a"}]},"creditsUsed":2}`)
	if err != nil || result.Units["credits"] != 2 || string(result.Output) != `{"web":[{"url":"a"}],"credits":2}` {
		t.Errorf("got %s, %v, %v", result.Output, result.Units, err)
	}
}

func TestPaging(t *testing.T) {
	for answer, cursor := range map[string]string{`{"success":true,"data":[{"id":"a"}],"cursor":"c","has_more":true}`: "c", `{"success":true,"data":[],"cursor":"c","has_more":false}`: ""} {
		result, _, err := answering(t, "list_activity", given{}, 200, answer)
		var page sdk.Page
		if err != nil || json.Unmarshal(result.Output, &page) != nil || page.NextCursor != cursor {
			t.Errorf("got %s, %v, want the cursor %q", result.Output, err, cursor)
		}
	}
}

func TestFailures(t *testing.T) {
	start(t).Refuse(t, request("scrape", "", given{"url": "https://example.com"}), map[string]sdktest.Refusal{
		"invalid":           {Status: 400, Body: `{"success":false,"code":"BAD_REQUEST","error":"Bad Request","details":[{"path":["formats",0,"type"],"message":"no such format"}]}`, Kind: sdk.InvalidInput, Says: "Bad Request", Violations: []sdk.Violation{{Pointer: "/formats/0/type", Detail: "no such format"}}},
		"a dead key":        {Status: 401, Body: `{"success":false,"error":"Unauthorized: Invalid token ` + secret + `"}`, Kind: sdk.AuthRevoked, Says: "Make a new one"},
		"no credits":        {Status: 402, Body: `{"success":false,"error":"Insufficient credits"}`, Kind: sdk.PermissionDenied, Says: "credits"},
		"a forbidden site":  {Status: 403, Body: `{"success":false,"error":"We do not support this site"}`, Kind: sdk.PermissionDenied, Says: "this site"},
		"no such work":      {Status: 404, Body: `{"success":false,"error":"Job not found"}`, Kind: sdk.NotFound, Says: "Job not found"},
		"no such work, 200": {Status: 200, Body: `{"success":false,"error":"Job not found"}`, Kind: sdk.NotFound, Says: "Job not found"},
		"a slow page":       {Status: 408, Body: `{"success":false,"code":"SCRAPE_TIMEOUT","error":"The scrape timed out"}`, Kind: sdk.Timeout, Says: "timed out"},
		"a dead page":       {Status: 500, Body: `{"success":false,"code":"SCRAPE_DNS_RESOLUTION_ERROR","error":"DNS"}`, Kind: sdk.PlatformError, Says: "DNS"},
		"too many":          {Status: 429, Body: `{"success":false,"error":"Rate limit exceeded. Please retry after 32s, resets at x"}`, Kind: sdk.RateLimited, Says: "Rate limit", After: 32 * time.Second},
		"its own trouble":   {Status: 500, Body: `{"success":false,"error":"An unexpected error"}`, Kind: sdk.PlatformError, Says: "unexpected"},
		"failed, 200":       {Status: 200, Body: `{"success":false,"error":"No page could be read"}`, Kind: sdk.PlatformError, Says: "No page"},
		"a proxy's page":    {Status: 502, Body: `<html>` + secret, Kind: sdk.PlatformError, Says: "502"},
		"no page":           {Status: 200, Body: `{"success":true}`, Kind: sdk.PlatformError, Says: "without a page"},
	})
}

func TestHostileAnswers(t *testing.T) {
	h := start(t)
	for operation, c := range map[string]struct {
		input given
		wrong []string
	}{
		"scrape":        {given{"url": "https://example.com"}, []string{`{"success":true,"data":[1]}`, `{"success":true,"data":null}`}},
		"get_crawl":     {given{"id": work}, []string{`{"status":"completed","data":{"a":1}}`, `{"status":7}`}},
		"search":        {given{"query": "cats"}, []string{`{"success":true,"data":7}`, `{"data":{"web":{"a":1}}}`}},
		"crawl":         {given{"url": "https://example.com"}, []string{`{"success":true,"id":7}`}},
		"map":           {given{"url": "https://example.com"}, []string{`{"links":"x"}`}},
		"list_activity": {given{}, []string{`{"data":{"a":1}}`}},
	} {
		t.Run(operation, func(t *testing.T) { h.Hostile(t, request(operation, "", c.input), false, c.wrong...) })
	}
}

func FuzzExplain(f *testing.F) {
	f.Add(400, []byte(`{"success":false,"error":"e","details":[{"path":["a",0,null],"message":"m"}]}`))
	f.Add(429, []byte(`{"success":false,"error":"retry after 999999s"}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e := explain(status, http.Header{}, body)
		if e != nil && (e.Kind < sdk.AuthExpired || e.Message == "" || strings.ContainsAny(e.Message, "\x00\n") || e.RetryAfter < 0 || e.RetryAfter > 24*time.Hour) {
			t.Errorf("%d %q: %+v", status, body, e)
		}
	})
}
