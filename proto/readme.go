// Package proto holds the contract between the host and an adapter: its messages in patchbay/adapter/v1, and its description in words.
package proto

import _ "embed"

// Readme is the description in words, as Markdown.
//
//go:embed README.md
var Readme string
