package sdktest

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Description is a platform's API description, for a mock server of it.
type Description struct {
	// File is the OpenAPI document, in JSON or YAML. Required.
	File string
	// Strip is what the platform's paths begin with and the document's do not. Optional.
	Strip string
	// Change mends in the description what its platform does otherwise. Optional.
	Change func(description map[string]any)
	// Arguments are further ones for the mock server. Optional.
	Arguments []string
}

// Described stands in for a platform by a mock server of its API description. A request that the mock finds anything wrong with is refused with
// status 400, or the mock's own, and the objections as text: also what it merely remarks on, such as a parameter that the description does not have. Objections that
// nobody took fail the test at its end.
type Described struct {
	// URL is where it listens.
	URL string

	mock   string
	strip  string
	mu     sync.Mutex
	answer map[string]string
	ignore []string

	requests, objections []string
}

// Describe starts a Described until the test ends. The mock server is steady, an npm package (see [Tool]).
func Describe(t testing.TB, description Description) *Described {
	t.Helper()
	file := description.File
	if description.Change != nil {
		file = changed(t, file, description.Change)
	}
	args := append([]string{"--host", "127.0.0.1", "--port", "{port}", "--quiet", "--log-format", "text"}, description.Arguments...)
	d := &Described{mock: Peer(t, Tool(t, "steady"), append(args, file)...), strip: description.Strip, answer: map[string]string{}}
	server := httptest.NewServer(d)
	t.Cleanup(func() {
		server.Close()
		if _, objections := d.Took(); len(objections) > 0 {
			t.Errorf("the description objects:\n%s", strings.Join(objections, "\n"))
		}
	})
	d.URL = server.URL
	return d
}

// Ignore leaves objections out that hold one of these texts: what a description is known to have wrong. Such a request gets an empty object.
func (d *Described) Ignore(texts ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ignore = append(d.ignore, texts...)
}

// Expect sets answers in place of the mock's to requests that it finds nothing wrong with, by request ("GET /path").
func (d *Described) Expect(answers map[string]string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answer = answers
}

// Took answers the requests that have come since it was last asked, as "GET /path", and what was wrong with them.
func (d *Described) Took() (requests, objections []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	requests, objections = d.requests, d.objections
	d.requests, d.objections = nil, nil
	return requests, objections
}

// ServeHTTP passes a request to the mock server.
func (d *Described) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender gave up
	}
	line := r.Method + " " + r.URL.EscapedPath()
	status, header, content, objections, err := d.ask(r, body)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.requests = append(d.requests, line)
	if err != nil {
		d.objections = append(d.objections, err.Error())
		return
	}
	maps.Copy(w.Header(), header)
	w.Header().Del("Content-Length") // of what is written, net/http counts it
	left := slices.DeleteFunc(slices.Clone(objections), func(one string) bool { return containsAny(one, d.ignore) })
	if status >= http.StatusBadRequest && len(objections) == 0 {
		left = []string{fmt.Sprintf("%s: the description answers with status %d", line, status)}
	}
	switch answer, ok := d.answer[line]; {
	case len(left) > 0:
		d.objections = append(d.objections, left...)
		status, content = max(status, http.StatusBadRequest), []byte(strings.Join(left, "\n"))
		w.Header().Set("Content-Type", "text/plain")
	case ok:
		status, content = http.StatusOK, []byte(answer)
	case len(objections) > 0: // the mock's answer is a refusal
		status, content = http.StatusOK, []byte("{}")
	}
	w.WriteHeader(status)
	_, _ = w.Write(content) // the test sees when it does not arrive
}

// ask sends a request to the mock server and answers what that says, in its headers too.
func (d *Described) ask(r *http.Request, body []byte) (status int, header http.Header, content []byte, objections []string, err error) {
	out, err := http.NewRequestWithContext(r.Context(), r.Method, d.mock+strings.TrimPrefix(r.URL.RequestURI(), d.strip), bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, nil, fmt.Errorf("making the request: %w", err)
	}
	out.Header = r.Header.Clone()
	out.Header.Del("Accept-Encoding") // what net/http asks for itself, it unpacks
	resp, err := http.DefaultClient.Do(out)
	if err != nil {
		return 0, nil, nil, nil, fmt.Errorf("asking the mock server: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	if content, err = io.ReadAll(resp.Body); err != nil {
		return 0, nil, nil, nil, fmt.Errorf("reading the mock server's answer: %w", err)
	}
	for i := 1; resp.Header.Get(fmt.Sprintf("X-Steady-Error-%d-Code", i)) != ""; i++ {
		objections = append(objections, r.Method+" "+r.URL.Path+": "+resp.Header.Get(fmt.Sprintf("X-Steady-Error-%d-Message", i))+" ("+resp.Header.Get(fmt.Sprintf("X-Steady-Error-%d-Path", i))+")")
	}
	return resp.StatusCode, resp.Header, content, objections, nil
}

func containsAny(s string, texts []string) bool {
	for _, text := range texts {
		if strings.Contains(s, text) {
			return true
		}
	}
	return false
}
