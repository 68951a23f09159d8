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

// events answers with server-sent events, each a line of data, unless it begins with "event:" or ":".
func events(t *testing.T, lines ...string) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		for _, line := range lines {
			if !strings.HasPrefix(line, "event:") && !strings.HasPrefix(line, ":") {
				line = "data: " + line + "\n"
			}
			_, _ = fmt.Fprintln(w, line) // a client that has gone says so itself
		}
	})
}

// streamed runs a streaming chat completion.
func streamed(t *testing.T, platform, base string) (sdktest.Result, error) {
	t.Helper()
	r := request(platform, "chat_completion", base, given{"model": "m", "messages": hello, "stream": true})
	r.Stream = true
	return start(t).Execute(t.Context(), r)
}

func TestStreamIsPutTogether(t *testing.T) {
	base := events(t,
		`: PROCESSING`,
		`{"id":"c1","model":"m1","created":12345678901234567890,"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"finish_reason":null}]}`,
		`{"id":"c2","model":"m1","choices":[{"index":1,"delta":{"content":"B"},"finish_reason":"stop"},{"index":0,"delta":{"content":"He","reasoning":"hm"},"logprobs":{"content":[{"token":"He"}]}}]}`,
		`{"choices":[{"index":0,"delta":{"content":"llo","reasoning":" so","tool_calls":[{"index":1,"id":"t2","type":"function","function":{"name":"g","arguments":"{}"}},{"index":0,"id":"t1","type":"function","function":{"name":"f","arguments":"{\"a\""}}]},"logprobs":{"content":[{"token":"llo"}]}}]}`,
		`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}],"annotations":[{"url":"a"}]}}]}`,
		`{"choices":[{"index":0,"delta":{"role":"assistant","content":"","annotations":[{"url":"b"}]},"finish_reason":"tool_calls","native_finish_reason":"tool_use"}]}`,
		`{"choices":[{"index":0,"delta":{"content":""},"finish_reason":null}],"usage":{"prompt_tokens":3,"completion_tokens":4,"cost":0.25}}`,
		`[DONE]`)
	result, err := streamed(t, "openai", base)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Deltas) != 7-1+0 {
		t.Errorf("got %d deltas", len(result.Deltas))
	}
	var got map[string]any
	if err := json.Unmarshal(result.Output, &got); err != nil {
		t.Fatal(err)
	}
	message := map[string]any{"role": "assistant", "content": "Hello", "refusal": nil, "reasoning": "hm so",
		"annotations": []any{map[string]any{"url": "a"}, map[string]any{"url": "b"}},
		"tool_calls": []any{
			map[string]any{"index": 1.0, "id": "t2", "type": "function", "function": map[string]any{"name": "g", "arguments": "{}"}},
			map[string]any{"index": 0.0, "id": "t1", "type": "function", "function": map[string]any{"name": "f", "arguments": `{"a":1}`}},
		}}
	if diff := cmp.Diff(message, got["message"]); diff != "" {
		t.Error(diff)
	}
	if got["id"] != "c1" || got["finish_reason"] != "tool_calls" || len(got["choices"].([]any)) != 2 {
		t.Errorf("got id %v, finish_reason %v, choices %v", got["id"], got["finish_reason"], got["choices"])
	}
	if !strings.Contains(string(result.Output), "12345678901234567890") {
		t.Error("a number lost its digits")
	}
	if diff := cmp.Diff(map[string]float64{"input_tokens": 3, "output_tokens": 4, "cost_usd": 0.25}, result.Units); diff != "" {
		t.Error(diff)
	}
}

func TestStreamsThatFail(t *testing.T) {
	const first = `{"id":"c","choices":[{"index":0,"delta":{"content":"He"}}]}`
	for name, c := range map[string]struct {
		lines []string
		kind  sdk.Kind
		says  string
	}{
		"broken off":                  {[]string{first}, sdk.OutcomeUnknown, "before the answer was complete"},
		"empty":                       {nil, sdk.OutcomeUnknown, "before the answer was complete"},
		"done without an answer":      {[]string{`[DONE]`}, sdk.PlatformError, "without a message"},
		"an event that is an error":   {[]string{first, "event: error", `{"error":{"message":"tool failed","code":"tool_use_failed","status_code":400}}`}, sdk.InvalidInput, "tool failed"},
		"a chunk that is an error":    {[]string{first, `{"error":{"message":"slow down","code":"rate_limit_exceeded"}}`}, sdk.RateLimited, "slow down"},
		"an error without an object":  {[]string{first, "event: error", `{}`}, sdk.PlatformError, "with an error"},
		"OpenRouter's error":          {[]string{first, `{"error":{"code":502,"message":"Provider disconnected"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}`}, sdk.PlatformError, "Provider disconnected"},
		"a chunk that is not JSON":    {[]string{first, `{"id`}, sdk.PlatformError, "not JSON"},
		"a chunk that is a list":      {[]string{`[1]`}, sdk.PlatformError, "not as expected"},
		"choices that are no objects": {[]string{`{"choices":[1]}`}, sdk.PlatformError, "not as expected"},
		"an error with the key":       {[]string{`{"error":{"message":"no ` + secret + ` here"}}`}, sdk.PlatformError, "no [key] here"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := streamed(t, "openai", events(t, c.lines...))
			if err == nil || sdk.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), secret) {
				t.Errorf("got kind %d, %v; want kind %d, ...%s...", sdk.KindOf(err), err, c.kind, c.says)
			}
		})
	}
}

