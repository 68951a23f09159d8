package main

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// sent is the last request that a platform was sent.
type sent struct {
	method, uri string
	header      http.Header
	body        object
}

// capture answers every request the same and tells what was sent. The run must not fail.
func capture(t *testing.T, run func(base string) error, kind, answer string) sent {
	t.Helper()
	var got sent
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("reading a request: %v", err)
		}
		got = sent{method: r.Method, uri: r.URL.RequestURI(), header: r.Header.Clone()}
		_ = json.Unmarshal(data, &got.body) // a form is none
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write([]byte(answer)) // a client that has gone says so itself
	})
	if err := run(base); err != nil {
		t.Fatal(err)
	}
	return got
}

// once runs one call against a fixed answer.
func once(t *testing.T, r sdktest.Request, path, answer string) (sent, sdktest.Result) {
	t.Helper()
	var result sdktest.Result
	got := capture(t, func(base string) (err error) {
		r.BaseURL = base + path
		result, err = start(t).Execute(t.Context(), r)
		return err
	}, "application/json", answer)
	return got, result
}

const answered = `{"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"estimated_cost":0.001},"system_fingerprint":"fp","service_tier":null}`

func TestExtra(t *testing.T) {
	r := request("openai", "chat_completion", "", given{"model": "m", "messages": hello, "temperature": 0, "extra": given{"top_k": 5, "odd": given{"n": 12345678901234567}}})
	got, _ := once(t, r, "", answered)
	if string(got.body["top_k"]) != "5" || string(got.body["temperature"]) != "0" || got.body["extra"] != nil {
		t.Errorf("sent %v", got.body)
	}
	for name, extra := range map[string]given{
		"a named parameter that is given":     {"model": "other"},
		"a named parameter that is not given": {"stream": true},
		"extra itself":                        {"extra": 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := request("openai", "chat_completion", "http://127.0.0.1:1", given{"model": "m", "messages": hello, "extra": extra})
			if _, err := start(t).Execute(t.Context(), r); sdk.KindOf(err) != sdk.InvalidInput || !strings.Contains(err.Error(), "beside extra") {
				t.Errorf("got %v, want invalid input", err)
			}
		})
	}
}

func TestCompletion(t *testing.T) {
	got, result := once(t, request("deepinfra", "chat_completion", "", given{"model": "m", "messages": hello}), "/v1/openai", answered)
	if got.uri != "/v1/openai/chat/completions" || got.header.Get("Authorization") != "Bearer "+secret {
		t.Errorf("sent %s %v", got.uri, got.header)
	}
	var out completion
	if err := json.Unmarshal(result.Output, &out); err != nil {
		t.Fatal(err)
	}
	want := completion{ID: "c", Model: "m", Message: object{"role": raw("assistant"), "content": raw("Hi")}, FinishReason: "stop",
		Usage: object{"prompt_tokens": raw(1), "completion_tokens": raw(2), "estimated_cost": raw(0.001)}, Details: object{"system_fingerprint": raw("fp")}}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]float64{"input_tokens": 1, "output_tokens": 2, "cost_usd": 0.001}, result.Units); diff != "" {
		t.Error(diff)
	}
}

func TestTextCompletion(t *testing.T) {
	got, result := once(t, request("openrouter", "completion", "", given{"model": "m", "prompt": "Once", "max_tokens": 3}), "/api/v1",
		`{"id":"c","choices":[{"text":" upon","finish_reason":"length"}],"usage":{"cost":"free"}}`)
	if got.uri != "/api/v1/completions" || string(got.body["prompt"]) != `"Once"` || !strings.Contains(string(result.Output), `" upon"`) || len(result.Units) != 0 {
		t.Errorf("sent %s %v, got %s, units %v", got.uri, got.body, result.Output, result.Units)
	}
}

