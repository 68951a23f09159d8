package main

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/sdk/sdktest"
)

// botAPI is a stand-in that is made of Telegram's API in its machine-readable form: it checks the method and every parameter, down to the
// fields of objects, and answers a result of the declared type.
type botAPI struct {
	Methods map[string]declaration `json:"methods"`
	Types   map[string]declaration `json:"types"`
}

type declaration struct {
	Returns  []string `json:"returns"`
	Subtypes []string `json:"subtypes"`
	Fields   []struct {
		Name     string   `json:"name"`
		Types    []string `json:"types"`
		Required bool     `json:"required"`
	} `json:"fields"`
}

// declared starts the stand-in.
func declared(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(sdktest.Fixture(t, "specs/telegram.json"))
	if err != nil {
		t.Fatal(err)
	}
	var api botAPI
	if err := json.Unmarshal(data, &api); err != nil {
		t.Fatal(err)
	}
	return sdktest.Serve(t, api.serve)
}

func (b botAPI) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	method, authorised := strings.CutPrefix(r.URL.Path, "/bot"+secret+"/")
	declared, known := b.Methods[method]
	values, files, err := parametersOf(r)
	switch {
	case strings.HasPrefix(r.URL.Path, "/file/bot"+secret+"/"):
		_, _ = fmt.Fprint(w, "content of a file") // a client that has gone says so itself, here and below
	case !authorised || !known:
		refuse(w, http.StatusNotFound, "Not Found")
	case err == nil:
		err = b.check(method, declared, values, files)
		fallthrough
	default:
		if err != nil {
			refuse(w, http.StatusBadRequest, "Bad Request: "+err.Error())
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"ok": true, "result": b.sample(declared.Returns[0], 0)})
	}
}

func refuse(w http.ResponseWriter, code int, description string) {
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"ok": false, "error_code": code, "description": description})
}

// parametersOf reads a JSON body, or a form, in which everything but texts is JSON.
func parametersOf(r *http.Request) (values map[string]any, files []string, err error) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "multipart/form-data" {
		return values, nil, json.NewDecoder(r.Body).Decode(&values)
	}
	if err := r.ParseMultipartForm(1 << 20); err != nil {
		return nil, nil, err
	}
	values = map[string]any{}
	for name, list := range r.MultipartForm.Value {
		values[name] = form(list[0])
	}
	for name := range r.MultipartForm.File {
		files = append(files, name)
	}
	return values, files, nil
}

// form is a parameter of a form: its type shows only in what it is checked against.
type form string

func (b botAPI) check(where string, d declaration, values map[string]any, files []string) error {
	known := map[string]bool{}
	for _, f := range d.Fields {
		known[f.Name] = true
		value, given := values[f.Name]
		switch {
		case slices.Contains(files, f.Name):
			if !slices.Contains(f.Types, "InputFile") {
				return fmt.Errorf("%s.%s takes no file", where, f.Name)
			}
		case given && !b.fits(value, f.Types, files):
			return fmt.Errorf("%s.%s is %T %v, want %v", where, f.Name, value, value, f.Types)
		case !given && f.Required:
			return fmt.Errorf("%s.%s is missing", where, f.Name)
		}
	}
	for name := range values {
		if !known[name] {
			return fmt.Errorf("%s has no parameter %s", where, name)
		}
	}
	if strings.Contains(where, ".") {
		return nil
	}
	for _, name := range files {
		if !known[name] && !strings.Contains(fmt.Sprint(values), "attach://"+name) {
			return fmt.Errorf("nothing names the file %s", name)
		}
	}
	return nil
}

func (b botAPI) fits(value any, types []string, files []string) bool {
	return slices.ContainsFunc(types, func(t string) bool { return b.is(value, t, files) })
}

func (b botAPI) is(value any, want string, files []string) bool {
	if text, ok := value.(form); ok {
		if want == "String" {
			return true
		}
		value = nil
		if json.Unmarshal([]byte(text), &value) != nil {
			return false
		}
	}
	if item, ok := strings.CutPrefix(want, "Array of "); ok {
		list, ok := value.([]any)
		return ok && !slices.ContainsFunc(list, func(v any) bool { return !b.is(v, item, files) })
	}
	switch want {
	case "String":
		text, ok := value.(string)
		name, attached := strings.CutPrefix(text, "attach://")
		return ok && (!attached || slices.Contains(files, name))
	case "Integer":
		n, ok := value.(float64)
		return ok && n == float64(int64(n))
	case "Float":
		_, ok := value.(float64)
		return ok
	case "Boolean", "True":
		_, ok := value.(bool)
		return ok
	case "InputFile":
		return false // it is a part of a form
	}
	object, ok := value.(map[string]any)
	if !ok {
		return false
	}
	d, known := b.Types[want]
	if len(d.Subtypes) > 0 {
		return slices.ContainsFunc(d.Subtypes, func(t string) bool { return b.is(value, t, files) })
	}
	return known && b.check("."+want, d, object, files) == nil
}

// sample makes a value of a type: of objects what they must have.
func (b botAPI) sample(want string, depth int) any {
	if item, ok := strings.CutPrefix(want, "Array of "); ok {
		if depth > 4 {
			return []any{}
		}
		return []any{b.sample(item, depth+1)}
	}
	switch want {
	case "String":
		return "text"
	case "Integer":
		return 7
	case "Float":
		return 1.5
	case "Boolean", "True":
		return true
	}
	d := b.Types[want]
	if len(d.Subtypes) > 0 {
		return b.sample(d.Subtypes[0], depth+1)
	}
	out := map[string]any{}
	for _, f := range d.Fields {
		if f.Required || f.Name == "file_path" {
			out[f.Name] = b.sample(f.Types[0], depth+1)
		}
	}
	return out
}
