// Command google is the Patchbay adapter of Google's services: Gmail, Sheets, Drive, Calendar, YouTube, and Google itself with web search,
// Docs, Contacts and Tasks.
//
// They are signed in to alike (oauth.go, scopes.go), refuse alike (explain.go) and take large files alike (upload.go); nearly all operations are
// one request each and stand as data in the table of their platform.
package main

import "github.com/patchbay/patchbay/sdk"

var version = "0.0.0-dev" // set by -ldflags "-X main.version=1.2.0"

func main() { sdk.Serve(adapter()) }

// adapter is the manifest.
func adapter() sdk.Adapter {
	return sdk.Adapter{Name: "google", Version: version, Platforms: widened(gmail(), sheets(), drive(), calendar(), google(), youtube())}
}
