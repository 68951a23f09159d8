package main

import (
	"context"
	_ "embed"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

//go:embed icons/novita.svg
var novitaIcon []byte

// novita is Novita AI. Its OpenAI wire is below /openai/v1; tasks, media and billing are beside that.
func novita() sdk.Platform {
	w := wire{name: "Novita", asksUsage: true}
	return sdk.Platform{
		ID: "novita", Name: "Novita AI", Category: sdk.AI, Icon: novitaIcon, Website: "https://novita.ai/docs",
		Description: "Open models for text, embeddings and reranking, and tasks that make and change images, videos and speech.",
		BaseURL:     "https://api.novita.ai/openai/v1",
		Auth:        []sdk.AuthMethod{keyMethod("Make a key at novita.ai/settings/key-management.")},
		Explain:     w.explain,
		Verify:      verifyNovita,
		VerifyNote:  "Reads your balance, which costs nothing. Novita does not say whose key it is, so the account is named by the key's last four characters.",
		Operations: join([]sdk.Operation{
			chat[novitaChat](w, "Answers a conversation with an open model."),
		}, w.pick("completion", "create_embedding"), []sdk.Operation{w.rerank()},
			w.pick("list_models", "get_model", "upload_file", "list_files", "get_file", "get_file_content", "delete_file",
				"create_batch", "list_batches", "get_batch", "cancel_batch"), novitaMedia(), []sdk.Operation{{
				Name: "get_balance", Effect: sdk.Read, Description: "Tells the account's balance in units of 1/10000 US dollar.",
				Run: readsAt(func(call *sdk.Call, _ sdk.None) string {
					return novitaRoot(call) + "/openapi/v1/billing/balance/detail"
				}),
			}}),
	}
}

// novitaRoot answers where the tasks and the billing are: the base URL without the part that belongs to the OpenAI wire.
func novitaRoot(call *sdk.Call) string {
	base := call.BaseURL()
	for _, wire := range []string{"/openai/v1", "/v3/openai", "/openai"} {
		if root, ok := strings.CutSuffix(base, wire); ok {
			return root
		}
	}
	return base
}

// novitaChat is the input of Novita's chat_completion.
type novitaChat struct {
	modelName
	conversation
	sampling
	SeparateReasoning *bool `json:"separate_reasoning,omitempty" jsonschema:"whether the reasoning comes in a field of its own"`
	EnableThinking    *bool `json:"enable_thinking,omitempty" jsonschema:"whether a model that can do both thinks first"`
}

// verifyNovita reads the balance. A server that an operator put in Novita's place may have no billing: there the models are listed.
func verifyNovita(ctx context.Context, call *sdk.Call) (sdk.Account, error) {
	err := call.Do(ctx, sdk.Request{Path: novitaRoot(call) + "/openapi/v1/billing/balance/detail"}, nil)
	if call.Replaced() && sdk.KindOf(err) == sdk.NotFound {
		return verifyByModels(ctx, call)
	}
	if err != nil {
		return sdk.Account{}, err
	}
	return sdk.KeyAccount(call, "API key"), nil
}