func TestHeaders(t *testing.T) {
	for platform, c := range map[string]struct {
		fields map[string]string
		want   http.Header
	}{
		"openai":     {map[string]string{"organization": "org-1", "project": "proj_1"}, http.Header{"Openai-Organization": {"org-1"}, "Openai-Project": {"proj_1"}}},
		"openrouter": {map[string]string{"app_url": "https://app.example", "app_name": "My app"}, http.Header{"Http-Referer": {"https://app.example"}, "X-Title": {"My app"}}},
	} {
		r := request(platform, "chat_completion", "", given{"model": "m", "messages": hello})
		for name, value := range c.fields {
			r.Fields[name] = value
		}
		got, _ := once(t, r, "", answered)
		for name := range c.want {
			if got.header.Get(name) != c.want.Get(name) {
				t.Errorf("%s: sent %s %q, want %q", platform, name, got.header.Get(name), c.want.Get(name))
			}
		}
	}
}

func TestModelsWithSlashes(t *testing.T) {
	for name, c := range map[string]struct {
		request   sdktest.Request
		path, uri string
	}{
		"novita":     {request("novita", "get_model", "", given{"model": "deepseek/deepseek-v3"}), "/openai/v1", "/openai/v1/models/deepseek/deepseek-v3"},
		"deepinfra":  {request("deepinfra", "get_model", "", given{"model": "meta-llama/Llama-3"}), "/v1/openai", "/models/meta-llama/Llama-3"},
		"inference":  {request("deepinfra", "inference", "", given{"model": "Qwen/Qwen3-Reranker", "input": given{"queries": []string{"a"}}}), "/v1/openai", "/v1/inference/Qwen/Qwen3-Reranker"},
		"openrouter": {request("openrouter", "list_model_endpoints", "", given{"model": "a/b:free"}), "/api/v1", "/api/v1/models/a/b:free/endpoints"},
		"a climb":    {request("openrouter", "list_model_endpoints", "", given{"model": "../../keys?x=1#y"}), "/api/v1", "/api/v1/models/%2E%2E/%2E%2E/keys%3Fx=1%23y/endpoints"},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := once(t, c.request, c.path, `{"data":{},"inference_status":{"cost":0.5,"tokens_input":3}}`)
			if got.uri != c.uri {
				t.Errorf("sent %s, want %s", got.uri, c.uri)
			}
		})
	}
}

func TestInferenceUnits(t *testing.T) {
	_, result := once(t, request("deepinfra", "inference", "", given{"model": "m", "input": given{"queries": []string{"a"}}}), "/v1/openai",
		`{"scores":[0.5],"inference_status":{"status":"succeeded","cost":0.5,"tokens_input":3,"tokens_generated":null}}`)
	if diff := cmp.Diff(map[string]float64{"input_tokens": 3, "cost_usd": 0.5}, result.Units); diff != "" {
		t.Error(diff)
	}
}

// TestMalformedAnswers fails when an answer that is not what it should be is taken for one.
func TestMalformedAnswers(t *testing.T) {
	huge := `{"data":"` + strings.Repeat("x", 17<<20) + `"}`
	for operation, input := range map[string]given{
		"chat_completion":  {"model": "m", "messages": hello},
		"create_response":  {"model": "m", "input": "Hello"},
		"create_embedding": {"model": "m", "input": "a"},
		"list_models":      {},
	} {
		for name, answer := range map[string]string{"empty": "", "a page": "<html>hello</html>", "a list": "[]", "cut off": `{"id":"c","choi`, "wrong types": `{"choices":{"a":1},"data":7,"output":"x","id":[]}`, "huge": huge} {
			t.Run(operation+" "+name, func(t *testing.T) {
				base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "application/json")
					_, _ = w.Write([]byte(answer)) // a client that has gone says so itself
				})
				if _, err := start(t).Execute(t.Context(), request("openai", operation, base, input)); sdk.KindOf(err) != sdk.PlatformError {
					t.Errorf("got kind %d, %v", sdk.KindOf(err), err)
				}
			})
		}
	}
}

