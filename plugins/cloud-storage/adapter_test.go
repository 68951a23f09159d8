package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// The planted credential: its secrets may stand in no error, whatever the storage answers.
const (
	accessKey = "planted-access-key"
	secretKey = "planted-secret-0123456789abcdefgh"
)

// given is an input.
type given = map[string]any

// request is a call with the planted credential, and a bucket where one is named.
func request(operation, base, bucket string, input any) sdktest.Request {
	return sdktest.Request{Platform: "cloud-storage", Operation: operation, BaseURL: base, Input: input, Method: sdk.MethodCustom,
		Fields: map[string]string{"access_key_id": accessKey, "secret_access_key": secretKey, "bucket": bucket}}
}

func start(t *testing.T) *sdktest.Harness {
	t.Helper()
	return sdktest.Start(t, adapter())
}

func TestReadme(t *testing.T) { start(t).Readme(t, sdktest.ReadmeRows{}) }

// patience is how long a test waits for what must happen; only a failing test waits so long.
const patience = time.Minute

// minio starts a real storage and waits until it answers signed requests.
func minio(t *testing.T, h *sdktest.Harness) string {
	t.Helper()
	program := sdktest.Program(t, "minio")
	t.Setenv("MINIO_ROOT_USER", accessKey)
	t.Setenv("MINIO_ROOT_PASSWORD", secretKey)
	base := sdktest.Peer(t, program, "server", "--quiet", "--address", "127.0.0.1:{port}", "--console-address", "127.0.0.1:0", t.TempDir())
	for end := time.Now().Add(patience); ; {
		_, err := h.Execute(t.Context(), request("list_buckets", base, "", given{}))
		if err == nil {
			return base
		}
		if time.Now().After(end) {
			t.Fatalf("the storage does not come up: %v", err)
		}
	}
}

// run executes a call that must not fail and decodes its output.
func run[Out any](t *testing.T, h *sdktest.Harness, r sdktest.Request) (Out, sdktest.Result) {
	t.Helper()
	result, err := h.Execute(t.Context(), r)
	if err != nil {
		t.Fatalf("%s %v: %v", r.Operation, r.Input, err)
	}
	var out Out
	if err := json.Unmarshal(result.Output, &out); err != nil {
		t.Fatal(err)
	}
	return out, result
}

// fails executes a call that must fail with a kind.
func fails(t *testing.T, h *sdktest.Harness, r sdktest.Request, kind sdk.Kind) *sdk.Error {
	t.Helper()
	_, err := h.Execute(t.Context(), r)
	var failed *sdk.Error
	if !errors.As(err, &failed) || failed.Kind != kind {
		t.Errorf("%s %v: got %+v, %v, want kind %d", r.Operation, r.Input, failed, err, kind)
	}
	sdktest.Discreet(t, r, err)
	return failed
}

func storingRequest(base string, in given, data []byte) sdktest.Request {
	r := request("put_object", base, "things", in)
	r.Files, r.Stream = []*sdktest.File{{Name: "a.txt", MediaType: "text/plain", Data: data}}, true
	return r
}

// oddKeys are names in which something has to be escaped, and in the right way.
var oddKeys = []string{"plain.txt", "dir/ä b+c&d=e:f@g$h,i;j'k(l)!*~.txt", "dir/100%/50%25.txt", "dir/q?x=1#y", "dir//double", "dir/中文/😀", "dir/\"<>|\\^`{}"}

func TestAgainstMinIO(t *testing.T) {
	h := start(t)
	base := minio(t, h)
	run[sdk.Done](t, h, request("create_bucket", base, "", given{"bucket": "things"}))
	run[sdk.Done](t, h, request("create_bucket", base, "", given{"bucket": "things"})) // it is the account's own already
	if got, _ := run[buckets](t, h, request("list_buckets", base, "", given{})); len(got.Items) != 1 || got.Items[0].Name != "things" || got.Items[0].CreatedAt == "" {
		t.Errorf("got %+v", got)
	}
	t.Run("accounts", func(t *testing.T) {
		host := strings.TrimPrefix(base, "http://")
		for bucket, name := range map[string]string{"": host, "things": "things at " + host} {
			if got, err := h.Verify(t.Context(), request("", base, bucket, nil)); err != nil || got.ID != accessKey || got.Name != name {
				t.Errorf("got %+v, %v", got, err)
			}
		}
		if _, err := h.Verify(t.Context(), request("", base, "no-such-bucket", nil)); sdk.KindOf(err) != sdk.NotFound {
			t.Errorf("got %v for a bucket that is not there", err)
		}
		wrong := request("list_buckets", base, "", given{})
		wrong.Fields["secret_access_key"] = "another-planted-secret"
		fails(t, h, wrong, sdk.AuthRevoked)
		wrong.Fields["access_key_id"] = "nobody-s-access-key"
		fails(t, h, wrong, sdk.AuthRevoked)
	})
	t.Run("objects", func(t *testing.T) { checkObjects(t, h, base) })
	t.Run("parts", func(t *testing.T) { checkParts(t, h, base) })
	t.Run("pages", func(t *testing.T) { checkPages(t, h, base) })
	t.Run("copies", func(t *testing.T) { checkCopies(t, h, base) })
	t.Run("links", func(t *testing.T) { checkLinks(t, h, base) })
	fails(t, h, request("delete_bucket", base, "", given{"bucket": "things"}), sdk.Conflict)
	list, _ := run[objects](t, h, request("list_objects", base, "things", given{}))
	for _, o := range list.Items {
		run[sdk.Done](t, h, request("delete_object", base, "things", given{"key": o.Key}))
	}
	run[sdk.Done](t, h, request("delete_bucket", base, "", given{"bucket": "things"}))
	fails(t, h, request("delete_bucket", base, "", given{"bucket": "things"}), sdk.NotFound)
}

