package workflow

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// sandboxPlatform is the platform whose operations a sandbox node runs.
const sandboxPlatform = "sandbox"

// sandbox is the short form of a node that runs code. Without sandbox_id it makes a sandbox, runs the code and removes the sandbox.
type sandbox struct {
	id    *template
	run   *template // the input of run_code
	build *template // the input of create
}

// buildFields go to create, all others to run_code.
var buildFields = map[string]bool{"template": true, "memory_mb": true, "cpus": true, "disk_mb": true, "network": true, "metadata": true}

func readSandbox(v *yaml.Node, where string) (*sandbox, error) {
	out := &sandbox{run: &template{kind: objectOf, line: v.Line}, build: &template{kind: objectOf, line: v.Line}}
	hasCode := false
	err := fields(v, where, func(key string, v *yaml.Node, where string) error {
		t, err := templateAt(v, where)
		if err != nil {
			return err
		}
		switch {
		case key == "sandbox_id":
			out.id = t
		case buildFields[key]:
			out.build.keys, out.build.values = append(out.build.keys, key), append(out.build.values, *t)
		default:
			hasCode = hasCode || key == "code"
			out.run.keys, out.run.values = append(out.run.keys, key), append(out.run.values, *t)
		}
		return nil
	})
	if err == nil && !hasCode {
		err = wrong(v, where, "a sandbox node needs code")
	}
	return out, err
}

// addSandbox adds the nodes that a short form stands for: NAME runs the code, NAME-create and NAME-destroy are before and after it.
func (d *Document) addSandbox(n *node, box *sandbox, v *yaml.Node, where string) error {
	if n.operation != "" || n.pool != "" || n.child != "" || n.value != nil || n.wait != nil || n.forEach != nil || len(n.input.keys) > 0 {
		return wrong(v, where, "a sandbox node has no operation, pool, workflow, value, wait, for_each or input beside its sandbox")
	}
	if n.integration == "" {
		n.integration = sandboxPlatform + "/"
	}
	n.operation = "run_code"
	if box.id != nil {
		n.input = box.run.with("sandbox_id", *box.id)
		return d.add(n)
	}
	made, err := compile(fmt.Sprintf("nodes[%q].output.sandbox_id", n.name+"-create"))
	if err != nil {
		return wrong(v, where, "%v", err)
	}
	id := template{line: v.Line, kind: wholeExpression, whole: made}
	n.input = box.run.with("sandbox_id", id)
	create := &node{name: n.name + "-create", line: n.line, integration: n.integration, operation: "create", input: *box.build, needs: n.needs,
		when: n.when, parallel: 1, retries: n.retries, onUnknown: n.onUnknown}
	destroy := &node{name: n.name + "-destroy", line: n.line, integration: n.integration, operation: "destroy", parallel: 1, onUnknown: unknownGoesOn,
		input: (&template{kind: objectOf, line: v.Line}).with("sandbox_id", id), needs: []string{n.name}, goesOn: true}
	// What the code refers to is there before a sandbox is made for it.
	create.needs = append(create.needs, used(box.run)...)
	for _, each := range []*node{create, n, destroy} {
		if err := d.add(each); err != nil {
			return err
		}
	}
	return nil
}

func (t *template) with(key string, v template) template {
	out := *t
	out.keys, out.values = append(append([]string{}, t.keys...), key), append(append([]template{}, t.values...), v)
	return out
}
