package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

func TestDownloads(t *testing.T) {
	h := sdktest.Start(t, adapter())
	about := `{"@odata.type":"#microsoft.graph.fileAttachment","name":"a.pdf","contentType":"application/pdf","size":9}`
	base := sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/$value") {
			_, _ = io.WriteString(w, "content")
			return
		}
		_, _ = io.WriteString(w, about)
	})
	input := given{"message_id": "m1", "attachment_id": "a1"}
	get := func(operation string, input given) *sdktest.File {
		t.Helper()
		result, err := h.Execute(t.Context(), request(base, operation, input))
		if err != nil || len(result.Files) != 1 {
			t.Fatalf("%s: %v, %d files", operation, err, len(result.Files))
		}
		return result.Files[0]
	}
	file := get("get_attachment", input)
	sdktest.Equal(t, "attachment", []string{file.GetName(), file.GetMediaType(), string(file.GetData())}, []string{"a.pdf", "application/pdf", "content"})
	about = `{"@odata.type":"#microsoft.graph.itemAttachment","name":"Hello"}`
	file = get("get_attachment", input)
	sdktest.Equal(t, "message", []string{file.GetName(), file.GetMediaType()}, []string{"Hello.eml", "message/rfc822"})
	file = get("export_message", given{"message_id": "m1"})
	sdktest.Equal(t, "export", []string{file.GetName(), string(file.GetData())}, []string{"message.eml", "content"})
	about = `{"@odata.type":"#microsoft.graph.referenceAttachment","name":"link"}`
	if e := sdktest.Failure(t, h, request(base, "get_attachment", input)); e.Kind != sdk.InvalidInput {
		t.Errorf("a link: got kind %d", e.Kind)
	}
}

// exchange takes large attachments as Exchange does: in pieces, in order, at an address that is the permission.
type exchange struct {
	t        *testing.T
	url      string
	address  string
	about    string
	got      bytes.Buffer
	complete bool
}

func newExchange(t *testing.T) *exchange {
	t.Helper()
	e := &exchange{t: t}
	e.url = sdktest.Serve(t, e.ServeHTTP)
	e.address = e.url + "/session?authtoken=planted-session"
	return e
}

func (e *exchange) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if strings.HasSuffix(r.URL.Path, "/createUploadSession") {
		e.about = string(body)
		_ = json.NewEncoder(w).Encode(given{"uploadUrl": e.address}) // the test sees when it does not arrive
		return
	}
	if r.Header.Get("Authorization") != "" || r.Header.Get("Prefer") != "" {
		e.t.Error("a piece carries the token")
	}
	var from, to, total int
	if _, err := fmt.Sscanf(r.Header.Get("Content-Range"), "bytes %d-%d/%d", &from, &to, &total); err != nil || from != e.got.Len() || to-from+1 != len(body) || len(body) >= 4<<20 {
		e.t.Errorf("Content-Range %q with %d bytes, at %d", r.Header.Get("Content-Range"), len(body), e.got.Len())
	}
	e.got.Write(body)
	if e.got.Len() == total {
		e.complete = true
		w.WriteHeader(http.StatusCreated)
	}
}

func TestLargeAttachments(t *testing.T) {
	h := sdktest.Start(t, adapter())
	content := bytes.Repeat([]byte("0123456789abcdef"), (2*piece+500)/16)
	size := int64(len(content))
	for name, given64 := range map[string]int64{"exact": size, "smaller": size + 1, "larger": size - 1} {
		t.Run(name, func(t *testing.T) {
			e := newExchange(t)
			r := request(e.url, "add_attachment", given{"message_id": "m1", "size": given64})
			r.Stream, r.Files = true, []*sdktest.File{{Name: "a.bin", MediaType: "application/x-test", Data: content}}
			if name != "exact" {
				if failed := sdktest.Failure(t, h, r); failed.Kind != sdk.InvalidInput || failed.Violations[0].Pointer != "/size" || e.complete {
					t.Errorf("got %v, complete %v", failed, e.complete)
				}
				return
			}
			result, err := h.Execute(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			sdktest.Equal(t, "output", string(result.Output), fmt.Sprintf(`{"name":"a.bin","size":%d}`, size))
			sdktest.Equal(t, "about", e.about, fmt.Sprintf(`{"AttachmentItem":{"attachmentType":"file","contentType":"application/x-test","name":"a.bin","size":%d}}`, size))
			if !e.complete || sha256.Sum256(e.got.Bytes()) != sha256.Sum256(content) {
				t.Errorf("%d bytes arrived, or others", e.got.Len())
			}
		})
	}
	for _, address := range []string{"", "https://evil.example/planted", "https://u@outlook.office.com/planted", "http://outlook.office.com/planted"} {
		e := newExchange(t)
		e.address = address
		r := request(e.url, "add_attachment", given{"message_id": "m1", "size": size})
		r.Stream, r.Files = true, []*sdktest.File{{Name: "a.bin", Data: content}}
		if failed := sdktest.Failure(t, h, r); failed.Kind != sdk.PlatformError {
			t.Errorf("%q: got kind %d", address, failed.Kind)
		}
	}
	for _, operation := range []string{"send_email", "create_draft", "add_attachment"} {
		r := request("http://127.0.0.1:1", operation, map[string]given{"add_attachment": {"message_id": "m1"}}[operation])
		if r.Input == nil || operation != "add_attachment" {
			r.Input = given{"to": []string{"a@example.com"}}
		}
		r.Stream, r.Files = true, []*sdktest.File{{Name: "a", Data: content[:maxInline]}, {Name: "b", Data: []byte("x")}}
		if operation == "add_attachment" {
			r.Files = []*sdktest.File{{Name: "a", Data: content[:maxInline+1]}}
		}
		if failed := sdktest.Failure(t, h, r); failed.Kind != sdk.InvalidInput {
			t.Errorf("%s with too much: got kind %d, %s", operation, failed.Kind, failed.Message)
		}
	}
}

// A page is followed by its query alone: no cursor leads to another host or path.
func TestPaging(t *testing.T) {
	h := sdktest.Start(t, adapter())
	var asked string
	base := sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.RequestURI()
		if r.URL.Query().Get("$skiptoken") == "" {
			_, _ = io.WriteString(w, `{"value":[{"id":"1"}],"@odata.nextLink":"https://evil.example/other?$top=1&$skiptoken=a%2Bb"}`)
			return
		}
		_, _ = io.WriteString(w, `{"value":[]}`)
	})
	result, err := h.Execute(t.Context(), request(base, "list_calendars", given{"limit": 1}))
	if err != nil {
		t.Fatal(err)
	}
	sdktest.Equal(t, "first", string(result.Output), `{"items":[{"id":"1"}],"next_cursor":"$top=1\u0026$skiptoken=a%2Bb"}`)
	result, err = h.Execute(t.Context(), request(base, "list_calendars", given{"cursor": "$top=1&$skiptoken=a%2Bb"}))
	if err != nil {
		t.Fatal(err)
	}
	sdktest.Equal(t, "last", string(result.Output), `{"items":[]}`)
	sdktest.Equal(t, "asked", asked, "/me/calendars?%24skiptoken=a%2Bb&%24top=1")
	if e := sdktest.Failure(t, h, request(base, "list_calendars", given{"cursor": "%zz"})); e.Kind != sdk.InvalidInput {
		t.Errorf("got kind %d", e.Kind)
	}
}

