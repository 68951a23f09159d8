package main

import (
	"mime"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// maxInlineBytes bounds an answer whose files stand in its JSON in base64, such as ten images.
const maxInlineBytes = 96 << 20

// attachBase64 attaches a file that stands in an answer in base64, with or without a data: prefix.
func attachBase64(call *sdk.Call, base, kind, encoded string) (sdk.Attached, error) {
	if prefix, rest, ok := strings.Cut(encoded, ","); ok && strings.HasPrefix(prefix, "data:") {
		if told, _, err := mime.ParseMediaType(strings.TrimSuffix(strings.TrimPrefix(prefix, "data:"), ";base64")); err == nil {
			kind = told
		}
		encoded = rest
	}
	return call.AttachBase64(base, kind, encoded)
}
