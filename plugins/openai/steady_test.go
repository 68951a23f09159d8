package main

import (
	"errors"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// given is an input.
type given = map[string]any

// scenario is one call against a stand-in that checks requests against the platform's own API description.
type scenario struct {
	operation string
	input     given
	files     []*adapterv1.File
	// kind is what the call fails with; 0 means that it must not.
	kind sdk.Kind
}

var (
	sound   = []*adapterv1.File{{Name: "speech.mp3", MediaType: "audio/mpeg", Data: []byte("ID3 sound")}}
	picture = []*adapterv1.File{{Name: "picture.png", MediaType: "image/png", Data: []byte("\x89PNG picture")}}
	lines   = []*adapterv1.File{{Name: "batch.jsonl", MediaType: "application/jsonl", Data: []byte("{}\n")}}

	hello    = []given{{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}}
	weather  = []given{{"type": "function", "function": given{"name": "weather", "description": "Tells the weather.", "parameters": given{"type": "object", "properties": given{"city": given{"type": "string"}}}}}}
	flatTool = []given{{"type": "function", "name": "weather", "description": "Tells the weather.", "strict": true, "parameters": given{"type": "object", "properties": given{"city": given{"type": "string"}}}}}
	schema   = given{"type": "json_schema", "json_schema": given{"name": "answer", "schema": given{"type": "object"}, "strict": true}}
)

// steadily runs scenarios, and fails where an operation of the platform is neither among them nor excepted with a reason.
func steadily(t *testing.T, h *sdktest.Harness, platform, base string, scenarios []scenario, except map[string]string) {
	t.Helper()
	tried := map[string]bool{}
	for _, s := range scenarios {
		tried[s.operation] = true
		t.Run(s.operation, func(t *testing.T) {
			r := request(platform, s.operation, base, s.input)
			r.Files = s.files
			r.Stream = s.input["stream"] == true
			result, err := h.Execute(t.Context(), r)
			var failed *sdk.Error
			switch {
			case s.kind == 0 && err != nil:
				t.Fatalf("%v: %v", s.input, err)
			case s.kind != 0 && (!errors.As(err, &failed) || failed.Kind != s.kind):
				t.Fatalf("got %v, want a failure of kind %d", err, s.kind)
			case s.kind == 0 && len(result.Output) == 0:
				t.Fatal("no output")
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the error holds the key: %v", err)
			}
		})
	}
	for _, p := range h.Platforms {
		for _, op := range p.GetOperations() {
			if p.GetId() == platform && !tried[op.GetName()] && except[op.GetName()] == "" {
				t.Errorf("%s is not tried", op.GetName())
			}
		}
	}
}

// steady starts a stand-in for an API description.
func steady(t *testing.T, document string) string {
	t.Helper()
	document = sdktest.Fixture(t, "specs/"+document)
	return sdktest.Peer(t, sdktest.Tool(t, "steady"), "--host", "127.0.0.1", "--port", "{port}", "--quiet", "--log-format", "text",
		"--validator-query-array-format=brackets", "--validator-form-array-format=brackets", "--validator-form-object-format=brackets", document)
}

// mounted puts a stand-in below a path, as the platform has it.
func mounted(t *testing.T, peer, path string) string {
	t.Helper()
	target, err := url.Parse(peer)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	return serve(t, http.StripPrefix(path, proxy).ServeHTTP) + path
}

func TestOpenAIAgainstItsDescription(t *testing.T) {
	steadily(t, start(t), "openai", steady(t, "openai.json"), []scenario{
		{operation: "chat_completion", input: given{"model": "gpt-4o", "messages": hello}},
		{operation: "chat_completion", input: given{"model": "gpt-4o", "messages": hello, "temperature": 0, "top_p": 1, "max_completion_tokens": 50, "tools": weather, "tool_choice": "auto",
			"parallel_tool_calls": false, "response_format": schema, "seed": 7, "stop": []string{"END"}, "n": 2, "frequency_penalty": 0.5, "presence_penalty": -0.5, "logit_bias": given{"50256": -100},
			"logprobs": true, "top_logprobs": 2, "reasoning_effort": "low", "user": "u", "store": false, "metadata": given{"a": "b"}, "service_tier": "auto", "modalities": []string{"text"},
			"prediction": given{"type": "content", "content": "x"}, "verbosity": "low", "web_search_options": given{"search_context_size": "low"}, "prompt_cache_key": "k", "safety_identifier": "s",
			"extra": given{"prompt_cache_options": given{}}}},
		{operation: "chat_completion", input: given{"model": "gpt-4o", "messages": []given{{"role": "nobody"}}}, kind: sdk.InvalidInput},
		{operation: "chat_completion", input: given{"model": "gpt-4o", "messages": hello, "stream": true}},
		{operation: "create_response", input: given{"model": "gpt-4o", "input": "Hello"}},
		{operation: "create_response", input: given{"model": "gpt-4o", "input": "Hello", "stream": true}, kind: sdk.OutcomeUnknown}, // the stand-in's events never end a response
		{operation: "create_response", input: given{"model": "gpt-4o", "input": []given{{"role": "user", "content": "Hello"}}, "instructions": "Be brief.", "max_output_tokens": 50, "tools": flatTool, "tool_choice": "auto",
			"reasoning": given{"effort": "low"}, "text": given{"format": given{"type": "text"}}, "temperature": 1, "top_p": 1, "metadata": given{"a": "b"}, "previous_response_id": "resp_1", "include": []string{"reasoning.encrypted_content"},
			"store": true, "background": false, "parallel_tool_calls": true, "max_tool_calls": 3, "truncation": "auto", "service_tier": "auto", "prompt_cache_key": "k", "safety_identifier": "s"}},
		{operation: "get_response", input: given{"response_id": "resp_1", "include": []string{"reasoning.encrypted_content"}}},
		{operation: "cancel_response", input: given{"response_id": "resp_1"}},
		{operation: "delete_response", input: given{"response_id": "resp_1"}},
		{operation: "list_response_input_items", input: given{"response_id": "resp_1", "limit": 5, "order": "asc", "cursor": "item_1"}},
		{operation: "count_input_tokens", input: given{"model": "gpt-4o", "input": "Hello", "tools": flatTool}},
		{operation: "compact_response", input: given{"model": "gpt-4o", "input": "Hello", "previous_response_id": "resp_1"}},
		{operation: "create_conversation", input: given{"items": []given{{"type": "message", "role": "user", "content": "Hello"}}, "metadata": given{"a": "b"}}},
		{operation: "get_conversation", input: given{"conversation_id": "conv_1"}},
		{operation: "list_conversation_items", input: given{"conversation_id": "conv_1", "limit": 5}},
		{operation: "delete_conversation", input: given{"conversation_id": "conv_1"}},
		{operation: "completion", input: given{"model": "gpt-3.5-turbo-instruct", "prompt": "Once", "max_tokens": 5, "temperature": 0, "n": 2, "stop": "END", "echo": true, "logprobs": 0}},
		{operation: "create_embedding", input: given{"model": "text-embedding-3-small", "input": []string{"a", "b"}, "dimensions": 8, "encoding_format": "float", "user": "u"}},
		{operation: "generate_image", input: given{"prompt": "a cat", "model": "gpt-image-1", "n": 1, "size": "1024x1024", "quality": "low", "background": "auto", "output_format": "png", "output_compression": 90, "moderation": "low"}},
		{operation: "edit_image", input: given{"prompt": "a hat", "model": "gpt-image-1", "mask_file": "mask.png", "input_fidelity": "high"}, files: append(picture, &adapterv1.File{Name: "mask.png", MediaType: "image/png", Data: []byte("mask")})},
		{operation: "transcribe", input: given{"model": "whisper-1", "language": "en", "prompt": "names", "response_format": "verbose_json", "temperature": 0, "timestamp_granularities": []string{"word", "segment"}}, files: sound},
		{operation: "transcribe", input: given{"model": "gpt-4o-transcribe", "response_format": "text"}, files: sound},
		{operation: "translate_audio", input: given{"model": "whisper-1", "response_format": "json", "temperature": 0.5}, files: sound},
		{operation: "speech", input: given{"model": "tts-1", "input": "Hello", "voice": "alloy", "response_format": "wav", "speed": 1.5, "instructions": "slowly"}},
		{operation: "moderate", input: given{"input": []given{{"type": "text", "text": "Hello"}}, "model": "omni-moderation-latest"}},
		{operation: "list_models", input: given{}},
		{operation: "get_model", input: given{"model": "ft:gpt-4o:acme::1"}},
		{operation: "upload_file", input: given{"purpose": "batch", "expires_after": given{"anchor": "created_at", "seconds": 3600}}, files: lines},
		{operation: "list_files", input: given{"purpose": "batch", "limit": 10, "order": "desc", "cursor": "file-1"}},
		{operation: "get_file", input: given{"file_id": "file-1"}},
		{operation: "get_file_content", input: given{"file_id": "file-1"}},
		{operation: "delete_file", input: given{"file_id": "file-1"}},
		{operation: "create_batch", input: given{"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "completion_window": "24h", "metadata": given{"a": "b"}}},
		{operation: "list_batches", input: given{"limit": 10, "cursor": "batch_1"}},
		{operation: "get_batch", input: given{"batch_id": "batch_1"}},
		{operation: "cancel_batch", input: given{"batch_id": "batch_1"}},
		{operation: "create_video", input: given{"prompt": "a cat", "model": "sora-2", "seconds": "4", "size": "720x1280"}},
		{operation: "create_video", input: given{"prompt": "a cat", "seconds": "4"}, files: picture},
		{operation: "get_video", input: given{"video_id": "video_1"}},
		{operation: "list_videos", input: given{"limit": 3, "order": "asc"}},
		{operation: "get_video_content", input: given{"video_id": "video_1", "variant": "thumbnail"}},
		{operation: "remix_video", input: given{"video_id": "video_1", "prompt": "a dog"}},
		{operation: "delete_video", input: given{"video_id": "video_1"}},
		{operation: "create_vector_store", input: given{"name": "docs", "file_ids": []string{"file-1"}, "expires_after": given{"anchor": "last_active_at", "days": 1}, "chunking_strategy": given{"type": "auto"}}},
		{operation: "list_vector_stores", input: given{"limit": 3}},
		{operation: "get_vector_store", input: given{"vector_store_id": "vs_1"}},
		{operation: "delete_vector_store", input: given{"vector_store_id": "vs_1"}},
		{operation: "add_vector_store_file", input: given{"vector_store_id": "vs_1", "file_id": "file-1", "attributes": given{"year": 2024}}},
		{operation: "list_vector_store_files", input: given{"vector_store_id": "vs_1", "filter": "completed"}},
		{operation: "remove_vector_store_file", input: given{"vector_store_id": "vs_1", "file_id": "file-1"}},
		{operation: "search_vector_store", input: given{"vector_store_id": "vs_1", "query": "cats", "max_num_results": 5, "filters": given{"type": "eq", "key": "year", "value": 2024}}},
	}, nil)
}

func TestGroqAgainstItsDescription(t *testing.T) {
	steadily(t, start(t), "groq", steady(t, "groq.yaml")+"/openai/v1", []scenario{
		{operation: "chat_completion", input: given{"model": "llama-3.3-70b-versatile", "messages": hello, "temperature": 0.5, "max_completion_tokens": 50, "tools": weather, "tool_choice": "required", "n": 1,
			"service_tier": "auto", "reasoning_format": "parsed", "search_settings": given{"include_domains": []string{"example.com"}}, "documents": []given{}, "citation_options": "enabled", "extra": given{"disable_tool_validation": true}}},
		{operation: "chat_completion", input: given{"model": "llama-3.3-70b-versatile", "messages": []given{{"role": "nobody"}}}, kind: sdk.InvalidInput},
		{operation: "create_response", input: given{"model": "llama-3.3-70b-versatile", "input": "Hello", "instructions": "Be brief.", "temperature": 0.5, "service_tier": "auto", "truncation": "disabled"}},
		{operation: "transcribe", input: given{"model": "whisper-large-v3", "language": "en", "response_format": "verbose_json"}, files: sound},
		{operation: "transcribe", input: given{"model": "whisper-large-v3", "url": "https://example.com/a.mp3"}},
		{operation: "translate_audio", input: given{"model": "whisper-large-v3", "response_format": "json"}, files: sound},
		{operation: "speech", input: given{"model": "playai-tts", "input": "Hello", "voice": "Fritz-PlayAI", "response_format": "wav"}},
		{operation: "list_models", input: given{}},
		{operation: "get_model", input: given{"model": "llama-3.3-70b-versatile"}},
		{operation: "upload_file", input: given{"purpose": "batch"}, files: lines},
		{operation: "list_files", input: given{}},
		{operation: "get_file", input: given{"file_id": "file_1"}},
		{operation: "get_file_content", input: given{"file_id": "file_1"}},
		{operation: "delete_file", input: given{"file_id": "file_1"}},
		{operation: "create_batch", input: given{"input_file_id": "file_1", "endpoint": "/v1/chat/completions", "completion_window": "24h"}},
		{operation: "list_batches", input: given{}},
		{operation: "get_batch", input: given{"batch_id": "batch_1"}},
		{operation: "cancel_batch", input: given{"batch_id": "batch_1"}},
	}, nil)
}

func TestDeepInfraAgainstItsDescription(t *testing.T) {
	base := steady(t, "deepinfra.json") + "/v1/openai"
	h := start(t)
	steadily(t, h, "deepinfra", base, []scenario{
		{operation: "create_embedding", input: given{"model": "BAAI/bge-m3", "input": []string{"a"}, "dimensions": 8}},
		{operation: "generate_image", input: given{"model": "black-forest-labs/FLUX-1-schnell", "prompt": "a cat", "n": 1, "size": "1024x1024", "response_format": "b64_json"}},
		{operation: "edit_image", input: given{"model": "black-forest-labs/FLUX-1-Kontext", "prompt": "a hat"}, files: picture},
		{operation: "transcribe", input: given{"model": "openai/whisper-large-v3", "language": "en", "response_format": "json"}, files: sound},
		{operation: "translate_audio", input: given{"model": "openai/whisper-large-v3"}, files: sound},
		{operation: "speech", input: given{"model": "hexgrad/Kokoro-82M", "input": "Hello", "voice": "af", "response_format": "mp3", "speed": 1}},
		{operation: "list_models", input: given{"query": "llama", "limit": 5}},
		{operation: "get_model", input: given{"model": "gpt2"}}, // the stand-in routes no id with a slash; see TestModelsWithSlashes
		{operation: "inference", input: given{"model": "gpt2", "version": "v1", "input": given{"input": "Hello"}}},
		{operation: "get_account", input: given{}},
	}, map[string]string{
		"chat_completion": "the description has no answer for it; see TestDeepInfraRequests",
		"completion":      "as above",
	})
	account, err := h.Verify(t.Context(), request("deepinfra", "", base, nil))
	if err != nil || account.ID == "" {
		t.Errorf("got %v, %v, want an account", account, err)
	}
}

// TestDeepInfraRequests checks the requests whose answers the description leaves open.
func TestDeepInfraRequests(t *testing.T) {
	base := steady(t, "deepinfra.json") + "/v1/openai"
	h := start(t)
	for _, s := range []scenario{
		{operation: "chat_completion", input: given{"model": "meta-llama/Llama-3", "messages": hello, "top_k": 10, "min_p": 0.1, "repetition_penalty": 1.1, "reasoning": given{"effort": "low"}, "stream": false}},
		{operation: "completion", input: given{"model": "meta-llama/Llama-3", "prompt": "Once", "max_tokens": 5}},
	} {
		_, err := h.Execute(t.Context(), request("deepinfra", s.operation, base, s.input))
		if err == nil || sdk.KindOf(err) != sdk.PlatformError || !strings.Contains(err.Error(), "answered without") {
			t.Errorf("%s: got %v, want the complaint about an answer that the description leaves empty", s.operation, err)
		}
	}
}

// TestNovitaAgainstOpenAIsDescription tries the part of Novita that speaks as OpenAI does; the rest is in novita_test.go.
func TestNovitaAgainstOpenAIsDescription(t *testing.T) {
	base := mounted(t, steady(t, "openai.json"), "/openai/v1")
	h := start(t)
	except := map[string]string{}
	for _, op := range append(novitaMedia(), wire{}.rerank(), sdk.Operation{Name: "get_balance"}) {
		except[op.Name] = "beside the OpenAI wire"
	}
	steadily(t, h, "novita", base, []scenario{
		{operation: "chat_completion", input: given{"model": "deepseek/deepseek-v3", "messages": hello, "top_k": 5, "min_p": 0, "separate_reasoning": true, "enable_thinking": false, "response_format": given{"type": "json_object"}}},
		{operation: "completion", input: given{"model": "deepseek/deepseek-v3", "prompt": "Once", "max_tokens": 5}},
		{operation: "create_embedding", input: given{"model": "baai/bge-m3", "input": "a"}},
		{operation: "list_models", input: given{}},
		{operation: "get_model", input: given{"model": "deepseek-v3"}},
		{operation: "upload_file", input: given{"purpose": "batch"}, files: lines},
		{operation: "list_files", input: given{}},
		{operation: "get_file", input: given{"file_id": "file_1"}},
		{operation: "get_file_content", input: given{"file_id": "file_1"}},
		{operation: "delete_file", input: given{"file_id": "file_1"}},
		{operation: "create_batch", input: given{"input_file_id": "file_1", "endpoint": "/v1/chat/completions", "completion_window": "24h"}},
		{operation: "list_batches", input: given{}},
		{operation: "get_batch", input: given{"batch_id": "batch_1"}},
		{operation: "cancel_batch", input: given{"batch_id": "batch_1"}},
	}, except)
	account, err := h.Verify(t.Context(), request("novita", "", base, nil))
	if err != nil || account.Name != "API key ending in mnop" {
		t.Errorf("got %v, %v, want the account of the key", account, err)
	}
}

func TestOpenRouterAgainstItsDescription(t *testing.T) {
	base := steady(t, "openrouter.yaml")
	h := start(t)
	steadily(t, h, "openrouter", base, []scenario{
		{operation: "chat_completion", input: given{"model": "anthropic/claude-sonnet-4.5", "models": []string{"openai/gpt-4o"}, "messages": hello, "provider": given{"only": []string{"anthropic"}}, "plugins": []given{{"id": "web"}},
			"route": "fallback", "transforms": []string{"middle-out"}, "reasoning": given{"effort": "low"}, "top_k": 5, "tools": weather, "response_format": schema, "max_tokens": 10}},
		{operation: "create_response", input: given{"model": "openai/gpt-4o", "input": "Hello", "tools": flatTool, "max_output_tokens": 10, "provider": given{"sort": "price"}}},
		{operation: "create_embedding", input: given{"model": "openai/text-embedding-3-small", "input": []string{"a"}, "dimensions": 8}},
		{operation: "rerank", input: given{"model": "cohere/rerank-v3.5", "query": "cats", "documents": []string{"a cat", "a dog"}, "top_n": 1}},
		{operation: "generate_image", input: given{"model": "google/gemini-2.5-flash-image", "prompt": "a cat", "n": 1, "aspect_ratio": "16:9", "resolution": "1K", "output_format": "png", "seed": 1}, kind: sdk.PlatformError}, // the description's example holds no base64
		{operation: "speech", input: given{"model": "openai/gpt-4o-mini-tts", "input": "Hello", "voice": "alloy", "response_format": "mp3"}},
		{operation: "transcribe", input: given{"model": "openai/whisper-1", "language": "en", "response_format": "json"}, files: sound},
		{operation: "create_video", input: given{"model": "google/veo-3.1", "prompt": "a cat", "duration": 8, "aspect_ratio": "16:9", "resolution": "720p", "generate_audio": true, "seed": 1}},
		{operation: "get_video", input: given{"video_id": "job-1"}},
		{operation: "get_video_content", input: given{"video_id": "job-1", "index": 1}},
		{operation: "list_models", input: given{"query": "claude", "category": "programming", "supported_parameters": "tools", "limit": 1, "cursor": "1"}},
		{operation: "list_model_endpoints", input: given{"model": "anthropic/claude-sonnet-4.5"}},
		{operation: "list_providers", input: given{}},
		{operation: "get_generation", input: given{"id": "gen-1"}},
		{operation: "get_credits", input: given{}},
		{operation: "get_key", input: given{}},
	}, map[string]string{"completion": "the description does not have it; see TestTextCompletion"})
	account, err := h.Verify(t.Context(), request("openrouter", "", base, nil))
	if want := (sdk.Account{ID: "user_2dHFtVWx2n56w6HkM0000000000", Name: "API key ending in mnop"}); err != nil || !cmp.Equal(want, account) {
		t.Errorf("got %v, %v, want %v", account, err, want)
	}
}

func TestPerplexityAgainstItsDescription(t *testing.T) {
	base := steady(t, "perplexity.json")
	h := start(t)
	narrow := given{"search_domain_filter": []string{"example.com"}, "search_recency_filter": "week", "search_after_date_filter": "01/01/2025", "search_before_date_filter": "12/31/2025", "search_language_filter": []string{"en"}}
	with := func(more given) given {
		for name, value := range narrow {
			more[name] = value
		}
		return more
	}
	steadily(t, h, "perplexity", base, []scenario{
		{operation: "chat_completion", input: with(given{"model": "sonar", "messages": hello, "search_mode": "academic", "web_search_options": given{"search_context_size": "low"}, "return_images": true,
			"return_related_questions": true, "response_format": given{"type": "json_schema", "json_schema": given{"schema": given{"type": "object"}}}, "reasoning_effort": "low", "max_tokens": 10})},
		{operation: "chat_completion", input: given{"model": "no-such-model", "messages": hello}, kind: sdk.InvalidInput},
		{operation: "search", input: with(given{"query": []string{"cats", "dogs"}, "max_results": 5, "max_tokens_per_page": 100, "country": "DE"})},
		{operation: "create_deep_research", input: with(given{"messages": hello, "reasoning_effort": "high", "idempotency_key": "k"})},
		{operation: "get_deep_research", input: given{"id": "r_1"}},
		{operation: "list_deep_research", input: given{}},
		{operation: "create_response", input: given{"input": "Hello", "preset": "pro-search", "max_output_tokens": 10, "max_steps": 3, "tools": []given{{"type": "web_search"}}}},
		{operation: "create_embedding", input: given{"model": "pplx-embed-v1-4b", "input": []string{"a"}, "dimensions": 256, "encoding_format": "base64_int8"}},
		{operation: "list_models", input: given{}},
	}, nil)
	if account, err := h.Verify(t.Context(), request("perplexity", "", base, nil)); err != nil || account.Name != "API key ending in mnop" {
		t.Errorf("got %v, %v, want the account of the key", account, err)
	}
}
