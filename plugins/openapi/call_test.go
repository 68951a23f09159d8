package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/status"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk"
)

// asked is what a server saw of a request.
type asked struct {
	method, uri, body string
	header            http.Header
}

// mounted compiles a document's part and answers a function that runs its operations at a server.
func mounted(t *testing.T, document string, serve http.HandlerFunc) func(operation, method string, fields map[string]string, input string) (string, error) {
	t.Helper()
	m, err := mounter{}.Compile(t.Context(), sdk.MountOrder{Platform: "sample", HasBaseURL: true}, []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(serve)
	t.Cleanup(api.Close)
	server, err := sdk.NewServer(sdk.Adapter{Name: "openapi", Version: "1.0.0", Mounts: mounter{}})
	if err != nil {
		t.Fatal(err)
	}
	return func(operation, method string, fields map[string]string, input string) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for _, op := range m.Operations {
			if op.Name != operation {
				continue
			}
			out, err := server.Execute(ctx, &adapterv1.ExecuteRequest{Operation: operation, Input: []byte(input), Plan: op.Plan, Call: &adapterv1.CallContext{Platform: "sample",
				Credential: &adapterv1.Credential{AuthMethod: method, Fields: fields}, Settings: &adapterv1.Settings{BaseUrl: api.URL}, Mount: &adapterv1.Mount{Plan: m.Plan}}})
			return string(out.GetOutput()), err
		}
		t.Fatalf("there is no operation %s: %+v", operation, m.Findings)
		return "", nil
	}
}

// Parameters of every place and style are written as the standard has it, and none leaves its place.
func TestStyles(t *testing.T) {
	var last asked
	run := mounted(t, `{"openapi":"3.0.0","paths":{
"/a/{simple}/{label}/{matrix}":{"get":{"operationId":"paths","parameters":[{"name":"simple","in":"path","schema":{}},{"name":"label","in":"path","style":"label","explode":true,"schema":{}},{"name":"matrix","in":"path","style":"matrix","schema":{}}]}},
"/q":{"get":{"operationId":"queries","parameters":[{"name":"form","in":"query","schema":{}},{"name":"csv","in":"query","explode":false,"schema":{}},{"name":"pipe","in":"query","style":"pipeDelimited","explode":false,"schema":{}},
{"name":"space","in":"query","style":"spaceDelimited","explode":false,"schema":{}},{"name":"deep","in":"query","style":"deepObject","schema":{}},{"name":"filter[x]","in":"query","schema":{}},{"name":"json","in":"query","content":{"application/json":{}}},{"name":"free","in":"query","allowReserved":true,"schema":{}}]}},
"/h":{"get":{"operationId":"headers","parameters":[{"name":"X-One","in":"header","schema":{}},{"name":"Authorization","in":"header","schema":{}},{"name":"Host","in":"header","schema":{}},{"name":"c","in":"cookie","schema":{}}]}},
"/f":{"post":{"operationId":"form","requestBody":{"content":{"application/x-www-form-urlencoded":{"schema":{}}}}}},
"/t":{"post":{"operationId":"texts","requestBody":{"content":{"text/plain":{"schema":{}}}}}}}}`, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		last = asked{r.Method, r.RequestURI, string(body), r.Header}
		w.WriteHeader(204)
	})
	for _, test := range []struct{ operation, input, uri, body string }{
		{"paths", `{"simple":["a/b","c"],"label":["x","y"],"matrix":7}`, "/a/a%2Fb,c/.x.y/;matrix=7", ""},
		{"paths", `{"simple":"../..","label":"?#","matrix":{"k":"v"}}`, "/a/..%2F../.%3F%23/;matrix=k,v", ""},
		{"paths", `{"simple":"..","label":1,"matrix":true}`, "/a/%2E%2E/.1/;matrix=true", ""},
		{"queries", `{"form":["a b","c"],"csv":["1","2"]}`, "/q?form=a+b&form=c&csv=1,2", ""},
		{"queries", `{"form":{"k":"v&w"},"pipe":["1","2"],"space":["1","2"]}`, "/q?k=v%26w&pipe=1%7C2&space=1%202", ""},
		{"queries", `{"deep":{"a":{"b":1},"c":["x"]},"filter_x":"y"}`, "/q?deep%5Ba%5D%5Bb%5D=1&deep%5Bc%5D%5B%5D=x&filter%5Bx%5D=y", ""},
		{"queries", `{"json":{"a":[1]},"free":"a/b?c=d&e#f"}`, "/q?json=%7B%22a%22%3A%5B1%5D%7D&free=a/b?c%3Dd%26e%23f", ""},
		{"queries", `{"form":12345678901234567890}`, "/q?form=12345678901234567890", ""},
		{"headers", `{"X-One":"1","c":"a;b=c","Authorization":"planted","Host":"evil.example.com"}`, "/h", ""},
		{"form", `{"body":{"a":"x y","b":[1,2],"c":{"d":{"e":1}}}}`, "/f", "a=x+y&b=1&b=2&c%5Bd%5D%5Be%5D=1"},
		{"texts", `{"body":"{not json"}`, "/t", "{not json"},
	} {
		if _, err := run(test.operation, "none", nil, test.input); err != nil || last.uri != test.uri || last.body != test.body {
			t.Errorf("%s with %s: %v, %s %q", test.operation, test.input, err, last.uri, last.body)
		}
		if test.operation == "headers" && (last.header.Get("Authorization") != "" || last.header.Get("X-One") != "1" || last.header.Get("Cookie") != "c=a%3Bb%3Dc") {
			t.Errorf("the headers are %v", last.header)
		}
	}
	for operation, input := range map[string]string{"paths": `{"simple":"","label":1,"matrix":1}`, "headers": `{"X-One":"a\r\nX-Two: b"}`} {
		if _, err := run(operation, "none", nil, input); err == nil {
			t.Errorf("%s with %s was sent", operation, input)
		}
	}
}

