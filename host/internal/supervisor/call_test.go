package supervisor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/host/internal/catalog"
	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// An answer larger than a message is the adapter's bug, and ends nothing but its call.
func TestHugeAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t, "one").open()
	r.must("one", "echo", `{}`)
	pid := r.only().PID
	_, err := r.call("one", "huge", `{}`)
	if f := failure(t, err); f.Kind != catalog.AdapterBug || !strings.Contains(f.Message, "larger than 16 MiB") {
		t.Errorf("the failure is %+v", f)
	}
	_, err = r.call("one", "echo", `"`+strings.Repeat("x", 17<<20)+`"`)
	if f := failure(t, err); f.Kind != catalog.AdapterBug {
		t.Errorf("a huge question: %+v", f)
	}
	big := `"` + strings.Repeat("x", 12<<20) + `"`
	if got := r.must("one", "echo", big); got != big || r.only().PID != pid {
		t.Error("a message within the bound does not survive")
	}
}

// Cancellation reaches the adapter, by either way of calling it; one that ignores it holds nobody.
func TestCancellation(t *testing.T) {
	t.Parallel()
	for _, stream := range []bool{false, true} {
		t.Run(fmt.Sprint("stream ", stream), func(t *testing.T) {
			r := newRig(t, "one").open()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				eventually(t, "the call runs", func() bool { return r.read("waiting") != "" })
				cancel()
			}()
			request := r.request("one", "wait", `{}`)
			request.Stream = stream
			_, err := r.Run(ctx, request, &sink{})
			if f := failure(t, err); f.Kind != catalog.Timeout {
				t.Errorf("the failure is %+v", f)
			}
			eventually(t, "the adapter hears of it", func() bool { return r.read("cancelled") != "" })
		})
	}
	t.Run("deadline", func(t *testing.T) {
		r := newRig(t, "one").open()
		r.must("one", "echo", `{}`)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		within(t, "the call", func() {
			_, err := r.Run(ctx, r.request("one", "sleep", `{}`), &sink{})
			if f := failure(t, err); f.Kind != catalog.Timeout || f.NotSent {
				t.Errorf("the failure is %+v", f)
			}
		})
	})
}

// What an adapter prints reaches the log cut, bounded, line by line and without the credential.
func TestNoiseInTheLog(t *testing.T) {
	r := newRig(t, "one").open()
	r.must("one", "flood", `{}`)
	r.must("one", "print", `{}`)
	r.must("one", "echo", `{}`)
	r.Close()
	log := r.log.String()
	if strings.Contains(log, key) || strings.Contains(log, key[:len(key)/2]) {
		t.Error("the log holds the credential")
	}
	if n := strings.Count(log, "\n"); n > 20*linesPerSecond {
		t.Errorf("the log has %d lines", n)
	}
	for _, line := range strings.Split(log, "\n") {
		if len(line) > 2*maxLine {
			t.Fatalf("the log has a line of %d bytes", len(line))
		}
	}
	for _, want := range []string{"wrote too much to its log", "line 1 with " + hidden, "lines_dropped"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not hold %q", want)
		}
	}
}

// A message that quotes the credential does not reach the caller with it.
func TestFailureQuotesTheCredential(t *testing.T) {
	r := newRig(t, "one").open()
	_, err := r.call("one", "leak", `{}`)
	if f := failure(t, err); f.Kind != catalog.NotFound || strings.Contains(fmt.Sprintf("%+v", *f), key) {
		t.Errorf("the failure is %+v", f)
	}
	secrets := secretsOf(r.request("one", "leak", `{}`))
	f := withoutSecrets(&catalog.Failure{Message: "bad " + key, PlatformCode: key, PlatformRequestID: key, MissingScopes: []string{key},
		Violations: []catalog.Violation{{Pointer: "/" + key, Detail: key + " double.example"}}}, secrets)
	if text := fmt.Sprintf("%+v", *f); strings.Contains(text, key) || !strings.Contains(text, "double.example") {
		t.Errorf("the failure is %s", text)
	}
}

// Files stream both ways, whole and in order.
func TestFilesBothWays(t *testing.T) {
	r := newRig(t, "one").open()
	contents := [][]byte{bytes.Repeat([]byte("0123456789"), 300_000), {}, []byte("x"), bytes.Repeat([]byte{7}, adapterv1.MaxChunkBytes)}
	request := r.request("one", "files", `{}`)
	for i, content := range contents {
		request.Files = append(request.Files, catalog.InFile{Name: fmt.Sprintf("f%d", i), MediaType: "text/plain", Content: bytes.NewReader(content)})
	}
	var got sink
	out, err := r.Run(t.Context(), request, &got)
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprint(len(contents[0]) + 1 + adapterv1.MaxChunkBytes); string(out.Output) != want {
		t.Errorf("the adapter got %s bytes, want %s", out.Output, want)
	}
	for i, content := range contents {
		if b := got.files[uint32(i)]; b == nil || !bytes.Equal(b.Bytes(), content) {
			t.Errorf("file %d does not come back", i)
		}
	}
	if diff := cmp.Diff([]string{"f0", "f1", "f2", "f3", "inline\n.txt"}, got.names); diff != "" {
		t.Errorf("the names (-want +got):\n%s", diff)
	}
	if len(got.ended) != 5 || got.files[inlineIndex].String() != "inline" {
		t.Errorf("the files that ended are %v", got.ended)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("the disk is gone") }

// A file that cannot be read to its end is the request's fault, not the adapter's.
func TestFileThatBreaksOff(t *testing.T) {
	r := newRig(t, "one").open()
	request := r.request("one", "files", `{}`)
	request.Files = []catalog.InFile{{Name: "f", Content: brokenReader{}}}
	within(t, "the call", func() {
		_, err := r.Run(t.Context(), request, &sink{})
		if f := failure(t, err); f.Kind != catalog.InvalidInput {
			t.Errorf("the failure is %+v", f)
		}
	})
}

// What breaks the contract in the middle of a stream is the adapter's bug and reaches no sink.
func TestHostileStreams(t *testing.T) {
	r := newRig(t, "one").open()
	for operation, want := range map[string]string{"bad_delta": "not JSON", "ended_file": "had ended", "big_chunk": "larger than 256 KiB",
		"many_files": "more than 1000 files", "no_result": "without a result"} {
		var got sink
		request := r.request("one", operation, `{}`)
		request.Stream = true
		_, err := r.Run(t.Context(), request, &got)
		if f := failure(t, err); f.Kind != catalog.AdapterBug || !strings.Contains(f.Message, want) {
			t.Errorf("%s: %+v", operation, f)
		}
		for _, delta := range got.deltas {
			if !json.Valid([]byte(delta)) {
				t.Errorf("%s: the delta %q got through", operation, delta)
			}
		}
	}
	var got sink
	request := r.request("one", "progress", `{}`)
	request.Stream = true
	if _, err := r.Run(t.Context(), request, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"half[2J", "what", "more"}, got.progress); diff != "" {
		t.Errorf("the progress (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]float64{0.5, -1, -1}, got.fractions); diff != "" {
		t.Errorf("the fractions (-want +got):\n%s", diff)
	}
	_, err := r.call("one", "die", `{}`)
	failure(t, err)
	r.must("one", "echo", `{}`)
}

func TestVerify(t *testing.T) {
	r := newRig(t, "one").open()
	account, err := r.Verify(t.Context(), r.request("one", "echo", `{}`))
	if err != nil || account.ID != "[2J1" || len(account.Name) > 210 {
		t.Errorf("Verify: %+v, %v", account, err)
	}
}
