// Command openai is the adapter of the platforms that speak the OpenAI wire format: OpenAI itself, Groq, DeepInfra, Novita,
// OpenRouter and Perplexity.
//
// What they share is one table of operations (see wire.go), from which each platform picks; each has a file of its own with its
// address, its credential and what it alone can do.
package main

import "github.com/patchbay/patchbay/sdk"

var version = "0.0.0-dev" // set by -ldflags "-X main.version=1.2.0"

func main() { sdk.Serve(adapter(version)) }

// adapter is the whole manifest.
func adapter(version string) sdk.Adapter {
	return sdk.Adapter{Name: "openai", Version: version, Platforms: []sdk.Platform{
		openAI(), groq(), deepInfra(), novita(), openRouter(), perplexity(),
	}}
}
