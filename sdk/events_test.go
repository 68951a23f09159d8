package sdk_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/sdk"
)

// events runs an operation that reads a stream of events from the server.
func events(t *testing.T, answer http.HandlerFunc, each func(sdk.Event) error) error {
	t.Helper()
	s := server(t, answer)
	header := http.Header{"X-Own": {"1"}}
	_, err := attempt(t, s.URL, platform(func(ctx context.Context, call *sdk.Call) (json.RawMessage, error) {
		return nil, call.Events(ctx, sdk.Request{Path: "/in/the/path", Header: header}, each)
	}))
	if len(header) != 1 {
		t.Errorf("the adapter's own header became %v", header)
	}
	return err
}

func stream(content string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") != "text/event-stream" || r.Header.Get("X-Own") != "1" {
			w.WriteHeader(http.StatusNotAcceptable)
		}
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		_, _ = io.WriteString(w, content)
	}
}

func TestEvents(t *testing.T) {
	for name, c := range map[string]struct {
		stream string
		want   []sdk.Event
	}{
		"usual":               {"event: a\ndata: 1\n\ndata: 2\n\n", []sdk.Event{{Name: "a", Data: "1"}, {Name: "message", Data: "2"}}},
		"ends of lines":       {"data: 1\r\n\r\ndata: 2\r\rdata: 3\n\n", []sdk.Event{{Name: "message", Data: "1"}, {Name: "message", Data: "2"}, {Name: "message", Data: "3"}}},
		"several lines":       {"data: a\ndata\ndata:b\ndata:  c\n\n", []sdk.Event{{Name: "message", Data: "a\n\nb\n c"}}},
		"ids stay":            {"id: 7\ndata: 1\n\ndata: 2\n\n", []sdk.Event{{Name: "message", Data: "1", ID: "7"}, {Name: "message", Data: "2", ID: "7"}}},
		"comments and more":   {": hello\n\nretry: 5\nevent: a\n\n:\nother: x\ndata: 1\n\n", []sdk.Event{{Name: "message", Data: "1"}}},
		"byte order mark":     {"\uFEFFdata: 1\n\n", []sdk.Event{{Name: "message", Data: "1"}}},
		"unfinished":          {"data: 1\n\ndata: 2\n", []sdk.Event{{Name: "message", Data: "1"}}},
		"nothing":             {"", nil},
		"many small comments": {strings.Repeat(": ping\n", 1<<20) + "data: 1\n\n", []sdk.Event{{Name: "message", Data: "1"}}},
	} {
		var got []sdk.Event
		err := events(t, stream(c.stream), func(e sdk.Event) error {
			got = append(got, e)
			return nil
		})
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

func TestEventsEnd(t *testing.T) {
	endless := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, "data: 1\n\n"); err != nil {
				return
			}
		}
	}
	n := 0
	if err := events(t, endless, func(sdk.Event) error {
		if n++; n == 3 {
			return io.EOF
		}
		return nil
	}); err != nil || n != 3 {
		t.Errorf("io.EOF after %d events: %v", n, err)
	}
	err := events(t, endless, func(sdk.Event) error { return sdk.Errorf(sdk.Conflict, "enough") })
	wantKind(t, err, sdk.Conflict)
	if err = events(t, endless, func(sdk.Event) error { return errors.New("text with " + secret) }); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("another error: %v", err)
	}
}

func TestBadEvents(t *testing.T) {
	none := func(sdk.Event) error { return nil }
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		kind   sdk.Kind
	}{
		"a long line":  {stream("data: " + strings.Repeat("x", 5<<20) + "\n\n"), sdk.PlatformError},
		"a long event": {stream(strings.Repeat("data: 0123456789\n", 1<<19)), sdk.PlatformError},
		"no stream":    {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }, sdk.PlatformError},
		"a failure":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }, sdk.RateLimited},
		"broken off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, "data: 1\n\n")
		}, sdk.OutcomeUnknown},
	} {
		err := events(t, c.answer, none)
		if err == nil {
			t.Errorf("%s succeeds", name)
			continue
		}
		wantKind(t, err, c.kind)
	}
}
