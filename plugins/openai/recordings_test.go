package main

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
	"github.com/patchbay/patchbay/sdk/sdktest/cassette"
)

// recordedHosts are the platforms that the recordings have, and the path of each one's base URL.
var recordedHosts = map[string]struct{ platform, base string }{
	"api.openai.com": {"openai", "/v1"},
	"api.groq.com":   {"groq", "/openai/v1"},
	"openrouter.ai":  {"openrouter", "/api/v1"},
}

// recordedOperations are the operations of the recorded requests, by method and path.
var recordedOperations = []struct {
	method, operation string
	path              *regexp.Regexp
	parameters        []string
}{
	{"POST", "chat_completion", regexp.MustCompile(`^/chat/completions$`), nil},
	{"POST", "create_response", regexp.MustCompile(`^/responses$`), nil},
	{"POST", "count_input_tokens", regexp.MustCompile(`^/responses/input_tokens$`), nil},
	{"POST", "compact_response", regexp.MustCompile(`^/responses/compact$`), nil},
	{"POST", "create_embedding", regexp.MustCompile(`^/embeddings$`), nil},
	{"POST", "create_vector_store", regexp.MustCompile(`^/vector_stores$`), nil},
	{"POST", "add_vector_store_file", regexp.MustCompile(`^/vector_stores/([^/]+)/files$`), []string{"vector_store_id"}},
	{"DELETE", "delete_vector_store", regexp.MustCompile(`^/vector_stores/([^/]+)$`), []string{"vector_store_id"}},
	{"DELETE", "delete_file", regexp.MustCompile(`^/files/([^/]+)$`), []string{"file_id"}},
	{"DELETE", "delete_conversation", regexp.MustCompile(`^/conversations/([^/]+)$`), []string{"conversation_id"}},
}

// TestRecordings sends what others sent to the live platforms, strictly as they did, and reads what these answered.
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
			one.Body = withoutNulls(one.Body)
			operation, input, ok := recordedCall(h, one)
			if !ok {
				continue
			}
			host := recordedHosts[one.URL.Host]
			played[host.platform+" "+operation]++
			t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
				r := request(host.platform, operation, cassette.Play(t, one)+host.base, input)
				r.Stream = input["stream"] == true
				result, err := h.Execute(t.Context(), r)
				checkRecorded(t, one, result, err)
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, least := range map[string]int{"openai chat_completion": 25, "openai create_response": 70, "groq chat_completion": 15, "openrouter chat_completion": 20,
		"openrouter create_response": 3, "openai create_embedding": 3, "openai compact_response": 5} {
		if played[name] < least {
			t.Errorf("%d recordings of %s were played, want %d", played[name], name, least)
		}
	}
}

// withoutNulls drops the parameters that a recorded request gives as null: an operation's input leaves out what is not given.
func withoutNulls(body []byte) []byte {
	var o object
	if json.Unmarshal(body, &o) != nil {
		return body
	}
	return raw(rest(o))
}

// recordedCall makes the call that sends a recorded request: named parameters by name, the rest as extra.
func recordedCall(h *sdktest.Harness, one cassette.Interaction) (operation string, input given, ok bool) {
	host, known := recordedHosts[one.URL.Host]
	path, under := strings.CutPrefix(one.URL.Path, host.base)
	if !known || !under {
		return "", nil, false
	}
	for _, o := range recordedOperations {
		m := o.path.FindStringSubmatch(path)
		if m == nil || o.method != one.Method {
			continue
		}
		input = given{}
		for i, name := range o.parameters {
			input[name] = m[i+1]
		}
		var body given
		if len(one.Body) > 0 && json.Unmarshal(one.Body, &body) != nil {
			return "", nil, false
		}
		var schema struct {
			Properties map[string]any `json:"properties"`
		}
		if json.Unmarshal(h.Operation(host.platform, o.operation).GetInputSchema(), &schema) != nil {
			return "", nil, false
		}
		extra := given{}
		for name, value := range body {
			if _, named := schema.Properties[name]; named {
				input[name] = value
			} else {
				extra[name] = value
			}
		}
		if len(extra) > 0 {
			input["extra"] = extra
		}
		return o.operation, input, true
	}
	return "", nil, false
}

