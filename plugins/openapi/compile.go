package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// operation is one of the document on its way to a plan.
type operation struct {
	method, path string
	def, item    object
	place        string // METHOD /path
	id, name     string
	// security are the alternatives by which it may be called; open is true where it needs none.
	security []object
	open     bool
	made     sdk.MountedOperation
	plan     operationPlan
}

// methods of a path, in the order in which they are mounted.
var pathMethods = []string{"get", "head", "options", "query", "post", "put", "patch", "delete", "trace"}

// compile makes the platform. What is wrong with one operation leaves out that one.
func (d *document) compile(ctx context.Context) (sdk.Mounted, error) {
	d.servers = d.serversOf("", d.root)
	if len(d.declaredServers(d.root)) == 0 { // then it is where the document is
		d.servers = d.serversOf("", object{"servers": []any{object{"url": "/"}}, "basePath": "/"})
	}
	d.readSchemes()
	operations := d.collect()
	declared := len(operations)
	if declared == 0 {
		return sdk.Mounted{}, sdk.Invalid("/document", "it has no operation among those that are asked for")
	}
	d.most = max(leastNodes, min(maxSchemaNodes, maxSchemaNodes*fullOperations/declared))
	d.giveNames(operations)
	var kept []*operation
	for _, op := range operations {
		if ctx.Err() != nil {
			return sdk.Mounted{}, sdk.Errorf(sdk.Timeout, "The document was not read within the time.")
		}
		if err := d.build(op); err != nil {
			d.skip(op.place, "%s", err)
			continue
		}
		kept = append(kept, op)
	}
	if len(kept) == 0 {
		return sdk.Mounted{}, sdk.Invalid("/document", "none of its %d operations can be mounted; the first: %s", declared, d.firstSkipped())
	}
	return d.assemble(kept, declared)
}

func (d *document) firstSkipped() string {
	for _, f := range d.findings {
		if f.Skipped {
			return f.Place + ": " + f.Detail
		}
	}
	return "no reason is known"
}

// collect answers the operations that are asked for, in a stable order.
func (d *document) collect() []*operation {
	var out []*operation
	paths := obj(d.root["paths"])
	for _, path := range keys(paths) {
		item := d.resolve(paths[path])
		if item == nil {
			if !strings.HasPrefix(path, "x-") {
				d.note(path, "the path is no object and was left out")
			}
			continue
		}
		for _, method := range pathMethods {
			def := d.resolve(item[method])
			if def == nil {
				continue
			}
			upper := strings.ToUpper(method)
			op := &operation{method: upper, path: path, def: def, item: item, place: upper + " " + path, id: text(def["operationId"])}
			if d.included(op) {
				out = append(out, op)
			}
		}
	}
	return out
}

// included says whether the operator asked for an operation.
func (d *document) included(op *operation) bool {
	if len(d.order.Include) == 0 {
		return true
	}
	name := operationName(op.id, op.method, op.path)
	for _, want := range d.order.Include {
		if want == name || want == op.id && want != "" || contains(texts(op.def["tags"]), want) || matches(want, op.place) {
			return true
		}
	}
	return false
}

// matches says whether a text fits a pattern in which * stands for anything. It takes time linear in both for each star.
func matches(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	rest, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

// giveNames gives each operation a name of its own that does not depend on the order of the document.
func (d *document) giveNames(operations []*operation) {
	taken := map[string]bool{}
	for _, op := range operations {
		op.name = operationName(op.id, op.method, op.path)
		if op.name == "" || taken[op.name] {
			op.name = marked(or(op.name, "operation"), op.method, op.path)
			d.note(op.place, "its operationId stands twice; it is called %s", op.name)
		}
		for taken[op.name] { // a mark that another operation has as its name
			op.name = marked(op.name, op.place, op.name)
		}
		taken[op.name] = true
	}
}

// build makes an operation and its plan, or says why it cannot.
func (d *document) build(op *operation) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("the adapter failed on it")
		}
	}()
	if !strings.HasPrefix(op.path, "/") {
		d.note(op.place, "its path did not begin with a slash")
		op.path = "/" + op.path
	}
	op.plan = operationPlan{Method: op.method, Path: op.path}
	d.secure(op)
	if err := d.place(op); err != nil {
		return err
	}
	input, err := d.input(op)
	if err != nil {
		return err
	}
	op.made = sdk.MountedOperation{Name: op.name, Title: cutText(or(text(op.def["summary"]), strings.ReplaceAll(op.name, "_", " ")), 150),
		Description: d.words(op), Effect: effectOf(op.method), Input: input, TakesFiles: op.plan.Body.takesFiles()}
	d.answers(op)
	op.made.Streaming, op.made.Scopes, op.made.AnyScopes = op.plan.Streams, op.scopes(d), op.anyScopes(d)
	op.made.Plan, err = json.Marshal(op.plan)
	return err
}

func effectOf(method string) sdk.Effect {
	switch method {
	case "GET", "HEAD", "OPTIONS", "TRACE", "QUERY":
		return sdk.Read
	case "PUT", "DELETE":
		return sdk.Idempotent
	}
	return sdk.Write
}

