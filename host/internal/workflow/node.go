package workflow

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// What becomes of a write whose fate is unknown.
const (
	unknownWaits    = "wait" // for a person
	unknownFails    = "fail"
	unknownGoesOn   = "continue"
	unknownRepeated = "retry"
)

func (d *Document) readNode(name string, v *yaml.Node, where string) error {
	if !nodeName.MatchString(name) {
		return wrong(v, where, "the name of the node %q must be of letters, digits, _ and -, at most 64, and begin with a letter or _", clip(name))
	}
	n := &node{name: name, line: v.Line, parallel: defaultParallel, onUnknown: unknownWaits, input: template{kind: objectOf}}
	var box *sandbox
	err := fields(v, where, func(key string, v *yaml.Node, where string) error {
		var err error
		if key == "sandbox" {
			box, err = readSandbox(v, where)
			return err
		}
		return n.set(key, v, where)
	})
	if err != nil {
		return err
	}
	if box != nil {
		return d.addSandbox(n, box, v, where)
	}
	if err := n.complete(v, where); err != nil {
		return err
	}
	return d.add(n)
}

const nodeFields = "integration, pool, operation, workflow, sandbox, value, wait, input, needs, when, for_each, parallel, on_error, retries, timeout, approval, on_unknown"

// set takes one field.
func (n *node) set(key string, v *yaml.Node, where string) (err error) {
	var word string
	switch key {
	case "integration":
		n.integration, err = text(v, where)
	case "pool":
		n.pool, err = text(v, where)
	case "operation":
		n.operation, err = text(v, where)
	case "workflow":
		n.child, err = text(v, where)
	case "value":
		n.value, err = templateAt(v, where)
	case "wait":
		n.wait, err = templateAt(v, where)
	case "input":
		n.input, err = newTemplate(v, where)
	case "needs":
		n.needs, err = names(v, where)
	case "when":
		n.when, err = condition(v, where)
	case "for_each":
		n.forEach, err = templateAt(v, where)
	case "parallel":
		n.parallel, err = number(v, where, 1, maxParallel)
	case "on_error":
		word, err = oneOf(v, where, "fail", "continue")
		n.goesOn = word == "continue"
	case "retries":
		n.retries, err = number(v, where, 0, maxRetries)
	case "timeout":
		n.timeout, err = span(v, where, maxNodeTime)
	case "approval":
		n.approval, err = boolean(v, where)
	case "on_unknown":
		n.onUnknown, err = oneOf(v, where, unknownWaits, unknownFails, unknownGoesOn, unknownRepeated)
	default:
		err = wrong(v, where, "%q is not a field of a node: it has %s", clip(key), nodeFields)
	}
	return err
}

// names reads one name or a list of them.
func names(v *yaml.Node, where string) ([]string, error) {
	if v.Kind == yaml.ScalarNode {
		one, err := text(v, where)
		return []string{one}, err
	}
	var out []string
	if v.Kind != yaml.SequenceNode {
		return nil, wrong(v, where, "must be the name of a node, or a list of them")
	}
	for _, item := range v.Content {
		one, err := text(item, where)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// condition reads an expression that may stand without ${{ and }}.
func condition(v *yaml.Node, where string) (*template, error) {
	if v.Kind != yaml.ScalarNode || strings.Contains(v.Value, "${{") || v.ShortTag() != "!!str" {
		return templateAt(v, where)
	}
	e, err := compile(v.Value)
	if err != nil {
		return nil, wrong(v, where, "%v", err)
	}
	return &template{line: v.Line, kind: wholeExpression, whole: e}, nil
}

// complete says whether the fields make a node.
func (n *node) complete(v *yaml.Node, where string) error {
	kinds := 0
	for _, is := range []bool{n.integration != "" || n.pool != "" || n.operation != "", n.child != "", n.value != nil, n.wait != nil} {
		if is {
			kinds++
		}
	}
	switch {
	case kinds != 1:
		return wrong(v, where, "the node %s runs one thing: an operation with an integration or a pool, a workflow, a sandbox, a value or a wait", n.name)
	case n.operation == "" && (n.integration != "" || n.pool != ""):
		return wrong(v, where, "the node %s needs an operation", n.name)
	case n.operation != "" && (n.integration == "") == (n.pool == ""):
		return wrong(v, where, "the node %s needs either an integration or a pool", n.name)
	case n.input.kind != objectOf && n.input.kind != wholeExpression:
		return wrong(v, where+"/input", "the input of %s must be an object", n.name)
	case n.approval && (n.value != nil || n.wait != nil):
		return wrong(v, where, "the node %s does nothing that needs an approval: it goes with an operation or a workflow", n.name)
	case n.wait != nil && n.forEach != nil:
		return wrong(v, where, "the node %s waits, and does so once", n.name)
	}
	return nil
}

// references calls f for each template of the node with the pointer to it.
func (n *node) references(f func(where string, t *template)) {
	for where, t := range map[string]*template{"value": n.value, "wait": n.wait, "when": n.when, "for_each": n.forEach, "input": &n.input} {
		if t != nil {
			f(where, t)
		}
	}
}

// used answers the nodes whose outputs a part of the node needs.
func used(t *template) []string {
	var out []string
	if t != nil {
		t.expressions(func(_ *template, e *expression) {
			for _, name := range e.nodes {
				if !slices.Contains(out, name) {
					out = append(out, name)
				}
			}
		})
	}
	return out
}
