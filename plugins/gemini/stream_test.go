package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// streamed runs a call against a stream of events.
func streamed(t *testing.T, events ...string) (sdktest.Result, error) {
	t.Helper()
	base := sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1beta/models/m:streamGenerateContent" || r.URL.RawQuery != "alt=sse" {
			t.Errorf("asked for %s", r.URL)
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for _, e := range events {
			_, _ = fmt.Fprintf(w, "data: %s\r\n\r\n", e) // a client that has gone says so itself
		}
	})
	r := request("generate_content", base, given{"model": "m", "contents": hello, "stream": true})
	r.Stream = true
	result, err := start(t).Execute(t.Context(), r)
	sdktest.Discreet(t, r, err)
	return result, err
}

func TestStreamIsPutTogether(t *testing.T) {
	result, err := streamed(t,
		`{"candidates":[{"content":{"parts":[{"text":"hm","thought":true}],"role":"model"}}],"usageMetadata":{"promptTokenCount":3},"modelVersion":"m1","responseId":"r"}`,
		`{"candidates":[{"content":{"parts":[{"text":"He"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":3}}`,
		`{"candidates":[{"content":{"parts":[{"text":"llo"}]}},{"index":1,"content":{"parts":[{"text":"B"}]},"finishReason":"STOP"}]}`,
		`{"candidates":[{"content":{"parts":[{"text":"!","thoughtSignature":"sig"},{"functionCall":{"name":"f","args":{"n":12345678901234567890}}},{"inlineData":{"mimeType":"image/png","data":"iVBO"}}]}}]}`,
		`{"candidates":[{"content":{"parts":[{"text":"?"}]},"finishReason":"MAX_TOKENS","groundingMetadata":{"a":1}}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4,"thoughtsTokenCount":5}}`)
	if err != nil {
		t.Fatal(err)
	}
	var got content
	if err := json.Unmarshal(result.Output, &got); err != nil {
		t.Fatal(err)
	}
	want := `{"parts":[{"text":"hm","thought":true},{"text":"Hello!","thoughtSignature":"sig"},{"functionCall":{"name":"f","args":{"n":12345678901234567890}}},` +
		`{"inlineData":{"file":"output-1.png","mimeType":"image/png"}},{"text":"?"}],"role":"model"}`
	if diff := cmp.Diff(want, string(got.Candidates[0]["content"])); diff != "" {
		t.Error(diff)
	}
	if got.Text != "Hello!?" || got.FinishReason != "MAX_TOKENS" || len(got.Candidates) != 2 || got.Candidates[0]["groundingMetadata"] == nil || sdk.Text(got.Details["modelVersion"]) != "m1" {
		t.Errorf("got %s", result.Output)
	}
	if diff := cmp.Diff(map[string]float64{"input_tokens": 3, "output_tokens": 9}, result.Units); diff != "" || len(result.Deltas) != 5 || len(result.Files) != 1 {
		t.Errorf("%s, %d deltas, %d files", diff, len(result.Deltas), len(result.Files))
	}
}

func TestStreamsThatFail(t *testing.T) {
	const first = `{"candidates":[{"content":{"parts":[{"text":"He"}]}}]}`
	for name, c := range map[string]struct {
		kind   sdk.Kind
		says   string
		events []string
	}{
		"broken off":           {sdk.OutcomeUnknown, "before the answer was complete", []string{first}},
		"empty":                {sdk.OutcomeUnknown, "before the answer was complete", nil},
		"overloaded":           {sdk.PlatformUnavailable, "overloaded", []string{first, `{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}`}},
		"an error with a key":  {sdk.PlatformError, "no [secret] here", []string{`{"error":{"code":500,"message":"no ` + secret + ` here","status":"INTERNAL"}}`}},
		"an odd error":         {sdk.PlatformError, "with an error", []string{`{"error":[1]}`}},
		"a refused prompt":     {sdk.InvalidInput, "PROHIBITED_CONTENT", []string{`{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"}}`}},
		"not JSON":             {sdk.PlatformError, "not as expected", []string{first, `{"cand`}},
		"null":                 {sdk.PlatformError, "not as expected", []string{`null`}},
		"wrong types":          {sdk.PlatformError, "not as expected", []string{`{"candidates":{"a":1}}`}},
		"content of no parts":  {sdk.PlatformError, "not as expected", []string{`{"candidates":[{"content":{"parts":"x"},"finishReason":"STOP"}]}`}},
		"a far candidate":      {sdk.PlatformError, "not as expected", []string{`{"candidates":[{"index":1000000000}]}`}},
		"a file that is none":  {sdk.PlatformError, "not base64", []string{`{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"***"}}]},"finishReason":"STOP"}]}`}},
		"sound that is none":   {sdk.PlatformError, "not base64", []string{`{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"audio/L16;rate=1","data":"***"}}]},"finishReason":"STOP"}]}`}},
		"a file of odd form":   {sdk.PlatformError, "not as expected", []string{`{"candidates":[{"content":{"parts":[{"inlineData":7}]},"finishReason":"STOP"}]}`}},
		"a candidate not done": {sdk.OutcomeUnknown, "before the answer was complete", []string{`{"candidates":[{"finishReason":"STOP"},{"index":1}]}`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := streamed(t, c.events...)
			if err == nil || sdk.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got kind %d, %v; want kind %d, ...%s...", sdk.KindOf(err), err, c.kind, c.says)
			}
		})
	}
}

// TestEndlessStreams fails when a platform can fill the adapter's memory.
func TestEndlessStreams(t *testing.T) {
	base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for {
			if _, err := fmt.Fprintf(w, "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"%s\"}]}}]}\n\n", strings.Repeat("x", 1<<20)); err != nil {
				return
			}
		}
	})
	_, err := start(t).Execute(t.Context(), request("generate_content", base, given{"model": "m", "contents": hello, "stream": true}))
	if sdk.KindOf(err) != sdk.PlatformError {
		t.Errorf("got %v", err)
	}
}

func FuzzAssembly(f *testing.F) {
	f.Add([]byte(`{"candidates":[{"content":{"parts":[{"text":"He"}]}}]}` + "\n" + `{"candidates":[{"content":{"parts":[{"text":"y","x":1},null]},"finishReason":"STOP"}]}`))
	f.Add([]byte(`{"candidates":[null,{"index":2,"content":null}],"usageMetadata":1}`))
	f.Fuzz(func(t *testing.T, lines []byte) {
		a := &assembly{}
		for _, line := range strings.Split(string(lines), "\n") {
			if a.add([]byte(line)) != nil {
				return
			}
		}
		if a.complete() {
			if answer := encode(a.answer()); !json.Valid(answer) || string(answer) == "null" {
				t.Errorf("%q: %s", lines, answer)
			}
		}
	})
}
