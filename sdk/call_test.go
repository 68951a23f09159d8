package sdk_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/status"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// A panic is the failure of one call; the adapter goes on, and what the panic held goes nowhere.
func TestPanics(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)
	panics := true
	deferred := 0
	p := platform(func(_ context.Context, call *sdk.Call) (json.RawMessage, error) {
		call.Defer(func() { deferred++ })
		if panics {
			panic("holding " + call.Credential.Token())
		}
		return nil, nil
	})
	p.Verify = func(context.Context, *sdk.Call) (sdk.Account, error) { panic(fmt.Errorf("holding %s", secret)) }
	h := sdktest.Start(t, adapter(p))
	for _, stream := range []bool{false, true} {
		r := request("")
		r.Stream = stream
		_, err := h.Execute(t.Context(), r)
		wantKind(t, err, sdk.AdapterBug)
	}
	_, err := h.Verify(t.Context(), request(""))
	wantKind(t, err, sdk.AdapterBug)
	panics = false
	if _, err := h.Execute(t.Context(), request("")); err != nil {
		t.Error(err)
	}
	if deferred != 3 {
		t.Errorf("%d of 3 calls were ended", deferred)
	}
	if strings.Contains(log.String(), secret) || !strings.Contains(log.String(), "the adapter panicked") {
		t.Errorf("the log: %s", log.String())
	}
}

