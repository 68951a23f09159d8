package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"strconv"

	"github.com/patchbay/patchbay/sdk"
)

//go:embed icons/openrouter.svg
var openRouterIcon []byte

// openRouter is OpenRouter. Its PKCE flow, which yields a plain key, departs from OAuth 2 in the names of its parameters, so keys
// are given by hand.
func openRouter() sdk.Platform {
	w := wire{name: "OpenRouter", asksUsage: true}
	return sdk.Platform{
		ID: "openrouter", Name: "OpenRouter", Category: sdk.Tools, Icon: openRouterIcon, Website: "https://openrouter.ai/docs",
		Description: "Hundreds of models of many vendors behind one key, with fallbacks, preferences among vendors and the cost in every answer.",
		BaseURL:     "https://openrouter.ai/api/v1",
		Auth: []sdk.AuthMethod{keyMethod("Make a key at openrouter.ai/settings/keys.",
			sdk.Field{Name: "app_url", Label: "App address", Help: "Optional: counts the calls for your app in OpenRouter's rankings.", Pattern: `[!-~]*`},
			sdk.Field{Name: "app_name", Label: "App name", Help: "Optional: the app's name there.", Pattern: `[ -~]*`})},
		Authorize:  withHeaders(map[string]string{"HTTP-Referer": "app_url", "X-Title": "app_name"}),
		Explain:    w.explain,
		Verify:     verifyOpenRouter,
		VerifyNote: "Reads the key's own limits, which costs nothing.",
		Operations: join([]sdk.Operation{
			chat[openRouterChat](w, "Answers a conversation with any model, or with the first of several that can. The usage tells the cost in US dollars."),
			respond[openRouterResponse](w, sdk.Read, "Answers by the Responses API. OpenRouter keeps nothing: previous responses cannot be named."),
		}, w.pick("completion", "create_embedding"), []sdk.Operation{w.rerank(), w.openRouterImage()}, w.pick("speech", "transcribe"), routerVideos(), routerAccount()),
	}
}

// routing are the parameters that choose among models and vendors.
type routing struct {
	Model    string   `json:"model,omitempty" jsonschema:"vendor/name, such as anthropic/claude-sonnet-4.5; the account's default when left out"`
	Models   []string `json:"models,omitempty" jsonschema:"models to try in turn when the first cannot answer"`
	Provider object   `json:"provider,omitempty" jsonschema:"preferences among vendors: {order, only, ignore, allow_fallbacks, data_collection, sort, max_price, require_parameters}"`
	Plugins  []object `json:"plugins,omitempty" jsonschema:"such as {id: web} or {id: file-parser}"`
	Route    string   `json:"route,omitempty" enum:"fallback,sort"`
}

// openRouterChat is the input of OpenRouter's chat_completion.
type openRouterChat struct {
	routing
	conversation
	sampling
	Transforms []string `json:"transforms,omitempty" jsonschema:"middle-out shortens a conversation that is too long; an empty list forbids it"`
	Reasoning  object   `json:"reasoning,omitempty" jsonschema:"{effort}, {max_tokens}, {exclude}, {enabled}"`
	Modalities []string `json:"modalities,omitempty" enum:"text,image,audio"`
	TopA       *float64 `json:"top_a,omitempty" minimum:"0" maximum:"1"`
	Metadata   object   `json:"metadata,omitempty"`
	Prediction object   `json:"prediction,omitempty"`
}

// openRouterResponse is the input of OpenRouter's create_response.
type openRouterResponse struct {
	routing
	turn
	Include           []string `json:"include,omitempty"`
	ParallelToolCalls *bool    `json:"parallel_tool_calls,omitempty"`
	TopK              *int     `json:"top_k,omitempty" minimum:"0"`
	User              string   `json:"user,omitempty"`
}

// routerImage is the input of OpenRouter's generate_image.
type routerImage struct {
	modelName
	Prompt          string   `json:"prompt" minLength:"1" jsonschema:"what the image shows"`
	N               int      `json:"n,omitempty" minimum:"1" maximum:"10" jsonschema:"how many; each is charged"`
	Size            string   `json:"size,omitempty" jsonschema:"such as 1024x1024; give this or aspect_ratio and resolution"`
	AspectRatio     string   `json:"aspect_ratio,omitempty" jsonschema:"such as 16:9"`
	Resolution      string   `json:"resolution,omitempty" enum:"512,1K,2K,4K"`
	Quality         string   `json:"quality,omitempty" enum:"auto,low,medium,high"`
	Background      string   `json:"background,omitempty" enum:"auto,transparent,opaque"`
	OutputFormat    string   `json:"output_format,omitempty" enum:"png,jpeg,webp,svg"`
	InputReferences []object `json:"input_references,omitempty" jsonschema:"images to go by: {type: image_url, image_url: {url}}"`
	Seed            *int64   `json:"seed,omitempty"`
	Provider        object   `json:"provider,omitempty"`
	extra
}

