package sdk

import (
	"errors"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/patchbay/patchbay/"

// pulledIn are the modules that an author's adapter is built with because of this package, each with the reason why.
var pulledIn = map[string]string{
	"github.com/hashicorp/go-plugin":        "starts and greets: the contract's handshake",
	"github.com/hashicorp/go-hclog":         "go-plugin logs with it and takes no other logger",
	"google.golang.org/grpc":                "carries the contract",
	"google.golang.org/genproto/googleapis": "RetryInfo and BadRequest, the details of failures",
	"google.golang.org/protobuf":            "encodes the contract",
	"github.com/google/jsonschema-go":       "makes schemas of Go types",
}

// testTools may be imported by tests and by sdktest, which adapters import in their tests alone.
var testTools = map[string]string{
	"github.com/google/go-cmp": "compares",
	"go.yaml.in/yaml":          "reads recorded conversations with platforms",
}

// What an author's adapter pulls in is kept small, in the same way as what may import what: by reading the sources.
func TestImports(t *testing.T) {
	used := map[string]bool{}
	for _, folder := range []string{".", "../proto"} {
		err := filepath.WalkDir(folder, func(file string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && d.Name() == "client" && folder == "." {
				return fs.SkipDir // of the REST API, which no adapter imports
			}
			if !strings.HasSuffix(file, ".go") {
				return nil
			}
			for _, imported := range importsOf(t, file) {
				module, err := allowedImport(imported, strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "sdktest/"))
				if err != nil {
					t.Errorf("%s: %v", file, err)
				}
				used[module] = true
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for module := range pulledIn {
		if !used[module] {
			t.Errorf("%s is allowed and nothing imports it", module)
		}
	}
}

func importsOf(t *testing.T, file string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatalf("parsing %s: %v", file, err)
	}
	var out []string
	for _, spec := range f.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatalf("parsing %s: %v", file, err)
		}
		out = append(out, imported)
	}
	return out
}

// allowedImport answers the module of an import, "" for the standard library and for what is here.
func allowedImport(imported string, test bool) (string, error) {
	if ours, ok := strings.CutPrefix(imported, module); ok {
		if strings.HasPrefix(ours, "sdk") || strings.HasPrefix(ours, "proto/") {
			return "", nil
		}
		return "", errors.New(imported + " is none of an adapter's business")
	}
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return "", nil
	}
	lists := []map[string]string{pulledIn}
	if test {
		lists = append(lists, testTools)
	}
	for _, list := range lists {
		for module := range list {
			if imported == module || strings.HasPrefix(imported, module+"/") {
				return module, nil
			}
		}
	}
	return "", errors.New(imported + " would come with every adapter: do without, or give a reason in the list of this test")
}

// TestImportsRefuse shows that the check can fail.
func TestImportsRefuse(t *testing.T) {
	for imported, test := range map[string]bool{"github.com/stretchr/testify/assert": true, "github.com/google/go-cmp/cmp": false,
		module + "host": false, "golang.org/x/net/http2": false, "github.com/hashicorp/go-plugins": false} {
		if _, err := allowedImport(imported, test); err == nil {
			t.Errorf("%s is allowed", imported)
		}
	}
	for _, imported := range []string{"net/http", "google.golang.org/grpc/status", module + "proto/patchbay/adapter/v1"} {
		if _, err := allowedImport(imported, false); err != nil {
			t.Error(err)
		}
	}
}
