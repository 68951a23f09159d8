package main

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// secret is planted as the key: it may stand in no error, whatever the platform answers.
const secret = "sk-ant-planted-0123456789abcdefghijklmnop"

// given is an input.
type given = map[string]any

var (
	hello = []given{{"role": "user", "content": "Hello"}}
	tools = []given{{"name": "weather", "description": "Tells the weather.", "input_schema": given{"type": "object", "properties": given{"city": given{"type": "string"}}}}}
)

// request is a call with the planted key.
func request(operation, base string, input any) sdktest.Request {
	return sdktest.Request{Platform: "anthropic", Operation: operation, BaseURL: base, Input: input,
		Method: sdk.MethodAPIKey, Fields: map[string]string{"api_key": secret}}
}

func start(t *testing.T) *sdktest.Harness {
	t.Helper()
	return sdktest.Start(t, adapter())
}

func TestReadme(t *testing.T) { start(t).Readme(t, sdktest.ReadmeRows{}) }

// released renames the paths that Anthropic's description has with ?beta=true alone: the stand-in takes a path's query for a part of its name.
func released(description map[string]any) {
	paths := description["paths"].(map[string]any)
	for _, path := range []string{"/v1/files", "/v1/files/{file_id}", "/v1/files/{file_id}/content"} {
		paths[path] = paths[path+"?beta=true"]
	}
}

func TestAgainstItsDescription(t *testing.T) {
	h, d := start(t), sdktest.Describe(t, sdktest.Description{File: sdktest.Fixture(t, "specs/anthropic.yaml"), Change: released})
	full := given{"model": "claude-sonnet-4-5", "max_tokens": 2000, "messages": []given{{"role": "user", "content": []given{{"type": "text", "text": "Hello"},
		{"type": "image", "source": given{"type": "url", "url": "https://example.com/a.png"}}}}, {"role": "assistant", "content": "Hi"}, {"role": "user", "content": "So?"}},
		"system": []given{{"type": "text", "text": "Be brief."}}, "temperature": 1, "top_p": 0.9, "top_k": 5, "tools": tools, "tool_choice": given{"type": "auto", "disable_parallel_tool_use": true},
		"thinking": given{"type": "enabled", "budget_tokens": 1024}, "stop_sequences": []string{"END"}, "metadata": given{"user_id": "u"}, "service_tier": "auto", "inference_geo": "us",
		"output_config": given{"effort": "low"}, "cache_control": given{"type": "ephemeral", "ttl": "1h"}, "container": "container_1"}
	h.Try(t, request("", d.URL, nil), d, []sdktest.Scenario{
		{Operation: "create_message", Input: given{"model": "claude-sonnet-4-5", "max_tokens": 10, "messages": hello}},
		{Operation: "create_message", Input: full},
		{Operation: "create_message", Input: given{"model": "claude-sonnet-4-5", "max_tokens": 10, "messages": []given{{"role": "nobody", "content": "Hello"}}}, Kind: sdk.InvalidInput},
		{Operation: "create_message", Input: given{"model": "claude-sonnet-4-5", "max_tokens": 10, "messages": hello, "extra": given{"no_such_parameter": 1}}, Kind: sdk.InvalidInput},
		{Operation: "count_tokens", Input: given{"model": "claude-sonnet-4-5", "messages": hello, "system": "Be brief.", "tools": tools, "thinking": given{"type": "disabled"}}},
		{Operation: "list_models", Input: given{"limit": 5, "cursor": "claude-a"}},
		{Operation: "get_model", Input: given{"model": "claude-sonnet-4-5"}},
		{Operation: "create_message_batch", Input: given{"requests": []given{{"custom_id": "a", "params": given{"model": "claude-sonnet-4-5", "max_tokens": 10, "messages": hello}}}}},
		{Operation: "create_message_batch", Input: given{"requests": []given{{"custom_id": "a"}}}, Kind: sdk.InvalidInput},
		{Operation: "get_message_batch", Input: given{"batch_id": "msgbatch_1"}},
		{Operation: "list_message_batches", Input: given{"limit": 5, "cursor": "msgbatch_1"}},
		{Operation: "cancel_message_batch", Input: given{"batch_id": "msgbatch_1"}},
		{Operation: "delete_message_batch", Input: given{"batch_id": "msgbatch_1"}},
		{Operation: "get_message_batch_results", Input: given{"batch_id": "msgbatch_1"}},
		{Operation: "upload_file", Files: []*sdktest.File{{Name: "a.pdf", MediaType: "application/pdf", Data: []byte("%PDF-1.7")}}},
		{Operation: "list_files", Input: given{"limit": 5}},
		{Operation: "get_file", Input: given{"file_id": "file_1"}},
		{Operation: "get_file_content", Input: given{"file_id": "file_1"}},
		{Operation: "delete_file", Input: given{"file_id": "file_1"}},
	}, nil)
	if account, err := h.Verify(t.Context(), request("", d.URL, nil)); err != nil || account.Name != "API key ending in mnop" {
		t.Errorf("got %v, %v, want the account of the key", account, err)
	}
}

