package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// store takes files by Google's resumable protocol, as its documentation has it: pieces in order, each but the last a multiple of 256 KiB.
type store struct {
	*httptest.Server
	t        *testing.T
	got      bytes.Buffer
	first    string
	about    string
	kind     string
	location string
	pieces   int
	// loses is the number of the piece that arrives by half, and whose answer is lost.
	loses int
	// loseLast has the last piece arrive whole and its answer lost.
	loseLast bool
	ended    bool
}

func newStore(t *testing.T) *store {
	t.Helper()
	s := &store{t: t}
	s.Server = httptest.NewServer(s)
	s.location = s.URL + "/session?upload_id=planted-session"
	t.Cleanup(s.Close)
	return s
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if r.URL.Path != "/session" {
		s.first, s.about, s.kind = r.Method+" "+r.URL.Path+"?"+r.URL.RawQuery, string(body), r.Header.Get("X-Upload-Content-Type")
		w.Header().Set("Location", s.location)
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+secret {
		s.t.Errorf("a piece has no token")
	}
	spread := r.Header.Get("Content-Range")
	var from, to, total int
	asks := strings.HasPrefix(spread, "bytes */")
	if asks {
		_, _ = fmt.Sscanf(spread, "bytes */%d", &total) // or *, which is no number
	} else if n, _ := fmt.Sscanf(spread, "bytes %d-%d/%d", &from, &to, &total); n < 2 || from != s.got.Len() || to-from+1 != len(body) {
		s.t.Errorf("Content-Range %q with %d bytes, at %d", spread, len(body), s.got.Len())
	}
	if !asks {
		s.pieces++
	}
	if total == 0 && len(body)%(256<<10) != 0 {
		s.t.Errorf("a piece of %d bytes that is not the last", len(body))
	}
	if !asks && s.pieces == s.loses {
		s.got.Write(body[:len(body)/2/(256<<10)*(256<<10)])
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	s.got.Write(body)
	if total > 0 && s.got.Len() == total && s.loseLast {
		s.loseLast, s.ended = false, true
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	if s.ended && asks || total > 0 && s.got.Len() == total || asks && strings.HasSuffix(spread, "/0") {
		_, _ = io.WriteString(w, `{"id":"new"}`) // the test sees when it does not arrive
		return
	}
	if s.got.Len() > 0 {
		w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", s.got.Len()-1))
	}
	w.WriteHeader(http.StatusPermanentRedirect)
}

func TestResumable(t *testing.T) {
	h := sdktest.Start(t, adapter())
	large := bytes.Repeat([]byte("0123456789abcdef"), (2*chunk+12345)/16)
	for name, test := range map[string]struct {
		platform, operation string
		input               given
		content             []byte
		loses, pieces       int
		first, about        string
		loseLast            bool
	}{
		"small":           {"google-drive", "upload_file", given{"parent_id": "p1", "convert_to": "spreadsheet"}, []byte("a,b\n"), 0, 1, "POST /upload/drive/v3/files?", `{"mimeType":"application/vnd.google-apps.spreadsheet","name":"file.bin","parents":["p1"]}`, false},
		"empty":           {"google-drive", "upload_file", given{"name": "n"}, []byte{}, 0, 0, "POST /upload/drive/v3/files?", `{"name":"n"}`, false},
		"one whole piece": {"google-drive", "update_file_content", given{"file_id": "f1"}, large[:chunk], 0, 1, "PATCH /upload/drive/v3/files/f1?", `{}`, false},
		"large":           {"google-drive", "upload_file", given{}, large, 0, 3, "POST /upload/drive/v3/files?", `{"name":"file.bin"}`, false},
		"a lost answer":   {"youtube", "upload_video", given{"title": "T", "privacy": "unlisted", "notify_subscribers": false}, large, 2, 3, "POST /upload/youtube/v3/videos?notifySubscribers=false&part=snippet%2Cstatus&uploadType=resumable", `{"snippet":{"title":"T"},"status":{"privacyStatus":"unlisted"}}`, false},
		"the last lost":   {"google-drive", "upload_file", given{}, large, 3, 4, "POST /upload/drive/v3/files?", `{"name":"file.bin"}`, false},
		"its answer lost": {"google-drive", "upload_file", given{}, large, 0, 3, "POST /upload/drive/v3/files?", `{"name":"file.bin"}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			s.loses, s.loseLast = test.loses, test.loseLast
			r := request(test.platform, s.URL, test.operation, test.input)
			r.Stream, r.Files = true, []*sdktest.File{{Name: "file.bin", MediaType: "text/csv", Data: test.content}}
			result, err := h.Execute(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			sdktest.Equal(t, "output", string(result.Output), `{"id":"new"}`)
			sdktest.Equal(t, "about", s.about, test.about)
			sdktest.Equal(t, "media type", s.kind, "text/csv")
			if !strings.HasPrefix(s.first, test.first) || !strings.Contains(s.first, "uploadType=resumable") {
				t.Errorf("the first request is %s", s.first)
			}
			if sha256.Sum256(s.got.Bytes()) != sha256.Sum256(test.content) {
				t.Errorf("%d bytes arrived, or others than the %d that were sent", s.got.Len(), len(test.content))
			}
			sdktest.Equal(t, "pieces", s.pieces, test.pieces)
		})
	}
}

// A session elsewhere gets neither the file nor the token.
func TestUploadElsewhere(t *testing.T) {
	h := sdktest.Start(t, adapter())
	stranger := sdktest.Serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the stranger was asked") })
	for _, location := range []string{stranger + "/session", "", "https://user@www.googleapis.com/x", "//evil.example/x", "https://www.googleapis.com.evil.example/x"} {
		s := newStore(t)
		s.location = location
		r := request("google-drive", s.URL, "upload_file", given{})
		r.Stream, r.Files = true, []*sdktest.File{{Name: "a", Data: []byte("x")}}
		if e := sdktest.Failure(t, h, r); e.Kind != sdk.PlatformError {
			t.Errorf("%s: got kind %d, %s", location, e.Kind, e.Message)
		}
	}
}

// An upload that Google never takes ends, and names no session.
func TestUploadGivenUp(t *testing.T) {
	base := ""
	base = sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/session" {
			w.Header().Set("Location", base+"/session?upload_id=planted-session")
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	r := request("google-drive", base, "upload_file", given{})
	r.Stream, r.Files = true, []*sdktest.File{{Name: "a", Data: []byte("x")}}
	if e := sdktest.Failure(t, sdktest.Start(t, adapter()), r); e.Kind != sdk.OutcomeUnknown {
		t.Errorf("got kind %d, %s", e.Kind, e.Message)
	}
}

func TestDownloads(t *testing.T) {
	h := sdktest.Start(t, adapter())
	about := `{"name":"Report","mimeType":"application/vnd.google-apps.document"}`
	base := sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/export"):
			_, _ = io.WriteString(w, "# exported as "+r.URL.Query().Get("mimeType"))
		case r.URL.Query().Get("alt") == "media":
			_, _ = io.WriteString(w, "content")
		case strings.Contains(r.URL.Path, "captions"):
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, "1\n00:00")
		default:
			_, _ = io.WriteString(w, about)
		}
	})
	get := func(platform, operation string, input given) *sdktest.File {
		t.Helper()
		result, err := h.Execute(t.Context(), request(platform, base, operation, input))
		if err != nil || len(result.Files) != 1 {
			t.Fatalf("%s: %v, %d files", operation, err, len(result.Files))
		}
		return result.Files[0]
	}
	file := get("google-drive", "download_file", given{"file_id": "f"})
	sdktest.Equal(t, "document", []string{file.GetName(), file.GetMediaType(), string(file.GetData())}, []string{"Report.md", "text/markdown", "# exported as text/markdown"})
	file = get("google-drive", "download_file", given{"file_id": "f", "export_as": "application/pdf"})
	sdktest.Equal(t, "as asked", []string{file.GetName(), string(file.GetData())}, []string{"Report", "# exported as application/pdf"})
	about = `{"name":"a.txt","mimeType":"text/plain"}`
	file = get("google-drive", "download_file", given{"file_id": "f"})
	sdktest.Equal(t, "file", []string{file.GetName(), file.GetMediaType(), string(file.GetData())}, []string{"a.txt", "text/plain", "content"})
	file = get("youtube", "download_captions", given{"id": "c", "format": "vtt"})
	sdktest.Equal(t, "captions", []string{file.GetName(), file.GetMediaType(), string(file.GetData())}, []string{"captions.vtt", "text/plain", "1\n00:00"})
	about = `{"name":"F","mimeType":"application/vnd.google-apps.folder"}`
	if e := sdktest.Failure(t, h, request("google-drive", base, "download_file", given{"file_id": "f"})); e.Kind != sdk.InvalidInput {
		t.Errorf("a folder: got kind %d", e.Kind)
	}
}

// mailbox takes one message, in either of Gmail's two forms, and reads it with the standard library.
func mailbox(t *testing.T, answers map[string]string) (base string, sent *mail.Message, about *map[string]any) {
	t.Helper()
	sent, about = &mail.Message{}, &map[string]any{}
	base = sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, answers[r.URL.Path])
			return
		}
		var raw io.Reader
		kind, parameters, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if kind == "multipart/related" {
			parts := multipart.NewReader(r.Body, parameters["boundary"])
			part, err := parts.NextPart()
			if err == nil {
				err = json.NewDecoder(part).Decode(about)
			}
			if err == nil {
				part, err = parts.NextPart()
			}
			if err != nil || part.Header.Get("Content-Type") != "message/rfc822" {
				t.Errorf("reading the parts: %v", err)
				return
			}
			raw = part
		} else {
			if err := json.NewDecoder(r.Body).Decode(about); err != nil {
				t.Error(err)
			}
			text, _ := (*about)["raw"].(string)
			content, err := base64.URLEncoding.DecodeString(text)
			if err != nil {
				t.Error(err)
			}
			raw = bytes.NewReader(content)
		}
		m, err := mail.ReadMessage(raw)
		if err != nil {
			t.Errorf("reading the message: %v", err)
			return
		}
		content, err := io.ReadAll(m.Body)
		if err != nil {
			t.Error(err)
		}
		m.Body = bytes.NewReader(content)
		*sent = *m
		_, _ = io.WriteString(w, `{"id":"m2","threadId":"t1","labelIds":["SENT"]}`)
	})
	return base, sent, about
}

func TestMessages(t *testing.T) {
	h := sdktest.Start(t, adapter())
	content := bytes.Repeat([]byte("attachment "), 20000)
	base, sent, about := mailbox(t, nil)
	r := request("gmail", base, "send_email", given{"to": []string{"Änn <ann@example.com>", "b@example.com"}, "subject": "Grüße\r\nBcc: evil@example.com", "text": "täxt", "html": "<p>täxt</p>", "thread_id": "t1"})
	r.Stream, r.Files = true, []*sdktest.File{{Name: "ä\r\nx.bin", MediaType: "application/x-test", Data: content}, {Name: "b.txt", MediaType: "text/plain", Data: []byte("b")}}
	result, err := h.Execute(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	sdktest.Equal(t, "output", string(result.Output), `{"id":"m2","thread_id":"t1","label_ids":["SENT"]}`)
	sdktest.Equal(t, "about", *about, map[string]any{"threadId": "t1"})
	if sent.Header.Get("Bcc") != "" || plainHeader(sent.Header.Get("Subject")) != "Grüße  Bcc: evil@example.com" {
		t.Errorf("the headers are %v", sent.Header)
	}
	to, err := sent.Header.AddressList("To")
	if err != nil || len(to) != 2 || to[0].Name != "Änn" {
		t.Errorf("To is %v, %v", to, err)
	}
	_, parameters, _ := mime.ParseMediaType(sent.Header.Get("Content-Type"))
	parts, names := multipart.NewReader(sent.Body, parameters["boundary"]), []string{}
	for {
		part, err := parts.NextPart()
		if err != nil {
			break
		}
		names = append(names, part.Header.Get("Content-Type")[:10])
		if part.Header.Get("Content-Type") == "application/x-test" {
			got, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, part))
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("the attachment has %d bytes, %v", len(got), err)
			}
		}
	}
	sdktest.Equal(t, "parts", names, []string{"multipart/", "applicatio", "text/plain"})
}

func TestReplies(t *testing.T) {
	h := sdktest.Start(t, adapter())
	const original = `{"id":"m1","threadId":"t1","payload":{"headers":[{"name":"From","value":"Ann <ann@example.com>"},{"name":"To","value":"me@example.com, Bob <bob@example.com>"},{"name":"Subject","value":"Hi"},{"name":"Message-Id","value":"<a@b>"},{"name":"References","value":"<0@b>"}]}}`
	base, sent, about := mailbox(t, map[string]string{"/gmail/v1/users/me/messages/m1": original, "/gmail/v1/users/me/profile": `{"emailAddress":"ME@example.com"}`})
	if _, err := h.Execute(t.Context(), request("gmail", base, "reply", given{"message_id": "m1", "text": "yes", "all": true})); err != nil {
		t.Fatal(err)
	}
	sdktest.Equal(t, "headers", []string{sent.Header.Get("To"), sent.Header.Get("Cc"), sent.Header.Get("Subject"), sent.Header.Get("In-Reply-To"), sent.Header.Get("References")},
		[]string{`"Ann" <ann@example.com>`, `"Bob" <bob@example.com>`, "Re: Hi", "<a@b>", "<0@b> <a@b>"})
	sdktest.Equal(t, "thread", (*about)["threadId"], any("t1"))

	raw := base64.URLEncoding.EncodeToString([]byte("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nbody"))
	base, sent, _ = mailbox(t, map[string]string{"/gmail/v1/users/me/messages/m1": `{"raw":"` + raw + `"}`})
	if _, err := h.Execute(t.Context(), request("gmail", base, "forward", given{"message_id": "m1", "to": []string{"c@example.com"}, "text": "look"})); err != nil {
		t.Fatal(err)
	}
	whole, err := io.ReadAll(sent.Body)
	if err != nil || !strings.Contains(string(whole), "message/rfc822") || !strings.Contains(string(whole), "\r\n\r\nbody") || plainHeader(sent.Header.Get("Subject")) != "Fwd: Grüße" {
		t.Errorf("the message is %v %s, %v", sent.Header, whole, err)
	}
	if e := sdktest.Failure(t, h, request("gmail", base, "send_email", given{"to": []string{"no address"}})); e.Kind != sdk.InvalidInput || e.Violations[0].Pointer != "/to/0" {
		t.Errorf("got %v", e)
	}
}

func TestReadMessage(t *testing.T) {
	encoded := func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) }
	base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"id":"m1","threadId":"t1","snippet":"s","payload":{"mimeType":"multipart/mixed","headers":[{"name":"Subject","value":"S"}],"parts":[
			{"mimeType":"multipart/alternative","parts":[{"mimeType":"text/plain","body":{"data":"`+encoded("täxt")+`"}},{"mimeType":"text/html","body":{"data":"`+encoded("<p>")+`"}}]},
			{"mimeType":"application/pdf","filename":"a.pdf","body":{"attachmentId":"A1","size":3}}]}}`)
	})
	result, err := sdktest.Start(t, adapter()).Execute(t.Context(), request("gmail", base, "get_message", given{"id": "m1", "html": true}))
	if err != nil {
		t.Fatal(err)
	}
	sdktest.Equal(t, "output", string(result.Output), `{"id":"m1","thread_id":"t1","label_ids":[],"subject":"S","snippet":"s","text":"täxt","html":"\u003cp\u003e","attachments":[{"id":"A1","filename":"a.pdf","mime_type":"application/pdf","size":3}]}`)
}
