package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

const refusal = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%CODE%</Code><Message>Words with ` + secretKey + `</Message><RequestId>r1</RequestId></Error>`

func TestFailures(t *testing.T) {
	h := start(t)
	for name, c := range map[string]struct {
		status int
		code   string
		kind   sdk.Kind
		says   string
		after  time.Duration
	}{
		"no such key":       {404, "NoSuchKey", sdk.NotFound, "NoSuchKey", 0},
		"denied":            {403, "AccessDenied", sdk.PermissionDenied, "AccessDenied", 0},
		"an unknown key":    {403, "InvalidAccessKeyId", sdk.AuthRevoked, "Update the integration", 0},
		"a wrong secret":    {403, "SignatureDoesNotMatch", sdk.AuthRevoked, "Update the integration", 0},
		"an ended session":  {400, "ExpiredToken", sdk.AuthRevoked, "ExpiredToken", 0},
		"a wrong clock":     {403, "RequestTimeTooSkewed", sdk.PermissionDenied, "clock", 0},
		"another region":    {400, "AuthorizationHeaderMalformed", sdk.InvalidInput, "region", 0},
		"slow down":         {503, "SlowDown", sdk.RateLimited, "SlowDown", 7 * time.Second},
		"archived":          {403, "InvalidObjectState", sdk.Conflict, "InvalidObjectState", 0},
		"there already":     {412, "PreconditionFailed", sdk.Conflict, "PreconditionFailed", 0},
		"unavailable":       {503, "ServiceUnavailable", sdk.PlatformUnavailable, "ServiceUnavailable", 7 * time.Second},
		"its own trouble":   {500, "InternalError", sdk.PlatformError, "InternalError", 0},
		"behind status 200": {200, "InternalError", sdk.PlatformError, "InternalError", 0},
		"new behind 200":    {200, "BrandNew", sdk.PlatformError, "BrandNew", 0},
		"sent elsewhere":    {301, "PermanentRedirect", sdk.InvalidInput, "the region or the endpoint", 0},
		"not to be had now": {304, "x", sdk.InvalidInput, "304", 0},
		"another status":    {418, "Teapot", sdk.InvalidInput, "Teapot", 0},
	} {
		t.Run(name, func(t *testing.T) {
			base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(strings.Replace(refusal, "%CODE%", c.code, 1))) // a client that has gone says so itself
			})
			failed := fails(t, h, request("list_objects", base, "things", given{}), c.kind)
			if failed != nil && c.status >= http.StatusBadRequest && failed.PlatformStatus != c.status {
				t.Errorf("got status %d", failed.PlatformStatus)
			}
			if failed != nil && c.status == http.StatusOK && failed.PlatformStatus != 0 {
				t.Errorf("a failure behind status 200 says %d, and would not be repeated", failed.PlatformStatus)
			}
			if failed == nil || failed.RetryAfter != c.after || !strings.Contains(failed.Message, c.says) {
				t.Errorf("got %+v, want after %s, ...%s...", failed, c.after, c.says)
			}
		})
	}
}

func TestHostileAnswers(t *testing.T) {
	h := start(t)
	for operation, in := range map[string]given{"list_objects": {}, "list_buckets": {}, "copy_object": {"key": "a", "source_key": "b"}} {
		t.Run(operation, func(t *testing.T) {
			h.Hostile(t, request(operation, "", "things", in), false, `<a>`, `<ListBucketResult/>`, `<ListBucketResult><Name>a</Name><IsTruncated>maybe</IsTruncated></ListBucketResult>`, `<!DOCTYPE a [<!ENTITY b "cc">]><a>&b;</a>`)
		})
	}
	t.Run("get_object", func(t *testing.T) { h.Hostile(t, request("get_object", "", "things", given{"key": "a"}), true) })
	for _, answer := range []string{"", "<html>", "<InitiateMultipartUploadResult/>"} {
		base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) })
		fails(t, h, storingRequest(base, given{"key": "a"}, []byte("small")), sdk.PlatformError)
		fails(t, h, storingRequest(base, given{"key": "a"}, make([]byte, partBytes+1)), sdk.PlatformError)
	}
}

// An upload of which a part fails is taken back, and says why it failed.
func TestAFailedUploadIsTakenBack(t *testing.T) {
	for name, failing := range map[string]string{"a part": "PUT 2", "the end": "POST "} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			base := sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // what a part holds does not matter here
				q := r.URL.Query()
				step := r.Method + " " + q.Get("partNumber")
				switch {
				case q.Has("uploads"):
					step = "begin"
					_, _ = w.Write([]byte(`<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>`))
				case step == failing:
					_, _ = w.Write([]byte(strings.Replace(refusal, "%CODE%", "SlowDown", 1))) // a failure behind status 200
				default:
					w.Header().Set("Etag", `"e"`)
				}
				asked = append(asked, step)
			})
			fails(t, start(t), storingRequest(base, given{"key": "a"}, make([]byte, partBytes+1)), sdk.RateLimited)
			want := "begin PUT 1 PUT 2 DELETE "
			if failing == "POST " {
				want = "begin PUT 1 PUT 2 POST  DELETE "
			}
			if got := strings.Join(asked, " "); got != want {
				t.Errorf("asked for %q, want %q", got, want)
			}
		})
	}
}

// TestWhere checks which host and path a request goes to, and what is refused before any is sent.
func TestWhere(t *testing.T) {
	of := func(base string, fields map[string]string) (*storage, error) {
		t.Helper()
		var got *storage
		var err error
		p := platform()
		p.Verify = func(_ context.Context, call *sdk.Call) (sdk.Account, error) {
			got, err = storageOf(call)
			return sdk.Account{ID: "x"}, nil
		}
		h := sdktest.Start(t, sdk.Adapter{Name: "cloud-storage", Version: "1.0.0", Platforms: []sdk.Platform{p}})
		if _, failed := h.Verify(t.Context(), sdktest.Request{Platform: "cloud-storage", BaseURL: base, Method: sdk.MethodCustom, Fields: fields}); failed != nil {
			t.Fatal(failed)
		}
		return got, err
	}
	for name, c := range map[string]struct {
		base   string
		fields map[string]string
		want   string
	}{
		"path style":       {"", map[string]string{"endpoint": "s3.eu-central-1.amazonaws.com", "bucket": "b"}, "https://s3.eu-central-1.amazonaws.com/b/a%20b/c"},
		"a port":           {"", map[string]string{"endpoint": "minio.example", "port": "9000", "bucket": "b"}, "https://minio.example:9000/b/a%20b/c"},
		"the usual port":   {"", map[string]string{"endpoint": "minio.example", "port": "443", "bucket": "b"}, "https://minio.example/b/a%20b/c"},
		"the bucket's own": {"", map[string]string{"endpoint": "b.s3.amazonaws.com", "bucket": "b", "path_style": "false"}, "https://b.s3.amazonaws.com/a%20b/c"},
		"the operator's":   {"http://127.0.0.1:9000", map[string]string{"endpoint": "elsewhere.example", "bucket": "b"}, "http://127.0.0.1:9000/b/a%20b/c"},
	} {
		s, err := of(c.base, c.fields)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		place, err := s.at("", "a b/c")
		if got := s.address(place, nil); err != nil || got != c.want {
			t.Errorf("%s: got %s, %v, want %s", name, got, err, c.want)
		}
	}
	for name, fields := range map[string]map[string]string{"no endpoint": {"bucket": "b"}, "no bucket of its own": {"endpoint": "b.s3.amazonaws.com", "path_style": "false"}} {
		if _, err := of("", fields); sdk.KindOf(err) != sdk.InvalidInput {
			t.Errorf("%s: got %v", name, err)
		}
	}
	s, err := of("", map[string]string{"endpoint": "b.s3.amazonaws.com", "bucket": "b", "path_style": "false"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.at("other", "k"); sdk.KindOf(err) != sdk.InvalidInput {
		t.Errorf("another bucket: got %v", err)
	}
	for _, key := range []string{"..", "a/../b", "./a", "a/."} {
		if _, err := s.at("", key); sdk.KindOf(err) != sdk.InvalidInput {
			t.Errorf("%s: got %v", key, err)
		}
	}
	if _, err := s.buckets(t.Context()); sdk.KindOf(err) != sdk.Conflict {
		t.Errorf("buckets of a bucket's own host: got %v", err)
	}
}

// TestWhatIsSigned fails when a header that matters is left out of the signature, or a secret is sent.
func TestWhatIsSigned(t *testing.T) {
	var got *http.Request
	var sent []byte
	base := sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Clone(t.Context())
		sent, _ = io.ReadAll(r.Body) // what it is shows below
		w.Header().Set("Etag", `"e"`)
	})
	r := storingRequest(base, given{"key": "a", "metadata": given{"color": "blue"}, "storage_class": "STANDARD_IA"}, []byte("content"))
	r.Fields["session_token"], r.Fields["region"] = "planted-session-token", "eu-central-1"
	if _, err := start(t).Execute(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	signature := got.Header.Get("Authorization")
	if !strings.HasPrefix(signature, "AWS4-HMAC-SHA256 Credential="+accessKey+"/") || !strings.Contains(signature, "/eu-central-1/s3/aws4_request") ||
		!strings.Contains(signature, "SignedHeaders=content-length;content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta-color;x-amz-security-token;x-amz-storage-class") {
		t.Errorf("sent %s", signature)
	}
	if got.Header.Get("X-Amz-Security-Token") != "planted-session-token" || got.ContentLength != 7 || string(sent) != "content" || strings.Contains(strings.Join(got.Header.Values("Authorization"), ""), secretKey) {
		t.Errorf("sent %v", got.Header)
	}
}

func TestPropertiesThatCannotBe(t *testing.T) {
	h := start(t)
	for name, in := range map[string]given{"a name with a blank": {"key": "a", "metadata": given{"a b": "c"}}, "a line end": {"key": "a", "metadata": given{"a": "b\r\nX-Amz-Acl: public-read"}},
		"a type with a line end": {"key": "a", "content_type": "a\r\nX-Amz-Acl: public-read"}} {
		if failed := fails(t, h, storingRequest("http://127.0.0.1:1", in, []byte("x")), sdk.InvalidInput); failed == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, key := range oddKeys {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		escaped := escape(key, true)
		back, err := url.PathUnescape(escaped)
		if err != nil || back != key || strings.ContainsAny(escaped, "?# +&=%"[:5]) {
			t.Errorf("%q: got %q, back %q, %v", key, escaped, back, err)
		}
		if u, err := url.Parse("http://h/" + escaped); err != nil || u.EscapedPath() != "/"+escaped {
			t.Errorf("%q: the address is written as %v, %v", key, u, err)
		}
	})
}

func FuzzExplain(f *testing.F) {
	f.Add(404, []byte(strings.Replace(refusal, "%CODE%", "NoSuchKey", 1)))
	f.Add(200, []byte(`<Error><Code>x</Code><Message>&amp;</Message></Error>`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e := explain(status, http.Header{}, body)
		if e != nil && (e.Kind < sdk.AuthExpired || e.Message == "" || strings.ContainsAny(e.Message, "\x00\n")) {
			t.Errorf("%d %q: %+v", status, body, e)
		}
	})
}

// A reader that fails in the middle fails the upload with its own reason.
func TestAFileThatBreaksOff(t *testing.T) {
	broken := sdk.Errorf(sdk.InvalidInput, "The file broke off.")
	_, _, err := piece(io.MultiReader(bytes.NewReader([]byte("ab")), failingReader{broken}))
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) { return 0, f.err }