func TestStreamsWithoutAnEnd(t *testing.T) {
	result, err := streamed(t, "perplexity", events(t,
		`{"id":"c","choices":[{"index":0,"delta":{"content":"He"},"message":{"role":"assistant","content":"He"}}],"citations":["https://a"]}`,
		`{"choices":[{"index":0,"delta":{"content":"y"},"message":{"role":"assistant","content":"Hey"},"finish_reason":"stop"}],"citations":["https://a"],"search_results":[{"title":"A"}],"usage":{"prompt_tokens":1,"cost":{"total_cost":0.5}}}`))
	if err != nil {
		t.Fatal(err)
	}
	var got completion
	if err := json.Unmarshal(result.Output, &got); err != nil {
		t.Fatal(err)
	}
	if string(got.Message["content"]) != `"Hey"` || string(got.Citations) != `["https://a"]` || result.Units["cost_usd"] != 0.5 {
		t.Errorf("got %s, units %v", result.Output, result.Units)
	}
}

// TestHugeStreams fails when a platform can fill the adapter's memory or keep it busy.
func TestHugeStreams(t *testing.T) {
	for name, chunk := range map[string]func(i int) string{
		"text": func(int) string {
			return `{"choices":[{"index":0,"delta":{"content":"` + strings.Repeat("x", 1<<20) + `"}}]}`
		},
		"choices": func(i int) string { return fmt.Sprintf(`{"choices":[{"index":%d,"delta":{}}]}`, i) },
		"calls": func(i int) string {
			return fmt.Sprintf(`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":%d}]}}]}`, i)
		},
	} {
		t.Run(name, func(t *testing.T) {
			base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				for i := 0; ; i++ {
					if _, err := fmt.Fprintf(w, "data: %s\n\n", chunk(i)); err != nil {
						return
					}
				}
			})
			r := request("openai", "chat_completion", base, given{"model": "m", "messages": hello, "stream": true})
			if _, err := start(t).Execute(t.Context(), r); sdk.KindOf(err) != sdk.PlatformError {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestStreamAsksForUsage(t *testing.T) {
	for platform, want := range map[string]string{"openai": `{"include_usage":true}`, "novita": `{"include_usage":true}`, "deepinfra": `{"include_usage":true}`, "openrouter": `{"include_usage":true}`, "groq": "", "perplexity": ""} {
		got := capture(t, func(base string) error {
			_, err := streamed(t, platform, base)
			return err
		}, "text/event-stream", `data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}`+"\n\n")
		if string(got.body["stream_options"]) != want {
			t.Errorf("%s: got stream_options %s, want %s", platform, got.body["stream_options"], want)
		}
	}
}

func TestResponseStreams(t *testing.T) {
	run := func(lines ...string) (sdktest.Result, error) {
		r := request("openai", "create_response", events(t, lines...), given{"model": "m", "input": "Hello", "stream": true})
		r.Stream = true
		return start(t).Execute(t.Context(), r)
	}
	result, err := run(`{"type":"response.created","response":{"id":"r","status":"in_progress","output":[]}}`, `{"type":"response.output_text.delta","delta":"He"}`,
		`{"type":"response.completed","response":{"id":"r","status":"completed","model":"m","output":[{"type":"reasoning"},{"type":"message","content":[{"type":"output_text","text":"He"},{"type":"output_text","text":"y"}]}],"usage":{"input_tokens":1,"output_tokens":2}}}`)
	if err != nil {
		t.Fatal(err)
	}
	var got response
	if err := json.Unmarshal(result.Output, &got); err != nil {
		t.Fatal(err)
	}
	if got.OutputText != "Hey" || got.Status != "completed" || len(result.Deltas) != 3 || result.Units["output_tokens"] != 2 {
		t.Errorf("got %s, %d deltas, units %v", result.Output, len(result.Deltas), result.Units)
	}
	for name, c := range map[string]struct {
		kind  sdk.Kind
		lines []string
	}{
		"broken off":    {sdk.OutcomeUnknown, []string{`{"type":"response.output_text.delta","delta":"He"}`}},
		"failed":        {sdk.RateLimited, []string{`{"type":"response.failed","response":{"id":"r","status":"failed","error":{"code":"rate_limit_exceeded","message":"slow down"}}}`}},
		"failed for no": {sdk.PlatformError, []string{`{"type":"response.failed","response":{"id":"r","status":"failed","error":null}}`}},
		"an error":      {sdk.PlatformError, []string{`{"type":"error","code":"server_error","message":"oops","param":null}`}},
		"no JSON":       {sdk.PlatformError, []string{`{"type"`}},
		"no response":   {sdk.PlatformError, []string{`{"type":"response.completed","response":{}}`}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := run(c.lines...); sdk.KindOf(err) != c.kind {
				t.Errorf("got kind %d, %v; want %d", sdk.KindOf(err), err, c.kind)
			}
		})
	}
}

func FuzzAssembly(f *testing.F) {
	f.Add([]byte(`{"choices":[{"index":0,"delta":{"content":"He"}}]}` + "\n" + `{"choices":[{"index":0,"delta":{"content":"y"},"finish_reason":"stop"}]}`))
	f.Add([]byte(`{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"a"}}]}}]}` + "\n" + `{"choices":[{"delta":{"tool_calls":"x"},"message":{"a":1}}]}`))
	f.Add([]byte(`{"choices":[{"index":"x","delta":[1],"text":"a"}]}` + "\n" + `{"choices":[{"index":1e99,"text":{"b":[]}}],"usage":1}`))
	f.Fuzz(func(t *testing.T, lines []byte) {
		a := &assembly{}
		for _, line := range strings.Split(string(lines), "\n") {
			if a.add([]byte(line)) != nil {
				return
			}
		}
		a.done = true
		if a.complete() {
			if answer := raw(a.answer()); !json.Valid(answer) || string(answer) == "null" {
				t.Errorf("%q: %s", lines, answer)
			}
			_, _ = wire{name: "X"}.completionOf(a.answer()) // it must not panic
		}
	})
}
