package sdktest

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const tinyAPI = `{"openapi":"3.0.0","info":{"title":"t","version":"1"},"paths":{"/things":{"post":{
"parameters":[{"name":"limit","in":"query","schema":{"type":"integer"}}],
"requestBody":{"content":{"application/json":{"schema":{"type":"object","required":["name"],"properties":{"name":{"type":"string"}}}}}},
"responses":{"200":{"description":"ok","content":{"application/json":{"schema":{"type":"object","required":["id"],"properties":{"id":{"type":"string","example":"x1"}}}}}}}}}}}`

func TestDescribed(t *testing.T) {
	document := filepath.Join(t.TempDir(), "api.json")
	if err := os.WriteFile(document, []byte(tinyAPI), 0o600); err != nil {
		t.Fatal(err)
	}
	d := Describe(t, Description{File: document, Strip: "/v1"})
	post := func(query, body string) (int, string) {
		t.Helper()
		resp, err := http.Post(d.URL+"/v1/things"+query, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }() // read to its end
		content, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(content)
	}
	if status, content := post("?limit=3", `{"name":"a"}`); status != 200 || !strings.Contains(content, "x1") {
		t.Errorf("a good request: %d %s", status, content)
	}
	if requests, objections := d.Took(); len(requests) != 1 || requests[0] != "POST /v1/things" || objections != nil {
		t.Errorf("a good request: %q %q", requests, objections)
	}
	d.Expect(map[string]string{"POST /v1/things": `{"id":"mine"}`})
	if status, content := post("", `{"name":"a"}`); status != 200 || content != `{"id":"mine"}` {
		t.Errorf("the answer that is set: %d %s", status, content)
	}
	if status, content := post("?limit=three&colour=red", `{"name":1}`); status != 400 || !strings.Contains(content, "query.colour") {
		t.Errorf("a bad request: %d %s", status, content)
	}
	_, objections := d.Took()
	for _, want := range []string{"query.limit", "query.colour", "name"} {
		if !strings.Contains(strings.Join(objections, "\n"), want) {
			t.Errorf("no objection to %s: %q", want, objections)
		}
	}
	d.Expect(nil)
	d.Ignore("query.colour")
	if status, content := post("?colour=red", `{"name":"a"}`); status != 200 || content != "{}" {
		t.Errorf("an ignored objection: %d %s", status, content)
	}
	if _, objections := d.Took(); objections != nil {
		t.Errorf("it was not ignored: %q", objections)
	}
}