// TestHeaders checks what authorises a call and asks for what is not released yet.
func TestHeaders(t *testing.T) {
	for operation, c := range map[string]struct {
		input       given
		query, beta string
	}{
		"count_tokens":   {given{"model": "m", "messages": hello}, "", ""},
		"create_message": {given{"model": "m", "messages": hello, "max_tokens": 1, "betas": []string{"a", "b"}, "extra": given{"speed": "fast"}}, "beta=true", "a,b"},
		"list_files":     {given{"cursor": "file_1"}, "after_id=file_1&beta=true", filesBeta},
	} {
		var got *http.Request
		var body given
		base := sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
			got = r.Clone(t.Context())
			_ = json.NewDecoder(r.Body).Decode(&body) // one without is as good
			_, _ = w.Write([]byte(`{"content":[],"data":[]}`))
		})
		if _, err := start(t).Execute(t.Context(), request(operation, base, c.input)); err != nil {
			t.Fatal(err)
		}
		if got.Header.Get("X-Api-Key") != secret || got.Header.Get("Anthropic-Version") != "2023-06-01" || got.Header.Get("Authorization") != "" ||
			got.URL.RawQuery != c.query || got.Header.Get("Anthropic-Beta") != c.beta {
			t.Errorf("%s: sent %s %v", operation, got.URL, got.Header)
		}
		if body["betas"] != nil || operation == "create_message" && body["speed"] != "fast" {
			t.Errorf("%s: sent %v", operation, body)
		}
	}
}

func TestPaging(t *testing.T) {
	for answer, cursor := range map[string]string{
		`{"data":[{"id":"a"}],"has_more":true,"first_id":"a","last_id":"a"}`:  "a",
		`{"data":[{"id":"a"}],"has_more":false,"first_id":"a","last_id":"a"}`: "",
		`{"data":[],"has_more":false,"first_id":null,"last_id":null}`:         "",
	} {
		for _, operation := range []string{"list_models", "list_message_batches", "list_files"} {
			base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) })
			result, err := start(t).Execute(t.Context(), request(operation, base, given{}))
			if err != nil {
				t.Fatal(err)
			}
			var page sdk.Page
			if err := json.Unmarshal(result.Output, &page); err != nil || page.NextCursor != cursor {
				t.Errorf("%s: got %s, %v, want the cursor %q", operation, result.Output, err, cursor)
			}
		}
	}
}

func TestVerifyNamesTheOrganization(t *testing.T) {
	base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Anthropic-Organization-Id", "8f7e")
		_, _ = w.Write([]byte(`{"data":[]}`))
	})
	if got, err := start(t).Verify(t.Context(), request("", base, nil)); err != nil || got.ID != "8f7e" {
		t.Errorf("got %v, %v", got, err)
	}
	base = sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`<html>`)) })
	if _, err := start(t).Verify(t.Context(), request("", base, nil)); sdk.KindOf(err) != sdk.PlatformError {
		t.Errorf("got %v for a page", err)
	}
}

func TestHostileAnswers(t *testing.T) {
	h := start(t)
	for operation, c := range map[string]struct {
		input given
		files bool
		wrong []string
	}{
		"create_message":            {given{"model": "m", "max_tokens": 1, "messages": hello}, false, []string{`{"id":"m"}`, `{"content":"x"}`, `{"content":null}`, `{"content":[7]}`, `{"content":{"a":1}}`}},
		"list_models":               {given{}, false, []string{`{"data":{"a":1}}`, `{"data":7,"has_more":true}`}},
		"list_files":                {given{}, false, []string{`{"data":{"a":1}}`}},
		"get_file":                  {given{"file_id": "f"}, false, nil},
		"get_message_batch_results": {given{"batch_id": "b"}, true, nil},
	} {
		t.Run(operation, func(t *testing.T) { h.Hostile(t, request(operation, "", c.input), c.files, c.wrong...) })
	}
}
