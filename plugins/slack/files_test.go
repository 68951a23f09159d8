package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// uploads is a double that takes uploads as Slack does, at an address that is a secret.
func uploads(t *testing.T, take http.HandlerFunc) *double {
	var d *double
	d = newDouble(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/files.getUploadURLExternal":
			answering(`{"ok":true,"upload_url":"`+d.URL+`/upload/v1/planted-address","file_id":"F1"}`)(w, r)
		case "/upload/v1/planted-address":
			take(w, r)
		case "/files.completeUploadExternal":
			answering(`{"ok":true,"files":[{"id":"F1","title":"Report"}]}`)(w, r)
		default:
			http.NotFound(w, r)
		}
	})
	return d
}

func taken(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "OK - 5") } // the test sees when it does not arrive

func upload(base string, input map[string]any, data []byte) sdktest.Request {
	r := request(base, "upload_file", input)
	r.Files = []*sdktest.File{{Name: "report.txt", MediaType: "text/plain", Data: data}}
	return r
}

func TestUpload(t *testing.T) {
	slack := uploads(t, taken)
	h := sdktest.Start(t, adapter())
	input := map[string]any{"channel": "C1", "thread_ts": "1.000001", "initial_comment": "see", "title": "Report", "alt_text": "a report"}
	result, err := h.Execute(t.Context(), upload(slack.URL, input, []byte("hello")))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "output", string(result.Output), `{"file_id":"F1","file":{"id":"F1","title":"Report"}}`)
	got := slack.got()
	equal(t, "requests", len(got), 3)
	equal(t, "first", got[0].Args, map[string]string{"filename": "report.txt", "length": "5", "alt_txt": "a report"})
	equal(t, "content", string(got[1].Body), "hello")
	equal(t, "method", got[1].Method, "POST")
	equal(t, "authorization of the upload", got[1].Authorization, "")
	equal(t, "third", got[2].Args, map[string]string{"files": `[{"id":"F1","title":"Report"}]`, "channel_id": "C1", "thread_ts": "1.000001", "initial_comment": "see"})
	equal(t, "authorization", got[2].Authorization, "Bearer "+secret)
}

// A large file goes through in chunks: its size comes first, and what arrives is what was sent.
func TestUploadStreams(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef"), (maxHeld+1<<20)/16)
	var sum [32]byte
	var length int64
	slack := uploads(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		sum, length = sha256.Sum256(body), r.ContentLength
		taken(w, r)
	})
	h := sdktest.Start(t, adapter())
	r := upload(slack.URL, map[string]any{"size": len(data)}, data)
	r.Stream = true
	if _, err := h.Execute(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if sum != sha256.Sum256(data) || length != int64(len(data)) {
		t.Errorf("%d bytes arrived changed", length)
	}
	equal(t, "announced", slack.got()[0].Args["length"], fmt.Sprint(len(data)))

	r = upload(slack.URL, map[string]any{}, data)
	r.Stream = true
	if e := failure(t, h, r); e.Kind != sdk.InvalidInput || e.Violations[0].Pointer != "/size" {
		t.Errorf("want the size to be asked for, got %v", e)
	}
}