// checkRecorded compares what the adapter made of an answer with the answer.
func checkRecorded(t *testing.T, one cassette.Interaction, result sdktest.Result, err error) {
	t.Helper()
	broken := one.Status >= http.StatusBadRequest || strings.Contains(string(one.Answer), "event: error")
	if broken {
		var failed *sdk.Error
		if !errors.As(err, &failed) || failed.Message == "" || failed.Kind == sdk.AdapterBug {
			t.Errorf("got %v for a failure", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	var out struct {
		ID         string `json:"id"`
		OutputText string `json:"output_text"`
		Message    struct {
			Content any `json:"content"`
		} `json:"message"`
	}
	if err := json.Unmarshal(result.Output, &out); err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(one.AnswerHeader.Get("Content-Type"), "text/event-stream") {
		checkStream(t, one, result, or(textOf(out.Message.Content), out.OutputText))
		return
	}
	var answer struct {
		ID      string `json:"id"`
		Choices []struct {
			Message struct {
				Content any `json:"content"`
			} `json:"message"`
		} `json:"choices"`
		Usage map[string]any `json:"usage"`
	}
	if err := json.Unmarshal(one.Answer, &answer); err != nil {
		t.Fatal(err)
	}
	if answer.ID != out.ID && one.Method == http.MethodPost && answer.ID != "" {
		t.Errorf("got id %q, want %q", out.ID, answer.ID)
	}
	if len(answer.Choices) > 0 && textOf(answer.Choices[0].Message.Content) != textOf(out.Message.Content) {
		t.Errorf("got %v, want %v", out.Message.Content, answer.Choices[0].Message.Content)
	}
	checkUnits(t, answer.Usage, result.Units)
}

// checkStream compares the deltas and the whole with the events.
func checkStream(t *testing.T, one cassette.Interaction, result sdktest.Result, whole string) {
	t.Helper()
	var want strings.Builder
	var usage map[string]any
	events := 0
	for line := range strings.Lines(string(one.Answer)) {
		data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: ")
		if !ok || data == "[DONE]" {
			continue
		}
		events++
		var e struct {
			Type    string          `json:"type"`
			Delta   json.RawMessage `json:"delta"`
			Choices []struct {
				Delta struct {
					Content string `json:"content"`
				} `json:"delta"`
			} `json:"choices"`
			Usage    map[string]any `json:"usage"`
			Response struct {
				Usage map[string]any `json:"usage"`
			} `json:"response"`
		}
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			t.Fatal(err)
		}
		if e.Type == "response.output_text.delta" {
			want.WriteString(sdk.Text(e.Delta))
		}
		for _, c := range e.Choices {
			want.WriteString(c.Delta.Content)
		}
		for _, told := range []map[string]any{e.Usage, e.Response.Usage} {
			if told != nil {
				usage = told
			}
		}
	}
	if len(result.Deltas) != events {
		t.Errorf("got %d deltas for %d events", len(result.Deltas), events)
	}
	if whole != want.String() {
		t.Errorf("got %q, want %q", whole, want.String())
	}
	checkUnits(t, usage, result.Units)
}

// checkUnits compares the counted units with the usage.
func checkUnits(t *testing.T, usage map[string]any, units map[string]float64) {
	t.Helper()
	for unit, names := range map[string][]string{"input_tokens": {"prompt_tokens", "input_tokens"}, "output_tokens": {"completion_tokens", "output_tokens"}, "cost_usd": {"cost"}} {
		for _, name := range names {
			if want, ok := usage[name].(float64); ok && math.Abs(want-units[unit]) > 1e-12 {
				t.Errorf("counted %v %s, want %v", units[unit], unit, want)
			}
		}
	}
}

func textOf(content any) string {
	s, _ := content.(string)
	return s
}

// TestRecordedUpload sends the one recorded upload of a file.
func TestRecordedUpload(t *testing.T) {
	all, err := cassette.Read(sdktest.Fixture(t, "recordings/llm-pydantic-ai/tests/models/cassettes/test_openai_responses/test_openai_responses_model_file_search_tool.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	r := request("openai", "upload_file", cassette.Play(t, all[0])+"/v1", given{"purpose": "assistants"})
	r.Files = []*adapterv1.File{{Name: "tmp2zuepgia.txt", MediaType: "text/plain", Data: []byte("Paris is the capital of France. It is known for the Eiffel Tower.")}}
	result, err := start(t).Execute(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(result.Output), `"id":"file-U6Ke78qu8nkANsrCrjoYBr"`) {
		t.Errorf("got %s", result.Output)
	}
}
