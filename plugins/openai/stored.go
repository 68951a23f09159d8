package main

import (
	"context"
	"encoding/json"

	"github.com/patchbay/patchbay/sdk"
)

// oneResponse is the input of the operations on a stored response.
type oneResponse struct {
	ResponseID string `json:"response_id" wire:"-" minLength:"1" maxLength:"200" jsonschema:"the response's id: resp_..."`
}

// readResponse is the input of get_response.
type readResponse struct {
	oneResponse
	Include []string `json:"include,omitempty" jsonschema:"what else to answer, such as web_search_call.action.sources"`
}

// itemListing is the input of list_response_input_items.
type itemListing struct {
	oneResponse
	listing
}

// tokenCount is the input of count_input_tokens.
type tokenCount struct {
	Model              string          `json:"model,omitempty"`
	Input              json.RawMessage `json:"input,omitempty" jsonschema:"as in create_response"`
	Instructions       *string         `json:"instructions,omitempty"`
	PreviousResponseID string          `json:"previous_response_id,omitempty"`
	Conversation       json.RawMessage `json:"conversation,omitempty"`
	Tools              []object        `json:"tools,omitempty"`
	ToolChoice         json.RawMessage `json:"tool_choice,omitempty"`
	Reasoning          object          `json:"reasoning,omitempty"`
	Text               object          `json:"text,omitempty"`
	ParallelToolCalls  *bool           `json:"parallel_tool_calls,omitempty"`
	Truncation         string          `json:"truncation,omitempty" enum:"auto,disabled"`
	extra
}

// compaction is the input of compact_response.
type compaction struct {
	modelName
	Input              json.RawMessage `json:"input,omitempty" jsonschema:"the items of the conversation, as in create_response"`
	Instructions       *string         `json:"instructions,omitempty"`
	PreviousResponseID string          `json:"previous_response_id,omitempty"`
	extra
}

// storedResponses are the operations on responses that OpenAI keeps, and those that need no answer of a model.
func storedResponses() []sdk.Operation {
	w := wire{name: "OpenAI"}
	return []sdk.Operation{{
		Name: "get_response", Effect: sdk.Read,
		Description: "Reads a stored response, or how far one in the background has come (queued, in_progress, completed, incomplete, failed, cancelled).",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in readResponse) (response, error) {
			var answer object
			if err := call.Do(ctx, sdk.Request{Path: sdk.Path("/responses/%s", in.ResponseID), Query: sdk.Query("include[]", in.Include)}, &answer); err != nil {
				return response{}, err
			}
			return w.responseOf(answer)
		}),
	}, {
		Name: "cancel_response", Effect: sdk.Idempotent, Description: "Stops a response that runs in the background. Refuses any other.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in oneResponse) (response, error) {
			var answer object
			if err := call.Do(ctx, sdk.Request{Method: "POST", Path: sdk.Path("/responses/%s/cancel", in.ResponseID)}, &answer); err != nil {
				return response{}, err
			}
			return w.responseOf(answer)
		}),
	}, {
		Name: "delete_response", Effect: sdk.Idempotent, Description: "Deletes a stored response.",
		Run: deletes(func(in oneResponse) (string, string) { return sdk.Path("/responses/%s", in.ResponseID), in.ResponseID }),
	}, {
		Name: "list_response_input_items", Effect: sdk.Read, Description: "Lists what a stored response was asked.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in itemListing) (page, error) {
			return getPage(ctx, call, sdk.Path("/responses/%s/input_items", in.ResponseID), in.listing)
		}),
	}, {
		Name: "count_input_tokens", Effect: sdk.Read, Description: "Counts the tokens that a create_response would take in, without running it. Costs nothing.",
		Run: posts(at[tokenCount]("/responses/input_tokens")),
	}, {
		Name: "compact_response", Effect: sdk.Read, Description: "Shortens a long conversation to items that a later create_response can go on from. Costs tokens.",
		Run: consumes[compaction]("/responses/compact"),
	}}
}

// newConversation is the input of create_conversation.
type newConversation struct {
	Items    []object `json:"items,omitempty" jsonschema:"what it begins with, up to 20 items"`
	Metadata object   `json:"metadata,omitempty" jsonschema:"up to 16 texts of yours to find it by"`
}

// oneConversation is the input of the operations on one conversation.
type oneConversation struct {
	ConversationID string `json:"conversation_id" minLength:"1" maxLength:"200" jsonschema:"the conversation's id: conv_..."`
}

// conversationItems is the input of list_conversation_items.
type conversationItems struct {
	oneConversation
	listing
}

// conversations are the operations on conversations that OpenAI keeps.
func conversations() []sdk.Operation {
	return []sdk.Operation{{
		Name: "create_conversation", Effect: sdk.Write, Description: "Begins a conversation that OpenAI keeps, to name in create_response.",
		Run: posts(at[newConversation]("/conversations")),
	}, {
		Name: "get_conversation", Effect: sdk.Read, Description: "Tells about a conversation: when it began, its metadata.",
		Run: gets(func(in oneConversation) string { return sdk.Path("/conversations/%s", in.ConversationID) }),
	}, {
		Name: "list_conversation_items", Effect: sdk.Read, Description: "Lists the messages and calls of a conversation, newest first.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in conversationItems) (page, error) {
			return getPage(ctx, call, sdk.Path("/conversations/%s/items", in.ConversationID), in.listing)
		}),
	}, {
		Name: "delete_conversation", Effect: sdk.Idempotent, Description: "Deletes a conversation; its items stay.",
		Run: deletes(func(in oneConversation) (string, string) {
			return sdk.Path("/conversations/%s", in.ConversationID), in.ConversationID
		}),
	}}
}