// A credential of every method goes where the document says, and comes back in no error and no log, though the platform repeats it.
func TestCredentials(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	const secret = "planted-secret-value"
	for name, test := range map[string]struct {
		scheme, method string
		fields         map[string]string
		where          func(*http.Request) string
		want           string
	}{
		"header": {`{"type":"apiKey","in":"header","name":"X-Key"}`, "api_key", map[string]string{"api_key": secret}, func(r *http.Request) string { return r.Header.Get("X-Key") }, secret},
		"query":  {`{"type":"apiKey","in":"query","name":"key"}`, "api_key", map[string]string{"api_key": secret}, func(r *http.Request) string { return r.URL.Query().Get("key") }, secret},
		"cookie": {`{"type":"apiKey","in":"cookie","name":"sid"}`, "api_key", map[string]string{"api_key": secret}, func(r *http.Request) string { return r.Header.Get("Cookie") }, "sid=" + secret},
		"bearer": {`{"type":"http","scheme":"Bearer"}`, "bearer", map[string]string{"token": secret}, func(r *http.Request) string { return r.Header.Get("Authorization") }, "Bearer " + secret},
		"basic": {`{"type":"http","scheme":"basic"}`, "custom", map[string]string{"username": "ann", "password": secret}, func(r *http.Request) string {
			_, p, _ := r.BasicAuth()
			return p
		}, secret},
		"oauth2": {`{"type":"oauth2","flows":{}}`, "oauth2", map[string]string{"access_token": secret}, func(r *http.Request) string { return r.Header.Get("Authorization") }, "Bearer " + secret},
	} {
		saw := ""
		run := mounted(t, fmt.Sprintf(`{"openapi":"3.0.0","paths":{"/x":{"get":{"operationId":"x"}}},"components":{"securitySchemes":{"s":%s}},"security":[{"s":[]}]}`, test.scheme),
			func(w http.ResponseWriter, r *http.Request) {
				saw = test.where(r)
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("X-Request-Id", secret)
				w.WriteHeader(400)
				_, _ = fmt.Fprintf(w, `{"error":{"code":%q,"message":"bad key %s at %s, %s"}}`, secret, secret, r.RequestURI, r.Header.Get("Authorization"))
			})
		_, err := run("x", test.method, test.fields, "{}")
		if err == nil || saw != test.want {
			t.Errorf("%s: the server saw %q, the call ended with %v", name, saw, err)
		}
		if said := fmt.Sprintf("%v %v %s", err, status.Convert(err).Proto(), log.String()); strings.Contains(said, secret) || strings.Contains(said, base64.StdEncoding.EncodeToString([]byte("ann:"+secret))) {
			t.Errorf("%s: the secret is in %s", name, said)
		}
	}
}

