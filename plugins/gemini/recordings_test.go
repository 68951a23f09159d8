package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
	"github.com/patchbay/patchbay/sdk/sdktest/cassette"
)

var recordedModel = regexp.MustCompile(`^/v1beta/models/([^:]+):(generateContent|streamGenerateContent|countTokens|batchEmbedContents)$`)

var recordedOperations = map[string]string{"generateContent": "generate_content", "streamGenerateContent": "generate_content", "countTokens": "count_tokens", "batchEmbedContents": "batch_embed_contents"}

// recordings runs f for every recorded file.
func recordings(t *testing.T, f func(name string, all []cassette.Interaction)) {
	t.Helper()
	err := filepath.WalkDir(sdktest.Fixture(t, "recordings/llm-pydantic-ai/tests"), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		all, err := cassette.Read(path)
		if err == nil {
			f(strings.TrimSuffix(filepath.Base(path), ".yaml"), all)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestRecordings sends what others sent to the Gemini API, strictly as they did, and reads what it answered.
func TestRecordings(t *testing.T) {
	h := start(t)
	played := map[string]int{}
	recordings(t, func(name string, all []cassette.Interaction) {
		for _, one := range all {
			m := recordedModel.FindStringSubmatch(one.URL.Path)
			if one.URL.Host != "generativelanguage.googleapis.com" || m == nil {
				continue
			}
			if strings.Contains(string(one.Body), `"tools":{`) {
				continue // an old client's loose form: one object where the API has a list
			}
			one.Body = withoutEmpty(t, one.Body)
			operation, streams := recordedOperations[m[2]], m[2] == "streamGenerateContent"
			played[m[2]]++
			t.Run(name, func(t *testing.T) {
				input := recordedInput(t, m[1], operation, one)
				if streams {
					input["stream"] = true
				}
				r := request(operation, cassette.Play(t, one), input)
				r.Stream = true // pictures may be large
				result, err := h.Execute(t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				if operation == "generate_content" {
					checkContent(t, one, result, streams)
				}
			})
		}
	})
	for name, least := range map[string]int{"generateContent": 40, "streamGenerateContent": 2, "countTokens": 2, "batchEmbedContents": 8} {
		if played[name] < least {
			t.Errorf("%d recordings of %s were played, want %d", played[name], name, least)
		}
	}
}

// withoutEmpty drops the parameters that a recorded request gives as {}: an operation's input leaves out what says nothing.
func withoutEmpty(t *testing.T, body []byte) []byte {
	t.Helper()
	var parameters sdk.Object
	if err := json.Unmarshal(body, &parameters); err != nil {
		t.Fatal(err)
	}
	for name, value := range parameters {
		if string(value) == "{}" {
			delete(parameters, name)
		}
	}
	return encode(parameters)
}

// recordedInput makes the input that sends a recorded request.
func recordedInput(t *testing.T, model, operation string, one cassette.Interaction) given {
	t.Helper()
	var body given
	if err := json.Unmarshal(one.Body, &body); err != nil {
		t.Fatal(err)
	}
	if operation != "batch_embed_contents" {
		body["model"] = model
		return body
	}
	input := given{"model": model}
	var contents []any
	for _, r := range body["requests"].([]any) {
		for name, value := range r.(map[string]any) {
			switch name {
			case "content":
				contents = append(contents, value)
			case "model":
			default:
				input[name] = value
			}
		}
	}
	input["contents"] = contents
	return input
}

// checkContent compares what the adapter made of an answer with the answer, which it reads in another way.
func checkContent(t *testing.T, one cassette.Interaction, result sdktest.Result, streams bool) {
	t.Helper()
	type piece struct {
		Candidates []struct {
			Content      struct{ Parts []map[string]any }
			FinishReason string
		}
		UsageMetadata map[string]float64
	}
	var pieces []piece
	answer := string(one.Answer)
	if !streams {
		answer = "data: " + strings.ReplaceAll(answer, "\n", " ")
	}
	for line := range strings.Lines(answer) {
		data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: ")
		if !ok {
			continue
		}
		var p struct {
			Candidates    json.RawMessage
			UsageMetadata map[string]any
		}
		if err := json.Unmarshal([]byte(data), &p); err != nil {
			t.Fatal(err)
		}
		read := piece{UsageMetadata: map[string]float64{}}
		if err := json.Unmarshal(p.Candidates, &read.Candidates); err != nil && p.Candidates != nil {
			t.Fatal(err)
		}
		for name, value := range p.UsageMetadata {
			if n, ok := value.(float64); ok {
				read.UsageMetadata[name] = n
			}
		}
		pieces = append(pieces, read)
	}
	var got content
	if err := json.Unmarshal(result.Output, &got); err != nil {
		t.Fatal(err)
	}
	text, reason, files := "", "", 0
	for _, p := range pieces {
		for _, c := range p.Candidates {
			for _, part := range c.Content.Parts {
				if said, ok := part["text"].(string); ok && part["thought"] != true {
					text += said
				}
				if part["inlineData"] != nil {
					files++
				}
			}
			if c.FinishReason != "" {
				reason = c.FinishReason
			}
		}
	}
	usage := pieces[len(pieces)-1].UsageMetadata
	if got.Text != text || got.FinishReason != reason || len(result.Files) != files || len(got.Files) != files {
		t.Errorf("got %q %s %d files, want %q %s %d", got.Text, got.FinishReason, len(result.Files), text, reason, files)
	}
	if result.Units["input_tokens"] != usage["promptTokenCount"] || result.Units["output_tokens"] != usage["candidatesTokenCount"]+usage["thoughtsTokenCount"] {
		t.Errorf("counted %v, want %v", result.Units, usage)
	}
	if streams && len(result.Deltas) != len(pieces) {
		t.Errorf("got %d deltas for %d events", len(result.Deltas), len(pieces))
	}
}

// TestRecordedUploads sends recorded uploads in both their steps: the start, whose answer names where the content goes, and the content. Its address
// is that of the live service; the stand-in's takes its place.
func TestRecordedUploads(t *testing.T) {
	played := 0
	h := start(t)
	recordings(t, func(name string, all []cassette.Interaction) {
		for i, one := range all {
			store, ok := strings.CutPrefix(strings.TrimSuffix(one.URL.Path, ":uploadToFileSearchStore"), "/upload/v1beta/")
			if !ok || one.URL.RawQuery != "" || i+1 >= len(all) {
				continue
			}
			content := all[i+1]
			played++
			t.Run(name, func(t *testing.T) {
				var input given
				if err := json.Unmarshal(one.Body, &input); err != nil {
					t.Fatal(err)
				}
				mediaType := input["mimeType"].(string)
				delete(input, "mimeType")
				input["store"] = store
				commands := ""
				var base string
				told := one.AnswerHeader.Get("X-Goog-Upload-Url")
				one.AnswerHeader = http.Header{}
				steps := []string{cassette.Play(t, one), cassette.Play(t, content)}
				base = sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
					step := 0
					if r.URL.RawQuery != "" {
						step = 1
					}
					commands += r.Header.Get("X-Goog-Upload-Command") + ";"
					w.Header().Set("X-Goog-Upload-Url", strings.Replace(told, "https://generativelanguage.googleapis.com", base, 1))
					forward(t, w, r, steps[step])
				})
				r := request("upload_to_file_search_store", base, input)
				r.Files = []*sdktest.File{{Name: "paris.txt", MediaType: mediaType, Data: content.Body}}
				result, err := h.Execute(t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				var out sdk.Object
				if json.Unmarshal(result.Output, &out) != nil || !strings.HasPrefix(sdk.Text(out["name"]), store+"/upload/operations/") || commands != "start;upload, finalize;" {
					t.Errorf("got %s by %s", result.Output, commands)
				}
			})
		}
	})
	if played < 2 {
		t.Errorf("%d uploads were played, want 2", played)
	}
}

// forward hands a request on to a stand-in.
func forward(t *testing.T, w http.ResponseWriter, r *http.Request, to string) {
	t.Helper()
	again, err := http.NewRequestWithContext(r.Context(), r.Method, to+r.URL.RequestURI(), r.Body)
	if err != nil {
		t.Error(err)
		return
	}
	again.Header = r.Header
	resp, err := http.DefaultClient.Do(again)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
	w.WriteHeader(resp.StatusCode)
	var answer json.RawMessage
	if json.NewDecoder(resp.Body).Decode(&answer) == nil {
		_, _ = w.Write(answer)
	}
}