// The end of the caller's patience reaches the operation, and the failure says so.
func TestCancellationAndDeadline(t *testing.T) {
	for _, stream := range []bool{false, true} {
		running, ended := make(chan struct{}), make(chan error, 1)
		h := sdktest.Start(t, adapter(platform(func(ctx context.Context, _ *sdk.Call) (json.RawMessage, error) {
			close(running)
			<-ctx.Done()
			ended <- ctx.Err()
			return nil, ctx.Err()
		})))
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-running
			cancel()
		}()
		r := request("")
		r.Stream = stream
		if _, err := h.Execute(ctx, r); err == nil {
			t.Error("a cancelled call succeeds")
		}
		select {
		case <-ended:
		case <-time.After(patience):
			t.Fatal("the operation does not hear of it")
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := service(t, platform(func(ctx context.Context, _ *sdk.Call) (json.RawMessage, error) {
		if _, limited := ctx.Deadline(); !limited {
			t.Error("the operation has no deadline")
		}
		<-ctx.Done()
		return nil, fmt.Errorf("waiting: %w", ctx.Err())
	})).Execute(ctx, executeRequest("", nil))
	if text := status.Convert(err).Message(); !strings.Contains(text, "given up") {
		t.Errorf("the deadline: %v", err)
	}
	// A call without a deadline has one all the same.
	_, err = service(t, platform(func(ctx context.Context, _ *sdk.Call) (json.RawMessage, error) {
		if at, limited := ctx.Deadline(); !limited || time.Until(at) > 15*time.Minute {
			t.Errorf("the deadline is %s, %v", at, limited)
		}
		return nil, nil
	})).Execute(context.Background(), executeRequest("", nil))
	if err != nil {
		t.Error(err)
	}
}

// What does not exist is said to be missing; what is no *Error is the adapter's bug, and its text stays.
func TestOddCalls(t *testing.T) {
	h := sdktest.Start(t, adapter(platform(func(context.Context, *sdk.Call) (json.RawMessage, error) {
		return nil, errors.New("raw text with " + secret)
	})))
	r := request("")
	_, err := h.Execute(t.Context(), r)
	if e := wantKind(t, err, sdk.AdapterBug); strings.Contains(e.Message, "raw text") {
		t.Errorf("%+v", *e)
	}
	r.AnyInput = true
	for _, change := range []func(){func() { r.Operation = "none" }, func() { r.Platform = "none" }} {
		change()
		for _, r.Stream = range []bool{false, true} {
			_, err = h.Execute(t.Context(), r)
			wantKind(t, err, sdk.NotFound)
		}
	}
	_, err = h.Verify(t.Context(), request(""))
	wantKind(t, err, sdk.InvalidInput)
	r = request("")
	r.AnyInput, r.Input = true, []string{secret}
	_, err = h.Execute(t.Context(), r)
	wantKind(t, err, sdk.InvalidInput)
	// Without any context at all.
	if _, err := service(t, platform(nil)).Execute(t.Context(), &adapterv1.ExecuteRequest{}); err == nil {
		t.Error("an empty request succeeds")
	}
	if _, err := service(t, platform(nil)).Verify(t.Context(), &adapterv1.VerifyRequest{}); err == nil {
		t.Error("an empty test of a credential succeeds")
	}
}

// Files go both ways in pieces, whole and in order, however much of them the operation reads.
func TestFilesBothWays(t *testing.T) {
	large := bytes.Repeat([]byte("0123456789"), 200_000)
	files := []*sdktest.File{{Name: "large", MediaType: "text/plain", Data: large}, {Name: "empty"}, {Name: "skipped", Data: large}, {Name: "last", Data: []byte("x")}}
	h := sdktest.Start(t, adapter(platform(func(ctx context.Context, call *sdk.Call) (json.RawMessage, error) {
		var names []string
		for {
			f, err := call.NextFile(ctx)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, err
			}
			names = append(names, f.Name)
			if f.Name == "skipped" {
				continue
			}
			if err := call.Attach(f.Name+" back", f.MediaType, f); err != nil {
				return nil, err
			}
		}
		call.AddUnits("files", float64(len(names)))
		call.AddUnits("files", 1)
		return json.Marshal(names)
	})))
	r := request("")
	r.Stream, r.Files = true, files
	got, err := h.Execute(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if string(got.Output) != `["large","empty","skipped","last"]` || got.Units["files"] != 5 || len(got.Files) != 3 {
		t.Fatalf("the answer is %s, %v, %d files", got.Output, got.Units, len(got.Files))
	}
	for i, want := range []*sdktest.File{files[0], files[1], files[3]} {
		if f := got.Files[i]; f.GetName() != want.GetName()+" back" || !bytes.Equal(f.GetData(), want.GetData()) {
			t.Errorf("file %d comes back as %s with %d bytes", i, f.GetName(), len(f.GetData()))
		}
	}
	// The same with small files whole; large ones need a stream.
	r.Stream, r.Files = false, []*sdktest.File{files[3], {Name: "skipped"}}
	if got, err := h.Execute(t.Context(), r); err != nil || len(got.Files) != 1 || string(got.Files[0].GetData()) != "x" {
		t.Errorf("whole: %v, %v", got.Files, err)
	}
	h = sdktest.Start(t, adapter(platform(func(_ context.Context, call *sdk.Call) (json.RawMessage, error) {
		return nil, call.Attach("f", "", io.LimitReader(zeroReader{}, adapterv1.MaxInlineFileBytes+1))
	})))
	_, err = h.Execute(t.Context(), request(""))
	wantKind(t, err, sdk.AdapterBug)
	r = request("")
	r.Stream = true
	if _, err := h.Execute(t.Context(), r); err != nil {
		t.Errorf("a large file in a stream: %v", err)
	}
}

func TestOneFile(t *testing.T) {
	h := sdktest.Start(t, adapter(platform(func(ctx context.Context, call *sdk.Call) (json.RawMessage, error) {
		f, err := call.OneFile(ctx)
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(f)
		if err != nil {
			return nil, err
		}
		return json.Marshal(string(content))
	})))
	r := request("")
	_, err := h.Execute(t.Context(), r)
	wantKind(t, err, sdk.InvalidInput)
	r.Files = []*sdktest.File{{Name: "f", Data: []byte("content")}}
	if got, err := h.Execute(t.Context(), r); err != nil || string(got.Output) != `"content"` {
		t.Errorf("%s, %v", got.Output, err)
	}
}

// Progress and deltas come as they are made; without a stream nobody is told.
func TestStream(t *testing.T) {
	h := sdktest.Start(t, adapter(platform(func(_ context.Context, call *sdk.Call) (json.RawMessage, error) {
		return json.RawMessage(`"whole"`), errors.Join(call.Progress("half\xff", 0.5), call.Emit(map[string]int{"a": 1}), call.Emit("b"))
	})))
	r := request("")
	if got, err := h.Execute(t.Context(), r); err != nil || len(got.Deltas) != 0 || string(got.Output) != `"whole"` {
		t.Errorf("%+v, %v", got, err)
	}
	r.Stream = true
	got, err := h.Execute(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]json.RawMessage{[]byte(`{"a":1}`), []byte(`"b"`)}, got.Deltas); diff != "" {
		t.Errorf("the deltas (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"half\uFFFD"}, got.Progress); diff != "" {
		t.Errorf("the progress (-want +got):\n%s", diff)
	}
	h = sdktest.Start(t, adapter(platform(func(_ context.Context, call *sdk.Call) (json.RawMessage, error) {
		return nil, call.Emit(make(chan int))
	})))
	_, err = h.Execute(t.Context(), r)
	wantKind(t, err, sdk.AdapterBug)
}

// A goroutine that an operation leaves behind harms nothing when it goes on telling.
func TestTellingAfterTheEnd(t *testing.T) {
	var left sync.WaitGroup
	var refused atomic.Int32
	h := sdktest.Start(t, adapter(platform(func(_ context.Context, call *sdk.Call) (json.RawMessage, error) {
		for range 4 {
			left.Go(func() {
				for i := 0; ; i++ {
					call.AddUnits("u", 1)
					err := errors.Join(call.Emit(i), call.Attach("f", "", strings.NewReader("x")))
					if err != nil && strings.Contains(err.Error(), "The call has ended.") {
						refused.Add(1)
					}
					if err != nil || i > 5000 {
						return // where nobody is told, nothing fails
					}
				}
			})
		}
		return nil, nil
	})))
	for _, stream := range []bool{true, false} {
		r := request("")
		r.Stream = stream
		if _, err := h.Execute(t.Context(), r); err != nil {
			t.Error(err)
		}
		left.Wait()
		if stream && refused.Load() != 4 {
			t.Errorf("what comes after the end is refused as such to %d of 4", refused.Load())
		}
	}
}

// Parts arrive as they were meant, whatever their names and types hold.
func TestMultipart(t *testing.T) {
	type part struct{ Name, FileName, Type, Content, Extra string }
	var got []part
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil {
			t.Error(err)
		}
		for in := multipart.NewReader(r.Body, params["boundary"]); ; {
			p, err := in.NextPart()
			if err != nil {
				break
			}
			content, _ := io.ReadAll(p)
			got = append(got, part{p.FormName(), p.FileName(), p.Header.Get("Content-Type"), string(content), p.Header.Get("X-Injected")})
		}
		_, _ = io.WriteString(w, "{}")
	})
	_, err := attempt(t, s.URL, platform(func(ctx context.Context, call *sdk.Call) (json.RawMessage, error) {
		body, kind := sdk.Multipart(sdk.Part{Name: "a", Value: "1"},
			sdk.Part{Name: "f", FileName: "naïve \"q\"\r\nX-Injected: 1\\", MediaType: "text/plain\r\nX-Injected: 1", Content: strings.NewReader("content")},
			sdk.Part{Name: "g\"\r\nX-Injected: 1", FileName: "g", MediaType: "text/plain; charset=utf-8", Content: strings.NewReader("")})
		return nil, call.Do(ctx, sdk.Request{Path: "/", Body: body, ContentType: kind}, nil)
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := []part{{"a", "", "", "1", ""}, {"f", "naïve _q___X-Injected: 1_", "application/octet-stream", "content", ""}, {"g___X-Injected: 1", "g", "text/plain; charset=utf-8", "", ""}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the parts (-want +got):\n%s", diff)
	}
}

type closeRecorder struct {
	io.Reader
	closed chan struct{}
}

func (c closeRecorder) Close() error {
	close(c.closed)
	return nil
}

// A body whose request is never sent is closed all the same, so that what writes it ends.
func TestBodyOfABadRequestIsClosed(t *testing.T) {
	for _, path := range []string{"/a\nb", "http://127.0.0.1:1/", sdk.Path("/%s", "")} {
		body := closeRecorder{strings.NewReader("x"), make(chan struct{})}
		_, err := attempt(t, "https://127.0.0.1:1", platform(do(sdk.Request{Path: path, Body: body})))
		if err == nil {
			t.Error("it succeeds")
		}
		select {
		case <-body.closed:
		case <-time.After(patience):
			t.Errorf("%q leaves its body open", path)
		}
	}
}

// A credential is hidden from every way of printing.
func TestCredentialIsHidden(t *testing.T) {
	c := sdk.NewCredential(sdk.MethodAPIKey, map[string]string{"api_key": secret})
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%t", "%e", "%p"} {
		fmt.Fprintf(&out, verb+verb+verb, c, &c, struct{ C sdk.Credential }{c})
	}
	fmt.Fprint(&out, c, []sdk.Credential{c}, map[string]sdk.Credential{"c": c})
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("x", "c", c, "p", &c, "s", struct{ C sdk.Credential }{c})
	}
	encoded, err := json.Marshal(map[string]any{"c": c})
	out.Write(encoded)
	if err != nil || strings.Contains(out.String(), secret) || strings.Contains(out.String(), fmt.Sprintf("%x", secret)) {
		t.Errorf("%v: %s", err, out.String())
	}
	if c.Token() != secret || c.Field("api_key") != secret || sdk.NewCredential(sdk.MethodCustom, nil).Token() != "" {
		t.Error("the values are not to be had")
	}
}
