package sdktest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Described stands in for a platform by a mock server of its API description, and keeps all that the mock finds wrong with a request: also
// what it merely remarks on, such as a parameter that the description does not have.
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

// Describe starts a Described for an OpenAPI document. strip is what the platform's paths begin with and the document's do not. The
// mock server is steady, an npm package (see [Tool]).
func Describe(t testing.TB, document, strip string, further ...string) *Described {
	t.Helper()
	args := append([]string{"--host", "127.0.0.1", "--port", "{port}", "--quiet", "--log-format", "text"}, further...)
	d := &Described{mock: Peer(t, Tool(t, "steady"), append(args, document)...), strip: strip, answer: map[string]string{}}
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	d.URL = server.URL
	return d
}

// Ignore leaves objections out that hold one of these texts: what a description is known to have wrong. Such a request gets an empty object.
func (d *Described) Ignore(texts ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ignore = append(d.ignore, texts...)
}

// Expect forgets what has come, and sets answers in place of the mock's, by request ("GET /path").
func (d *Described) Expect(answers map[string]string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answer, d.requests, d.objections = answers, nil, nil
}

// Took answers the requests that have come, as "GET /path", and what was wrong with them.
func (d *Described) Took() (requests, objections []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.requests, d.objections
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
	left := 0
	for _, objection := range objections {
		if !containsAny(objection, d.ignore) {
			d.objections = append(d.objections, objection)
			left++
		}
	}
	if answer, ok := d.answer[line]; ok {
		status, content = http.StatusOK, []byte(answer)
	} else if left == 0 && len(objections) > 0 {
		status, content = http.StatusOK, []byte("{}")
	}
	w.Header().Set("Content-Type", header.Get("Content-Type"))
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
