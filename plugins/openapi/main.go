// Command openapi is the Patchbay adapter for any API that has an OpenAPI document: it makes platforms of documents, and runs their
// operations by the plans that it made.
package main

import (
	"context"
	"encoding/json"

	"github.com/patchbay/patchbay/sdk"
)

var version = "0.0.0-dev" // set by -ldflags "-X main.version=1.2.0"

func main() { sdk.Serve(sdk.Adapter{Name: "openapi", Version: version, Mounts: mounter{}}) }

// mounter makes platforms of OpenAPI documents. It keeps nothing between calls: the plans hold all that a call needs.
type mounter struct{}

// Compile reads a document.
func (mounter) Compile(ctx context.Context, o sdk.MountOrder, raw []byte) (sdk.Mounted, error) {
	root, err := read(raw)
	if err != nil {
		return sdk.Mounted{}, sdk.Invalid("/document", "%s", err)
	}
	d, err := newDocument(root, o)
	if err != nil {
		return sdk.Mounted{}, sdk.Invalid("/document", "%s", err)
	}
	return d.compile(ctx)
}

// Platform answers how calls are authorised, explained and tested.
func (mounter) Platform(plan []byte) (sdk.Platform, error) {
	var p platformPlan
	if err := json.Unmarshal(plan, &p); err != nil || p.Format != planFormat {
		return sdk.Platform{}, sdk.Errorf(sdk.AdapterBug, "This platform was made by another version of the adapter: an operator must add its document again with --replace.")
	}
	return sdk.Platform{Name: p.Name, Auth: []sdk.AuthMethod{{Type: sdk.MethodNone}}, Authorize: p.authorize, Explain: explain, Verify: p.verify}, nil
}

// Run runs an operation.
func (mounter) Run(ctx context.Context, call *sdk.Call, plan, input []byte) ([]byte, error) {
	var op operationPlan
	if err := json.Unmarshal(plan, &op); err != nil {
		return nil, sdk.Errorf(sdk.AdapterBug, "The operation's plan cannot be read.")
	}
	return op.run(ctx, call, input)
}
