package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// given is an input.
type given = map[string]any

var (
	sound   = []*adapterv1.File{{Name: "speech.mp3", MediaType: "audio/mpeg", Data: []byte("ID3 sound")}}
	picture = []*adapterv1.File{{Name: "picture.png", MediaType: "image/png", Data: []byte("\x89PNG picture")}}
	lines   = []*adapterv1.File{{Name: "batch.jsonl", MediaType: "application/jsonl", Data: []byte("{}\n")}}

	hello    = []given{{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}}
	weather  = []given{{"type": "function", "function": given{"name": "weather", "description": "Tells the weather.", "parameters": given{"type": "object", "properties": given{"city": given{"type": "string"}}}}}}
	flatTool = []given{{"type": "function", "name": "weather", "description": "Tells the weather.", "strict": true, "parameters": given{"type": "object", "properties": given{"city": given{"type": "string"}}}}}
	schema   = given{"type": "json_schema", "json_schema": given{"name": "answer", "schema": given{"type": "object"}, "strict": true}}
)

// steady starts a stand-in for an API description of whose paths the platform's have prefix in front.
func steady(t *testing.T, document, prefix string) *sdktest.Described {
	t.Helper()
	return sdktest.Describe(t, sdktest.Description{File: sdktest.Fixture(t, "specs/"+document), Strip: prefix, Arguments: []string{
		"--validator-query-array-format=brackets", "--validator-form-array-format=brackets", "--validator-form-object-format=brackets"}})
}

// whole is a request to a platform without its operation.
func whole(platform, base string) sdktest.Request { return request(platform, "", base, nil) }

