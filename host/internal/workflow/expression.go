package workflow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// Bounds of an expression.
const (
	maxExpression = 4 << 10
	// maxCost is in the units of CEL: about one for each step, and one for ten bytes of text.
	maxCost = 1_000_000
	// maxThought ends an evaluation that the cost did not.
	maxThought = 5 * time.Second
)

// environment is what expressions may use; it is made once, for it costs milliseconds.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	options := []cel.EnvOption{
		cel.Variable("input", cel.DynType), cel.Variable("nodes", cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable("item", cel.DynType), cel.Variable("index", cel.IntType), cel.Variable("run", cel.MapType(cel.StringType, cel.StringType)),
		cel.CrossTypeNumericComparisons(true), cel.ParserRecursionLimit(100), cel.ParserExpressionSizeLimit(maxExpression),
	}
	return cel.NewEnv(append(options, functions()...)...)
})

// expression is a compiled CEL expression.
type expression struct {
	source  string
	program cel.Program
	// nodes are those that it refers to; item is true where it refers to the item of a for_each.
	nodes []string
	item  bool
	// path is the way below nodes.NAME.output where the expression is no more than that; otherwise it is nil.
	path []string
	kind *cel.Type
}

// compile reads an expression. Its errors are for people.
func compile(source string) (*expression, error) {
	if len(source) > maxExpression {
		return nil, fmt.Errorf("the expression is longer than %d bytes", maxExpression)
	}
	env, err := environment()
	if err != nil {
		return nil, fmt.Errorf("preparing expressions: %w", err)
	}
	checked, issues := env.Compile(source)
	if err := issues.Err(); err != nil {
		return nil, errors.New(oneLine(err.Error()))
	}
	e := &expression{source: source, kind: checked.OutputType()}
	if err := e.refer(checked.NativeRep()); err != nil {
		return nil, err
	}
	e.program, err = env.Program(checked, cel.CostLimit(maxCost), cel.InterruptCheckFrequency(100))
	if err != nil {
		return nil, errors.New(oneLine(err.Error()))
	}
	return e, nil
}

// refer finds what the expression refers to.
func (e *expression) refer(checked *ast.AST) error {
	root := ast.NavigateAST(checked)
	for _, found := range ast.MatchDescendants(root, ast.KindMatcher(ast.IdentKind)) {
		switch found.AsIdent() {
		case "item", "index":
			e.item = true
		case "nodes":
			name, ok := nodeNamed(found)
			if !ok {
				return errors.New(`a node is named as in nodes.fetch.output or nodes["fetch-1"].output`)
			}
			if !slices.Contains(e.nodes, name) {
				e.nodes = append(e.nodes, name)
			}
		}
	}
	e.path = outputPath(root)
	return nil
}

// nodeNamed answers the name behind an identifier that is nodes.
func nodeNamed(nodes ast.NavigableExpr) (string, bool) {
	parent, ok := nodes.Parent()
	if !ok {
		return "", false
	}
	switch parent.Kind() {
	case ast.SelectKind:
		return parent.AsSelect().FieldName(), true
	case ast.CallKind:
		call := parent.AsCall()
		if call.FunctionName() == operators.Index && len(call.Args()) == 2 && call.Args()[0].ID() == nodes.ID() && call.Args()[1].Kind() == ast.LiteralKind {
			name, ok := call.Args()[1].AsLiteral().Value().(string)
			return name, ok
		}
	}
	return "", false
}

// outputPath answers the fields of nodes.NAME.output.a.b, or nil where the expression is anything else.
func outputPath(at ast.Expr) []string {
	var fields []string
	for at.Kind() == ast.SelectKind && !at.AsSelect().IsTestOnly() {
		fields = append(fields, at.AsSelect().FieldName())
		at = at.AsSelect().Operand()
	}
	if at.Kind() != ast.IdentKind || at.AsIdent() != "nodes" || len(fields) < 3 || fields[len(fields)-2] != "output" {
		return nil
	}
	slices.Reverse(fields)
	return fields[2:]
}

// eval evaluates the expression within its bounds.
func (e *expression) eval(ctx context.Context, variables map[string]any) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, maxThought)
	defer cancel()
	out, _, err := e.program.ContextEval(ctx, variables)
	if err != nil {
		return nil, fmt.Errorf("${{ %s }}: %s", clip(e.source), oneLine(err.Error()))
	}
	value, err := fromCEL(out)
	if err != nil {
		return nil, fmt.Errorf("${{ %s }}: %w", clip(e.source), err)
	}
	return value, nil
}

// typeName answers the JSON type that the expression certainly has, or "".
func (e *expression) typeName() string {
	switch e.kind.Kind() {
	case types.StringKind, types.TimestampKind, types.DurationKind, types.BytesKind:
		return "string"
	case types.IntKind, types.UintKind:
		return "integer"
	case types.DoubleKind:
		return "number"
	case types.BoolKind:
		return "boolean"
	case types.ListKind:
		return "array"
	case types.MapKind:
		return "object"
	case types.NullTypeKind:
		return "null"
	}
	return ""
}

// oneLine makes a report of CEL, which draws an arrow below the source, one line.
func oneLine(s string) string {
	first, _, _ := strings.Cut(s, "\n")
	first = strings.TrimPrefix(first, "ERROR: <input>:")
	return clip(first)
}

func clip(s string) string {
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