// Answers that are not what they should be end in the right kind, with bounded memory.
func TestMalformedAnswers(t *testing.T) {
	bomb := &bytes.Buffer{}
	zip := gzip.NewWriter(bomb)
	for range 64 {
		_, _ = zip.Write(make([]byte, 1<<20))
	}
	_ = zip.Close()
	answers := map[string]func(http.ResponseWriter){
		"truncated": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"a":`)
		},
		"not JSON": func(w http.ResponseWriter) { _, _ = io.WriteString(w, `<html>`) },
		"without end": func(w http.ResponseWriter) {
			chunk := []byte(`"` + strings.Repeat("x", 1<<20))
			for range 1 << 14 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		},
		"bomb": func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		},
		"elsewhere": func(w http.ResponseWriter) {
			w.Header().Set("Location", "http://127.0.0.2:1/steal")
			w.WriteHeader(302)
		},
		"in circles": func(w http.ResponseWriter) {
			w.Header().Set("Location", "/x")
			w.WriteHeader(302)
		},
		"error that is no JSON": func(w http.ResponseWriter) {
			w.WriteHeader(500)
			_, _ = io.WriteString(w, "<html>planted")
		},
	}
	for name, answer := range answers {
		run := mounted(t, `{"openapi":"3.0.0","paths":{"/x":{"get":{"operationId":"x"}}}}`, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			answer(w)
		})
		out, err := run("x", "none", nil, "{}")
		if err == nil || strings.Contains(err.Error(), "planted") {
			t.Errorf("%s: %q, %v", name, cutText(out, 100), err)
		}
		for _, d := range status.Convert(err).Details() {
			if f, ok := d.(*adapterv1.Failure); ok && f.GetKind() == adapterv1.Kind_KIND_ADAPTER_BUG {
				t.Errorf("%s: the adapter is blamed: %v", name, err)
			}
		}
	}
}

// Every shape of a good answer becomes an object.
func TestAnswers(t *testing.T) {
	for name, test := range map[string]struct{ kind, body, want string }{
		"object":          {"application/json", `{"a":1}`, `{"a":1}`},
		"list":            {"application/hal+json", `[1]`, `{"items":[1],"next_link":"https://x.example.com/?page=2"}`},
		"value":           {"application/json", `true`, `{"value":true}`},
		"nothing":         {"application/json", ``, `{"status":200}`},
		"text":            {"text/plain", `hello`, `{"media_type":"text/plain","text":"hello"}`},
		"JSON as text":    {"text/plain", `{"a":1}`, `{"a":1}`},
		"events":          {"text/event-stream", "data: {\"a\":1}\n\ndata: two\n\ndata: [DONE]\n\n", `{"events":[{"a":1},"two"],"truncated":false}`},
		"bytes of a kind": {"image/png", "\x89PNG", `{"file":"answer","media_type":"image/png","bytes":4}`},
	} {
		run := mounted(t, `{"openapi":"3.0.0","paths":{"/x":{"get":{"operationId":"x"}}}}`, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", test.kind)
			w.Header().Set("Link", `<https://x.example.com/?page=1>; rel="prev", <https://x.example.com/?page=2>; rel="next"`)
			_, _ = io.WriteString(w, test.body)
		})
		if out, err := run("x", "none", nil, "{}"); err != nil || out != test.want {
			t.Errorf("%s: %s, %v", name, out, err)
		}
	}
}