func TestImagesBecomeFiles(t *testing.T) {
	picture := []byte("\x89PNG the picture")
	encoded := base64.StdEncoding.EncodeToString(picture)
	r := request("openai", "generate_image", "", given{"prompt": "a cat", "output_format": "webp"})
	_, result := once(t, r, "", `{"created":1,"data":[{"b64_json":"`+encoded+`","revised_prompt":"a grey cat"},{"url":"https://cdn.example/2.png"},{"url":"data:image/jpeg;base64,`+encoded+`"}],"usage":{"input_tokens":5,"output_tokens":6}}`)
	var out images
	if err := json.Unmarshal(result.Output, &out); err != nil {
		t.Fatal(err)
	}
	want := []image{{File: "image-1.webp", MediaType: "image/webp", RevisedPrompt: "a grey cat"}, {URL: "https://cdn.example/2.png"}, {File: "image-3.jpg", MediaType: "image/jpeg"}}
	if diff := cmp.Diff(want, out.Images); diff != "" {
		t.Error(diff)
	}
	if len(result.Files) != 2 || string(result.Files[0].GetData()) != string(picture) || string(result.Files[1].GetData()) != string(picture) {
		t.Errorf("got %d files", len(result.Files))
	}
	if result.Units["output_tokens"] != 6 {
		t.Errorf("got units %v", result.Units)
	}
}

