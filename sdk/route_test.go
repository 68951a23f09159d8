package sdk_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/sdk"
)

type part struct {
	Folder string `json:"folder" wire:"-"`
}

type wired struct {
	part
	ID     int      `json:"id"`
	Model  string   `json:"model,omitempty"`
	Cursor string   `json:"cursor,omitempty" wire:"pageToken,query"`
	Names  []string `json:"names,omitempty" wire:"name"`
	Dry    *bool    `json:"dry,omitempty"`
	sdk.Further
}

func TestRoute(t *testing.T) {
	dry := false
	full := wired{part: part{"a/../b c"}, ID: 7, Model: "x/y", Cursor: "p&2", Names: []string{"a", "b"}, Dry: &dry, Further: sdk.Further{Extra: sdk.Object{"odd": json.RawMessage("12345678901234567890")}}}
	for name, c := range map[string]struct {
		route, method, path, query, body string
		in                               any
	}{
		"a body":                {"POST /things/{id}:run", "POST", "/things/7:run", "pageToken=p%262", `{"model":"x/y","name":["a","b"],"dry":false,"odd":12345678901234567890}`, full},
		"a query":               {"GET /things/{folder}", "GET", "/things/a%2F..%2Fb%20c", "dry=false&id=7&model=x%2Fy&name=a&name=b&odd=12345678901234567890&pageToken=p%262", ``, full},
		"segments":              {"DELETE /{+folder}/{+model}", "DELETE", "/a/%2E%2E/b%20c/x/y", "dry=false&id=7&name=a&name=b&odd=12345678901234567890&pageToken=p%262", ``, full},
		"nothing given":         {"POST /things", "POST", "/things", "", `{"id":0}`, wired{}},
		"nothing for a body":    {"POST /things/{folder}/stop", "POST", "/things/f/stop", "", ``, part{"f"}},
		"a body of extra alone": {"POST /things", "POST", "/things", "", `{}`, sdk.Further{}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := sdk.Route(c.route, c.in)
			if err != nil {
				t.Fatal(err)
			}
			if r.Method != c.method || r.Path != c.path || r.Query.Encode() != c.query {
				t.Errorf("got %s %s ? %s, want %s %s ? %s", r.Method, r.Path, r.Query.Encode(), c.method, c.path, c.query)
			}
			var got, want any
			if r.JSON != nil {
				encoded, err := json.Marshal(r.JSON)
				if err != nil || json.Unmarshal(encoded, &got) != nil {
					t.Fatal(err)
				}
				if strings.Contains(c.body, "12345678901234567890") && !strings.Contains(string(encoded), "12345678901234567890") {
					t.Errorf("a number lost its digits: %s", encoded)
				}
			}
			if c.body != "" && json.Unmarshal([]byte(c.body), &want) != nil {
				t.Fatal("the wanted body is no JSON")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for name, extra := range map[string]string{"a property": "id", "its name on the wire": "name", "the other name": "names", "one that is not sent": "folder", "extra": "extra"} {
		if _, err := sdk.Route("POST /x", wired{Further: sdk.Further{Extra: sdk.Object{extra: json.RawMessage("1")}}}); sdk.KindOf(err) != sdk.InvalidInput {
			t.Errorf("%s in extra: got %v, want invalid input", name, err)
		}
	}
}

func TestPageOf(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		want   sdk.Page
		kind   sdk.Kind
	}{
		"a page":           {`{"data":[1,{"a":2}],"next":"x"}`, sdk.Page{Items: []json.RawMessage{json.RawMessage("1"), json.RawMessage(`{"a":2}`)}, NextCursor: "x"}, 0},
		"the last":         {`{"data":[],"next":null}`, sdk.Page{Items: []json.RawMessage{}}, 0},
		"no list at all":   {`{}`, sdk.Page{Items: []json.RawMessage{}}, 0},
		"a cursor's digit": {`{"next":20}`, sdk.Page{Items: []json.RawMessage{}, NextCursor: "20"}, 0},
		"no list":          {`{"data":{"a":1}}`, sdk.Page{}, sdk.PlatformError},
	} {
		t.Run(name, func(t *testing.T) {
			var answer sdk.Object
			if err := json.Unmarshal([]byte(c.answer), &answer); err != nil {
				t.Fatal(err)
			}
			got, err := sdk.PageOf(answer, "data", "next")
			if c.kind != 0 && sdk.KindOf(err) != c.kind || c.kind == 0 && err != nil {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReason(t *testing.T) {
	for words, want := range map[string]string{
		" a\x00b\n\tc ": "a b c",
		"at https://cdn.example/x.png?sig=SIGNED, with": "at https://cdn.example/x.png with",
		"https://a.example/#token=1 and 'http://b/?x'":  "https://a.example/ and 'http://b/'",
		strings.Repeat("é", 1000):                       strings.Repeat("é", 600) + "...",
		"\xff":                                          "",
	} {
		if got := sdk.Said(words); got != want {
			t.Errorf("%q: got %q, want %q", words, got, want)
		}
	}
}

// Parts that are made one after the other end with the last, and a failure to make one is what the reader is told.
func TestMultipartFrom(t *testing.T) {
	parts := []sdk.Part{{Name: "a", Value: "1"}, {Name: "b", FileName: "b.txt", Content: strings.NewReader("two")}}
	next := func() (sdk.Part, error) {
		if len(parts) == 0 {
			return sdk.Part{}, io.EOF
		}
		first := parts[0]
		parts = parts[1:]
		return first, nil
	}
	body, contentType := sdk.MultipartFrom(next)
	_, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatal(err)
	}
	form, err := multipart.NewReader(body, parameters["boundary"]).ReadForm(1 << 20)
	if err != nil || form.Value["a"][0] != "1" || form.File["b"][0].Filename != "b.txt" {
		t.Errorf("got %v, %v", form, err)
	}
	broken := sdk.Errorf(sdk.InvalidInput, "The file broke off.")
	body, _ = sdk.MultipartFrom(func() (sdk.Part, error) { return sdk.Part{}, broken })
	if _, err := io.ReadAll(body); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func FuzzRoute(f *testing.F) {
	f.Add("a/b", "..", `{"x":1}`)
	f.Add("", "?#%", `[]`)
	f.Fuzz(func(t *testing.T, folder, model, extra string) {
		var further sdk.Object
		if json.Unmarshal([]byte(extra), &further) != nil {
			return
		}
		r, err := sdk.Route("GET /{folder}/{+model}/end", wired{part: part{folder}, Model: model, Further: sdk.Further{Extra: further}})
		if err != nil {
			return
		}
		if strings.ContainsAny(r.Path, "?# ") || strings.Contains(r.Path, "/../") || !strings.HasSuffix(r.Path, "/end") {
			t.Errorf("%q, %q: the path is %q", folder, model, r.Path)
		}
	})
}

// A file is passed on as it comes, by the name and type that fit.
func TestDownload(t *testing.T) {
	for name, c := range map[string]struct{ told, fallback, base, file, mediaType string }{
		"the answer's type":  {"image/png", "image/webp", "picture", "picture.png", "image/png"},
		"the fallback":       {"application/octet-stream", "video/mp4", "clip", "clip.mp4", "video/mp4"},
		"a name with an end": {"text/plain", "", "notes.md", "notes.md", "text/plain"},
		"no type":            {"", "", "blob", "blob.txt", "text/plain"}, // net/http tells what it looks like
		"a broken type":      {"///", "", "blob", "blob", "application/octet-stream"},
	} {
		t.Run(name, func(t *testing.T) {
			base := plainServer(t, func(w http.ResponseWriter, _ *http.Request) {
				if c.told != "" {
					w.Header().Set("Content-Type", c.told)
				}
				_, _ = io.WriteString(w, "content") // a client that has gone says so itself
			})
			result, err := attempt(t, base.URL, platform(func(ctx context.Context, call *sdk.Call) (json.RawMessage, error) {
				got, err := call.Download(ctx, sdk.Request{Path: "/file"}, c.base, c.fallback)
				if got != (sdk.Attached{File: c.file, MediaType: c.mediaType, Bytes: 7}) {
					t.Errorf("got %+v", got)
				}
				return json.RawMessage("{}"), err
			}))
			if err != nil || len(result.Files) != 1 || string(result.Files[0].GetData()) != "content" || result.Files[0].GetName() != c.file {
				t.Errorf("got %v, %v", result.Files, err)
			}
		})
	}
	_, err := attempt(t, "", platform(func(_ context.Context, call *sdk.Call) (json.RawMessage, error) {
		_, err := call.AttachBase64("x", "image/png", "***")
		return nil, err
	}))
	wantKind(t, err, sdk.PlatformError)
}
