package main

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
)

// A pack goes through a registry unchanged, twice to the same digest; a registry that changes it, or another artifact, is refused.
func TestPacksInARegistry(t *testing.T) {
	var lie atomic.Bool
	real := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if lie.Load() && r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
			_, _ = io.WriteString(w, "another pack")
			return
		}
		real.ServeHTTP(w, r)
	}))
	defer server.Close()
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	reference := ociPrefix + strings.TrimPrefix(server.URL, "http://") + "/adapters/names:1.0.0"
	pack := filepath.Join(t.TempDir(), "names.pack")
	if err := os.WriteFile(pack, []byte("\x1f\x8bthe pack....."), 0o600); err != nil {
		t.Fatal(err)
	}
	var digests []string
	for range 2 {
		var out bytes.Buffer
		push := adapterPushCmd{Pack: pack, Reference: reference}
		if err := push.Run(t.Context(), &console{out: &out}); err != nil {
			t.Fatal(err)
		}
		digests = append(digests, out.String())
	}
	if digests[0] != digests[1] {
		t.Errorf("the same pack is %s and %s", digests[0], digests[1])
	}
	path, err := fetchPack(t.Context(), reference)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil || string(raw) != "\x1f\x8bthe pack....." {
		t.Errorf("it came back as %q, %v", raw, err)
	}
	if err := os.Remove(path); err != nil {
		t.Error(err)
	}
	lie.Store(true)
	if path, err := fetchPack(t.Context(), reference); err == nil {
		t.Errorf("a changed pack is taken: %s", path)
	}
	lie.Store(false)
	put(t, server.URL+"/v2/adapters/image/manifests/1", "application/vnd.oci.image.manifest.v1+json",
		`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","layers":[]}`)
	for bad, why := range map[string]string{
		strings.Replace(reference, "names:1.0.0", "image:1", 1):     "is no adapter",
		strings.Replace(reference, "names:1.0.0", "names:2.0.0", 1): "not found",
		strings.Replace(reference, "names:1.0.0", "names", 1):       "names no tag",
		ociPrefix + "Not A Reference":                               "is no reference",
	} {
		if _, err := fetchPack(t.Context(), bad); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	// A registry elsewhere is not spoken to in the clear.
	for name, plain := range map[string]bool{"127.0.0.1:5000/a:1": true, "localhost:5000/a:1": true, "registry.example/a:1": false, "10.0.0.1:5000/a:1": false} {
		repo, err := repository(ociPrefix + name)
		if err != nil || repo.PlainHTTP != plain {
			t.Errorf("%s: plain HTTP %t, %v", name, repo.PlainHTTP, err)
		}
	}
}

func put(t *testing.T, url, kind, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("the registry answers %s", resp.Status)
	}
}