func TestVerify(t *testing.T) {
	h := sdktest.Start(t, adapter())
	answer := `{"id":"u1","displayName":"Ann Lee","mail":"ann@example.com","userPrincipalName":"ann@example.onmicrosoft.com"}`
	base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })
	account, err := h.Verify(t.Context(), request(base, "", nil))
	if err != nil {
		t.Fatal(err)
	}
	sdktest.Equal(t, "account", account, sdk.Account{ID: "u1", Name: "ann@example.com"})
	answer = `{"id":"u1","displayName":"Ann Lee"}`
	if account, err = h.Verify(t.Context(), request(base, "", nil)); err != nil || account.Name != "Ann Lee" {
		t.Errorf("got %v, %v", account, err)
	}
}

func TestRefusals(t *testing.T) {
	h := sdktest.Start(t, adapter())
	for code, test := range map[string]struct {
		status int
		kind   sdk.Kind
	}{
		"InvalidAuthenticationToken": {401, sdk.AuthExpired}, "ErrorAccessDenied": {403, sdk.PermissionDenied}, "ErrorItemNotFound": {404, sdk.NotFound}, "ErrorFolderExists": {409, sdk.Conflict},
		"ErrorInvalidIdMalformed": {400, sdk.InvalidInput}, "ErrorInvalidRecipients": {400, sdk.InvalidInput}, "MailboxNotEnabledForRESTAPI": {404, sdk.PermissionDenied}, "ApplicationThrottled": {429, sdk.RateLimited},
		"ErrorInternalServerTransientError": {503, sdk.PlatformUnavailable}, "UnknownError": {500, sdk.PlatformError}, "BrandNew": {403, sdk.PermissionDenied},
	} {
		base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "12")
			w.WriteHeader(test.status)
			_, _ = fmt.Fprintf(w, `{"error":{"code":%q,"message":"It was %s.","innerError":{"request-id":"r1","date":"d"}}}`, code, secret)
		})
		e := sdktest.Failure(t, h, request(base, "get_me", given{}))
		if e.Kind != test.kind || e.PlatformCode != code || e.PlatformRequestID != "r1" || !strings.Contains(e.Message, "[secret]") || test.kind == sdk.RateLimited && e.RetryAfter != 12*time.Second {
			t.Errorf("%s: got kind %d, %+v", code, e.Kind, e)
		}
	}
	for pointer, r := range map[string]sdktest.Request{
		"/to":                   request("", "send_email", given{"text": "x"}),
		"/to/1":                 request("", "forward", given{"message_id": "m1", "to": []string{"a@example.com", "no address"}}),
		"/html":                 request("", "create_draft", given{"text": "a", "html": "b"}),
		"/optional_attendees/0": request("", "create_event", given{"start": "2026-01-31T09:00:00", "end": "2026-01-31T09:00:00", "optional_attendees": []string{"x"}}),
		"/given_name":           request("", "create_contact", given{}),
	} {
		r.BaseURL = "http://127.0.0.1:1"
		if e := sdktest.Failure(t, h, r); e.Kind != sdk.InvalidInput || e.Violations[0].Pointer != pointer {
			t.Errorf("%s: got %v", pointer, e)
		}
	}
}

func FuzzExplain(f *testing.F) {
	f.Add(404, []byte(`{"error":{"code":"ErrorItemNotFound","message":"m"}}`))
	f.Fuzz(func(_ *testing.T, status int, body []byte) {
		_ = explain(status, http.Header{}, body) // it must not panic
	})
}