func TestImagesThatAreNone(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"data":[{"b64_json":"***"}]}`)) })
	_, err := start(t).Execute(t.Context(), request("openai", "generate_image", base, given{"prompt": "a cat"}))
	if sdk.KindOf(err) != sdk.PlatformError || !strings.Contains(err.Error(), "not base64") {
		t.Errorf("got %v", err)
	}
}

// form sends a call with files and answers the form that arrived.
func form(t *testing.T, r sdktest.Request, answer string) (values map[string][]string, files map[string][]string) {
	t.Helper()
	r.BaseURL = serve(t, func(w http.ResponseWriter, req *http.Request) {
		if err := req.ParseMultipartForm(1 << 20); err != nil {
			t.Errorf("reading the form: %v", err)
			return
		}
		values, files = req.MultipartForm.Value, map[string][]string{}
		for field, list := range req.MultipartForm.File {
			for _, f := range list {
				files[field] = append(files[field], f.Filename)
			}
		}
		_, _ = w.Write([]byte(answer)) // a client that has gone says so itself
	})
	if _, err := start(t).Execute(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return values, files
}

func TestForms(t *testing.T) {
	r := request("openai", "transcribe", "", given{"model": "whisper-1", "temperature": 0.5, "timestamp_granularities": []string{"word", "segment"},
		"extra": given{"chunking_strategy": given{"type": "server_vad", "server": given{"x": 1}}, "a\"b\r\nc": true, "none": nil}})
	r.Files = []*adapterv1.File{{Name: "../../etc/sp\"ee\r\nch", MediaType: "audio/mpeg", Data: []byte("ID3")}}
	values, files := form(t, r, `{"text":"Hello"}`)
	want := map[string][]string{"model": {"whisper-1"}, "temperature": {"0.5"}, "timestamp_granularities[]": {"word", "segment"},
		"chunking_strategy[type]": {"server_vad"}, "chunking_strategy[server][x]": {"1"}, "a_b__c": {"true"}}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]string{"file": {"sp_ee__ch.mp3"}}, files); diff != "" {
		t.Error(diff)
	}
}

func TestEditImageForms(t *testing.T) {
	png := func(name string) *adapterv1.File {
		return &adapterv1.File{Name: name, MediaType: "image/png", Data: []byte("x")}
	}
	r := request("openai", "edit_image", "", given{"prompt": "a hat", "mask_file": "m.png"})
	r.Files = []*adapterv1.File{png("a.png"), png("m.png"), png("b.png")}
	if _, files := form(t, r, `{"data":[]}`); !cmp.Equal(map[string][]string{"image[]": {"a.png", "b.png"}, "mask": {"m.png"}}, files) {
		t.Errorf("sent %v", files)
	}
	r = request("openai", "edit_image", "", given{"prompt": "a hat"})
	r.Files = []*adapterv1.File{png("a.png")}
	if _, files := form(t, r, `{"data":[]}`); !cmp.Equal(map[string][]string{"image": {"a.png"}}, files) {
		t.Errorf("sent %v", files)
	}
	for name, files := range map[string][]*adapterv1.File{"no file": nil, "the mask alone": {png("m.png")}, "no mask": {png("a.png")}} {
		r := request("openai", "edit_image", "http://127.0.0.1:1", given{"prompt": "a hat", "mask_file": "m.png"})
		r.Files = files
		if _, err := start(t).Execute(t.Context(), r); sdk.KindOf(err) != sdk.InvalidInput {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestFilesAreNeeded(t *testing.T) {
	for _, c := range []struct {
		platform, operation string
		input               given
	}{
		{"openai", "upload_file", given{"purpose": "batch"}}, {"openai", "transcribe", given{"model": "m"}}, {"groq", "translate_audio", given{"model": "m"}},
		{"novita", "upscale_image", given{"model_name": "4x-UltraSharp", "scale_factor": 2}}, {"novita", "remove_background", given{}},
	} {
		if _, err := start(t).Execute(t.Context(), request(c.platform, c.operation, "http://127.0.0.1:1", c.input)); sdk.KindOf(err) != sdk.InvalidInput {
			t.Errorf("%s of %s: got %v", c.operation, c.platform, err)
		}
	}
}

func TestSubtitles(t *testing.T) {
	r := request("openai", "transcribe", "", given{"model": "whisper-1", "response_format": "srt"})
	r.Files = sound
	var result sdktest.Result
	capture(t, func(base string) (err error) {
		r.BaseURL = base
		result, err = start(t).Execute(t.Context(), r)
		return err
	}, "text/plain", "1\n00:00 --> 00:01\nHello\n")
	if want := `{"text":"1\n00:00 --\u003e 00:01\nHello\n"}`; string(result.Output) != want {
		t.Errorf("got %s, want %s", result.Output, want)
	}
}

func TestDownloads(t *testing.T) {
	var result sdktest.Result
	capture(t, func(base string) (err error) {
		result, err = start(t).Execute(t.Context(), request("openai", "speech", base, given{"model": "tts-1", "input": "Hello", "voice": "alloy"}))
		return err
	}, "application/octet-stream", "ID3 sound")
	if len(result.Files) != 1 || result.Files[0].GetName() != "speech.mp3" || result.Files[0].GetMediaType() != "audio/mpeg" || string(result.Files[0].GetData()) != "ID3 sound" {
		t.Errorf("got %v", result.Files)
	}
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("half of it")) // and then the connection ends
	})
	if _, err := start(t).Execute(t.Context(), request("openai", "get_file_content", base, given{"file_id": "f"})); sdk.KindOf(err) != sdk.PlatformError {
		t.Errorf("got %v for a file that broke off", err)
	}
}

func TestPages(t *testing.T) {
	got, result := once(t, request("openai", "list_files", "", given{"limit": 2, "cursor": "f0", "order": "asc"}), "", `{"data":[{"id":"f1"},{"id":"f2"}],"has_more":true}`)
	if got.uri != "/files?after=f0&limit=2&order=asc" || string(result.Output) != `{"items":[{"id":"f1"},{"id":"f2"}],"next_cursor":"f2"}` {
		t.Errorf("sent %s, got %s", got.uri, result.Output)
	}
	_, result = once(t, request("openai", "list_files", "", given{}), "", `{"data":[{"id":"f1"}],"has_more":false,"last_id":"f1"}`)
	if string(result.Output) != `{"items":[{"id":"f1"}]}` {
		t.Errorf("got %s", result.Output)
	}
	got, result = once(t, request("openrouter", "list_models", "", given{"limit": 2, "cursor": "4"}), "", `{"data":[{"id":"a"},{"id":"b"}],"total_count":9}`)
	if got.uri != "/models?limit=2&offset=4" || !strings.Contains(string(result.Output), `"next_cursor":"6"`) {
		t.Errorf("sent %s, got %s", got.uri, result.Output)
	}
	_, result = once(t, request("groq", "list_models", "", given{"query": "LLAMA", "limit": 1}), "", `{"data":[{"id":"qwen"},{"id":"llama-1"},{"id":"llama-2"}]}`)
	if string(result.Output) != `{"items":[{"id":"llama-1"}]}` {
		t.Errorf("got %s", result.Output)
	}
}

func TestVerify(t *testing.T) {
	for name, c := range map[string]struct {
		platform, path, uri, key string
		header                   http.Header
		answer                   string
		want                     sdk.Account
	}{
		"organization":   {"openai", "/v1", "/v1/models", secret, http.Header{"Openai-Organization": {"acme"}}, `{"data":[]}`, sdk.Account{ID: "acme", Name: "acme"}},
		"the key's end":  {"groq", "/openai/v1", "/openai/v1/models", secret, nil, `{"data":[]}`, sdk.Account{ID: "API key ending in mnop", Name: "API key ending in mnop"}},
		"a short key":    {"openai", "", "/models", "ollama", nil, `{"data":[]}`, sdk.Account{ID: "API key", Name: "API key"}},
		"deepinfra":      {"deepinfra", "/v1/openai", "/v1/me", secret, nil, `{"uid":"u1","display_name":"Ann","email":"ann@example.com","team_display_name":null}`, sdk.Account{ID: "u1", Name: "ann@example.com"}},
		"novita":         {"novita", "/openai/v1", "/openapi/v1/billing/balance/detail", secret, nil, `{"availableBalance":"1"}`, sdk.Account{ID: "API key ending in mnop", Name: "API key ending in mnop"}},
		"the older base": {"novita", "/v3/openai", "/openapi/v1/billing/balance/detail", secret, nil, `{}`, sdk.Account{ID: "API key ending in mnop", Name: "API key ending in mnop"}},
	} {
		t.Run(name, func(t *testing.T) {
			var uri string
			base := serve(t, func(w http.ResponseWriter, r *http.Request) {
				uri = r.URL.RequestURI()
				for name, values := range c.header {
					w.Header()[name] = values
				}
				_, _ = w.Write([]byte(c.answer)) // a client that has gone says so itself
			})
			r := request(c.platform, "", base+c.path, nil)
			r.Fields["api_key"] = c.key
			account, err := start(t).Verify(t.Context(), r)
			if err != nil || uri != c.uri || !cmp.Equal(c.want, account) {
				t.Errorf("asked %s, got %v, %v; want %s, %v", uri, account, err, c.uri, c.want)
			}
		})
	}
}

func TestVerifyRefusesAnotherKindOfServer(t *testing.T) {
	for name, answer := range map[string]string{"a page": "<html>Welcome</html>", "another API": `{"ok":true}`, "nothing": ""} {
		base := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) })
		if account, err := start(t).Verify(t.Context(), request("openai", "", base, nil)); sdk.KindOf(err) != sdk.PlatformError {
			t.Errorf("%s: got %v, %v", name, account, err)
		}
	}
}

func TestVerifyRefusesDeadKeys(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"error":{"message":"bad key ` + secret + `"}}`)) // a client that has gone says so itself
	})
	for _, p := range []string{"openai", "groq", "deepinfra", "novita", "openrouter", "perplexity"} {
		if _, err := start(t).Verify(t.Context(), request(p, "", base, nil)); sdk.KindOf(err) != sdk.AuthRevoked || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v", p, err)
		}
	}
}