func (w wire) openRouterImage() sdk.Operation {
	return sdk.Operation{
		Name: "generate_image", Effect: sdk.Write, GivesFiles: true,
		Description: "Makes images of a text, and of other images with models that take them. They come as files with the result. Charged for each image.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in routerImage) (images, error) {
			b, err := sdk.Body(in)
			if err != nil {
				return images{}, err
			}
			return w.draw(ctx, call, sdk.Request{Path: "/images", JSON: b}, b)
		}),
	}
}

// routerModels is the input of OpenRouter's list_models.
type routerModels struct {
	Query               string `json:"query,omitempty" jsonschema:"words in the model's name or id"`
	Category            string `json:"category,omitempty" jsonschema:"such as programming, roleplay, translation or legal"`
	SupportedParameters string `json:"supported_parameters,omitempty" jsonschema:"only models that take these, such as tools,response_format"`
	OutputModalities    string `json:"output_modalities,omitempty" jsonschema:"such as text, image or embeddings"`
	Limit               int    `json:"limit,omitempty" minimum:"1" maximum:"1000" jsonschema:"how many at most"`
	Cursor              string `json:"cursor,omitempty" pattern:"^[0-9]*$" jsonschema:"next_cursor of the page before"`
}

// oneGeneration is the input of get_generation.
type oneGeneration struct {
	ID string `json:"id" minLength:"1" maxLength:"200" jsonschema:"the id of a completion: gen-..."`
}

// routerAccount are OpenRouter's operations on models, past calls and the account.
func routerAccount() []sdk.Operation {
	return []sdk.Operation{{
		Name: "list_models", Effect: sdk.Read, Run: sdk.Func(listRouterModels),
		Description: "Lists the models with their prices, context lengths and parameters, by filters. There are hundreds: ask for a limit.",
	}, {
		Name: "list_model_endpoints", Effect: sdk.Read, Description: "Tells which vendors serve a model, with price, limits and uptime of each.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in oneModel) (object, error) {
			return data(ctx, call, sdk.Request{Path: modelPath("/models/", in.Model) + "/endpoints"})
		}),
	}, {
		Name: "list_providers", Effect: sdk.Read, Description: "Lists the vendors, for the preferences in provider.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, _ sdk.None) (page, error) {
			return getPage(ctx, call, "/providers", listing{})
		}),
	}, {
		Name: "get_generation", Effect: sdk.Read, Description: "Tells about a past call: vendor, tokens, cost (total_cost in US dollars), times. It takes a moment after the call until it is there.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in oneGeneration) (object, error) {
			return data(ctx, call, sdk.Request{Path: "/generation", Query: sdk.Query("id", in.ID)})
		}),
	}, {
		Name: "get_credits", Effect: sdk.Read, Description: "Tells the credits bought and used, in US dollars. Some keys may not ask.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, _ sdk.None) (object, error) {
			return data(ctx, call, sdk.Request{Path: "/credits"})
		}),
	}, {
		Name: "get_key", Effect: sdk.Read, Description: "Tells the key's own limits and use, in US dollars.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, _ sdk.None) (object, error) {
			return data(ctx, call, sdk.Request{Path: "/key"})
		}),
	}}
}

// data sends a request and answers the data of the answer.
func data(ctx context.Context, call *sdk.Call, r sdk.Request) (object, error) {
	var answer struct {
		Data object `json:"data"`
	}
	if err := call.Do(ctx, r, &answer); err != nil {
		return nil, err
	}
	if answer.Data == nil {
		return nil, sdk.Errorf(sdk.PlatformError, "OpenRouter answered without data.")
	}
	return answer.Data, nil
}

func listRouterModels(ctx context.Context, call *sdk.Call, in routerModels) (page, error) {
	var answer struct {
		Data  []json.RawMessage `json:"data"`
		Total number            `json:"total_count"`
	}
	query := sdk.Query("q", in.Query, "category", in.Category, "supported_parameters", in.SupportedParameters,
		"output_modalities", in.OutputModalities, "limit", in.Limit, "offset", in.Cursor)
	if err := call.Do(ctx, sdk.Request{Path: "/models", Query: query}, &answer); err != nil {
		return page{}, err
	}
	offset, _ := strconv.Atoi(in.Cursor) // the schema lets digits pass alone; more of them than fit read as 0
	out := page{Items: filterModels(answer.Data, modelFilter{Limit: in.Limit})}
	if seen := offset + len(out.Items); in.Limit > 0 && len(out.Items) == in.Limit && seen < int(answer.Total) {
		out.NextCursor = strconv.Itoa(seen)
	}
	return out, nil
}

// verifyOpenRouter asks for the key's limits. The label in the answer is a part of the key, so the end of the key names it instead.
func verifyOpenRouter(ctx context.Context, call *sdk.Call) (sdk.Account, error) {
	key, err := data(ctx, call, sdk.Request{Path: "/key"})
	if err != nil {
		return sdk.Account{}, err
	}
	account := sdk.KeyAccount(call, "API key")
	if owner := clean(sdk.Text(key["creator_user_id"])); owner != "" {
		account.ID = owner
	}
	return account, nil
}
