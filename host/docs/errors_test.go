package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// codeShape is what codes look like.
var codeShape = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)

// codesIn answers the error codes that a file of the host can answer: the constants of catalog's Kind, the kinds of failures and the codes of
// problems and closing pages that are written out, and the api's tables.
func codesIn(f *ast.File) (codes []string) {
	add := func(e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if code, err := strconv.Unquote(lit.Value); err == nil && codeShape.MatchString(code) {
				codes = append(codes, code)
			}
		}
	}
	inCatalog := f.Name.Name == "catalog"
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			if isType(n.Type, "Kind", inCatalog) {
				for _, v := range n.Values {
					add(v)
				}
			}
			if f.Name.Name == "api" && (n.Names[0].Name == "titles" || n.Names[0].Name == "statuses") {
				for _, entry := range n.Values[0].(*ast.CompositeLit).Elts {
					add(entry.(*ast.KeyValueExpr).Key)
					add(entry.(*ast.KeyValueExpr).Value)
				}
			}
		case *ast.CompositeLit:
			for _, e := range n.Elts {
				field, ok := e.(*ast.KeyValueExpr)
				if !ok {
					continue
				}
				switch key, _ := field.Key.(*ast.Ident); {
				case key == nil:
				case key.Name == "Kind" && isType(n.Type, "Failure", inCatalog), key.Name == "Code" && (isNamed(n.Type, "Problem") || isNamed(n.Type, "closing")):
					add(field.Value)
				}
			}
		case *ast.CallExpr:
			if isNamed(n.Fun, "newProblem") && len(n.Args) == 4 {
				add(n.Args[2])
			}
			if isType(n.Fun, "Kind", inCatalog) && len(n.Args) == 1 {
				add(n.Args[0])
			}
		}
		return true
	})
	return codes
}

// isType says whether an expression names a type of catalog.
func isType(e ast.Expr, name string, inCatalog bool) bool {
	if s, ok := e.(*ast.SelectorExpr); ok {
		return isNamed(s.X, "catalog") && s.Sel.Name == name
	}
	return inCatalog && isNamed(e, name)
}

func isNamed(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

// Every code that the host's source can answer has a row in errors.md, and every row's code is one that the host can answer.
func TestEveryErrorCodeIsTold(t *testing.T) {
	answered := map[string]string{}
	err := filepath.WalkDir("../internal", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			return err
		}
		for _, code := range codesIn(f) {
			answered[code] = file
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	page, err := files.ReadFile("errors.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| [0-9]{3} \\|").FindAllSubmatch(page, -1) {
		told[string(row[1])] = true
	}
	for _, code := range slices.Sorted(maps.Keys(answered)) {
		if !told[code] {
			t.Errorf("errors.md does not tell of %s (%s)", code, answered[code])
		}
	}
	for _, code := range slices.Sorted(maps.Keys(told)) {
		if answered[code] == "" {
			t.Errorf("errors.md tells of %s, which nothing answers", code)
		}
	}
	for _, known := range []string{"rate_limited", "browser_mismatch", "key_in_use", "not_acceptable", "idempotency_key_reused", "link_invalid"} {
		if answered[known] == "" {
			t.Errorf("%s is not found in the source: the test looks at too little", known)
		}
	}
}
