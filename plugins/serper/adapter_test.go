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
const secret = "0123456789abcdefplanted0123456789abcdef0"

// given is an input.
type given = map[string]any

// request is a call with the planted key.
func request(operation, base string, input any) sdktest.Request {
	return sdktest.Request{Platform: "serper", Operation: operation, BaseURL: base, Input: input,
		Method: sdk.MethodAPIKey, Fields: map[string]string{"api_key": secret}}
}

func start(t *testing.T) *sdktest.Harness {
	t.Helper()
	return sdktest.Start(t, adapter())
}

func TestReadme(t *testing.T) { start(t).Readme(t, sdktest.ReadmeRows{}) }

// TestRequests checks what each operation sends and what it makes of the answer. The double is built from Serper's public pages; there is no
// description to check against.
func TestRequests(t *testing.T) {
	here := given{"gl": "de", "hl": "de", "location": "Berlin, Germany"}
	where := func(more given) given {
		for name, value := range here {
			more[name] = value
		}
		return more
	}
	list := func(name string) string {
		return `{"searchParameters":{"q":"x"},"` + name + `":[{"title":"A","position":12345678901234567890}],"knowledgeGraph":{"title":"K"},"credits":2}`
	}
	h := start(t)
	tried := map[string]bool{}
	for _, c := range []struct {
		operation, path, answer string
		in, sent                given
		next                    string
	}{
		{"search", "/search", list("organic"), where(given{"q": "cats", "num": 20, "tbs": "qdr:d", "autocorrect": false, "cursor": "3"}), where(given{"q": "cats", "num": 20.0, "tbs": "qdr:d", "autocorrect": false, "page": 3.0}), "4"},
		{"search", "/search", `{"searchParameters":{"q":"x"},"organic":[],"credits":1}`, given{"q": "cats"}, given{"q": "cats"}, ""},
		{"search_images", "/images", list("images"), given{"q": "cats"}, given{"q": "cats"}, "2"},
		{"search_videos", "/videos", list("videos"), given{"q": "cats"}, given{"q": "cats"}, "2"},
		{"search_news", "/news", list("news"), given{"q": "cats"}, given{"q": "cats"}, "2"},
		{"search_shopping", "/shopping", list("shopping"), given{"q": "cats"}, given{"q": "cats"}, "2"},
		{"search_scholar", "/scholar", list("organic"), where(given{"q": "cats"}), where(given{"q": "cats"}), "2"},
		{"search_patents", "/patents", list("organic"), given{"q": "cats"}, given{"q": "cats"}, "2"},
		{"search_by_image", "/lens", list("organic"), given{"url": "https://example.com/a.png"}, given{"url": "https://example.com/a.png"}, "2"},
		{"autocomplete", "/autocomplete", list("suggestions"), where(given{"q": "ca"}), where(given{"q": "ca"}), ""},
		{"search_places", "/places", list("places"), given{"q": "cafe"}, given{"q": "cafe"}, "2"},
		{"search_maps", "/maps", list("places"), given{"q": "cafe", "ll": "@52.52,13.40,14z", "cursor": "2"}, given{"q": "cafe", "ll": "@52.52,13.40,14z", "page": 2.0}, "3"},
		{"search_maps", "/maps", list("places"), given{"place_id": "p"}, given{"placeId": "p"}, ""},
		{"search_reviews", "/reviews", strings.Replace(list("reviews"), `"credits"`, `"nextPageToken":"tok","credits"`, 1), given{"cid": "77", "sort_by": "newest", "topic_id": "t", "cursor": "n"}, given{"cid": "77", "sortBy": "newest", "topicId": "t", "nextPageToken": "n"}, "tok"},
	} {
		tried[c.operation] = true
		t.Run(c.operation, func(t *testing.T) {
			var sent given
			base := sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPost || r.URL.Path != c.path || r.Header.Get("X-Api-Key") != secret || r.Header.Get("Authorization") != "" {
					t.Errorf("sent %s %s %v", r.Method, r.URL, r.Header)
				}
				_ = json.NewDecoder(r.Body).Decode(&sent) // what it is shows below
				_, _ = w.Write([]byte(c.answer))
			})
			result, err := h.Execute(t.Context(), request(c.operation, base, c.in))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.sent, sent); diff != "" {
				t.Error(diff)
			}
			var got found
			if err := json.Unmarshal(result.Output, &got); err != nil {
				t.Fatal(err)
			}
			if full := strings.Contains(c.answer, "knowledgeGraph"); got.NextCursor != c.next || full != (len(got.Items) == 1) || full != (got.Details["knowledgeGraph"] != nil) ||
				full && !strings.Contains(string(got.Items[0]), "12345678901234567890") || got.Credits != result.Units["credits"] || got.Credits == 0 {
				t.Errorf("got %s, units %v", result.Output, result.Units)
			}
		})
	}
	for _, p := range h.Platforms {
		for _, op := range p.GetOperations() {
			if name := op.GetName(); !tried[name] && name != "scrape" && name != "get_account" {
				t.Errorf("%s is not tried", name)
			}
		}
	}
	for operation, in := range map[string]given{"search_maps": {}, "search_reviews": {"gl": "de"}} {
		if _, err := h.Execute(t.Context(), request(operation, "http://127.0.0.1:1", in)); sdk.KindOf(err) != sdk.InvalidInput {
			t.Errorf("%s of nothing: got %v", operation, err)
		}
	}
}

