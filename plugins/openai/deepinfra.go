package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

//go:embed icons/deepinfra.svg
var deepInfraIcon []byte

// deepInfra is DeepInfra. Its OpenAI wire is below /v1/openai; everything else is beside that.
func deepInfra() sdk.Platform {
	w := wire{name: "DeepInfra", asksUsage: true}
	return sdk.Platform{
		ID: "deepinfra", Name: "DeepInfra", Category: sdk.AI, Icon: deepInfraIcon, Website: "https://deepinfra.com/docs",
		Description: "Open models for text, images, speech, embeddings and reranking, by OpenAI's API and by a native one for everything else.",
		BaseURL:     "https://api.deepinfra.com/v1/openai",
		Auth:        []sdk.AuthMethod{keyMethod("Make a key at deepinfra.com/dash/api_keys.")},
		Explain:     w.explain,
		Verify:      verifyDeepInfra,
		VerifyNote:  "Reads your account, which costs nothing.",
		Operations: join([]sdk.Operation{
			chat[deepInfraChat](w, "Answers a conversation with an open model. The usage tells the estimated cost."),
		}, w.pick("completion", "create_embedding", "generate_image", "edit_image", "transcribe", "translate_audio", "speech", "list_models"),
			[]sdk.Operation{{
				Name: "get_model", Effect: sdk.Read, Description: "Tells about one model: kind, price, limits and the schemas of its native inference.",
				Run: readsAt(func(call *sdk.Call, in oneModel) string { return modelPath(deepInfraRoot(call)+"/models/", in.Model) }),
			}, {
				Name: "inference", Effect: sdk.Read, Run: sdk.Func(infer),
				Description: "Runs a model by DeepInfra's native API, for what the other operations do not cover: reranking, classification, fill-mask, and the like. get_model tells what input a model takes. The answer's inference_status tells the cost. Charged each time.",
			}, {
				Name: "get_account", Effect: sdk.Read, Description: "Tells whose key it is.",
				Run: readsAt(func(call *sdk.Call, _ sdk.None) string { return deepInfraRoot(call) + "/v1/me" }),
			}}),
	}
}

// deepInfraRoot answers where the native API is: the base URL without the part that belongs to the OpenAI wire.
func deepInfraRoot(call *sdk.Call) string {
	return strings.TrimSuffix(call.BaseURL(), "/v1/openai")
}

// readsAt is [gets] for paths that depend on where the platform is.
func readsAt[In any](path func(*sdk.Call, In) string) sdk.Handler {
	return sdk.Func(func(ctx context.Context, call *sdk.Call, in In) (object, error) {
		var out object
		err := call.Do(ctx, sdk.Request{Path: path(call, in)}, &out)
		return out, err
	})
}

// deepInfraChat is the input of DeepInfra's chat_completion.
type deepInfraChat struct {
	modelName
	conversation
	sampling
	Reasoning          object `json:"reasoning,omitempty" jsonschema:"{enabled, effort}"`
	ChatTemplateKwargs object `json:"chat_template_kwargs,omitempty" jsonschema:"values for the model's own template of messages"`
	PromptCacheKey     string `json:"prompt_cache_key,omitempty"`
}

// sampling are parameters of open models.
type sampling struct {
	TopK              *int     `json:"top_k,omitempty" minimum:"0" jsonschema:"how many of the likeliest words are chosen from"`
	MinP              *float64 `json:"min_p,omitempty" minimum:"0" maximum:"1" jsonschema:"least probability of a word, as a share of the likeliest one's"`
	RepetitionPenalty *float64 `json:"repetition_penalty,omitempty" minimum:"0" maximum:"5"`
}

// inference is the input of inference.
type inference struct {
	Model   string `json:"model" minLength:"1" maxLength:"200" jsonschema:"the model's id, such as Qwen/Qwen3-Reranker-0.6B"`
	Version string `json:"version,omitempty" jsonschema:"a version of the model; the newest when left out"`
	Input   object `json:"input" jsonschema:"what the model takes, as get_model describes it"`
}

func infer(ctx context.Context, call *sdk.Call, in inference) (object, error) {
	var out object
	path := modelPath(deepInfraRoot(call)+"/v1/inference/", in.Model)
	if err := call.Do(ctx, sdk.Request{Path: path, Query: sdk.Query("version", in.Version), JSON: in.Input}, &out); err != nil {
		return nil, err
	}
	var status struct {
		Cost      number `json:"cost"`
		Generated number `json:"tokens_generated"`
		Input     number `json:"tokens_input"`
	}
	_ = json.Unmarshal(out["inference_status"], &status) // what is not as expected counts nothing
	add(call, "input_tokens", status.Input)
	add(call, "output_tokens", status.Generated)
	add(call, "cost_usd", status.Cost)
	return out, nil
}

func verifyDeepInfra(ctx context.Context, call *sdk.Call) (sdk.Account, error) {
	var me struct {
		UID         string  `json:"uid"`
		DisplayName string  `json:"display_name"`
		Email       *string `json:"email"`
		Team        *string `json:"team_display_name"`
	}
	if err := call.Do(ctx, sdk.Request{Path: deepInfraRoot(call) + "/v1/me"}, &me); err != nil {
		return sdk.Account{}, err
	}
	account := sdk.Account{ID: me.UID, Name: me.DisplayName}
	for _, better := range []*string{me.Email, me.Team} {
		if better != nil && *better != "" {
			account.Name = *better
		}
	}
	if account.ID == "" {
		return sdk.KeyAccount(call, "API key"), nil
	}
	account.Name = or(account.Name, account.ID)
	return account, nil
}
