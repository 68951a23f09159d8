package cassette

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"reflect"
	"sync"
	"testing"
)

// StatusUnmatched is what a request is answered with that was not recorded.
const StatusUnmatched = 599

// Play serves recorded answers until the test ends, and answers the server's address. A request is answered when it is one of the
// recorded ones and was not played yet: its method, path, query and body are the same. JSON bodies are compared as values, forms
// with files by their parts. Any other request fails the test, and so does a recorded one that nobody sent.
func Play(t testing.TB, interactions ...Interaction) string {
	t.Helper()
	p := &player{t: t, left: append([]Interaction(nil), interactions...)}
	server := httptest.NewServer(p)
	t.Cleanup(func() {
		server.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, one := range p.left {
			t.Errorf("nobody sent the recorded %s %s", one.Method, one.URL.RequestURI())
		}
	})
	return server.URL
}

// player answers requests with what was recorded.
type player struct {
	t    testing.TB
	mu   sync.Mutex
	left []Interaction
}

func (p *player) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		p.t.Errorf("reading a request: %v", err)
	}
	one, why := p.take(r, body)
	if one == nil {
		p.t.Errorf("%s %s was not recorded: %s", r.Method, r.URL.RequestURI(), why)
		w.WriteHeader(StatusUnmatched)
		return
	}
	for name, values := range one.AnswerHeader {
		w.Header()[name] = values
	}
	w.WriteHeader(one.Status)
	_, _ = w.Write(one.Answer) // a client that has gone says so itself
}

// take finds the recorded request that a request is, or says what differs from the nearest one.
func (p *player) take(r *http.Request, body []byte) (*Interaction, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	why := "no such address"
	for i, one := range p.left {
		if one.Method != r.Method || one.URL.EscapedPath() != r.URL.EscapedPath() || !reflect.DeepEqual(one.URL.Query(), r.URL.Query()) {
			continue
		}
		if !sameBody(one.Header, one.Body, r.Header, body) {
			why = fmt.Sprintf("the body differs\n got %s\nwant %s", cut(body), cut(one.Body))
			continue
		}
		p.left = append(p.left[:i], p.left[i+1:]...)
		return &one, ""
	}
	return nil, why
}

// cut keeps a body short enough to be read.
func cut(body []byte) []byte {
	const most = 4000
	if len(body) > most {
		return append(bytes.Clone(body[:most]), "..."...)
	}
	return body
}

// sameBody compares two bodies by what they mean.
func sameBody(wantHeader http.Header, want []byte, gotHeader http.Header, got []byte) bool {
	if wantParts, err := parts(wantHeader, want); err == nil {
		gotParts, err := parts(gotHeader, got)
		return err == nil && reflect.DeepEqual(wantParts, gotParts)
	}
	var a, b any
	if json.Unmarshal(want, &a) == nil && json.Unmarshal(got, &b) == nil {
		return reflect.DeepEqual(a, b)
	}
	return bytes.Equal(want, got)
}

// part is one part of a form.
type part struct{ Name, FileName, Content string }

// parts reads a form with files; anything else is an error.
func parts(h http.Header, body []byte) ([]part, error) {
	kind, parameters, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return nil, fmt.Errorf("not a form: %q", kind)
	}
	var all []part
	reader := multipart.NewReader(bytes.NewReader(body), parameters["boundary"])
	for {
		one, err := reader.NextPart()
		if err == io.EOF { //nolint:errorlint // documented to be plain
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading a form: %w", err)
		}
		content, err := io.ReadAll(one)
		if err != nil {
			return nil, fmt.Errorf("reading a part: %w", err)
		}
		all = append(all, part{Name: one.FormName(), FileName: one.FileName(), Content: string(content)})
	}
}
