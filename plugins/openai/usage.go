package main

import (
	"encoding/json"
	"math"

	"github.com/patchbay/patchbay/sdk"
)

// counts are the places where the platforms say what a call consumed: the tokens by their two sets of names, the cost where a
// platform tells it. A value that is no number is left out.
type counts struct {
	InputTokens      number `json:"input_tokens"`
	OutputTokens     number `json:"output_tokens"`
	PromptTokens     number `json:"prompt_tokens"`
	CompletionTokens number `json:"completion_tokens"`
	TotalTokens      number `json:"total_tokens"`
	Seconds          number `json:"seconds"`
	// Cost is a number (OpenRouter) or an object with a total (Perplexity), in US dollars.
	Cost json.RawMessage `json:"cost"`
	// EstimatedCost is DeepInfra's, in US dollars.
	EstimatedCost number `json:"estimated_cost"`
}

// number is a JSON number; anything else reads as 0.
type number float64

// UnmarshalJSON never fails: usage is no reason to lose an answer.
func (n *number) UnmarshalJSON(data []byte) error {
	var f float64
	if json.Unmarshal(data, &f) == nil && f > 0 && !math.IsInf(f, 0) {
		*n = number(f)
	}
	return nil
}

// count adds the units that an answer's usage object tells: input_tokens, output_tokens, cost_usd, and audio_seconds where sound
// is charged by its length.
func count(call *sdk.Call, usage json.RawMessage) {
	var c counts
	if sdk.IsNull(usage) || json.Unmarshal(usage, &c) != nil {
		return
	}
	in, out := max(c.InputTokens, c.PromptTokens), max(c.OutputTokens, c.CompletionTokens)
	if in == 0 && out == 0 {
		in = c.TotalTokens // rerank and some embeddings tell the sum alone
	}
	add(call, "input_tokens", in)
	add(call, "output_tokens", out)
	add(call, "audio_seconds", c.Seconds)
	add(call, "cost_usd", max(c.EstimatedCost, cost(c.Cost)))
}

// cost reads a cost that is a number or an object with a total.
func cost(raw json.RawMessage) number {
	var total struct {
		Total number `json:"total_cost"`
	}
	if json.Unmarshal(raw, &total) == nil && total.Total > 0 {
		return total.Total
	}
	var n number
	if len(raw) > 0 {
		_ = n.UnmarshalJSON(raw) // it never fails
	}
	return n
}

func add(call *sdk.Call, unit string, n number) {
	if n > 0 {
		call.AddUnits(unit, float64(n))
	}
}