func TestScrapeAndAccount(t *testing.T) {
	h := start(t)
	base := sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + r.URL.Path {
		case "POST/scrape":
			var sent given
			if json.NewDecoder(r.Body).Decode(&sent) != nil || !cmp.Equal(given{"url": "https://example.com", "includeMarkdown": true}, sent) {
				t.Errorf("sent %v", sent)
			}
			_, _ = w.Write([]byte(`{"text":"Hello","markdown":"# Hello","metadata":{"title":"T"},"jsonld":{"@type":"WebPage"},"credits":2}`))
		case "GET/account":
			_, _ = w.Write([]byte(`{"balance":47975,"rateLimit":50}`))
		}
	})
	result, err := h.Execute(t.Context(), request("scrape", base, given{"url": "https://example.com", "include_markdown": true}))
	if want := `{"text":"Hello","markdown":"# Hello","metadata":{"title":"T"},"jsonld":{"@type":"WebPage"},"credits":2}`; err != nil || string(result.Output) != want || result.Units["credits"] != 2 {
		t.Errorf("got %s, %v", result.Output, err)
	}
	if result, err = h.Execute(t.Context(), request("get_account", base, given{})); err != nil || string(result.Output) != `{"balance":47975,"rateLimit":50}` {
		t.Errorf("got %s, %v", result.Output, err)
	}
	if got, err := h.Verify(t.Context(), request("", base, nil)); err != nil || got.Name != "API key ending in def0" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestFailures(t *testing.T) {
	later := map[string]string{"Retry-After": "5"}
	start(t).Refuse(t, request("search", "", given{"q": "cats"}), map[string]sdktest.Refusal{
		"a dead key":     {Status: 403, Header: later, Body: `{"message":"Unauthorized. ` + secret + `","statusCode":403}`, Kind: sdk.AuthRevoked, Says: "refuses the API key"},
		"forbidden":      {Status: 403, Header: later, Body: `{"message":"This plan has no maps"}`, Kind: sdk.PermissionDenied, Says: "no maps"},
		"no credits":     {Status: 400, Header: later, Body: `{"message":"Not enough credits","statusCode":400}`, Kind: sdk.PermissionDenied, Says: "credits"},
		"invalid":        {Status: 400, Header: later, Body: `{"message":"Missing query parameter","statusCode":400}`, Kind: sdk.InvalidInput, Says: "Missing query"},
		"another word":   {Status: 404, Header: later, Body: `{"error":"no such page"}`, Kind: sdk.NotFound, Says: "no such page"},
		"too many":       {Status: 429, Header: later, Body: `{"message":"Rate limit exceeded"}`, Kind: sdk.RateLimited, Says: "Rate limit", After: 5 * time.Second},
		"a proxy's page": {Status: 502, Header: later, Body: `<html>` + secret, Kind: sdk.PlatformError, Says: "502"},
		"another answer": {Status: 200, Header: later, Body: `{"hello":"world"}`, Kind: sdk.PlatformError, Says: "not one of Serper's"},
		"no list":        {Status: 200, Header: later, Body: `{"organic":{"a":1}}`, Kind: sdk.PlatformError, Says: "no list"},
	})
}

func TestHostileAnswers(t *testing.T) {
	h := start(t)
	for operation, c := range map[string]struct {
		input given
		wrong []string
	}{
		"search":         {given{"q": "cats"}, []string{`{}`, `{"organic":7}`, `{"searchParameters":{},"organic":{"a":1}}`}},
		"scrape":         {given{"url": "https://example.com"}, []string{`{}`, `{"text":7}`, `{"text":null}`}},
		"get_account":    {given{}, []string{`{}`, `{"balance":"many"}`}},
		"search_reviews": {given{"cid": "1"}, []string{`{"reviews":7}`}},
	} {
		t.Run(operation, func(t *testing.T) { h.Hostile(t, request(operation, "", c.input), false, c.wrong...) })
	}
}
