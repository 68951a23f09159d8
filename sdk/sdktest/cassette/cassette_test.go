package cassette

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
)

const sample = `
interactions:
- request:
    method: POST
    uri: https://api.example.com/v1/say?x=1
    headers: {content-type: [application/json]}
    parsed_body: {text: hello, n: 1.0}
  response:
    status: {code: 201, message: Created}
    headers: {content-type: [application/json], content-length: ['999'], x-one: [two]}
    parsed_body: {ok: true}
- request:
    method: GET
    uri: https://api.example.com/v1/stream
    headers: {}
    body: ''
  response:
    status: {code: 200, message: OK}
    headers: {content-type: [text/event-stream]}
    body: {string: "data: 1\n\n"}
version: 1
`

// record takes what a test would have failed with.
type record struct {
	testing.TB
	errors  []string
	cleanup []func()
}

func (r *record) Helper()          {}
func (r *record) Cleanup(f func()) { r.cleanup = append(r.cleanup, f) }
func (r *record) Errorf(format string, _ ...any) {
	r.errors = append(r.errors, format)
}

func send(t *testing.T, method, address, body string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer), resp.Header
}

func TestPlay(t *testing.T) {
	all, err := Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	base := Play(t, all...)
	status, body, h := send(t, "POST", base+"/v1/say?x=1", `{"n": 1, "text": "hello"}`)
	if status != 201 || body != `{"ok":true}` || h.Get("X-One") != "two" {
		t.Errorf("got %d %s %v", status, body, h)
	}
	if status, body, _ := send(t, "GET", base+"/v1/stream", ""); status != 200 || body != "data: 1\n\n" {
		t.Errorf("got %d %s", status, body)
	}
}

func TestPlayIsStrict(t *testing.T) {
	for name, c := range map[string]struct{ method, path, body string }{
		"another body":   {"POST", "/v1/say?x=1", `{"n": 2, "text": "hello"}`},
		"another query":  {"POST", "/v1/say?x=2", `{"n": 1, "text": "hello"}`},
		"another method": {"PUT", "/v1/say?x=1", `{"n": 1, "text": "hello"}`},
		"another path":   {"POST", "/v1/said?x=1", `{"n": 1, "text": "hello"}`},
	} {
		t.Run(name, func(t *testing.T) {
			all, err := Parse([]byte(sample))
			if err != nil {
				t.Fatal(err)
			}
			r := &record{TB: t}
			if status, _, _ := send(t, c.method, Play(r, all[0])+c.path, c.body); status != StatusUnmatched {
				t.Errorf("got status %d", status)
			}
			for _, f := range r.cleanup {
				f()
			}
			if len(r.errors) != 2 { // the request that was not recorded, and the recorded one that nobody sent
				t.Errorf("got %q", r.errors)
			}
		})
	}
}

func TestFormsAreComparedByTheirParts(t *testing.T) {
	form := func(boundary string) (http.Header, []byte) {
		h := http.Header{"Content-Type": {"multipart/form-data; boundary=" + boundary}}
		return h, []byte("--" + boundary + "\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--" + boundary + "--\r\n")
	}
	h1, b1 := form("one")
	h2, b2 := form("two")
	if !sameBody(h1, b1, h2, b2) {
		t.Error("the same form with another boundary differs")
	}
	if sameBody(h1, b1, h2, bytes.Replace(b2, []byte("\r\n1\r\n"), []byte("\r\n2\r\n"), 1)) {
		t.Error("another form is the same")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("interactions: [{request: {uri: '%'}}]"))
	f.Add([]byte("interactions: [{response: {body: {string: 1}}}]"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = Parse(data) // it must not panic
	})
}
