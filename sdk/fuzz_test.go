package sdk

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// A stream of events gives the same events however it is cut into pieces, and never one that is too large.
func FuzzReadEvents(f *testing.F) {
	for _, s := range []string{"data: 1\n\n", "event: a\r\ndata: b\r\rdata\n\n", ":\nid: 1\n\ndata: \x00\n\n", "\uFEFFdata: x\r", strings.Repeat("data: y\n", 100) + "\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		read := func(r io.Reader) (out []Event) {
			err := readEvents(r, func(e Event) error {
				if e.Name == "" || len(e.Data) > maxEventBytes || strings.ContainsAny(e.Name+e.ID, "\r\n") || strings.Contains(e.Data, "\r") {
					t.Fatalf("the event is %+v", e)
				}
				out = append(out, e)
				return nil
			})
			if err != nil && KindOf(err) != PlatformError {
				t.Fatalf("the error is %v", err)
			}
			return out
		}
		whole, bytewise := read(strings.NewReader(s)), read(iotest.OneByteReader(strings.NewReader(s)))
		if len(whole) != len(bytewise) {
			t.Fatalf("%d events, byte by byte %d", len(whole), len(bytewise))
		}
		for i := range whole {
			if whole[i] != bytewise[i] {
				t.Fatalf("event %d is %+v, byte by byte %+v", i, whole[i], bytewise[i])
			}
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"1", "-1", "NaN", "1e400", "0x1p9", "Fri, 01 May 2026 12:01:00 GMT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := RetryAfter(http.Header{"Retry-After": {s}}, time.Unix(1_800_000_000, 0)); got < 0 || got > 24*time.Hour {
			t.Fatalf("%q is %s", s, got)
		}
	})
}

// No value can leave its place in a path.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"a", "..", "a/b", "?x", "#", "%2e%2e", "\\", "", "\x00", "é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		path := Path("/a/%s/b", s)
		call := &Call{platform: &Platform{BaseURL: "https://api.example.com/base"}}
		req, err := call.newRequest(t.Context(), Request{Path: path})
		if err != nil {
			return
		}
		if got := strings.Split(req.URL.EscapedPath(), "/"); len(got) != 5 || got[1] != "base" || got[2] != "a" || got[4] != "b" || got[3] == "" ||
			got[3] == "." || got[3] == ".." || req.URL.Host != "api.example.com" || req.URL.RawQuery != "" || req.URL.Fragment != "" {
			t.Fatalf("%q gives %s", s, req.URL)
		}
	})
}