// Nothing is shared unless exactly what was announced arrived where Slack takes files.
func TestUploadRefusals(t *testing.T) {
	stranger := newDouble(t, taken)
	named := func(address string) http.HandlerFunc {
		return answering(`{"ok":true,"upload_url":"` + address + `","file_id":"F1"}`)
	}
	tests := map[string]struct {
		place http.HandlerFunc // of the upload's address; nil for the double's own
		take  http.HandlerFunc
		input map[string]any
		data  string
		kind  sdk.Kind
	}{
		"another host":      {place: named(stranger.URL + "/upload/planted"), data: "x", kind: sdk.PlatformError},
		"a host alike":      {place: named("https://files.slack.com.planted.example/upload"), data: "x", kind: sdk.PlatformError},
		"user information":  {place: named("https://files.slack.com@planted.example/upload"), data: "x", kind: sdk.PlatformError},
		"plain http":        {place: named("http://files.slack.com/upload/planted"), data: "x", kind: sdk.PlatformError},
		"another port":      {place: named("https://files.slack.com:8443/upload/planted"), data: "x", kind: sdk.PlatformError},
		"no scheme":         {place: named("/upload/planted"), data: "x", kind: sdk.PlatformError},
		"a file":            {place: named("file:///etc/planted"), data: "x", kind: sdk.PlatformError},
		"no address":        {place: named(""), data: "x", kind: sdk.PlatformError},
		"not an address":    {place: named("https://planted\u007f"), data: "x", kind: sdk.PlatformError},
		"scope":             {place: answering(`{"ok":false,"error":"missing_scope","needed":"files:write"}`), data: "x", kind: sdk.PermissionDenied},
		"empty":             {data: "", kind: sdk.InvalidInput},
		"larger than said":  {input: map[string]any{"size": 3}, data: "hello", kind: sdk.InvalidInput},
		"smaller than said": {input: map[string]any{"size": 9}, data: "hello", kind: sdk.InvalidInput},
		"refused":           {take: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, data: "x", kind: sdk.PermissionDenied},
		"redirected": {take: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, stranger.URL+"/planted", http.StatusTemporaryRedirect)
		}, data: "x", kind: sdk.PermissionDenied},
		"redirected at home": {take: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/files.getUploadURLExternal", http.StatusSeeOther)
		}, data: "x", kind: sdk.PermissionDenied},
		"broken off": {take: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, data: "x", kind: sdk.PlatformUnavailable},
	}
	h := sdktest.Start(t, adapter())
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			take := test.take
			if take == nil {
				take = taken
			}
			slack := uploads(t, take)
			if test.place != nil {
				slack = newDouble(t, test.place)
			}
			r := upload(slack.URL, test.input, []byte(test.data))
			if r.Input = test.input; test.input == nil {
				r.Input = map[string]any{}
			}
			equal(t, "kind", failure(t, h, r).Kind, test.kind)
			for _, got := range slack.got() {
				if got.Path == "/files.completeUploadExternal" {
					t.Error("the file was shared")
				}
			}
		})
	}
	equal(t, "requests to the stranger", len(stranger.got()), 0)
}

// stored is a double that has one file, as about says, and content at its address.
func stored(t *testing.T, about string, content http.HandlerFunc) *double {
	var d *double
	d = newDouble(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/files.info" {
			answering(`{"ok":true,"file":{"id":"F1","name":"a.png","mimetype":"image/png",`+strings.ReplaceAll(about, "{own}", d.URL)+`}}`)(w, r)
			return
		}
		content(w, r)
	})
	return d
}

func TestDownload(t *testing.T) {
	data := bytes.Repeat([]byte("png"), 200<<10)
	slack := stored(t, `"url_private":"{own}/files-pri/T1-F1/a.png"`, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write(data) // the test sees when it does not arrive
	})
	h := sdktest.Start(t, adapter())
	for _, stream := range []bool{false, true} {
		r := request(slack.URL, "download_file", map[string]any{"file": "F1"})
		r.Stream = stream
		result, err := h.Execute(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if len(result.Files) != 1 || result.Files[0].GetName() != "a.png" || result.Files[0].GetMediaType() != "image/png" || !bytes.Equal(result.Files[0].GetData(), data) {
			t.Errorf("the file is not what it was (stream: %v)", stream)
		}
	}
	equal(t, "authorization", slack.got()[1].Authorization, "Bearer "+secret)
}

func TestDownloadRefusals(t *testing.T) {
	stranger := newDouble(t, taken)
	tests := map[string]struct {
		about   string
		content http.HandlerFunc
		kind    sdk.Kind
	}{
		"external":     {`"is_external":true,"url_private":"https://planted.example"`, taken, sdk.InvalidInput},
		"deleted":      {`"mode":"tombstone"`, taken, sdk.NotFound},
		"another host": {`"url_private":"` + stranger.URL + `/planted"`, taken, sdk.PlatformError},
		"sign-in page": {`"url_private":"{own}/files-pri/a"`, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, "<html>planted") // the test sees when it does not arrive
		}, sdk.PermissionDenied},
		"redirect": {`"url_private":"{own}/files-pri/a"`, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, stranger.URL+"/planted", http.StatusFound)
		}, sdk.PermissionDenied},
		"redirect at home": {`"url_private":"{own}/files-pri/a"`, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/files-pri/a" {
				http.Redirect(w, r, "/signin", http.StatusFound)
			}
		}, sdk.PermissionDenied},
		"gone": {`"url_private":"{own}/files-pri/a"`, http.NotFound, sdk.NotFound},
	}
	h := sdktest.Start(t, adapter())
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			slack := stored(t, test.about, test.content)
			equal(t, "kind", failure(t, h, request(slack.URL, "download_file", map[string]any{"file": "F1"})).Kind, test.kind)
		})
	}
	equal(t, "requests to the stranger", len(stranger.got()), 0)
}
