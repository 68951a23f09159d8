package release

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func specOf(t *testing.T) PackSpec {
	t.Helper()
	dir := t.TempDir()
	spec := PackSpec{Adapter: "names", Version: "1.2.0", Platforms: []ManifestPlatform{{"names", []string{"api.names.example"}}}, Grants: Grants{GrantEgress},
		Sign: func([]byte) ([]byte, error) { return []byte("signature"), nil }}
	for _, arch := range []string{"arm64", "amd64"} {
		path := filepath.Join(dir, arch)
		if err := os.WriteFile(path, []byte("program for "+arch), 0o600); err != nil {
			t.Fatal(err)
		}
		spec.Binaries = append(spec.Binaries, Binary{"linux", arch, path})
	}
	return spec
}

// A pack comes back as it was, and is the same however often and whenever it is made.
func TestPack(t *testing.T) {
	spec := specOf(t)
	var first, second bytes.Buffer
	if err := spec.Write(&first); err != nil {
		t.Fatal(err)
	}
	for _, b := range spec.Binaries {
		if err := os.Chtimes(b.Path, time.Now(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if err := spec.Write(&second); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the packs differ")
	}
	dir := t.TempDir()
	p, err := Unpack(&first, dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := decodeManifest(p.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	if m.Adapter != "names" || m.Version != "1.2.0" || string(p.Signature) != "signature" || len(p.Binaries) != 2 {
		t.Errorf("the pack is %+v, the manifest %+v", p, m)
	}
	if diff := cmp.Diff(spec.Platforms, m.Platforms); diff != "" {
		t.Errorf("the platforms (-want +got):\n%s", diff)
	}
	for _, b := range p.Binaries {
		raw, err := os.ReadFile(b.Path)
		if err != nil || string(raw) != "program for "+b.Arch {
			t.Errorf("%s is %q, %v", b.Arch, raw, err)
		}
		digest, err := DigestOf(b.Path)
		if want, ok := m.digestFor("linux", b.Arch); err != nil || !ok || want != digest {
			t.Errorf("%s does not have its digest: %v", b.Arch, err)
		}
	}
}

// entry is a file of a hostile archive.
type entry struct {
	name, content string
	kind          byte
	link          string
}

func archiveOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, e := range entries {
		if e.kind == 0 {
			e.kind = tar.TypeReg
		}
		if err := w.WriteHeader(&tar.Header{Name: e.name, Size: int64(len(e.content)), Mode: 0o777, Typeflag: e.kind, Linkname: e.link}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What does not belong into a pack is refused, and nothing is written outside of the folder.
func TestHostilePacks(t *testing.T) {
	manifest, binary := entry{name: manifestName, content: "{}"}, entry{name: binariesDir + "linux_amd64", content: "x"}
	for what, raw := range map[string][]byte{
		"no gzip":           []byte("hello"),
		"no tar":            gzipped(t, "hello, this is no archive"),
		"empty":             archiveOf(t),
		"no binary":         archiveOf(t, manifest),
		"no manifest":       archiveOf(t, binary),
		"two manifests":     archiveOf(t, manifest, manifest, binary),
		"one binary twice":  archiveOf(t, manifest, binary, binary),
		"path":              archiveOf(t, manifest, entry{name: "../evil", content: "x"}, binary),
		"path in a slot":    archiveOf(t, manifest, entry{name: binariesDir + "../evil", content: "x"}),
		"absolute path":     archiveOf(t, manifest, entry{name: "/tmp/evil", content: "x"}),
		"symbolic link":     archiveOf(t, manifest, entry{name: binariesDir + "linux_amd64", kind: tar.TypeSymlink, link: "/etc/passwd"}),
		"hard link":         archiveOf(t, manifest, entry{name: binariesDir + "linux_amd64", kind: tar.TypeLink, link: "/etc/passwd"}),
		"device":            archiveOf(t, manifest, entry{name: binariesDir + "linux_amd64", kind: tar.TypeChar}),
		"large manifest":    archiveOf(t, entry{name: manifestName, content: strings.Repeat("x", maxManifest+1)}, binary),
		"large signature":   archiveOf(t, manifest, entry{name: signatureName, content: strings.Repeat("x", maxSignature+1)}, binary),
		"too many binaries": archiveOf(t, append([]entry{manifest}, slots(maxBinaries+1)...)...),
	} {
		home := t.TempDir()
		dir := filepath.Join(home, "in")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := Unpack(bytes.NewReader(raw), dir); err == nil {
			t.Errorf("%s: it is taken", what)
		}
		if entries, err := os.ReadDir(home); err != nil || len(entries) != 1 {
			t.Errorf("%s: the folder above holds %v, %v", what, entries, err)
		}
	}
}

// A small file that unpacks to a large one is cut.
func TestPackIsBounded(t *testing.T) {
	raw := archiveOf(t, entry{name: manifestName, content: "{}"}, entry{name: binariesDir + "linux_amd64", content: strings.Repeat("\x00", 8<<20)})
	if len(raw) > 64<<10 {
		t.Fatalf("the pack is %d bytes long", len(raw))
	}
	dir := t.TempDir()
	if _, err := unpack(bytes.NewReader(raw), dir, 1<<20); err == nil {
		t.Error("it is taken")
	}
	if info, err := os.Stat(filepath.Join(dir, "linux_amd64")); err == nil && info.Size() > 1<<20 {
		t.Errorf("%d bytes were written", info.Size())
	}
	if _, err := unpack(bytes.NewReader(raw), t.TempDir(), 16<<20); err != nil {
		t.Error(err)
	}
}

func slots(n int) (out []entry) {
	for i := range n {
		out = append(out, entry{name: binariesDir + "linux_a" + string(rune('a'+i)), content: "x"})
	}
	return out
}

func gzipped(t *testing.T, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, s)
	if err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// endless is a file that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// A file without an end is cut at the bound, on disk too.
func TestBoundedBinary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b")
	if err := WriteBounded(path, endless{}); err == nil || !strings.Contains(err.Error(), "larger than 256 MiB") {
		t.Errorf("an endless binary: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > MaxBinaryBytes+1 {
		t.Errorf("on disk: %v, %v", info, err)
	}
	if err := WriteBounded(path, strings.NewReader("x")); err == nil {
		t.Error("a file that is there is written over")
	}
}

func TestManifests(t *testing.T) {
	good := `{"format":1,"adapter":"names","version":"1.2.0","binaries":[{"os":"linux","arch":"amd64","sha256":"00","size":1}],"platforms":[],"grants":[]}`
	if _, err := decodeManifest([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for what, bad := range map[string]string{
		"unknown field":  strings.Replace(good, `"format":1`, `"format":1,"conditions":"x"`, 1),
		"other format":   strings.Replace(good, `"format":1`, `"format":2`, 1),
		"no version":     strings.Replace(good, "1.2.0", "latest", 1),
		"unknown grant":  strings.Replace(good, `"grants":[]`, `"grants":["root"]`, 1),
		"two documents":  good + good,
		"nothing behind": good[:20],
	} {
		if _, err := decodeManifest([]byte(bad)); err == nil {
			t.Errorf("%s: it is taken", what)
		}
	}
	m, err := decodeManifest([]byte(good))
	if _, ok := m.digestFor("linux", "amd64"); err != nil || ok {
		t.Error("a short digest is one")
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(archiveOf(f, entry{name: manifestName, content: "{}"}, entry{name: binariesDir + "linux_amd64", content: "x"}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		home := t.TempDir()
		dir := filepath.Join(home, "in")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		p, err := Unpack(bytes.NewReader(raw), dir)
		if err == nil {
			_, _ = decodeManifest(p.Manifest) // must not panic
		}
		if entries, err := os.ReadDir(home); err != nil || len(entries) != 1 {
			t.Errorf("the folder above holds %v, %v", entries, err)
		}
	})
}
