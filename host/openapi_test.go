package host_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"

	"strings"
	"sync"
	"testing"
)

// petStore is a server whose document nobody has seen before; it notes what it was asked.
type petStore struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
}

func newPetStore(t *testing.T) *petStore {
	t.Helper()
	s := &petStore{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.asked = append(s.asked, r.Method+" "+r.URL.RequestURI()+" "+string(body))
		s.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Header.Get("X-Api-Key") != "planted-key":
			w.WriteHeader(401)
			_, _ = io.WriteString(w, `{"message":"no such key `+r.Header.Get("X-Api-Key")+`"}`)
		case r.URL.Path == "/v1/pets" && r.Method == "GET":
			_, _ = io.WriteString(w, `[{"id":1,"name":"Rex"}]`)
		default:
			_, _ = io.WriteString(w, `{"id":"`+r.URL.Path[len("/v1/pets"):]+`"}`)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

const petDocument = `{"openapi":"3.0.3","info":{"title":"Pet store","version":"1"},"servers":[{"url":"https://pets.example.com/v1"}],
"security":[{"key":[]}],"components":{"securitySchemes":{"key":{"type":"apiKey","in":"header","name":"X-Api-Key"}},
"schemas":{"Pet":{"type":"object","required":["name"],"properties":{"name":{"type":"string"},"parent":{"$ref":"#/components/schemas/Pet"}}}}},
"paths":{"/pets":{"get":{"operationId":"listPets","parameters":[{"name":"tag","in":"query","schema":{"type":"array","items":{"type":"string"}}}],"responses":{"200":{"description":"","content":{"application/json":{"schema":{"type":"array"}}}}}},
"post":{"operationId":"addPet","requestBody":{"required":true,"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}},"responses":{}}},
"/pets/{petId}":{"get":{"operationId":"getPet","parameters":[{"name":"petId","in":"path","required":true,"schema":{"type":"integer"}}],"responses":{}}},
"/broken":{"get":17}}}`

type mountAnswer struct {
	Revision                     int64
	Declared                     int
	Count                        int `json:"operation_count"`
	Added, Changed, Lost, Losses []string
	Findings                     []struct{ Place, Detail string }
	Hosts                        []string
	NewHosts                     []string `json:"new_hosts"`
}

// A document is mounted on a running host, connected, called, replaced, and removed.
func TestMountedPlatform(t *testing.T) {
	t.Parallel()
	h := start(t, config(t, dataDir(t), database(t)))
	store := newPetStore(t)
	var m mountAnswer
	h.must("POST", "/v1/platforms", map[string]any{"id": "pets", "document": json.RawMessage(petDocument), "base_url": store.URL + "/v1",
		"settings": map[string]any{"allow_private_network": true}}, &m)
	if m.Revision != 1 || m.Declared != 3 || m.Count != 3 {
		t.Errorf("mounted was %+v", m)
	}
	var i integrationView
	h.must("POST", "/v1/integrations", map[string]any{"platform": "pets", "label": "Mine", "auth_method": "api_key", "credential": map[string]string{"api_key": "planted-key"}}, &i)
	call := func(operation string, input any) (int, answerView, problem) {
		var raw json.RawMessage
		var out answerView
		var p problem
		status := h.do("POST", "/v1/calls", map[string]any{"integration": i.ID, "operation": operation, "input": input}, &raw)
		_ = json.Unmarshal(raw, &out)
		_ = json.Unmarshal(raw, &p)
		return status, out, p
	}
	if status, out, p := call("list_pets", map[string]any{"tag": []string{"a b", "c&d"}}); status != 200 || len(out.Output["items"].([]any)) != 1 {
		t.Fatalf("list_pets answers %d %+v %+v", status, out, p)
	}
	if status, _, p := call("get_pet", map[string]any{"petId": "x/../y"}); status != 422 {
		t.Errorf("a wrong type answers %d %+v", status, p)
	}
	if status, _, p := call("add_pet", map[string]any{"body": map[string]any{"parent": map[string]any{}}}); status != 422 || len(p.Errors) != 2 {
		t.Errorf("a body without a name answers %d %+v", status, p)
	}
	if status, _, p := call("add_pet", map[string]any{"body": map[string]any{"name": "Rex"}}); status != 200 {
		t.Errorf("add_pet answers %d %+v", status, p)
	}
	store.mu.Lock()
	if got := strings.Join(store.asked, "\n"); got != "GET /v1/pets?tag=a+b&tag=c%26d \nPOST /v1/pets {\"name\":\"Rex\"}" {
		t.Errorf("the server was asked:\n%s", got)
	}
	store.mu.Unlock()
	next := strings.NewReplacer(`"operationId":"getPet"`, `"operationId":"fetchPet"`, `"/broken":{"get":17}`, `"/toys":{"get":{}}`).Replace(petDocument)
	h.must("POST", "/v1/platforms", map[string]any{"id": "pets", "document": next, "replace": true, "dry_run": true}, &m)
	if strings.Join(m.Added, " ") != "fetch_pet get_toys" || strings.Join(m.Lost, " ") != "get_pet" || m.Revision != 2 {
		t.Errorf("the difference is %+v", m)
	}
	next = strings.Replace(next, "listPets", "allPets", 1)
	var p problem
	if status := h.do("POST", "/v1/platforms", map[string]any{"id": "pets", "document": next, "replace": true}, &p); status != 409 || !strings.Contains(p.Detail, "list_pets") {
		t.Errorf("losing an operation that is in use answers %d %+v", status, p)
	}
	h.must("POST", "/v1/platforms", map[string]any{"id": "pets", "document": next, "replace": true, "force": true}, &m)
	if status, _, p := call("all_pets", map[string]any{}); status != 200 {
		t.Errorf("the new version answers %d %+v", status, p)
	}
	if status := h.do("DELETE", "/v1/platforms/pets", nil, &p); status != 409 {
		t.Errorf("removing a platform with accounts answers %d", status)
	}
	if status := h.do("DELETE", "/v1/platforms/pets?force=true", nil, nil); status != 204 {
		t.Errorf("removing by force answers %d", status)
	}
	if status, _, p := call("all_pets", map[string]any{}); p.Code != "platform_not_found" {
		t.Errorf("after the removal a call answers %d %+v", status, p)
	}
	if strings.Contains(h.log.String(), "planted-key") {
		t.Error("the log holds the key")
	}
}

// A document that is hostile costs the host nothing, and is told what is wrong with it.
func TestHostileDocuments(t *testing.T) {
	t.Parallel()
	h := start(t, config(t, dataDir(t), database(t)))
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+",", 8) + "*" + string(c-1) + "]\n"
	}
	for name, document := range map[string]string{"empty": " ", "binary": "\x01\x02", "no document": `{"a":1}`, "aliases without end": "openapi: 3.0.0\n" + bomb,
		"deep": `{"openapi":"3.0.0","paths":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "}", "another version": `{"openapi":"9.0"}`} {
		var p problem
		if status := h.do("POST", "/v1/platforms", map[string]any{"id": "bad", "document": document, "base_url": "https://x.example.com"}, &p); status != 422 && status != 400 {
			t.Errorf("%s answers %d %+v", name, status, p)
		}
	}
}