func TestDeepResearch(t *testing.T) {
	got, result := once(t, request("perplexity", "create_deep_research", "", given{"messages": hello, "idempotency_key": "k"}), "", `{"id":"r","model":"sonar-deep-research","status":"CREATED","created_at":1,"response":null}`)
	var asked struct {
		Model          string `json:"model"`
		IdempotencyKey string `json:"idempotency_key"`
	}
	if err := json.Unmarshal(got.body["request"], &asked); err != nil || asked.Model != "sonar-deep-research" || asked.IdempotencyKey != "" || string(got.body["idempotency_key"]) != `"k"` {
		t.Errorf("sent %v", got.body)
	}
	if strings.Contains(string(result.Output), "response") {
		t.Errorf("got %s", result.Output)
	}
	_, result = once(t, request("perplexity", "get_deep_research", "", given{"id": "r"}), "", `{"id":"r","model":"m","status":"COMPLETED","response":`+answered+`}`)
	if !strings.Contains(string(result.Output), `"response":{"id":"c"`) || len(result.Units) != 0 {
		t.Errorf("got %s, units %v", result.Output, result.Units)
	}
	_, result = once(t, request("perplexity", "list_deep_research", "", given{"limit": 1}), "", `{"requests":[{"id":"a"},{"id":"b"}],"next_token":"t"}`)
	if string(result.Output) != `{"items":[{"id":"a"}],"next_cursor":"t"}` {
		t.Errorf("got %s", result.Output)
	}
}