func checkObjects(t *testing.T, h *sdktest.Harness, base string) {
	for i, key := range oddKeys {
		content := []byte(fmt.Sprintf("content %d", i))
		if key == "dir//double" {
			fails(t, h, storingRequest(base, given{"key": key}, content), sdk.InvalidInput) // MinIO takes no such name, and says so: the signature was good
			continue
		}
		put, _ := run[known](t, h, storingRequest(base, given{"key": key, "metadata": given{"Color": "dark red"}, "cache_control": "no-store"}, content))
		head, _ := run[known](t, h, request("head_object", base, "things", given{"key": key}))
		if put.ETag == "" || head.ETag != put.ETag || head.Size != int64(len(content)) || head.ContentType != "text/plain" || head.Metadata["color"] != "dark red" || head.LastModified == "" {
			t.Errorf("%q: put %+v, head %+v", key, put, head)
		}
		if _, result := run[fetched](t, h, request("get_object", base, "things", given{"key": key})); len(result.Files) != 1 || !bytes.Equal(result.Files[0].GetData(), content) {
			t.Errorf("%q: got %v", key, result.Files)
		}
	}
	if _, result := run[fetched](t, h, request("get_object", base, "things", given{"key": "plain.txt", "range": "bytes=0-3"})); string(result.Files[0].GetData()) != "cont" {
		t.Errorf("got %q", result.Files[0].GetData())
	}
	run[known](t, h, storingRequest(base, given{"key": "empty"}, nil))
	fails(t, h, storingRequest(base, given{"key": "empty", "only_if_absent": true}, []byte("x")), sdk.Conflict)
	fails(t, h, request("get_object", base, "things", given{"key": "no-such-object"}), sdk.NotFound)
	fails(t, h, request("head_object", base, "things", given{"key": "no-such-object"}), sdk.NotFound)
	fails(t, h, request("list_objects", base, "things", given{"bucket": "no-such-bucket"}), sdk.NotFound)
	run[sdk.Done](t, h, request("delete_object", base, "things", given{"key": "no-such-object"}))
	// What is stored compressed comes out as it went in.
	packed := []byte("\x1f\x8b\x08 not really packed")
	run[known](t, h, storingRequest(base, given{"key": "packed", "content_encoding": "gzip"}, packed))
	if _, result := run[fetched](t, h, request("get_object", base, "things", given{"key": "packed"})); !bytes.Equal(result.Files[0].GetData(), packed) {
		t.Errorf("got %q", result.Files[0].GetData())
	}
}

func checkParts(t *testing.T, h *sdktest.Harness, base string) {
	for name, size := range map[string]int{"two and a bit": 2*partBytes + 5, "exactly one": partBytes, "exactly two": 2 * partBytes} {
		content := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
		put, result := run[known](t, h, storingRequest(base, given{"key": "large/" + name, "metadata": given{"a": "b"}}, content))
		if result.Progress[0] != "8 MiB stored" {
			t.Errorf("%s: told %q", name, result.Progress)
		}
		head, _ := run[known](t, h, request("head_object", base, "things", given{"key": "large/" + name}))
		if put.Size != int64(size) || head.Size != int64(size) || head.Metadata["a"] != "b" || head.ContentType != "text/plain" {
			t.Errorf("%s: put %+v, head %+v", name, put, head)
		}
		r := request("get_object", base, "things", given{"key": "large/" + name})
		r.Stream = true
		if _, result := run[fetched](t, h, r); !bytes.Equal(result.Files[0].GetData(), content) {
			t.Errorf("%s: the content is another one, of %d bytes", name, len(result.Files[0].GetData()))
		}
	}
	fails(t, h, storingRequest(base, given{"key": "large/exactly one", "only_if_absent": true}, make([]byte, partBytes+1)), sdk.Conflict)
}

