package main

import (
	"encoding/json"

	"github.com/patchbay/patchbay/sdk"
)

// object is a JSON object whose values stay as they were written, numbers included.
type object = sdk.Object

// extra is a part of every input whose platform knows more parameters than are named here.
type extra = sdk.Further

// isTrue says whether a body's parameter is the JSON value true.
func isTrue(raw json.RawMessage) bool { return string(raw) == "true" }

// raw encodes a value that is known to be JSON.
func raw(v any) json.RawMessage {
	encoded, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return encoded
}
