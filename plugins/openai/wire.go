package main

import (
	"fmt"

	"github.com/patchbay/patchbay/sdk"
)

// wire says how one platform departs from the OpenAI wire format.
type wire struct {
	// name is the platform's, for the texts of its errors. Required.
	name string
	// chat and responses are the paths of the two conversations. Optional: those of OpenAI.
	chat, responses string
	// asksUsage is true where a stream tells its usage only when stream_options asks for it.
	asksUsage bool
}

func (w wire) chatPath() string { return or(w.chat, "/chat/completions") }

func (w wire) responsesPath() string { return or(w.responses, "/responses") }

// operations is the table of what the OpenAI wire has in common everywhere. The chat and responses operations are not in it:
// each platform has parameters of its own there.
func (w wire) operations() []sdk.Operation {
	var all []sdk.Operation
	for _, family := range [][]sdk.Operation{w.completions(), w.embeddings(), w.images(), w.audio(), w.models(), w.files(), w.batches()} {
		all = append(all, family...)
	}
	return all
}

// pick answers the named operations of the table, in the order asked for. A name that is not there stays without a function, which
// the manifest's check reports.
func (w wire) pick(names ...string) []sdk.Operation {
	table := map[string]sdk.Operation{}
	for _, op := range w.operations() {
		table[op.Name] = op
	}
	picked := make([]sdk.Operation, 0, len(names))
	for _, name := range names {
		op, ok := table[name]
		if !ok {
			op = sdk.Operation{Name: name, Description: fmt.Sprintf("%s is in no table.", name)}
		}
		picked = append(picked, op)
	}
	return picked
}

// join puts lists of operations after one another.
func join(lists ...[]sdk.Operation) []sdk.Operation {
	var all []sdk.Operation
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