func checkPages(t *testing.T, h *sdktest.Harness, base string) {
	var keys []string
	in := given{"prefix": "dir/", "limit": 2}
	for {
		page, _ := run[objects](t, h, request("list_objects", base, "things", in))
		for _, o := range page.Items {
			keys = append(keys, o.Key)
			if o.Size == 0 || o.ETag == "" || o.LastModified == "" {
				t.Errorf("got %+v", o)
			}
		}
		if page.NextCursor == "" {
			break
		}
		in["cursor"] = page.NextCursor
	}
	want := slices.DeleteFunc(slices.Clone(oddKeys), func(key string) bool { return key == "plain.txt" || key == "dir//double" })
	slices.Sort(want)
	if !slices.Equal(want, keys) {
		t.Errorf("got %q, want %q", keys, want)
	}
	folders, _ := run[objects](t, h, request("list_objects", base, "things", given{"delimiter": "/"}))
	if strings.Join(folders.Prefixes, " ") != "dir/ large/" || len(folders.Items) != 3 {
		t.Errorf("got %+v", folders)
	}
}

func checkCopies(t *testing.T, h *sdktest.Harness, base string) {
	source := oddKeys[1]
	run[known](t, h, request("copy_object", base, "things", given{"key": "copied", "source_key": source}))
	if head, _ := run[known](t, h, request("head_object", base, "things", given{"key": "copied"})); head.Metadata["color"] != "dark red" {
		t.Errorf("got %+v", head)
	}
	run[known](t, h, request("copy_object", base, "", given{"bucket": "things", "key": "copied", "source_bucket": "things", "source_key": source, "replace_metadata": true, "content_type": "text/html", "metadata": given{"color": "blue"}}))
	if head, _ := run[known](t, h, request("head_object", base, "things", given{"key": "copied"})); head.Metadata["color"] != "blue" || head.ContentType != "text/html" {
		t.Errorf("got %+v", head)
	}
	fails(t, h, request("copy_object", base, "things", given{"key": "copied", "source_key": "no-such-object"}), sdk.NotFound)
	fails(t, h, request("copy_object", base, "things", given{"key": "copied", "source_key": source, "content_type": "text/html"}), sdk.InvalidInput)
}

// send uses a link as anyone would, without the credential.
func send(t *testing.T, method, address, contentType, body string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer), resp.Header
}

func checkLinks(t *testing.T, h *sdktest.Harness, base string) {
	for _, key := range oddKeys[:2] {
		got, _ := run[link](t, h, request("presign_get", base, "things", given{"key": key, "content_disposition": "attachment; filename=a.txt"}))
		status, content, header := send(t, got.Method, got.URL, "", "")
		if status != 200 || !strings.HasPrefix(content, "content ") || header.Get("Content-Disposition") != "attachment; filename=a.txt" || strings.Contains(got.URL, secretKey) {
			t.Errorf("%s: got %d %q %v", got.URL, status, content, header)
		}
		if status, _, _ := send(t, got.Method, strings.Replace(got.URL, "things", "thingz", 1), "", ""); status != 403 {
			t.Errorf("a changed link answers %d", status)
		}
		if end, err := time.Parse(time.RFC3339, got.ExpiresAt); err != nil || time.Until(end) > 900*time.Second || time.Until(end) < 0 {
			t.Errorf("it ends at %s", got.ExpiresAt)
		}
	}
	put, _ := run[link](t, h, request("presign_put", base, "things", given{"key": "by link", "content_type": "text/css", "expires_in": 60}))
	if status, answer, _ := send(t, put.Method, put.URL, "text/html", "a{}"); status != 403 {
		t.Errorf("another type answers %d %s", status, answer)
	}
	if status, answer, _ := send(t, put.Method, put.URL, "text/css", "a{}"); status != 200 {
		t.Errorf("got %d %s", status, answer)
	}
	if head, _ := run[known](t, h, request("head_object", base, "things", given{"key": "by link"})); head.ContentType != "text/css" || head.Size != 3 {
		t.Errorf("got %+v", head)
	}
	run[sdk.Done](t, h, request("delete_object", base, "things", given{"key": "by link"}))
	address, err := url.Parse(put.URL)
	if err != nil || address.Query().Get("X-Amz-Expires") != "60" {
		t.Errorf("got %s, %v", put.URL, err)
	}
}
