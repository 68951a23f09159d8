package release

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/patchbay/patchbay/host/internal/catalog"
)

// oneBinary is a store of one binary that counts how often it is asked.
type oneBinary struct {
	content []byte
	asked   int
}

func (o *oneBinary) HasBinary(context.Context, [32]byte) (bool, error) { return true, nil }

func (o *oneBinary) PutBinary(context.Context, [32]byte, io.Reader) error { return nil }

func (o *oneBinary) CopyBinary(_ context.Context, _ [32]byte, to io.Writer) error {
	o.asked++
	_, err := to.Write(o.content)
	return err
}

// A copy that was changed, cut or replaced by a link is fetched anew; a stored binary of another digest is never taken.
func TestCache(t *testing.T) {
	content := []byte("a program")
	stored := &oneBinary{content: content}
	dir := filepath.Join(t.TempDir(), "releases")
	c := NewCache(dir, stored)
	r := Release{Adapter: "names", Version: "1.0.0", Digest: sha256.Sum256(content)}
	path, err := c.Path(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Path(t.Context(), r); err != nil || stored.asked != 1 {
		t.Errorf("a good copy: asked %d times, %v", stored.asked, err)
	}
	other := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(other, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func() error{
		"changed": func() error { return os.WriteFile(path, []byte("b program"), 0o700) },
		"cut":     func() error { return os.WriteFile(path, content[:3], 0o700) },
		"link":    func() error { return os.Symlink(other, path) },
		"folder":  func() error { return os.Mkdir(path, 0o700) },
	} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := change(); err != nil {
			t.Fatal(err)
		}
		again, err := c.Path(t.Context(), r)
		if what == "folder" { // nothing can be put there
			if err == nil {
				t.Error("a folder is taken for a copy")
			}
			continue
		}
		raw, readErr := os.ReadFile(again)
		info, statErr := os.Lstat(again)
		if err = errors.Join(err, readErr, statErr); err != nil || !bytes.Equal(raw, content) || !info.Mode().IsRegular() {
			t.Errorf("%s: %q, %v", what, raw, err)
		}
	}
	stored.content = []byte("another program")
	if path, err := c.Path(t.Context(), Release{Digest: sha256.Sum256([]byte("wanted"))}); err == nil {
		t.Errorf("a binary of another digest is at %s", path)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".fetch-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestGrants(t *testing.T) {
	for _, good := range []Grants{nil, {GrantContainers}, {GrantEgress}, {"runtime:/usr/lib/python3"}} {
		if err := good.Check(); err != nil {
			t.Errorf("%v: %v", good, err)
		}
	}
	for _, bad := range []string{"", "root", "egress:slack.com", "runtime:", "runtime:relative", "runtime:/", "runtime:/a\x00b"} {
		if err := (Grants{bad}).Check(); err == nil {
			t.Errorf("%q is a grant", bad)
		}
	}
}

func TestNewer(t *testing.T) {
	for _, c := range []struct {
		than, v string
		want    bool
	}{
		{"1.2.0", "1.3.0", true}, {"1.3.0", "1.2.0", false}, {"1.2.0", "1.2.0", false}, {"1.9.0", "1.10.0", true},
		{"1.2.0-dev", "1.2.0", true}, {"1.2.0", "1.2.0-dev", false}, {"latest", "1.0.0", true}, {"odd", "odd", false},
	} {
		if got := newer(c.than, c.v); got != c.want {
			t.Errorf("newer(%q, %q) = %t", c.than, c.v, got)
		}
	}
}

// What a caller relies on is compared: names, types, and what must be there.
func TestChangedOperations(t *testing.T) {
	op := func(schema string) *catalog.Operation {
		return &catalog.Operation{Name: "x", InputSchema: []byte(schema)}
	}
	before := op(`{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"number"}},"required":["a"]}`)
	for schema, want := range map[string]string{
		string(before.InputSchema): "",
		`{"properties":{"a":{"type":"string"},"b":{"type":"number"},"c":{}},"required":["a"]}`: "",
		`{"properties":{"a":{"type":"string"},"b":{"type":"number"}},"required":[]}`:           "",
		`{"properties":{"a":{"type":"string"},"b":{"type":"number"}},"required":["a","b"]}`:    "asks for b",
		`{"properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}`: "takes no b",
		`{"properties":{"a":{"type":"string"}},"required":["a"]}`:                              "",
		`{"properties":{"a":{"type":"array"},"b":{"type":"number"}},"required":["a"]}`:         "takes another type of a",
		`true`: "",
	} {
		if got := changed(before, op(schema)); got != want {
			t.Errorf("%s: %q, want %q", schema, got, want)
		}
	}
	if got := changed(before, nil); got != "is gone" {
		t.Errorf("a lost operation: %q", got)
	}
	streaming := &catalog.Operation{Name: "x", InputSchema: before.InputSchema, Streaming: true, TakesFiles: true}
	if got := changed(streaming, before); got != "does not stream" {
		t.Errorf("a lost stream: %q", got)
	}
}
