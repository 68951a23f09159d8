// Package sdk is what the author of a Patchbay adapter imports.
//
// An adapter is one program: a manifest, a table of operations and one call of [Serve]. The host launches it, tells it
// what to run and gives it one short-lived credential with each call. A whole adapter:
//
//	package main
//
//	import (
//		"context"
//
//		"github.com/patchbay/patchbay/sdk"
//	)
//
//	var version = "0.0.0-dev" // set by -ldflags "-X main.version=1.2.0"
//
//	type Search struct {
//		Query string `json:"query" jsonschema:"what to look for" minLength:"1"`
//		Limit int    `json:"limit,omitempty" jsonschema:"how many at most" minimum:"1" maximum:"50"`
//	}
//
//	type Found struct {
//		Names []string `json:"names"`
//	}
//
//	func search(ctx context.Context, call *sdk.Call, in Search) (Found, error) {
//		var out Found
//		err := call.Do(ctx, sdk.Request{Path: "/search", Query: sdk.Query("q", in.Query, "limit", in.Limit)}, &out)
//		return out, err
//	}
//
//	func main() {
//		sdk.Serve(sdk.Adapter{Name: "names", Version: version, Platforms: []sdk.Platform{{
//			ID: "names", Name: "Names", Category: sdk.Tools, Description: "Looks names up.",
//			BaseURL: "https://api.names.example/v1",
//			Auth:    []sdk.AuthMethod{sdk.APIKey("Make a key at names.example/keys.")},
//			Verify: func(ctx context.Context, call *sdk.Call) (sdk.Account, error) {
//				var me struct{ ID, Name string }
//				err := call.Do(ctx, sdk.Request{Path: "/me"}, &me)
//				return sdk.Account{ID: me.ID, Name: me.Name}, err
//			},
//			Operations: []sdk.Operation{{
//				Name: "search", Effect: sdk.Read, Description: "Searches names.", Run: sdk.Func(search),
//			}},
//		}}})
//	}
//
// The JSON Schemas of an operation come from the Go types of its function (see [Func]); one that is a single request needs no function of its own.
// Where the operation names things otherwise than the platform, or answers a part of what that does, declare an [Endpoint] (see [Send]). Where it takes the
// platform's own names and answers the platform's object, a route says the same in one line (see [Routed], [Pages] and [Deletes]), and callers may be let give
// further parameters (see [Further]). [Call.Do] and [HTTP] dial through the host, add the credential, bound the answer
// and turn statuses into kinds of failure (see [Kind]). Panics are caught per call.
// The contract beneath is in proto/README.md; package sdktest checks an adapter against it.
package sdk
