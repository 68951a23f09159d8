package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// secret is planted as the key: it may stand in no error, whatever the platform answers.
const secret = "AIzaPlanted0123456789abcdefghijklmnop"

// given is an input.
type given = map[string]any

var (
	hello   = []given{{"role": "user", "parts": []given{{"text": "Hello"}}}}
	tools   = []given{{"functionDeclarations": []given{{"name": "weather", "description": "Tells the weather.", "parameters": given{"type": "OBJECT", "properties": given{"city": given{"type": "STRING"}}}}}}}
	picture = []*sdktest.File{{Name: "picture.png", MediaType: "image/png", Data: []byte("\x89PNG picture")}}
)

// request is a call with the planted key.
func request(operation, base string, input any) sdktest.Request {
	return sdktest.Request{Platform: "gemini", Operation: operation, BaseURL: base, Input: input,
		Method: sdk.MethodAPIKey, Fields: map[string]string{"api_key": secret}}
}

func start(t *testing.T) *sdktest.Harness {
	t.Helper()
	return sdktest.Start(t, adapter())
}

func TestReadme(t *testing.T) { start(t).Readme(t, sdktest.ReadmeRows{}) }

// withoutModel mends Google's description, which requires a model in the bodies of requests whose path names it, and of a change to a cache; the
// live service does not, as the recordings show of the first.
func withoutModel(description map[string]any) {
	schemas := description["components"].(map[string]any)["schemas"].(map[string]any)
	for _, name := range []string{"GenerateContentRequest", "EmbedContentRequest", "GenerateContentBatch", "CachedContent"} {
		schema := schemas[name].(map[string]any)
		schema["required"] = slices.DeleteFunc(schema["required"].([]any), func(v any) bool { return v == "model" })
	}
}

