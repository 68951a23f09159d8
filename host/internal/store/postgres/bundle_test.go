package postgres

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// archive makes a tar.gz of entries; a regular file's content is its body.
func archive(t testing.TB, entries ...entry) string {
	t.Helper()
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	out := tar.NewWriter(zip)
	for _, e := range entries {
		e.header.Size = int64(len(e.body))
		if err := out.WriteHeader(&e.header); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write([]byte(e.body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}

type entry struct {
	header tar.Header
	body   string
}

func file(name string, mode int64, body string) entry {
	return entry{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode}, body}
}

// testBundle is a bundle whose postgres is a script that says something.
func testBundle(t *testing.T, said string) *bundle {
	t.Helper()
	script := "#!/bin/sh\necho '" + said + "'\n"
	b := &bundle{archive: archive(t, entry{header: tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o700}},
		entry{header: tar.Header{Typeflag: tar.TypeDir, Name: "./bin/", Mode: 0o700}},
		file("./bin/initdb", 0o755, script), file("./bin/postgres", 0o700, script), file("./LICENSE.md", 0o600, "text"))}
	sum := sha256.Sum256([]byte(b.archive))
	b.manifest = manifest{Version: "18.4", Platform: runtime.GOOS + "/" + runtime.GOARCH, SHA256: hex.EncodeToString(sum[:])}
	return b
}

func TestUnpackRefuses(t *testing.T) {
	t.Parallel()
	for name, entries := range map[string][]entry{
		"parent":         {file("../evil", 0o644, "x")},
		"inner parent":   {file("a/../../evil", 0o644, "x")},
		"absolute":       {file("/evil", 0o644, "x")},
		"symbolic link":  {{header: tar.Header{Typeflag: tar.TypeSymlink, Name: "link", Linkname: ".."}}, file("link/evil", 0o644, "x")},
		"hard link":      {{header: tar.Header{Typeflag: tar.TypeLink, Name: "link", Linkname: "/etc/passwd"}}},
		"device":         {{header: tar.Header{Typeflag: tar.TypeChar, Name: "null", Devmajor: 1, Devminor: 3}}},
		"the same twice": {file("a", 0o644, "x"), file("./a", 0o644, "y")},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "in")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := unpack(strings.NewReader(archive(t, entries...)), dir); err == nil {
				t.Error("unpacked")
			}
			if siblings, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(siblings) != 1 {
				t.Errorf("%d files beside the directory, %v", len(siblings), err)
			}
		})
	}
}

func TestUnpackIsBounded(t *testing.T) {
	t.Parallel()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }() // read only
	packed := archive(t, file("a", 0o644, "12345"), file("b", 0o644, "12345"))
	wantError(t, unpackInto(root, strings.NewReader(packed), 9), "larger")
	if _, err := root.Stat("b"); err == nil {
		t.Error("the file beyond the bound was written")
	}
}

func TestBundleAppearsWholeOrNotAtAll(t *testing.T) {
	old := syscall.Umask(0o077) // not parallel: the umask is the process's
	defer syscall.Umask(old)
	dir := filepath.Join(openTemp(t), "postgres-bin")
	b := testBundle(t, "hello")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if _, err := b.unpackedUnder(dir); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for path, want := range map[string]os.FileMode{".": 0o755, b.SHA256: 0o755, b.SHA256 + "/bin": 0o755,
		b.SHA256 + "/bin/postgres": 0o755, b.SHA256 + "/LICENSE.md": 0o644} {
		if info, err := os.Stat(filepath.Join(dir, path)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", path, info, err, want)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%d directories, %v", len(entries), err)
	}

	changed := *b
	changed.archive = b.archive[:len(b.archive)-1]
	changed.SHA256 = strings.Repeat("0", 64)
	_, err := changed.unpackedUnder(dir)
	wantError(t, err, "not what its manifest says")
	truncated := testBundle(t, "hello")
	truncated.archive = truncated.archive[:len(truncated.archive)/2]
	sum := sha256.Sum256([]byte(truncated.archive))
	truncated.SHA256 = hex.EncodeToString(sum[:])
	_, err = truncated.unpackedUnder(dir)
	wantError(t, err, "unpacking")
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%d directories after failures, %v", len(entries), err)
	}
}

func TestReadBundle(t *testing.T) {
	t.Parallel()
	digest := strings.Repeat("a", 64)
	for name, tc := range map[string]struct{ text, says string }{
		"other machine": {`{"platform":"plan9/mips","sha256":"` + digest + `"}`, "plan9/mips"},
		"no digest":     {`{"platform":"linux/amd64"}`, "digest"},
		"a path":        {`{"sha256":"../../etc"}`, "digest"},
		"no manifest":   {`<html>`, "manifest"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readBundle("", tc.text)
			wantError(t, err, tc.says)
		})
	}
}

func TestSweepBinaries(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keep, old := strings.Repeat("a", 64), strings.Repeat("b", 64)
	for _, name := range []string{keep, old, unpacking + "1", "notes"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		now  time.Time
		want string
	}{
		{time.Now(), unpacking + "1," + keep + ",notes"},
		{time.Now().Add(2 * time.Hour), keep + ",notes"},
	} {
		if err := sweepBinaries(dir, keep, step.now); err != nil {
			t.Fatal(err)
		}
		var names []string
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		if got := strings.Join(names, ","); got != step.want {
			t.Errorf("left: %s; want %s", got, step.want)
		}
	}
}

// With the bundle in place the script needs neither npm nor a network.
func TestBundleScriptIsIdempotent(t *testing.T) {
	t.Parallel()
	if builtBundle(t) == nil {
		t.Skip("no bundle was built")
	}
	before, err := os.Stat("bundle/postgres.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	tools := t.TempDir()
	for _, name := range []string{"npm", "node"} {
		if err := os.WriteFile(filepath.Join(tools, name), []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "../../../../scripts/postgres-bundle")
	cmd.Env = []string{"PATH=" + tools + ":/usr/bin:/bin", "GOOS=" + runtime.GOOS, "GOARCH=" + runtime.GOARCH}
	if out, err := cmd.CombinedOutput(); err != nil || len(out) != 0 {
		t.Errorf("a second run: %v, %s", err, out)
	}
	after, err := os.Stat("bundle/postgres.tar.gz")
	if err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("the archive was written again: %v", err)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add([]byte(archive(f, file("bin/postgres", 0o755, "x"))))
	f.Add([]byte(archive(f, file("../x", 0o755, "x"))))
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, packed []byte) {
		parent := t.TempDir()
		dir := filepath.Join(parent, "in")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = root.Close() }() // read only
		_ = unpackInto(root, bytes.NewReader(packed), 1<<20)
		if entries, err := os.ReadDir(parent); err != nil || len(entries) != 1 {
			t.Errorf("%d files beside the directory, %v", len(entries), err)
		}
	})
}
