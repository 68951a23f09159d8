package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// secret is planted as the key: it may stand in no error, whatever a platform answers.
const secret = "sk-planted-0123456789abcdefghijklmnop"

// request is a call with the planted key.
func request(platform, operation, base string, input any) sdktest.Request {
	return sdktest.Request{Platform: platform, Operation: operation, BaseURL: base, Input: input,
		Method: sdk.MethodAPIKey, Fields: map[string]string{"api_key": secret}}
}

// start runs the adapter in process.
func start(t *testing.T) *sdktest.Harness {
	t.Helper()
	return sdktest.Start(t, adapter("1.2.3"))
}

// serve answers every request by one function.
func serve(t *testing.T, f http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server.URL
}

func TestManifest(t *testing.T) {
	h := start(t)
	want := map[string][]string{
		"openai":     {"chat_completion", "create_response", "get_response", "delete_response", "create_embedding", "generate_image", "edit_image", "transcribe", "translate_audio", "speech", "moderate", "list_models", "get_model", "upload_file", "list_files", "get_file", "delete_file", "get_file_content", "create_video", "get_video", "get_video_content", "remix_video", "create_batch", "list_batches", "get_batch", "cancel_batch"},
		"groq":       {"chat_completion", "create_response", "transcribe", "translate_audio", "speech", "list_models", "get_model", "upload_file", "list_files", "get_file", "get_file_content", "delete_file", "create_batch", "list_batches", "get_batch", "cancel_batch"},
		"deepinfra":  {"chat_completion", "completion", "create_embedding", "generate_image", "transcribe", "speech", "list_models", "inference"},
		"novita":     {"chat_completion", "completion", "create_embedding", "rerank", "list_models", "generate_image", "generate_video", "get_task_result", "upscale_image", "remove_background", "text_to_speech"},
		"openrouter": {"chat_completion", "completion", "create_embedding", "list_models", "list_model_endpoints", "get_generation", "get_credits", "get_key"},
		"perplexity": {"chat_completion", "search", "create_deep_research", "get_deep_research", "list_deep_research"},
	}
	if len(h.Platforms) != len(want) {
		t.Fatalf("the adapter serves %d platforms, want %d", len(h.Platforms), len(want))
	}
	for _, p := range h.Platforms {
		var have []string
		for _, op := range p.GetOperations() {
			have = append(have, op.GetName())
		}
		for _, name := range want[p.GetId()] {
			if !slices.Contains(have, name) {
				t.Errorf("%s has no %s", p.GetId(), name)
			}
		}
		if len(p.GetIcon()) == 0 || p.GetAuthMethods()[0].GetFields()[0].GetName() != "api_key" {
			t.Errorf("%s has no icon, or no api_key", p.GetId())
		}
	}
}

// TestNoCallerChoosesAHost fails when an input could lead a key elsewhere.
func TestNoCallerChoosesAHost(t *testing.T) {
	for _, p := range start(t).Platforms {
		for _, op := range p.GetOperations() {
			var schema struct {
				Properties map[string]json.RawMessage `json:"properties"`
			}
			if err := json.Unmarshal(op.GetInputSchema(), &schema); err != nil {
				t.Fatal(err)
			}
			for name := range schema.Properties {
				if slices.Contains([]string{"base_url", "host", "api_base", "endpoint_url"}, name) {
					t.Errorf("%s of %s takes %s", op.GetName(), p.GetId(), name)
				}
			}
		}
	}
}

// TestReadmeNamesEveryOperation keeps the table of the README in step with the manifest.
func TestReadmeNamesEveryOperation(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	letters := map[adapterv1.Effect]string{adapterv1.Effect(sdk.Read): "r", adapterv1.Effect(sdk.Idempotent): "i", adapterv1.Effect(sdk.Write): "w"}
	columns := []string{"openai", "groq", "deepinfra", "novita", "openrouter", "perplexity"}
	rows := map[string][]string{}
	for line := range strings.Lines(string(readme)) {
		if cells := strings.Split(line, " | "); strings.HasPrefix(line, "| `") && len(cells) == len(columns)+2 {
			rows[strings.Trim(cells[0], "| `")] = cells[1:]
		}
	}
	h := start(t)
	for operation, cells := range rows {
		for i, platform := range columns {
			want := ""
			if op := h.Operation(platform, operation); op != nil {
				want = letters[op.GetEffect()]
			}
			if got := strings.TrimSpace(cells[i]); got != want {
				t.Errorf("%s at %s is %q in the README, want %q", operation, platform, got, want)
			}
		}
	}
	for _, p := range h.Platforms {
		for _, op := range p.GetOperations() {
			if rows[op.GetName()] == nil {
				t.Errorf("%s of %s is not in the README", op.GetName(), p.GetId())
			}
		}
	}
}
