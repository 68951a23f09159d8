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

const (
	begun = `{"type":"message_start","message":{"id":"msg_1","model":"m","role":"assistant","content":[],"stop_reason":null,"usage":{"input_tokens":12345678901234567,"output_tokens":1}}}`
	ended = `{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":null,"output_tokens":9},"context_management":{"applied_edits":[]}}`
)

// streamed runs a call against a stream of events.
func streamed(t *testing.T, events ...string) (sdktest.Result, error) {
	t.Helper()
	base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, e := range events {
			_, _ = fmt.Fprintf(w, "data: %s\n\n", e) // a client that has gone says so itself
		}
	})
	r := request("create_message", base, given{"model": "m", "max_tokens": 1, "messages": hello, "stream": true})
	r.Stream = true
	result, err := start(t).Execute(t.Context(), r)
	sdktest.Discreet(t, r, err)
	return result, err
}

func TestStreamIsPutTogether(t *testing.T) {
	result, err := streamed(t, begun, `{"type":"ping"}`,
		`{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"sig"}}`,
		`{"type":"content_block_stop","index":0}`,
		`{"type":"content_block_start","index":1,"content_block":{"type":"text","text":"","citations":[]}}`,
		`{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"He"}}`,
		`{"type":"content_block_delta","index":1,"delta":{"type":"citations_delta","citation":{"url":"a"}}}`,
		`{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"y"}}`,
		`{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t","name":"weather","input":{}}}`,
		`{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":""}}`,
		`{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"n\": 1234567"}}`,
		`{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"8901234567890}"}}`,
		`{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"u","name":"now","input":{}}}`,
		`{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":""}}`,
		`{"type":"brand_new_event","x":1}`, ended, `{"type":"message_stop"}`)
	if err != nil {
		t.Fatal(err)
	}
	var got message
	if err := json.Unmarshal(result.Output, &got); err != nil {
		t.Fatal(err)
	}
	content, err := json.Marshal(got.Content)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"signature":"sig","thinking":"hm","type":"thinking"},{"citations":[{"url":"a"}],"text":"Hey","type":"text"},` +
		`{"id":"t","input":{"n":12345678901234567890},"name":"weather","type":"tool_use"},{"id":"u","input":{},"name":"now","type":"tool_use"}]`
	if diff := cmp.Diff(want, string(content)); diff != "" {
		t.Error(diff)
	}
	if got.ID != "msg_1" || got.Text != "Hey" || got.StopReason != "tool_use" || got.Details["context_management"] == nil {
		t.Errorf("got %s", result.Output)
	}
	if string(got.Usage["input_tokens"]) != "12345678901234567" || result.Units["output_tokens"] != 9 {
		t.Errorf("got usage %s, units %v", got.Usage["input_tokens"], result.Units)
	}
	if len(result.Deltas) != 18 { // all but the ping
		t.Errorf("got %d deltas", len(result.Deltas))
	}
}

func TestStreamsThatFail(t *testing.T) {
	const block = `{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","input":{}}}`
	const piece = `{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"a"}}`
	for name, c := range map[string]struct {
		kind   sdk.Kind
		says   string
		events []string
	}{
		"broken off":             {sdk.OutcomeUnknown, "before the message was complete", []string{begun}},
		"empty":                  {sdk.OutcomeUnknown, "before the message was complete", nil},
		"an end without a start": {sdk.OutcomeUnknown, "before the message was complete", []string{ended, `{"type":"message_stop"}`}},
		"overloaded":             {sdk.PlatformUnavailable, "Overloaded", []string{begun, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`}},
		"an error with the key":  {sdk.PlatformError, "no [secret] here", []string{`{"type":"error","error":{"type":"api_error","message":"no ` + secret + ` here"}}`}},
		"an error without words": {sdk.PlatformError, "with an error", []string{`{"type":"error"}`}},
		"not JSON":               {sdk.PlatformError, "not as expected", []string{begun, `{"type`}},
		"wrong types":            {sdk.PlatformError, "not as expected", []string{`{"type":"message_start","message":[1]}`}},
		"blocks out of order":    {sdk.PlatformError, "out of order", []string{begun, `{"type":"content_block_start","index":7}`}},
		"a block not begun":      {sdk.PlatformError, "not begun", []string{begun, piece}},
		"an input cut off":       {sdk.PlatformError, "not JSON", []string{begun, block, piece, ended, `{"type":"message_stop"}`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := streamed(t, c.events...)
			if err == nil || sdk.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got kind %d, %v; want kind %d, ...%s...", sdk.KindOf(err), err, c.kind, c.says)
			}
		})
	}
	cut := strings.Replace(ended, "tool_use", "max_tokens", 1)
	if _, err := streamed(t, begun, block, piece, cut, `{"type":"message_stop"}`); err != nil {
		t.Errorf("a message that ends with max_tokens within an input: %v", err)
	}
}

// TestEndlessStreams fails when a platform can fill the adapter's memory.
func TestEndlessStreams(t *testing.T) {
	for name, f := range map[string]func(i int) string{
		"text": func(int) string {
			return `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"` + strings.Repeat("x", 1<<20) + `"}}`
		},
		"blocks": func(i int) string { return fmt.Sprintf(`{"type":"content_block_start","index":%d}`, i+1) },
	} {
		t.Run(name, func(t *testing.T) {
			base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				_, _ = fmt.Fprintf(w, "data: %s\n\ndata: %s\n\n", begun, `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`)
				for i := 0; ; i++ {
					if _, err := fmt.Fprintf(w, "data: %s\n\n", f(i)); err != nil {
						return
					}
				}
			})
			_, err := start(t).Execute(t.Context(), request("create_message", base, given{"model": "m", "max_tokens": 1, "messages": hello, "stream": true}))
			if sdk.KindOf(err) != sdk.PlatformError {
				t.Errorf("got %v", err)
			}
		})
	}
}

func FuzzAssembly(f *testing.F) {
	f.Add([]byte(begun + "\n" + `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}` + "\n" + `{"type":"content_block_delta","index":0,"delta":{"text":"a","citation":1,"x":[]}}` + "\n" + ended + "\n" + `{"type":"message_stop"}`))
	f.Add([]byte(`{"type":"message_start","message":{"usage":1}}` + "\n" + `{"type":"content_block_start","index":0}` + "\n" + `{"type":"content_block_delta","delta":{"a":1}}` + "\n" + `{"type":"message_stop"}`))
	f.Fuzz(func(t *testing.T, lines []byte) {
		a := &assembly{}
		for _, line := range strings.Split(string(lines), "\n") {
			if _, err := a.add([]byte(line)); err != nil {
				return
			}
		}
		if !a.done {
			return
		}
		if answer, err := a.answer(); err == nil {
			if _, err := messageOf(answer); err != nil {
				t.Errorf("%q: %v", lines, err)
			}
		}
	})
}
