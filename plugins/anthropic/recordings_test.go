package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
	"github.com/patchbay/patchbay/sdk/sdktest/cassette"
)

// recordedOperations are the operations of the recorded requests, by path.
var recordedOperations = map[string]string{"/v1/messages": "create_message", "/v1/messages/count_tokens": "count_tokens"}

// TestRecordings sends what others sent to Anthropic, strictly as they did, and reads what it answered.
func TestRecordings(t *testing.T) {
	root := sdktest.Fixture(t, "recordings/llm-pydantic-ai/tests")
	h := start(t)
	played := map[string]int{}
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		all, err := cassette.Read(path)
		if err != nil {
			return err
		}
		for _, one := range all {
			operation := recordedOperations[one.URL.Path]
			if one.URL.Host != "api.anthropic.com" || operation == "" || one.Method != http.MethodPost {
				continue
			}
			input, streams := recordedInput(t, h, operation, one)
			played[operation]++
			if streams {
				played["streams"]++
			}
			t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
				r := request(operation, cassette.Play(t, one), input)
				r.Stream = streams
				result, err := h.Execute(t.Context(), r)
				checkRecorded(t, one, operation, result, err)
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, least := range map[string]int{"create_message": 60, "count_tokens": 3, "streams": 10} {
		t.Logf("%d of %s", played[name], name)
		if played[name] < least {
			t.Errorf("%d recordings of %s were played, want %d", played[name], name, least)
		}
	}
}

// recordedInput makes the input that sends a recorded request: named parameters by name, the rest as extra.
func recordedInput(t *testing.T, h *sdktest.Harness, operation string, one cassette.Interaction) (given, bool) {
	t.Helper()
	var body given
	if err := json.Unmarshal(one.Body, &body); err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties map[string]any `json:"properties"`
	}
	if err := json.Unmarshal(h.Operation("anthropic", operation).GetInputSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	input, extra := given{}, given{}
	for name, value := range body {
		if _, named := schema.Properties[name]; named && value != nil {
			input[name] = value
		} else {
			extra[name] = value
		}
	}
	if len(extra) > 0 {
		input["extra"] = extra
	}
	if one.URL.Query().Get("beta") == "true" {
		input["betas"] = []string{"some-feature"} // which one is in a header that was not recorded
	}
	return input, body["stream"] == true
}

// checkRecorded compares what the adapter made of an answer with the answer.
func checkRecorded(t *testing.T, one cassette.Interaction, operation string, result sdktest.Result, err error) {
	t.Helper()
	if one.Status >= http.StatusBadRequest {
		var failed *sdk.Error
		if !errors.As(err, &failed) || !strings.HasPrefix(failed.Message, "Anthropic: ") || failed.Kind == sdk.AdapterBug || failed.PlatformCode == "" {
			t.Errorf("got %v for a failure", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if operation == "count_tokens" {
		var got, want any
		if json.Unmarshal(result.Output, &got) != nil || json.Unmarshal(one.Answer, &want) != nil || !cmp.Equal(want, got) {
			t.Errorf("got %s, want %s", result.Output, one.Answer)
		}
		return
	}
	var got message
	if err := json.Unmarshal(result.Output, &got); err != nil {
		t.Fatal(err)
	}
	want := recordedMessage(t, one.Answer)
	if got.ID != want.ID || got.StopReason != want.StopReason || got.Text != want.Text || len(got.Content) != want.Blocks {
		t.Errorf("got %s %s %q of %d blocks, want %+v", got.ID, got.StopReason, got.Text, len(got.Content), want)
	}
	if result.Units["output_tokens"] != want.Tokens || result.Units["output_tokens"] == 0 {
		t.Errorf("counted %v, want %v", result.Units, want.Tokens)
	}
	if want.Events > 0 && len(result.Deltas) != want.Events {
		t.Errorf("got %d deltas for %d events", len(result.Deltas), want.Events)
	}
}

// recorded is what is compared of a message.
type recorded struct {
	ID, StopReason, Text string
	Blocks, Events       int
	Tokens               float64
}

// recordedMessage reads an answer in another way than the adapter does: of a stream, only what its texts and its end tell.
func recordedMessage(t *testing.T, answer []byte) recorded {
	t.Helper()
	var out recorded
	type usage struct {
		OutputTokens float64 `json:"output_tokens"`
	}
	type whole struct {
		ID         string `json:"id"`
		StopReason string `json:"stop_reason"`
		Content    []struct{ Type, Text string }
		Usage      usage `json:"usage"`
	}
	if !strings.HasPrefix(string(answer), "event:") {
		var m whole
		if err := json.Unmarshal(answer, &m); err != nil {
			t.Fatal(err)
		}
		for _, block := range m.Content {
			if block.Type == "text" {
				out.Text += block.Text
			}
		}
		out.ID, out.StopReason, out.Blocks, out.Tokens = m.ID, m.StopReason, len(m.Content), m.Usage.OutputTokens
		return out
	}
	for line := range strings.Lines(string(answer)) {
		data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: ")
		if !ok {
			continue
		}
		var e struct {
			Type    string
			Message whole
			Delta   struct {
				Type, Text string
				StopReason string `json:"stop_reason"`
			}
			Usage usage
		}
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			t.Fatal(err)
		}
		switch e.Type {
		case "ping":
			continue
		case "message_start":
			out.ID = e.Message.ID
		case "content_block_start":
			out.Blocks++
		case "content_block_delta":
			out.Text += e.Delta.Text
		case "message_delta":
			out.StopReason, out.Tokens = e.Delta.StopReason, e.Usage.OutputTokens
		}
		out.Events++
	}
	return out
}
