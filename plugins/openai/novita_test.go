package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/sdk"
)

// There is no stand-in for Novita's own operations: these tests hold them against its public reference.

func TestNovitaMedia(t *testing.T) {
	b64 := base64.StdEncoding.EncodeToString(picture[0].GetData())
	sd := func(more given) given {
		all := given{"model_name": "sd.safetensors", "prompt": "a cat", "width": 512, "height": 512, "image_num": 1, "steps": 20, "guidance_scale": 7.5, "sampler_name": "Euler a", "seed": -1}
		for name, value := range more {
			all[name] = value
		}
		return all
	}
	for _, c := range []struct {
		operation string
		input     given
		file      bool
		method    string
		uri       string
		body      any
	}{
		{"generate_image", sd(given{"response_image_type": "jpeg", "extra": given{"clip_skip": 1}}), false, "POST", "/v3/async/txt2img", given{"extra": given{"response_image_type": "jpeg"}, "request": sd(given{"clip_skip": 1})}},
		{"edit_image", sd(given{"strength": 0.5}), true, "POST", "/v3/async/img2img", given{"request": sd(given{"strength": 0.5, "image_base64": b64})}},
		{"upscale_image", given{"model_name": "4x-UltraSharp", "scale_factor": 2}, true, "POST", "/v3/async/upscale", given{"request": given{"model_name": "4x-UltraSharp", "scale_factor": 2, "image_base64": b64}}},
		{"generate_video", given{"model": "kling-v2.1", "prompt": "a cat", "duration": 5, "extra": given{"cfg": 1}}, true, "POST", "/v3/video/create", given{"model": "kling-v2.1", "prompt": "a cat", "duration": 5, "cfg": 1, "image": b64}},
		{"text_to_speech", given{"text": "Hello", "voice_id": "Emily", "language": "en-US", "speed": 1}, false, "POST", "/v3/async/txt2speech", given{"request": given{"texts": []string{"Hello"}, "voice_id": "Emily", "language": "en-US", "speed": 1}}},
		{"run_model", given{"endpoint": "flux-2-pro", "input": given{"prompt": "a cat"}}, false, "POST", "/v3/async/flux-2-pro", given{"prompt": "a cat"}},
		{"run_model", given{"endpoint": "minimax-speech-02-hd", "sync": true, "input": given{"text": "Hello"}}, false, "POST", "/v3/minimax-speech-02-hd", given{"text": "Hello"}},
		{"get_task_result", given{"task_id": "a&b"}, false, "GET", "/v3/async/task-result?task_id=a%26b", nil},
		{"get_balance", given{}, false, "GET", "/openapi/v1/billing/balance/detail", nil},
	} {
		t.Run(c.operation, func(t *testing.T) {
			r := request("novita", c.operation, "", c.input)
			if c.file {
				r.Files = picture
			}
			got, result := once(t, r, "/openai/v1", `{"task_id":"t1"}`)
			if got.method != c.method || got.uri != c.uri || !strings.Contains(string(result.Output), "t1") {
				t.Errorf("sent %s %s, got %s; want %s %s", got.method, got.uri, result.Output, c.method, c.uri)
			}
			var want, body any
			if err := json.Unmarshal(raw(c.body), &want); err != nil {
				t.Fatal(err)
			}
			if got.body != nil {
				if err := json.Unmarshal(raw(got.body), &body); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(want, body); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNovitaAnswers(t *testing.T) {
	r := request("novita", "remove_background", "", given{})
	r.Files = picture
	got, result := once(t, r, "/openai/v1", `{"image_file":"`+base64.StdEncoding.EncodeToString([]byte("cut out"))+`","image_type":"png"}`)
	if got.uri != "/v3/remove-background" || len(result.Files) != 1 || result.Files[0].GetName() != "image.png" || string(result.Files[0].GetData()) != "cut out" {
		t.Errorf("sent %s, got %v", got.uri, result.Files)
	}
	got, result = once(t, request("novita", "rerank", "", given{"model": "baai/bge-reranker-v2-m3", "query": "cats", "documents": []string{"a", "b"}, "top_n": 1}), "/openai/v1",
		`{"model":"m","results":[{"index":1,"relevance_score":0.9}],"usage":{"total_tokens":7}}`)
	if got.uri != "/openai/v1/rerank" || string(got.body["top_n"]) != "1" || result.Units["input_tokens"] != 7 {
		t.Errorf("sent %s %v, units %v", got.uri, got.body, result.Units)
	}
}

func TestNovitaRefuses(t *testing.T) {
	h := start(t)
	for name, c := range map[string]struct {
		operation string
		input     given
	}{
		"an endpoint that climbs": {"run_model", given{"endpoint": "../openapi/v1/billing", "input": given{}}},
		"an endpoint with a host": {"run_model", given{"endpoint": "https://evil.example/x", "input": given{}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := request("novita", c.operation, "http://127.0.0.1:1", c.input)
			if _, err := h.Execute(t.Context(), r); err == nil || !strings.Contains(err.Error(), "schema") {
				t.Errorf("got %v, want the schema's refusal", err)
			}
			r.AnyInput = true // what only a host that does not check could send still stays below its path
			r.BaseURL = serve(t, http.NotFound)
			if _, err := h.Execute(t.Context(), r); sdk.KindOf(err) != sdk.NotFound {
				t.Errorf("got %v", err)
			}
		})
	}
}