// words describes an operation.
func (d *document) words(op *operation) string {
	words := strings.TrimSpace(text(op.def["description"]))
	summary := strings.TrimSpace(text(op.def["summary"]))
	if summary != "" && !strings.HasPrefix(words, summary) {
		words = strings.TrimSpace(summary + "\n\n" + words)
	}
	words = cutText(words, 3500)
	if truth(op.def["deprecated"]) {
		words = "Deprecated. " + words
	}
	return strings.TrimSpace(words + "\n\n" + op.method + " " + op.path)
}

// secure reads by what an operation may be called.
func (d *document) secure(op *operation) {
	sets, known := requirement(op.def["security"])
	if !known {
		sets, known = requirement(d.root["security"])
	}
	op.security = sets
	op.open = known && (len(sets) == 0 || slices.ContainsFunc(sets, func(s object) bool { return len(s) == 0 }))
}

// wanted answers the scopes of a scheme that an operation needs, the first of its alternatives.
func (op *operation) wanted(scheme string) []string {
	for _, set := range op.security {
		if scopes, ok := set[scheme]; ok {
			return texts(scopes)
		}
	}
	return nil
}

// alternatives answers the sets of scopes of which one suffices; nil where something else than scopes suffices too.
func (op *operation) alternatives(d *document) [][]string {
	var out [][]string
	for _, set := range op.security {
		var scopes []string
		for _, name := range keys(set) {
			if i := slices.IndexFunc(d.schemes, func(s scheme) bool { return s.name == name }); i >= 0 && (d.schemes[i].kind == "oauth2" || d.schemes[i].kind == "openIdConnect") {
				scopes = append(scopes, texts(set[name])...)
			}
		}
		if len(scopes) == 0 {
			continue // another method; it has no scopes to be compared
		}
		out = append(out, scopes)
	}
	if op.open {
		return nil
	}
	return out
}

// scopes answers those that are needed in any case: where there is one alternative, its own.
func (op *operation) scopes(d *document) []string {
	if a := op.alternatives(d); len(a) == 1 {
		return a[0]
	}
	return nil
}

// anyScopes answers the set of which one suffices, where each alternative is one scope.
func (op *operation) anyScopes(d *document) [][]string {
	a := op.alternatives(d)
	if len(a) < 2 {
		return nil
	}
	var one []string
	for _, set := range a {
		if len(set) != 1 {
			return nil // the platform decides
		}
		one = append(one, set[0])
	}
	return [][]string{one}
}

// place says where an operation is, where that is not the platform's base URL.
func (d *document) place(op *operation) error {
	own := d.serversOf(op.place, op.def)
	if d.old {
		own = nil
	}
	if len(own) == 0 && !d.old {
		own = d.serversOf(op.place, op.item)
	}
	if len(own) > 0 && (len(d.servers) == 0 || own[0] != d.servers[0]) {
		op.plan.Server = own[0]
	}
	if op.plan.Server == "" && len(d.servers) == 0 && !d.order.HasBaseURL {
		return errors.New("no server is declared for it: give the base URL with --base-url")
	}
	return nil
}

// assemble makes the platform of its operations.
func (d *document) assemble(operations []*operation, declared int) (sdk.Mounted, error) {
	info := obj(d.root["info"])
	methods, places := d.methods(operations)
	plan := platformPlan{Format: planFormat, Name: cutText(or(d.order.Name, or(text(info["title"]), d.order.Platform)), 100), Methods: places, Probe: probeOf(operations)}
	p := sdk.Platform{ID: d.order.Platform, Name: plan.Name, Category: or(d.order.Category, sdk.Tools), Auth: methods, Website: website(d.root, info),
		Description: cutText(or(d.order.Description, or(strings.TrimSpace(text(info["description"])), "The API "+plan.Name+".")), 1000)}
	if plan.Probe == nil {
		p.VerifyNote = "The document has nothing by which a credential can be tested: the first call tells whether it is good."
	}
	addresses := slices.Clone(d.servers)
	out := sdk.Mounted{Declared: declared, Format: d.format, Version: cutText(text(info["version"]), 100)}
	for _, op := range operations {
		if op.plan.Server != "" {
			addresses = append(addresses, op.plan.Server)
		}
		out.Operations = append(out.Operations, op.made)
	}
	if len(d.servers) > 0 {
		p.BaseURL = d.servers[0]
	}
	p.Hosts = hostsOf(addresses)
	encoded, err := json.Marshal(plan)
	if err != nil {
		return out, fmt.Errorf("encoding the plan: %w", err)
	}
	out.Platform, out.Plan, out.Findings = p, encoded, d.findings
	return out, nil
}

// website answers a page about the API, where the document names one.
func website(root, info object) string {
	for _, address := range []string{text(obj(root["externalDocs"])["url"]), text(obj(info["contact"])["url"])} {
		if page, problem := (&document{}).serverAddress(object{"url": address}); address != "" && problem == "" && strings.HasPrefix(address, "https://") {
			return page
		}
	}
	return ""
}
