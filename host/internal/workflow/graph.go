package workflow

import (
	"fmt"
	"slices"
	"strings"
)

// connect finds what each node waits for, and refuses names that there are not, and cycles.
func (d *Document) connect() error {
	for _, n := range d.nodes {
		if err := d.connectNode(n); err != nil {
			return err
		}
	}
	for _, n := range d.nodes {
		for _, before := range n.after {
			d.byName[before].next = append(d.byName[before].next, n.name)
		}
	}
	return d.refuseCycles()
}

func (d *Document) connectNode(n *node) error {
	for _, name := range n.needs {
		if d.byName[name] == nil {
			return &lineError{n.line, "/nodes/" + n.name + "/needs", fmt.Sprintf("the node %s needs %q, and there is no such node", n.name, clip(name))}
		}
	}
	n.after = slices.Clone(n.needs)
	var err error
	n.references(func(where string, t *template) {
		t.expressions(func(at *template, e *expression) {
			if problem := d.checkReference(n, where, at, e); problem != nil && err == nil {
				err = problem
			}
			n.after = append(n.after, e.nodes...)
		})
	})
	slices.Sort(n.after)
	n.after = slices.Compact(n.after)
	return err
}

func (d *Document) checkReference(n *node, where string, at *template, e *expression) error {
	pointer := "/nodes/" + n.name + "/" + where
	for _, name := range e.nodes {
		if d.byName[name] == nil {
			return &lineError{at.line, pointer, fmt.Sprintf("%s of the node %s refers to nodes.%s, and there is no such node", where, n.name, clip(name))}
		}
	}
	if e.item && (n.forEach == nil || where == "for_each" || where == "when") {
		return &lineError{at.line, pointer, fmt.Sprintf("%s of the node %s refers to an item, which only the input of a node with for_each has", where, n.name)}
	}
	return nil
}

// refuseCycles walks the graph in depth, without recursion: a chain may be thousands of nodes long.
func (d *Document) refuseCycles() error {
	waits := map[string]int{}
	var free []string
	for _, n := range d.nodes {
		if waits[n.name] = len(n.after); len(n.after) == 0 {
			free = append(free, n.name)
		}
	}
	for len(free) > 0 {
		name := free[len(free)-1]
		free = free[:len(free)-1]
		delete(waits, name)
		for _, next := range d.byName[name].next {
			if waits[next]--; waits[next] == 0 {
				free = append(free, next)
			}
		}
	}
	for _, n := range d.nodes {
		if waits[n.name] > 0 {
			return d.cycle(n.name, waits)
		}
	}
	return nil
}

// cycle follows nodes that wait until one comes twice.
func (d *Document) cycle(name string, waits map[string]int) error {
	var path []string
	for !slices.Contains(path, name) {
		path = append(path, name)
		after := d.byName[name].after
		name = after[slices.IndexFunc(after, func(a string) bool { return waits[a] > 0 })]
	}
	path = append(path[slices.Index(path, name):], name)
	slices.Reverse(path)
	n := d.byName[name]
	return &lineError{n.line, "/nodes/" + name, "the nodes wait for each other in a circle: " + clip(strings.Join(path, " -> "))}
}