func TestAgainstItsDescription(t *testing.T) {
	h, d := start(t), sdktest.Describe(t, sdktest.Description{File: sdktest.Fixture(t, "specs/gemini-openapi.json"), Change: withoutModel})
	full := given{"model": "gemini-2.5-flash", "contents": []given{{"role": "user", "parts": []given{{"text": "Hello"}, {"inlineData": given{"mimeType": "image/png", "data": "iVBO"}}, {"fileData": given{"mimeType": "text/plain", "fileUri": "https://x/files/1"}}}}},
		"systemInstruction": given{"parts": []given{{"text": "Be brief."}}}, "tools": tools, "toolConfig": given{"functionCallingConfig": given{"mode": "ANY", "allowedFunctionNames": []string{"weather"}}},
		"safetySettings":   []given{{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"}},
		"generationConfig": given{"temperature": 0.5, "topP": 0.9, "topK": 5, "maxOutputTokens": 100, "stopSequences": []string{"END"}, "candidateCount": 1, "seed": 7, "thinkingConfig": given{"thinkingBudget": 0}, "responseMimeType": "application/json", "responseSchema": given{"type": "OBJECT"}},
		"cachedContent":    "cachedContents/abc"}
	h.Try(t, request("", d.URL, nil), d, []sdktest.Scenario{
		{Operation: "generate_content", Input: given{"model": "models/gemini-2.5-flash", "contents": hello}, Kind: sdk.PlatformError, Says: "without a candidate"}, // the stand-in takes it; its answer is empty
		{Operation: "generate_content", Input: full, Kind: sdk.PlatformError, Says: "without a candidate"},
		{Operation: "generate_content", Input: given{"model": "gemini-2.5-flash", "contents": []given{{"parts": "Hello"}}}, Kind: sdk.InvalidInput},
		{Operation: "generate_content", Input: given{"model": "gemini-2.5-flash", "contents": hello, "generationConfig": given{"temperature": "hot"}}, Kind: sdk.InvalidInput},
		{Operation: "count_tokens", Input: given{"model": "gemini-2.5-flash", "contents": hello}},
		{Operation: "count_tokens", Input: given{"model": "gemini-2.5-flash", "generateContentRequest": given{"model": "models/gemini-2.5-flash", "contents": hello, "tools": tools}}},
		{Operation: "embed_content", Input: given{"model": "gemini-embedding-001", "content": hello[0], "taskType": "RETRIEVAL_DOCUMENT", "title": "T", "outputDimensionality": 8}},
		{Operation: "batch_embed_contents", Input: given{"model": "gemini-embedding-001", "contents": hello, "taskType": "CLUSTERING"}},
		{Operation: "generate_image", Input: given{"model": "imagen-4.0-generate-001", "prompt": "a cat", "n": 2, "aspect_ratio": "16:9", "size": "1K"}, Kind: sdk.InvalidInput, Says: "left none"},
		{Operation: "generate_image", Input: given{"model": "gemini-2.5-flash-image", "prompt": "a cat", "aspect_ratio": "16:9"}, Kind: sdk.PlatformError, Says: "without a candidate"},
		{Operation: "speech", Input: given{"model": "gemini-2.5-flash-preview-tts", "input": "Hello", "voice": "Kore"}, Kind: sdk.PlatformError, Says: "without a candidate"},
		{Operation: "speech", Input: given{"model": "gemini-2.5-flash-preview-tts", "input": "A: Hello", "speakers": []given{{"speaker": "A", "voice": "Kore"}}}, Kind: sdk.PlatformError, Says: "without a candidate"},
		{Operation: "generate_video", Input: given{"model": "veo-3.0-generate-001", "prompt": "a cat", "parameters": given{"aspectRatio": "16:9"}}},
		{Operation: "generate_video", Input: given{"model": "veo-3.0-generate-001", "prompt": "a cat"}, Files: picture},
		{Operation: "get_operation", Input: given{"name": "models/veo-3.0-generate-001/operations/abc"}},
		{Operation: "list_files", Input: given{"limit": 5, "cursor": "next"}},
		{Operation: "get_file", Input: given{"name": "files/abc"}},
		{Operation: "delete_file", Input: given{"name": "files/abc"}},
		{Operation: "list_models", Input: given{"limit": 5}},
		{Operation: "get_model", Input: given{"model": "gemini-2.5-flash"}},
		{Operation: "create_cached_content", Input: given{"model": "gemini-2.5-flash", "contents": hello, "systemInstruction": given{"parts": []given{{"text": "x"}}}, "tools": tools, "displayName": "D", "ttl": "3600s"}},
		{Operation: "list_cached_contents", Input: given{"limit": 5}},
		{Operation: "get_cached_content", Input: given{"name": "cachedContents/abc"}},
		{Operation: "update_cached_content", Input: given{"name": "cachedContents/abc", "ttl": "60s"}},
		{Operation: "update_cached_content", Input: given{"name": "cachedContents/abc", "expireTime": "2030-01-01T00:00:00Z"}},
		{Operation: "update_cached_content", Input: given{"name": "cachedContents/abc"}, Kind: sdk.InvalidInput, Says: "one of them"},
		{Operation: "delete_cached_content", Input: given{"name": "cachedContents/abc"}},
		{Operation: "create_batch", Input: given{"model": "gemini-2.5-flash", "display_name": "D", "requests": []given{{"request": given{"contents": hello}, "metadata": given{"key": "a"}}}}},
		{Operation: "create_batch", Input: given{"model": "gemini-2.5-flash", "display_name": "D", "file_name": "files/abc"}},
		{Operation: "create_batch", Input: given{"model": "gemini-2.5-flash", "display_name": "D"}, Kind: sdk.InvalidInput, Says: "one of them"},
		{Operation: "get_batch", Input: given{"name": "batches/abc"}},
		{Operation: "list_batches", Input: given{"limit": 5}},
		{Operation: "cancel_batch", Input: given{"name": "batches/abc"}},
		{Operation: "delete_batch", Input: given{"name": "batches/abc"}},
		{Operation: "create_file_search_store", Input: given{"displayName": "D"}},
		{Operation: "list_file_search_stores", Input: given{"limit": 5}},
		{Operation: "get_file_search_store", Input: given{"store": "fileSearchStores/abc"}},
		{Operation: "delete_file_search_store", Input: given{"store": "fileSearchStores/abc", "force": true}},
		{Operation: "import_to_file_search_store", Input: given{"store": "fileSearchStores/abc", "fileName": "files/abc", "customMetadata": []given{{"key": "a", "stringValue": "b"}}, "chunkingConfig": given{"whiteSpaceConfig": given{"maxTokensPerChunk": 200}}}},
		{Operation: "list_file_search_documents", Input: given{"store": "fileSearchStores/abc", "limit": 5}},
		{Operation: "delete_file_search_document", Input: given{"name": "fileSearchStores/abc/documents/d", "force": true}},
	}, map[string]string{
		"upload_file":                 "the description does not have the upload's protocol; see TestUploads and TestRecordedUploads",
		"upload_to_file_search_store": "as above",
		"get_video_content":           "the description has no answer with a video; see TestVideoContent",
	})
}

// TestTheKeyIsInAHeader fails when the key stands in an address.
func TestTheKeyIsInAHeader(t *testing.T) {
	base := sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Goog-Api-Key") != secret || strings.Contains(r.URL.String(), secret) || r.Header.Get("Authorization") != "" {
			t.Errorf("sent %s %v", r.URL, r.Header)
		}
		_, _ = w.Write([]byte(`{"models":[{"name":"models/a"}],"nextPageToken":"n"}`))
	})
	result, err := start(t).Execute(t.Context(), request("list_models", base, given{}))
	var page sdk.Page
	if err != nil || json.Unmarshal(result.Output, &page) != nil || page.NextCursor != "n" || len(page.Items) != 1 {
		t.Errorf("got %s, %v", result.Output, err)
	}
	if account, err := start(t).Verify(t.Context(), request("", base, nil)); err != nil || account.Name != "API key ending in mnop" {
		t.Errorf("got %v, %v, want the account of the key", account, err)
	}
	base = sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{}`)) })
	if _, err := start(t).Verify(t.Context(), request("", base, nil)); sdk.KindOf(err) != sdk.PlatformError {
		t.Errorf("got %v for a server that lists no models", err)
	}
}

func TestHostileAnswers(t *testing.T) {
	h := start(t)
	for operation, c := range map[string]struct {
		input given
		wrong []string
	}{
		"generate_content":  {given{"model": "m", "contents": hello}, []string{`{}`, `{"candidates":{}}`, `{"candidates":[]}`, `{"candidates":[7]}`, `{"candidates":[{"content":7}]}`, `{"candidates":[{"content":{"parts":[7]}}]}`, `{"candidates":[{"content":{"parts":[{"inlineData":[]}]}}]}`}},
		"list_files":        {given{}, []string{`{"files":{"a":1}}`}},
		"generate_image":    {given{"model": "imagen-4", "prompt": "a cat"}, []string{`{"predictions":7}`, `{"predictions":[{"bytesBase64Encoded":"*"}]}`}},
		"speech":            {given{"model": "tts", "input": "Hello"}, []string{`{"candidates":[{"content":{"parts":[{"text":"no"}]}}]}`}},
		"get_video_content": {given{"name": "models/veo/operations/a"}, []string{`{"done":7}`, `{"done":true,"response":{"generateVideoResponse":{"generatedSamples":[{"video":{"uri":""}}]}}}`}},
		"get_file":          {given{"name": "files/a"}, nil},
	} {
		t.Run(operation, func(t *testing.T) { h.Hostile(t, request(operation, "", c.input), false, c.wrong...) })
	}
}
