package main

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

func TestEventReader(t *testing.T) {
	tests := []struct {
		name, stream string
		want         []string
	}{
		{"events", "event: a\ndata: 1\n\nevent: b\ndata: 2\n\n", []string{"a=1", "b=2"}},
		{"comments and unknown lines", ": beat\n\nid: 7\nretry: 1\nevent: a\n: x\ndata: 1\n\n", []string{"a=1"}},
		{"carriage returns", "event: a\r\ndata: 1\r\n\r\n", []string{"a=1"}},
		{"several lines", "data: 1\ndata:2\ndata:  3\n\n", []string{"message=1\n2\n 3"}},
		{"an event without data", "event: a\n\ndata: 1\n\n", []string{"message=1"}},
		{"cut off", "event: a\ndata: 1\n", nil},
		{"nothing", "", nil},
		{"a long line", "data: " + strings.Repeat("x", 200_000) + "\n\n", []string{"message=" + strings.Repeat("x", 200_000)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			r := newEventReader(strings.NewReader(tt.stream))
			for {
				e, err := r.next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, e.name+"="+string(e.data))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// endless gives data lines without end.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	return copy(b, bytes.Repeat([]byte("data: x\n"), len(b)/8+1)), nil
}

func TestEventReaderIsBounded(t *testing.T) {
	if _, err := newEventReader(endless{}).next(); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("error %v", err)
	}
	if _, err := newEventReader(io.LimitReader(zeros{}, 3*maxEvent)).next(); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("one line: error %v", err)
	}
}

// zeros is one line without end.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func FuzzEventReader(f *testing.F) {
	f.Add([]byte("event: a\ndata: 1\n\n"))
	f.Add([]byte(": x\r\ndata\n\n\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := newEventReader(bytes.NewReader(raw))
		for {
			e, err := r.next()
			if err != nil {
				return
			}
			if len(e.data) > len(raw) {
				t.Fatal("an event is larger than the stream")
			}
		}
	})
}

func FuzzProblem(f *testing.F) {
	f.Add([]byte(`{"status":422,"code":"validation_failed","detail":"x","errors":[{"pointer":"/a","detail":"b"}],"missing_scopes":["c"]}`))
	f.Add([]byte(`{"code":"x"}`))
	f.Add([]byte("{\"code\":\"x\",\"detail\":\"\u001b[2J\"}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p := decodeProblem(raw)
		if p == nil {
			return
		}
		for _, r := range p.text() {
			if unicode.IsControl(r) && r != '\n' {
				t.Fatalf("a control character %U reaches the terminal", r)
			}
		}
	})
}

func TestSafeName(t *testing.T) {
	for given, want := range map[string]string{
		"report.pdf": "report.pdf", "../../etc/passwd": "passwd", `..\..\evil.exe`: "evil.exe", ".bashrc": "bashrc", "": "file_1", "..": "file_1",
		"-rf": "rf", "a\x00b\x1b[2J.txt": "ab[2J.txt", "/": "file_1", strings.Repeat("x", 300) + ".tar": strings.Repeat("x", 56) + ".tar", "Ünïcode ✓.txt": "Ünïcode ✓.txt",
	} {
		if got := safeName(callFile{ID: "file_1", Name: given}); got != want {
			t.Errorf("safeName(%q) = %q, want %q", given, got, want)
		}
	}
}

func FuzzSafeName(f *testing.F) {
	f.Add("../x", "file_1")
	f.Add("", "../..")
	f.Add("..", ".")
	f.Fuzz(func(t *testing.T, name, id string) {
		got := safeName(callFile{ID: id, Name: name})
		if got == "" || got != filepath.Base(got) || got == "." || got == ".." || strings.ContainsAny(got, "/\x00") {
			t.Errorf("%q is no plain name", got)
		}
	})
}

func TestClean(t *testing.T) {
	for given, want := range map[string]string{
		"plain": "plain", "a\nb\tc\rd": "a b c d", "\x1b]0;title\x07x": "]0;titlex", "\u009b2J": "2J", "abc\u202edcba": "abcdcba", "\xff": "\uFFFD", "ä✓": "ä✓",
	} {
		if got := clean(given); got != want {
			t.Errorf("clean(%q) = %q, want %q", given, got, want)
		}
	}
}

func TestFind(t *testing.T) {
	local := location{url: "http://127.0.0.1:7450", token: "local", from: "folder"}
	remote := location{url: "https://own.example", token: "local", from: "folder"}
	stored := credentials{URL: "https://stored.example", Token: "stored"}
	tests := []struct {
		name  string
		given location
		local location
		want  location
	}{
		{"nothing given", location{}, local, local},
		{"nothing given, no local host", location{}, location{}, location{url: stored.URL, token: "stored", from: "patchbay login"}},
		{"the local host's URL", location{url: local.url}, local, location{url: local.url, token: "local"}},
		{"the local host's own address", location{url: remote.url}, remote, location{url: remote.url, token: "local"}},
		{"another port of this machine", location{url: "http://localhost:99"}, local, location{url: "http://localhost:99", token: "local"}},
		{"where login was", location{url: stored.URL}, local, location{url: stored.URL, token: "stored"}},
		{"a stranger", location{url: "https://evil.example"}, remote, location{url: "https://evil.example"}},
		{"a stranger named alike", location{url: "https://127.0.0.1.evil.example"}, local, location{url: "https://127.0.0.1.evil.example"}},
		{"a token alone", location{token: "t"}, local, location{url: local.url, token: "t", from: "folder"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.given.complete(tt.local, stored)
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(location{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}
