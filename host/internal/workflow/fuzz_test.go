package workflow

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// Whatever a document holds, reading it ends, and what is wrong with it has a line.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"nodes: {a: {value: 1}}", "nodes:\n  a: {integration: x, operation: y, input: {a: '${{ nodes.b.output.c }}'}}\n  b: {value: [1, {x: null}]}",
		`{"nodes":{"a":{"sandbox":{"code":"print(1)"}}},"output":"${{ nodes.a.output }}"}`, "nodes: {a: {when: 'true', for_each: [1], workflow: w}}",
		"schedules: [{cron: '@daily', timezone: UTC}]\nnodes: {a: {wait: 5s}}", "nodes: &a {b: *a}", "a: b: c", "nodes: {a: {value: '${{ }}'}}", "---\n---\n", "\xff",
		"nodes: {a: {value: '${{ {\"a\": \"}}\"} }}'}}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		doc, err := parse(source)
		var at *lineError
		if err != nil && (!errors.As(err, &at) || at.line < 1) {
			t.Fatalf("%q: an error without a line: %v", source, err)
		}
		if err == nil && len(doc.nodes) == 0 {
			t.Fatalf("%q: a document without nodes", source)
		}
	})
}

// Whatever an expression says, it is refused or evaluated within its bounds, and gives JSON.
func FuzzExpression(f *testing.F) {
	for _, seed := range []string{"1 + 1", "input.a[0]", "nodes.a.output.b", `nodes["a-b"].state`, "[1,2].map(x, x * 2)", "json(input)", "parse_json('[1]')",
		"'a,b'.split(',').join('-')", "1 / 0", "double('nan')", "[[1]].map(x, x + x).map(x, x + x)", "timestamp('2020-01-01T00:00:00Z')", "b'x'", "type(1)", "{1: 2}"} {
		f.Add(seed)
	}
	variables := map[string]any{"input": map[string]any{"a": []any{int64(1), "x", nil}}, "nodes": map[string]any{"a": map[string]any{"output": map[string]any{"b": 1.5}}},
		"run": map[string]string{"id": "r"}, "item": "i", "index": int64(0)}
	f.Fuzz(func(t *testing.T, source string) {
		e, err := compile(source)
		if err != nil {
			return
		}
		v, err := e.eval(context.Background(), variables)
		if err != nil {
			return
		}
		raw, err := encode(v)
		if err != nil {
			t.Fatalf("%q gives no JSON: %v", source, err)
		}
		if _, err := decodeJSON(raw); err != nil {
			t.Fatalf("%q gives %s: %v", source, raw, err)
		}
	})
}

// Types are kept: what goes in as a number comes out as one.
func TestTypesAreKept(t *testing.T) {
	in, err := decodeJSON([]byte(`{"i":9007199254740993,"f":1.5,"s":"5","b":true,"n":null,"l":[1,"a"],"o":{"x":{"y":2}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string]string{
		"input": `{"b":true,"f":1.5,"i":9007199254740993,"l":[1,"a"],"n":null,"o":{"x":{"y":2}},"s":"5"}`, "input.i": "9007199254740993", "input.f * 2.0": "3",
		"input.s": `"5"`, "input.n": "null", "input.l": `[1,"a"]`, "input.o.x": `{"y":2}`, "has(input.zz)": "false", "input.i > input.f": "true",
	} {
		e, err := compile(source)
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		v, err := e.eval(t.Context(), map[string]any{"input": in})
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		if raw, _ := encode(v); string(raw) != want {
			t.Errorf("%s gives %s, not %s", source, raw, want)
		}
	}
}

// A sandbox node stands for three, and the code gets the sandbox that was made.
func TestSandboxNode(t *testing.T) {
	doc, err := parse("nodes:\n  n: {value: 3}\n  run: {sandbox: {language: python, code: 'print(${{ nodes.n.output }})', memory_mb: 256}}\n")
	if err != nil {
		t.Fatal(err)
	}
	create, run, destroy := doc.byName["run-create"], doc.byName["run"], doc.byName["run-destroy"]
	if create == nil || destroy == nil || run.operation != "run_code" || create.operation != "create" || destroy.operation != "destroy" {
		t.Fatalf("the nodes are %v", doc.byName)
	}
	if got := strings.Join(run.after, " "); got != "n run-create" {
		t.Errorf("run waits for %s", got)
	}
	if got := strings.Join(destroy.after, " "); got != "run run-create" {
		t.Errorf("destroy waits for %s", got)
	}
	if got := strings.Join(create.input.keys, " ") + "; " + strings.Join(run.input.keys, " "); got != "memory_mb; language code sandbox_id" {
		t.Errorf("the inputs are %s", got)
	}
}