func TestOpenAIAgainstItsDescription(t *testing.T) {
	d := steady(t, "openai.json", "")
	start(t).Try(t, whole("openai", d.URL), d, []sdktest.Scenario{
		{Operation: "chat_completion", Input: given{"model": "gpt-4o", "messages": hello}},
		{Operation: "chat_completion", Input: given{"model": "gpt-4o", "messages": hello, "temperature": 0, "top_p": 1, "max_completion_tokens": 50, "tools": weather, "tool_choice": "auto",
			"parallel_tool_calls": false, "response_format": schema, "seed": 7, "stop": []string{"END"}, "n": 2, "frequency_penalty": 0.5, "presence_penalty": -0.5, "logit_bias": given{"50256": -100},
			"logprobs": true, "top_logprobs": 2, "reasoning_effort": "low", "user": "u", "store": false, "metadata": given{"a": "b"}, "service_tier": "auto", "modalities": []string{"text"},
			"prediction": given{"type": "content", "content": "x"}, "verbosity": "low", "web_search_options": given{"search_context_size": "low"}, "prompt_cache_key": "k", "safety_identifier": "s",
			"extra": given{"prompt_cache_options": given{}}}},
		{Operation: "chat_completion", Input: given{"model": "gpt-4o", "messages": []given{{"role": "nobody"}}}, Kind: sdk.InvalidInput},
		{Operation: "chat_completion", Input: given{"model": "gpt-4o", "messages": hello, "stream": true}, Stream: true},
		{Operation: "create_response", Input: given{"model": "gpt-4o", "input": "Hello"}},
		{Operation: "create_response", Input: given{"model": "gpt-4o", "input": "Hello", "stream": true}, Stream: true, Kind: sdk.OutcomeUnknown}, // the stand-in's events never end a response
		{Operation: "create_response", Input: given{"model": "gpt-4o", "input": []given{{"role": "user", "content": "Hello"}}, "instructions": "Be brief.", "max_output_tokens": 50, "tools": flatTool, "tool_choice": "auto",
			"reasoning": given{"effort": "low"}, "text": given{"format": given{"type": "text"}}, "temperature": 1, "top_p": 1, "metadata": given{"a": "b"}, "previous_response_id": "resp_1", "include": []string{"reasoning.encrypted_content"},
			"store": true, "background": false, "parallel_tool_calls": true, "max_tool_calls": 3, "truncation": "auto", "service_tier": "auto", "prompt_cache_key": "k", "safety_identifier": "s"}},
		{Operation: "get_response", Input: given{"response_id": "resp_1", "include": []string{"reasoning.encrypted_content"}}},
		{Operation: "cancel_response", Input: given{"response_id": "resp_1"}},
		{Operation: "delete_response", Input: given{"response_id": "resp_1"}},
		{Operation: "list_response_input_items", Input: given{"response_id": "resp_1", "limit": 5, "order": "asc", "cursor": "item_1"}},
		{Operation: "count_input_tokens", Input: given{"model": "gpt-4o", "input": "Hello", "tools": flatTool}},
		{Operation: "compact_response", Input: given{"model": "gpt-4o", "input": "Hello", "previous_response_id": "resp_1"}},
		{Operation: "create_conversation", Input: given{"items": []given{{"type": "message", "role": "user", "content": "Hello"}}, "metadata": given{"a": "b"}}},
		{Operation: "get_conversation", Input: given{"conversation_id": "conv_1"}},
		{Operation: "list_conversation_items", Input: given{"conversation_id": "conv_1", "limit": 5}},
		{Operation: "delete_conversation", Input: given{"conversation_id": "conv_1"}},
		{Operation: "completion", Input: given{"model": "gpt-3.5-turbo-instruct", "prompt": "Once", "max_tokens": 5, "temperature": 0, "n": 2, "stop": "END", "echo": true, "logprobs": 0}},
		{Operation: "create_embedding", Input: given{"model": "text-embedding-3-small", "input": []string{"a", "b"}, "dimensions": 8, "encoding_format": "float", "user": "u"}},
		{Operation: "generate_image", Input: given{"prompt": "a cat", "model": "gpt-image-1", "n": 1, "size": "1024x1024", "quality": "low", "background": "auto", "output_format": "png", "output_compression": 90, "moderation": "low"}},
		{Operation: "edit_image", Input: given{"prompt": "a hat", "model": "gpt-image-1", "mask_file": "mask.png", "input_fidelity": "high"}, Files: append(picture, &adapterv1.File{Name: "mask.png", MediaType: "image/png", Data: []byte("mask")})},
		{Operation: "transcribe", Input: given{"model": "whisper-1", "language": "en", "prompt": "names", "response_format": "verbose_json", "temperature": 0, "timestamp_granularities": []string{"word", "segment"}}, Files: sound},
		{Operation: "transcribe", Input: given{"model": "gpt-4o-transcribe", "response_format": "text"}, Files: sound},
		{Operation: "translate_audio", Input: given{"model": "whisper-1", "response_format": "json", "temperature": 0.5}, Files: sound},
		{Operation: "speech", Input: given{"model": "tts-1", "input": "Hello", "voice": "alloy", "response_format": "wav", "speed": 1.5, "instructions": "slowly"}},
		{Operation: "moderate", Input: given{"input": []given{{"type": "text", "text": "Hello"}}, "model": "omni-moderation-latest"}},
		{Operation: "list_models", Input: given{}},
		{Operation: "get_model", Input: given{"model": "ft:gpt-4o:acme::1"}},
		{Operation: "upload_file", Input: given{"purpose": "batch", "expires_after": given{"anchor": "created_at", "seconds": 3600}}, Files: lines},
		{Operation: "list_files", Input: given{"purpose": "batch", "limit": 10, "order": "desc", "cursor": "file-1"}},
		{Operation: "get_file", Input: given{"file_id": "file-1"}},
		{Operation: "get_file_content", Input: given{"file_id": "file-1"}},
		{Operation: "delete_file", Input: given{"file_id": "file-1"}},
		{Operation: "create_batch", Input: given{"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "completion_window": "24h", "metadata": given{"a": "b"}}},
		{Operation: "list_batches", Input: given{"limit": 10, "cursor": "batch_1"}},
		{Operation: "get_batch", Input: given{"batch_id": "batch_1"}},
		{Operation: "cancel_batch", Input: given{"batch_id": "batch_1"}},
		{Operation: "create_video", Input: given{"prompt": "a cat", "model": "sora-2", "seconds": "4", "size": "720x1280"}},
		{Operation: "create_video", Input: given{"prompt": "a cat", "seconds": "4"}, Files: picture},
		{Operation: "get_video", Input: given{"video_id": "video_1"}},
		{Operation: "list_videos", Input: given{"limit": 3, "order": "asc"}},
		{Operation: "get_video_content", Input: given{"video_id": "video_1", "variant": "thumbnail"}},
		{Operation: "remix_video", Input: given{"video_id": "video_1", "prompt": "a dog"}},
		{Operation: "delete_video", Input: given{"video_id": "video_1"}},
		{Operation: "create_vector_store", Input: given{"name": "docs", "file_ids": []string{"file-1"}, "expires_after": given{"anchor": "last_active_at", "days": 1}, "chunking_strategy": given{"type": "auto"}}},
		{Operation: "list_vector_stores", Input: given{"limit": 3}},
		{Operation: "get_vector_store", Input: given{"vector_store_id": "vs_1"}},
		{Operation: "delete_vector_store", Input: given{"vector_store_id": "vs_1"}},
		{Operation: "add_vector_store_file", Input: given{"vector_store_id": "vs_1", "file_id": "file-1", "attributes": given{"year": 2024}}},
		{Operation: "list_vector_store_files", Input: given{"vector_store_id": "vs_1", "filter": "completed"}},
		{Operation: "remove_vector_store_file", Input: given{"vector_store_id": "vs_1", "file_id": "file-1"}},
		{Operation: "search_vector_store", Input: given{"vector_store_id": "vs_1", "query": "cats", "max_num_results": 5, "filters": given{"type": "eq", "key": "year", "value": 2024}}},
	}, nil)
}

func TestGroqAgainstItsDescription(t *testing.T) {
	d := steady(t, "groq.yaml", "")
	start(t).Try(t, whole("groq", d.URL+"/openai/v1"), d, []sdktest.Scenario{
		{Operation: "chat_completion", Input: given{"model": "llama-3.3-70b-versatile", "messages": hello, "temperature": 0.5, "max_completion_tokens": 50, "tools": weather, "tool_choice": "required", "n": 1,
			"service_tier": "auto", "reasoning_format": "parsed", "search_settings": given{"include_domains": []string{"example.com"}}, "documents": []given{}, "citation_options": "enabled", "extra": given{"disable_tool_validation": true}}},
		{Operation: "chat_completion", Input: given{"model": "llama-3.3-70b-versatile", "messages": []given{{"role": "nobody"}}}, Kind: sdk.InvalidInput},
		{Operation: "create_response", Input: given{"model": "llama-3.3-70b-versatile", "input": "Hello", "instructions": "Be brief.", "temperature": 0.5, "service_tier": "auto", "truncation": "disabled"}},
		{Operation: "transcribe", Input: given{"model": "whisper-large-v3", "language": "en", "response_format": "verbose_json"}, Files: sound},
		{Operation: "transcribe", Input: given{"model": "whisper-large-v3", "url": "https://example.com/a.mp3"}},
		{Operation: "translate_audio", Input: given{"model": "whisper-large-v3", "response_format": "json"}, Files: sound},
		{Operation: "speech", Input: given{"model": "playai-tts", "input": "Hello", "voice": "Fritz-PlayAI", "response_format": "wav"}},
		{Operation: "list_models", Input: given{}},
		{Operation: "get_model", Input: given{"model": "llama-3.3-70b-versatile"}},
		{Operation: "upload_file", Input: given{"purpose": "batch"}, Files: lines},
		{Operation: "list_files", Input: given{}},
		{Operation: "get_file", Input: given{"file_id": "file_1"}},
		{Operation: "get_file_content", Input: given{"file_id": "file_1"}},
		{Operation: "delete_file", Input: given{"file_id": "file_1"}},
		{Operation: "create_batch", Input: given{"input_file_id": "file_1", "endpoint": "/v1/chat/completions", "completion_window": "24h"}},
		{Operation: "list_batches", Input: given{}},
		{Operation: "get_batch", Input: given{"batch_id": "batch_1"}},
		{Operation: "cancel_batch", Input: given{"batch_id": "batch_1"}},
	}, nil)
}

func TestDeepInfraAgainstItsDescription(t *testing.T) {
	d := steady(t, "deepinfra.json", "")
	base := d.URL + "/v1/openai"
	h := start(t)
	h.Try(t, whole("deepinfra", base), d, []sdktest.Scenario{
		{Operation: "create_embedding", Input: given{"model": "BAAI/bge-m3", "input": []string{"a"}, "dimensions": 32}},
		{Operation: "generate_image", Input: given{"model": "black-forest-labs/FLUX-1-schnell", "prompt": "a cat", "n": 1, "size": "1024x1024", "response_format": "b64_json"}},
		{Operation: "edit_image", Input: given{"model": "black-forest-labs/FLUX-1-Kontext", "prompt": "a hat"}, Files: picture},
		{Operation: "transcribe", Input: given{"model": "openai/whisper-large-v3", "language": "en", "response_format": "json"}, Files: sound},
		{Operation: "translate_audio", Input: given{"model": "openai/whisper-large-v3"}, Files: sound},
		{Operation: "speech", Input: given{"model": "hexgrad/Kokoro-82M", "input": "Hello", "voice": "af", "response_format": "mp3", "speed": 1}},
		{Operation: "list_models", Input: given{"query": "llama", "limit": 5}},
		{Operation: "get_model", Input: given{"model": "gpt2"}}, // the stand-in routes no id with a slash; see TestModelsWithSlashes
		{Operation: "inference", Input: given{"model": "gpt2", "version": "v1", "input": given{"input": "Hello"}}},
		{Operation: "get_account", Input: given{}},
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
	d := steady(t, "deepinfra.json", "")
	base := d.URL + "/v1/openai"
	h := start(t)
	for _, s := range []sdktest.Scenario{
		{Operation: "chat_completion", Input: given{"model": "meta-llama/Llama-3", "messages": hello, "top_k": 10, "min_p": 0.1, "repetition_penalty": 1.1, "reasoning": given{"effort": "low"}, "stream": false}},
		{Operation: "completion", Input: given{"model": "meta-llama/Llama-3", "prompt": "Once", "max_tokens": 5}},
	} {
		_, err := h.Execute(t.Context(), request("deepinfra", s.Operation, base, s.Input))
		if err == nil || sdk.KindOf(err) != sdk.PlatformError || !strings.Contains(err.Error(), "answered without") {
			t.Errorf("%s: got %v, want the complaint about an answer that the description leaves empty", s.Operation, err)
		}
	}
}

// TestNovitaAgainstOpenAIsDescription tries the part of Novita that speaks as OpenAI does; the rest is in novita_test.go.
func TestNovitaAgainstOpenAIsDescription(t *testing.T) {
	d := steady(t, "openai.json", "/openai/v1")
	base := d.URL + "/openai/v1"
	h := start(t)
	except := map[string]string{}
	for _, op := range append(novitaMedia(), wire{}.rerank(), sdk.Operation{Name: "get_balance"}) {
		except[op.Name] = "beside the OpenAI wire"
	}
	h.Try(t, whole("novita", base), d, []sdktest.Scenario{
		{Operation: "chat_completion", Input: given{"model": "deepseek/deepseek-v3", "messages": hello, "top_k": 5, "min_p": 0, "separate_reasoning": true, "enable_thinking": false, "response_format": given{"type": "json_object"}}},
		{Operation: "completion", Input: given{"model": "deepseek/deepseek-v3", "prompt": "Once", "max_tokens": 5}},
		{Operation: "create_embedding", Input: given{"model": "baai/bge-m3", "input": "a"}},
		{Operation: "list_models", Input: given{}},
		{Operation: "get_model", Input: given{"model": "deepseek-v3"}},
		{Operation: "upload_file", Input: given{"purpose": "batch"}, Files: lines},
		{Operation: "list_files", Input: given{}},
		{Operation: "get_file", Input: given{"file_id": "file_1"}},
		{Operation: "get_file_content", Input: given{"file_id": "file_1"}},
		{Operation: "delete_file", Input: given{"file_id": "file_1"}},
		{Operation: "create_batch", Input: given{"input_file_id": "file_1", "endpoint": "/v1/chat/completions", "completion_window": "24h"}},
		{Operation: "list_batches", Input: given{}},
		{Operation: "get_batch", Input: given{"batch_id": "batch_1"}},
		{Operation: "cancel_batch", Input: given{"batch_id": "batch_1"}},
	}, except)
	account, err := h.Verify(t.Context(), request("novita", "", base, nil))
	if err != nil || account.Name != "API key ending in mnop" {
		t.Errorf("got %v, %v, want the account of the key", account, err)
	}
	if _, objections := d.Took(); len(objections) != 1 || !strings.Contains(objections[0], "/openapi/v1/billing") {
		t.Errorf("got the objections %q, want the one that there is no billing", objections)
	}
}

func TestOpenRouterAgainstItsDescription(t *testing.T) {
	d := steady(t, "openrouter.yaml", "")
	base := d.URL
	h := start(t)
	h.Try(t, whole("openrouter", base), d, []sdktest.Scenario{
		{Operation: "chat_completion", Input: given{"model": "anthropic/claude-sonnet-4.5", "models": []string{"openai/gpt-4o"}, "messages": hello, "provider": given{"only": []string{"anthropic"}}, "plugins": []given{{"id": "web"}},
			"route": "fallback", "transforms": []string{"middle-out"}, "reasoning": given{"effort": "low"}, "top_k": 5, "tools": weather, "response_format": schema, "max_tokens": 10}},
		{Operation: "create_response", Input: given{"model": "openai/gpt-4o", "input": "Hello", "tools": flatTool, "max_output_tokens": 10, "provider": given{"sort": "price"}}},
		{Operation: "create_embedding", Input: given{"model": "openai/text-embedding-3-small", "input": []string{"a"}, "dimensions": 8}},
		{Operation: "rerank", Input: given{"model": "cohere/rerank-v3.5", "query": "cats", "documents": []string{"a cat", "a dog"}, "top_n": 1}},
		{Operation: "generate_image", Input: given{"model": "google/gemini-2.5-flash-image", "prompt": "a cat", "n": 1, "aspect_ratio": "16:9", "resolution": "1K", "output_format": "png", "seed": 1}, Kind: sdk.PlatformError}, // the description's example holds no base64
		{Operation: "speech", Input: given{"model": "openai/gpt-4o-mini-tts", "input": "Hello", "voice": "alloy", "response_format": "mp3"}},
		{Operation: "transcribe", Input: given{"model": "openai/whisper-1", "language": "en", "response_format": "json"}, Files: sound},
		{Operation: "create_video", Input: given{"model": "google/veo-3.1", "prompt": "a cat", "duration": 8, "aspect_ratio": "16:9", "resolution": "720p", "generate_audio": true, "seed": 1}},
		{Operation: "get_video", Input: given{"video_id": "job-1"}},
		{Operation: "get_video_content", Input: given{"video_id": "job-1", "index": 1}},
		{Operation: "list_models", Input: given{"query": "claude", "category": "programming", "supported_parameters": "tools", "limit": 1, "cursor": "1"}},
		{Operation: "list_model_endpoints", Input: given{"model": "anthropic/claude-sonnet-4.5"}},
		{Operation: "list_providers", Input: given{}},
		{Operation: "get_generation", Input: given{"id": "gen-1"}},
		{Operation: "get_credits", Input: given{}},
		{Operation: "get_key", Input: given{}},
	}, map[string]string{"completion": "the description does not have it; see TestTextCompletion"})
	account, err := h.Verify(t.Context(), request("openrouter", "", base, nil))
	if want := (sdk.Account{ID: "user_2dHFtVWx2n56w6HkM0000000000", Name: "API key ending in mnop"}); err != nil || !cmp.Equal(want, account) {
		t.Errorf("got %v, %v, want %v", account, err, want)
	}
}

func TestPerplexityAgainstItsDescription(t *testing.T) {
	d := steady(t, "perplexity.json", "")
	base := d.URL
	h := start(t)
	narrow := given{"search_domain_filter": []string{"example.com"}, "search_recency_filter": "week", "search_after_date_filter": "01/01/2025", "search_before_date_filter": "12/31/2025", "search_language_filter": []string{"en"}}
	with := func(more given) given {
		for name, value := range narrow {
			more[name] = value
		}
		return more
	}
	h.Try(t, whole("perplexity", base), d, []sdktest.Scenario{
		{Operation: "chat_completion", Input: with(given{"model": "sonar", "messages": hello, "search_mode": "academic", "web_search_options": given{"search_context_size": "low"}, "return_images": true,
			"return_related_questions": true, "response_format": given{"type": "json_schema", "json_schema": given{"schema": given{"type": "object"}}}, "reasoning_effort": "low", "max_tokens": 10})},
		{Operation: "chat_completion", Input: given{"model": "no-such-model", "messages": hello}, Kind: sdk.InvalidInput},
		{Operation: "search", Input: with(given{"query": []string{"cats", "dogs"}, "max_results": 5, "max_tokens_per_page": 100, "country": "DE"})},
		{Operation: "create_deep_research", Input: with(given{"messages": hello, "reasoning_effort": "high", "idempotency_key": "k"})},
		{Operation: "get_deep_research", Input: given{"id": "r_1"}},
		{Operation: "list_deep_research", Input: given{}},
		{Operation: "create_response", Input: given{"input": "Hello", "preset": "pro-search", "max_output_tokens": 10, "max_steps": 3, "tools": []given{{"type": "web_search"}}}},
		{Operation: "create_embedding", Input: given{"model": "pplx-embed-v1-4b", "input": []string{"a"}, "dimensions": 256, "encoding_format": "base64_int8"}},
		{Operation: "list_models", Input: given{}},
	}, nil)
	if account, err := h.Verify(t.Context(), request("perplexity", "", base, nil)); err != nil || account.Name != "API key ending in mnop" {
		t.Errorf("got %v, %v, want the account of the key", account, err)
	}
}
