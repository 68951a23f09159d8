package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/sdk"
)

// oddNames are what a shell, a glob or a careless program trips over.
var oddNames = []string{"it's", "$(touch pwned)", "`id`", "-rf", "a b", "ünïcödé 🌍", "new\nline", `back\slash`, "*", ".hidden", "~", "tab\there", `"quoted"`}

func TestReadFile(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	dir := t.TempDir()
	writeLocal(t, []byte("one\ntwo\r\ndrei ü\nfour"), dir, "text")
	writeLocal(t, []byte(strings.Repeat("ü", 2000)+"\nlast\n"), dir, "long")
	writeLocal(t, nil, dir, "empty")
	for name, c := range map[string]struct {
		input object
		want  FileText
	}{
		"all":            {object{"path": dir + "/text"}, FileText{Content: "one\ntwo\r\ndrei ü\nfour", StartLine: 1, NumLines: 4, Size: 21}},
		"a part":         {object{"path": dir + "/text", "start_line": 2, "num_lines": 2}, FileText{Content: "two\r\ndrei ü\n", StartLine: 2, NumLines: 2, NextLine: 4, Size: 21}},
		"the end":        {object{"path": dir + "/text", "start_line": 4}, FileText{Content: "four", StartLine: 4, NumLines: 1, Size: 21}},
		"beyond the end": {object{"path": dir + "/text", "start_line": 9}, FileText{StartLine: 9, Size: 21}},
		"nothing":        {object{"path": dir + "/empty"}, FileText{StartLine: 1}},
		"a long line":    {object{"path": dir + "/long", "max_kb": 1}, FileText{Content: strings.Repeat("ü", 512), StartLine: 1, NumLines: 1, NextLine: 2, LineCut: true, Size: 4006}},
		"after it":       {object{"path": dir + "/long", "start_line": 2}, FileText{Content: "last\n", StartLine: 2, NumLines: 1, Size: 4006}},
	} {
		if diff := cmp.Diff(c.want, call[FileText](t, s, "read_file", c.input)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if got := call[FileText](t, s, "read_file", object{"path": "/proc/self/status"}); !strings.Contains(got.Content, "Pid:") {
		t.Errorf("a file of /proc, whose size is 0, reads %q", got.Content)
	}
	writeLocal(t, []byte("a\x00b"), dir, "binary")
	writeLocal(t, []byte("a\xffb"), dir, "latin")
	if err := syscall.Mkfifo(dir+"/pipe", 0o600); err != nil {
		t.Fatal(err)
	}
	for path, kind := range map[string]sdk.Kind{"/binary": sdk.Conflict, "/latin": sdk.Conflict, "/pipe": sdk.Conflict, "": sdk.Conflict,
		"/missing": sdk.NotFound, "/text/below": sdk.NotFound, "/nul\x00": sdk.InvalidInput} {
		e := fails(t, s, kind, "read_file", object{"path": dir + path})
		holdsNone(t, e.Message, dir)
	}
	fails(t, s, sdk.Conflict, "read_file", object{"path": "/dev/zero"})
}

func TestPermissionsAreTheServers(t *testing.T) {
	t.Parallel()
	s := newServer(t, "ForceCommand internal-sftp -R") // read-only: the server says no to every change
	dir := t.TempDir()
	writeLocal(t, []byte("old"), dir, "file")
	for operation, input := range map[string]object{
		"write_file": {"path": dir + "/file", "content": "new"}, "make_dir": {"path": dir + "/new"}, "remove": {"path": dir + "/file"},
		"rename": {"from": dir + "/file", "to": dir + "/other"}, "edit_file": {"path": dir + "/file", "old_string": "old", "new_string": "new"},
	} {
		fails(t, s, sdk.PermissionDenied, operation, input)
	}
	if got := call[FileText](t, s, "read_file", object{"path": dir + "/file"}); got.Content != "old" {
		t.Errorf("the file holds %q", got.Content)
	}
}

func TestWriteFile(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	dir := t.TempDir()
	for _, name := range oddNames {
		path := dir + "/" + name
		got := call[Written](t, s, "write_file", object{"path": path, "content": "grüße\n"})
		if diff := cmp.Diff(Written{Path: path, Size: 8, Created: true}, got); diff != "" {
			t.Error(diff)
		}
		if string(readLocal(t, path)) != "grüße\n" {
			t.Errorf("%q does not hold what was written", name)
		}
	}
	if left := names(t, dir); len(left) != len(oddNames) {
		t.Errorf("the directory has %q", left)
	}

	path := writeLocal(t, []byte("old and longer"), dir, "file")
	chmod(t, path, 0o640)
	got := call[Written](t, s, "write_file", object{"path": path, "content": "new"})
	if got.Created || string(readLocal(t, path)) != "new" || modeOf(t, path) != 0o640 {
		t.Errorf("%+v, %q, mode %o", got, readLocal(t, path), modeOf(t, path))
	}
	call[Written](t, s, "write_file", object{"path": path, "content": "", "mode": "0600"})
	if len(readLocal(t, path)) != 0 || modeOf(t, path) != 0o600 {
		t.Errorf("%q, mode %o", readLocal(t, path), modeOf(t, path))
	}
	deep := dir + "/x/y/z"
	fails(t, s, sdk.NotFound, "write_file", object{"path": deep, "content": "a"})
	call[Written](t, s, "write_file", object{"path": deep, "content": "a", "create_dirs": true})
	if string(readLocal(t, deep)) != "a" {
		t.Error("the file below new directories is not there")
	}
	fails(t, s, sdk.Conflict, "write_file", object{"path": dir, "content": "a"})
	fails(t, s, sdk.Conflict, "write_file", object{"path": path + "/below", "content": "a", "create_dirs": true})
	r := request("write_file", object{"path": path, "content": "a", "mode": "4755"}, s.fields)
	r.AnyInput = true
	_, err := s.harness.Execute(t.Context(), r)
	wantKind(t, err, sdk.InvalidInput)
}

func TestWritingFollowsLinksAndKeepsOwners(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	dir := t.TempDir()
	path := writeLocal(t, []byte("old"), dir, "file")
	if os.Geteuid() == 0 {
		if err := os.Chown(path, 1234, 4321); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"link": "file", "dangling": "made"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
		call[Written](t, s, "write_file", object{"path": dir + "/" + link, "content": "through " + link})
		if info, err := os.Lstat(filepath.Join(dir, link)); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("%s is no link any more (%v)", link, err)
		}
		if got := string(readLocal(t, filepath.Join(dir, target))); got != "through "+link {
			t.Errorf("%s holds %q", target, got)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if st := info.Sys().(*syscall.Stat_t); os.Geteuid() == 0 && (st.Uid != 1234 || st.Gid != 4321) {
		t.Errorf("the file belongs to %d:%d now", st.Uid, st.Gid)
	}
	if left := names(t, dir); !slices.Equal(left, []string{"dangling", "file", "link", "made"}) {
		t.Errorf("the directory has %q", left)
	}
}

func TestEditFile(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	path := writeLocal(t, []byte("a = 1\nb = 1\n"), t.TempDir(), "conf")
	chmod(t, path, 0o600)
	if got := call[Edited](t, s, "edit_file", object{"path": path, "old_string": "a = 1", "new_string": "a = $&\\1"}); got.Replacements != 1 || got.Size != 15 {
		t.Errorf("got %+v", got)
	}
	if got := call[Edited](t, s, "edit_file", object{"path": path, "old_string": "=", "new_string": ":", "replace_all": true}); got.Replacements != 2 {
		t.Errorf("got %+v", got)
	}
	const want = "a : $&\\1\nb : 1\n"
	for _, input := range []object{
		{"path": path, "old_string": "nowhere", "new_string": "x"}, {"path": path, "old_string": ":", "new_string": "x"},
		{"path": path, "old_string": ":", "new_string": ":"},
	} {
		if e := fails(t, s, sdk.InvalidInput, "edit_file", input); len(e.Violations) != 1 || e.Violations[0].Pointer != "/old_string" {
			t.Errorf("the error is %+v", e)
		}
	}
	if got := string(readLocal(t, path)); got != want || modeOf(t, path) != 0o600 {
		t.Errorf("the file holds %q, mode %o", got, modeOf(t, path))
	}
	fails(t, s, sdk.Conflict, "edit_file", object{"path": writeLocal(t, []byte("\x00a"), t.TempDir(), "b"), "old_string": "a", "new_string": "b"})
	fails(t, s, sdk.NotFound, "edit_file", object{"path": path + "x", "old_string": "a", "new_string": "b"})
}

func TestListFiles(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	dir := t.TempDir()
	for _, name := range oddNames {
		writeLocal(t, []byte("x"), dir, name)
	}
	got := call[Listing](t, s, "list_files", object{"path": dir})
	if diff := cmp.Diff(sorted(dir, oddNames), paths(got)); diff != "" {
		t.Error(diff)
	}
	if e := got.Entries[0]; e.Type != "file" || e.Size != 1 || e.Mode != "0644" || e.Modified == "" {
		t.Errorf("an entry is %+v", e)
	}
	fails(t, s, sdk.NotFound, "list_files", object{"path": dir + "/missing"})
	fails(t, s, sdk.InvalidInput, "list_files", object{"path": dir, "pattern": "[a"})
	fails(t, s, sdk.InvalidInput, "list_files", object{"path": dir, "cursor": "not base64!"})
	if got := call[Listing](t, s, "list_files", object{"path": t.TempDir()}); got.Entries == nil || len(got.Entries) != 0 {
		t.Errorf("an empty directory lists %+v", got)
	}
}

func TestListFilesByPages(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	dir := t.TempDir()
	var all []string
	for _, sub := range []string{"a", "a/b", "a-b", "b", "b/empty", "b/c"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
		all = append(all, sub)
	}
	for i := range 11 {
		for _, sub := range []string{".", "a", "a/b", "b/c"} {
			name := fmt.Sprintf("f%02d.%s", i, []string{"log", "txt"}[i%2])
			writeLocal(t, nil, dir, sub, name)
			all = append(all, filepath.Join(sub, name))
		}
	}
	if err := os.Symlink("..", filepath.Join(dir, "b/loop")); err != nil {
		t.Fatal(err)
	}
	all = append(all, "b/loop")
	for _, limit := range []int{1, 7, 1000} {
		if diff := cmp.Diff(sorted(dir, all), pages(t, s, object{"path": dir, "recursive": true, "limit": limit})); diff != "" {
			t.Errorf("pages of %d: %s", limit, diff)
		}
	}
	logs := slices.DeleteFunc(slices.Clone(all), func(p string) bool { return !strings.HasSuffix(p, ".log") })
	if diff := cmp.Diff(sorted(dir, logs), pages(t, s, object{"path": dir, "recursive": true, "limit": 3, "pattern": "*.log"})); diff != "" {
		t.Error(diff)
	}
	// A cursor outlives what it names.
	first := call[Listing](t, s, "list_files", object{"path": dir, "recursive": true, "limit": 4})
	if err := os.RemoveAll(filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	next := call[Listing](t, s, "list_files", object{"path": dir, "recursive": true, "limit": 1, "cursor": first.NextCursor})
	if len(next.Entries) != 1 || next.Entries[0].Path != dir+"/a-b" {
		t.Errorf("the next page is %+v", next)
	}
}

// pages lists all by following the cursors.
func pages(t *testing.T, s *server, input object) []string {
	t.Helper()
	var all []string
	for range 1000 {
		page := call[Listing](t, s, "list_files", input)
		all = append(all, paths(page)...)
		if page.NextCursor == "" {
			return all
		}
		input["cursor"] = page.NextCursor
	}
	t.Fatal("the pages have no end")
	return nil
}

func TestStat(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	dir := t.TempDir()
	path := writeLocal(t, []byte("four"), dir, "file")
	chmod(t, path, 0o750|os.ModeSetgid)
	if err := os.Symlink("file", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		input object
		want  Entry
	}{
		"a file":          {object{"path": path}, Entry{Path: path, Type: "file", Size: 4, Mode: "2750"}},
		"a link":          {object{"path": dir + "/link"}, Entry{Path: dir + "/link", Type: "symlink", Size: 4, Mode: "0777", Target: "file"}},
		"what it is for":  {object{"path": dir + "/link", "follow": true}, Entry{Path: dir + "/link", Type: "file", Size: 4, Mode: "2750"}},
		"something else":  {object{"path": "/dev/null"}, Entry{Path: "/dev/null", Type: "other", Mode: "0666"}},
		"the home itself": {object{"path": "~"}, Entry{Path: "~", Type: "directory"}},
	} {
		got := call[Entry](t, s, "stat", c.input)
		if got.Modified == "" {
			t.Errorf("%s: it has no time", name)
		}
		got.Modified, got.UID, got.GID = "", 0, 0
		if got.Type == "directory" {
			got.Size, got.Mode = 0, ""
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	fails(t, s, sdk.NotFound, "stat", object{"path": dir + "/missing"})
}

func TestMakeDirAndRename(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	dir := t.TempDir()
	if got := call[Made](t, s, "make_dir", object{"path": dir + "/a", "mode": "0700"}); !got.Created || modeOf(t, dir+"/a") != 0o700 {
		t.Errorf("got %+v, mode %o", got, modeOf(t, dir+"/a"))
	}
	if got := call[Made](t, s, "make_dir", object{"path": dir + "/a"}); got.Created {
		t.Error("a directory that was there was made")
	}
	fails(t, s, sdk.NotFound, "make_dir", object{"path": dir + "/x/y"})
	call[Made](t, s, "make_dir", object{"path": dir + "/x/y", "parents": true})
	file := writeLocal(t, []byte("1"), dir, "file")
	other := writeLocal(t, []byte("2"), dir, "other")
	fails(t, s, sdk.Conflict, "make_dir", object{"path": file})

	fails(t, s, sdk.Conflict, "rename", object{"from": file, "to": other})
	fails(t, s, sdk.NotFound, "rename", object{"from": dir + "/missing", "to": dir + "/new"})
	call[sdk.None](t, s, "rename", object{"from": file, "to": other, "overwrite": true})
	call[sdk.None](t, s, "rename", object{"from": other, "to": dir + "/x/it's"})
	if string(readLocal(t, dir+"/x/it's")) != "1" {
		t.Error("the file was not moved")
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	outside := writeLocal(t, []byte("stays"), t.TempDir(), "outside")
	dir := t.TempDir()
	for _, sub := range []string{"tree", "tree/a", "tree/a/b", "empty"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for i, name := range oddNames {
		writeLocal(t, nil, dir, []string{"tree", "tree/a/b"}[i%2], name)
	}
	for link, target := range map[string]string{"tree/file-link": outside, "tree/dir-link": filepath.Dir(outside), "link": filepath.Dir(outside)} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	fails(t, s, sdk.Conflict, "remove", object{"path": dir + "/tree"})
	fails(t, s, sdk.NotFound, "remove", object{"path": dir + "/missing", "recursive": true})
	for path, want := range map[string]int{"/empty": 1, "/link": 1, "/tree": len(oddNames) + 5} {
		if got := call[Removed](t, s, "remove", object{"path": dir + path, "recursive": path == "/tree"}); got.Removed != want {
			t.Errorf("%s: %d were removed, want %d", path, got.Removed, want)
		}
	}
	if left := names(t, dir); len(left) > 0 {
		t.Errorf("the directory has %q", left)
	}
	if string(readLocal(t, outside)) != "stays" {
		t.Error("a link was followed")
	}
}

// The home that the test may not remove is one that the server pretends to have: the start directory of its SFTP.
func TestRemoveRefusesTheHomeAndWhatItLiesIn(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	home := filepath.Join(base, "above", "home")
	if err := os.MkdirAll(home, 0o755); err != nil {
		t.Fatal(err)
	}
	s := newServer(t, "Subsystem sftp internal-sftp -d "+home)
	for _, path := range []string{"/", "//", "/.", ".", "~", "~/", "..", "../..", home, base, home + "/../home/.", filepath.Dir(home)} {
		fails(t, s, sdk.PermissionDenied, "remove", object{"path": path, "recursive": true})
	}
	if err := os.Mkdir(home+"/below", 0o755); err != nil {
		t.Fatal(err)
	}
	call[Removed](t, s, "remove", object{"path": "below", "recursive": true})
	if left := names(t, home); len(left) > 0 {
		t.Errorf("the home has %q", left)
	}
}

func TestServersWithoutSFTP(t *testing.T) {
	t.Parallel()
	s := newServer(t, "Subsystem sftp /bin/false")
	fails(t, s, sdk.PlatformError, "stat", object{"path": "/"})
}

func FuzzParseCursor(f *testing.F) {
	f.Add(formatCursor([]string{"a", "b"}))
	f.Add("")
	f.Add("!")
	f.Add(base64.RawURLEncoding.EncodeToString([]byte("/../\x00")))
	f.Fuzz(func(t *testing.T, cursor string) {
		names, err := parseCursor(cursor)
		if err == nil && cursor != "" {
			again, err := parseCursor(formatCursor(names))
			if err != nil || !slices.Equal(names, again) {
				t.Errorf("%q is read as %q and then as %q", cursor, names, again)
			}
		}
	})
}

// Reading a file by parts of any size gives the file, but for what is said to be cut.
func FuzzReadLines(f *testing.F) {
	f.Add("a\nb\r\n\nc", 1, 2)
	f.Add(strings.Repeat("x", 100)+"\n"+strings.Repeat("ü\n", 50), 3, 7)
	f.Fuzz(func(t *testing.T, text string, lines, maxBytes int) {
		if lines < 1 || lines > 100 || maxBytes < 8 || maxBytes > 1<<10 || len(text) > 1<<12 {
			return
		}
		var got strings.Builder
		cut := false
		for start := 1; start > 0; {
			part, err := readLines(bufio.NewReaderSize(strings.NewReader(text), 16), start, lines, maxBytes)
			if err != nil || part.NumLines > lines || len(part.Content) > maxBytes || (part.NextLine > 0 && part.NextLine <= start) {
				t.Fatalf("%v: %+v", err, part)
			}
			got.WriteString(part.Content)
			cut = cut || part.LineCut
			start = part.NextLine
		}
		if !cut && got.String() != text {
			t.Errorf("%q is read as %q", text, got.String())
		}
	})
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func paths(l Listing) []string {
	var out []string
	for _, e := range l.Entries {
		out = append(out, e.Path)
	}
	return out
}

// sorted puts paths below a directory in the order of a listing: name by name.
func sorted(dir string, below []string) []string {
	below = slices.Clone(below)
	slices.SortFunc(below, func(a, b string) int { return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/")) })
	for i := range below {
		below[i] = dir + "/" + below[i]
	}
	return below
}

func modeOf(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}
