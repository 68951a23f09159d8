package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// document is one that is read, with what was found in it.
type document struct {
	root     object
	order    sdk.MountOrder
	old      bool // Swagger 2.0
	format   string
	findings []sdk.Finding
	said     map[sdk.Finding]bool
	// servers of the whole document.
	servers []string
	schemes []scheme
	// most bounds the schema of one operation.
	most int
}

func newDocument(root object, o sdk.MountOrder) (*document, error) {
	d := &document{root: root, order: o, said: map[sdk.Finding]bool{}}
	swagger, openapi := text(root["swagger"]), text(root["openapi"])
	switch {
	case strings.HasPrefix(openapi, "3"):
		d.format = "OpenAPI " + openapi
	case strings.HasPrefix(swagger, "2") || strings.HasPrefix(openapi, "2"):
		d.old, d.format = true, "Swagger "+or(swagger, openapi)
	case swagger == "" && openapi == "" && root["paths"] != nil:
		d.old = root["definitions"] != nil || root["host"] != nil || root["basePath"] != nil
		d.format = map[bool]string{true: "Swagger 2.0", false: "OpenAPI 3.0"}[d.old]
		d.note("", "it does not say which version of OpenAPI it is; it was read as %s", d.format)
	case swagger == "" && openapi == "":
		return nil, errors.New("it is no OpenAPI document: it has neither openapi nor swagger, nor paths")
	default:
		return nil, fmt.Errorf("it is of version %q; 2.0, 3.0 and 3.1 can be read", cutText(swagger+openapi, 40))
	}
	return d, nil
}

// maxFindings bounds what is told of one document.
const maxFindings = 5000

// note tells of a thing that was put right or left aside.
func (d *document) note(place, format string, args ...any) { d.tell(place, false, format, args...) }

// skip tells of an operation that is not mounted.
func (d *document) skip(place, format string, args ...any) { d.tell(place, true, format, args...) }

func (d *document) tell(place string, skipped bool, format string, args ...any) {
	f := sdk.Finding{Place: cutText(place, 300), Detail: cutText(fmt.Sprintf(format, args...), 500), Skipped: skipped}
	if len(d.findings) < maxFindings && !d.said[f] {
		d.said[f] = true
		d.findings = append(d.findings, f)
	}
}

// maxHops bounds how many references are followed to one value.
const maxHops = 32

// resolve answers the object that a value is or refers to, or nil.
func (d *document) resolve(v any) object {
	for range maxHops {
		o, ok := v.(object)
		if !ok {
			return nil
		}
		ref, ok := o["$ref"].(string)
		if !ok {
			return o
		}
		v = d.at(ref)
	}
	return nil
}

// at answers the value that a local reference names, or nil.
func (d *document) at(ref string) any {
	rest, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil
	}
	var v any = d.root
	for part := range strings.SplitSeq(strings.Trim(rest, "/"), "/") {
		v = child(v, part)
		if v == nil {
			return nil
		}
	}
	return v
}

// child answers a member by a part of a JSON Pointer, as it is written or with its escapes undone: documents have both.
func child(v any, part string) any {
	plain := strings.NewReplacer("~1", "/", "~0", "~").Replace(unescape(part))
	switch v := v.(type) {
	case object:
		if found, ok := v[part]; ok {
			return found
		}
		return v[plain]
	case []any:
		index := 0
		if _, err := fmt.Sscanf(plain, "%d", &index); err == nil && index >= 0 && index < len(v) {
			return v[index]
		}
	}
	return nil
}
