package main

import (
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// judged is a server that hands requests to a mock which judges them by the document, and keeps its verdicts.
type judged struct {
	*httptest.Server
	mu       sync.Mutex
	verdicts string
}

// judge starts prism on a document.
func judge(t *testing.T, file string) *judged {
	mock, err := url.Parse(sdktest.Peer(t, sdktest.Tool(t, "prism"), "mock", "--errors", "--port", "{port}", file))
	if err != nil {
		t.Fatal(err)
	}
	j := &judged{}
	j.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proxy := httputil.NewSingleHostReverseProxy(mock)
		proxy.ModifyResponse = func(resp *http.Response) error {
			body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
			if err != nil {
				return err
			}
			j.mu.Lock()
			j.verdicts = ""
			if strings.Contains(resp.Header.Get("Content-Type"), "problem+json") {
				j.verdicts = string(body)
			}
			j.mu.Unlock()
			resp.StatusCode, resp.Body, resp.ContentLength = 204, http.NoBody, 0
			resp.Header = http.Header{}
			return nil
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(j.Close)
	return j
}

func (j *judged) verdict() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.verdicts
}

// objections are those of prism that say that a request is wrong; others say that the document gives no answer to make.
func objection(verdict string) string {
	for _, kind := range []string{"UNPROCESSABLE_ENTITY", "NO_PATH_MATCHED", "NO_METHOD_MATCHED", "UNAUTHORIZED", "NO_SERVER_MATCHED", "INVALID_CONTENT_TYPE"} {
		if strings.Contains(verdict, kind) {
			return verdict
		}
	}
	return ""
}

// A request that is made of nothing but an operation's schema is what the document wants, by the word of a mock that was not written here.
func TestRequestsFitTheirDocuments(t *testing.T) {
	want, documents := 60, 4
	if os.Getenv("PATCHBAY_TEST_DOCUMENTS") == "all" {
		want, documents = 500, 60
	}
	server, err := sdk.NewServer(sdk.Adapter{Name: "openapi", Version: "1.0.0", Mounts: mounter{}})
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2)) // the same sample each time
	tried, good, ungenerated := 0, 0, 0
	for _, file := range corpus(t) {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if tried >= want || documents == 0 || len(raw) > 150<<10 || len(raw) < 20<<10 {
			continue
		}
		m, err := mounter{}.Compile(t.Context(), sdk.MountOrder{Platform: "sample", Location: "https://api.example.com/"}, raw)
		if err != nil || len(m.Operations) < 10 {
			continue
		}
		documents--
		mock := judge(t, file)
		resp, err := http.Get(mock.URL + "/no/such/path/in/any/document")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if objection(mock.verdict()) == "" {
			t.Fatalf("the mock does not judge: it said %q of a path that is not in %s", mock.verdict(), file)
		}
		method := m.Platform.Auth[0]
		fields := map[string]string{"access_token": "planted-secret"}
		for _, f := range method.Fields {
			fields[f.Name] = "planted-secret"
		}
		for _, n := range random.Perm(len(m.Operations))[:min(20, len(m.Operations))] {
			op := m.Operations[n]
			input, ok := generated(t, op.Input)
			if !ok || op.TakesFiles {
				ungenerated++
				continue
			}
			tried++
			_, err := server.Execute(t.Context(), &adapterv1.ExecuteRequest{Operation: op.Name, Input: input, Plan: op.Plan, Call: &adapterv1.CallContext{Platform: "sample",
				Credential: &adapterv1.Credential{AuthMethod: method.Type, Fields: fields}, Settings: &adapterv1.Settings{BaseUrl: mock.URL},
				Mount: &adapterv1.Mount{Plan: m.Plan, Hosts: m.Platform.Hosts}}})
			verdict := objection(mock.verdict())
			if err != nil || verdict != "" {
				t.Logf("%s: %s with %s: %v %s", filepath.Base(file), op.Name, input, err, cutText(verdict, 400))
				continue
			}
			good++
		}
	}
	t.Logf("%d of %d requests are what their documents want; for %d operations none was made", good, tried, ungenerated)
	if tried < want*8/10 || good*100 < tried*95 {
		t.Errorf("%d of %d are too few", good, tried)
	}
}
