package sdktest

import (
	"compress/gzip"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/patchbay/patchbay/sdk"
)

// endless is more than any answer that is read into memory, and too much to be held by a test by accident.
const endless = 128 << 20

// Hostile runs a call against platforms that answer what they should not: nothing, a page, JSON that is cut off or of other types, an
// answer without an end, one that grows when it is unpacked, and a redirect to elsewhere. Each must fail with a kind that
// fits, and say neither the credential nor an address. An operation that gives files may pass on what it gets; files says so. wrong are further
// answers, in the platform's own form but with other types than it declares.
func (h *Harness) Hostile(t *testing.T, r Request, files bool, wrong ...string) {
	t.Helper()
	bodies := map[string]string{"empty": "", "a page": "<html>hello</html>", "a list": "[]", "a text": `"x"`, "cut off": `{"id":"c","da`}
	for _, body := range wrong {
		bodies[body] = body
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			if files {
				t.Skip("the answer is a file, whatever it holds")
			}
			h.hostile(t, r, sdk.PlatformError, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, body) // a client that has gone says so itself, here and below
			})
		})
	}
	t.Run("endless", func(t *testing.T) {
		if files {
			t.Skip("a file is passed on, not held")
		}
		h.hostile(t, r, sdk.PlatformError, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.CopyN(w, spaces{}, endless)
		})
	})
	t.Run("a bomb", func(t *testing.T) {
		if files {
			t.Skip("a file is passed on, not held")
		}
		h.hostile(t, r, sdk.PlatformError, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Encoding", "gzip")
			packed, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // a level that there is
			_, _ = io.CopyN(packed, spaces{}, endless)
			_ = packed.Close()
		})
	})
	t.Run("a redirect", func(t *testing.T) { h.redirected(t, r) })
}

// redirected fails where a redirect leads a call to another host in the clear.
func (h *Harness) redirected(t *testing.T, r Request) {
	t.Helper()
	var asked atomic.Bool
	elsewhere := Serve(t, func(http.ResponseWriter, *http.Request) { asked.Store(true) })
	r.BaseURL = Serve(t, func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, elsewhere, http.StatusTemporaryRedirect)
	})
	_, err := h.Execute(t.Context(), r)
	if err == nil || asked.Load() {
		t.Errorf("got %v, and the other host was asked: %v", err, asked.Load())
	}
	Discreet(t, r, err)
}

func (h *Harness) hostile(t *testing.T, r Request, kind sdk.Kind, f http.HandlerFunc) {
	t.Helper()
	r.BaseURL = Serve(t, f)
	_, err := h.Execute(t.Context(), r)
	if sdk.KindOf(err) != kind {
		t.Errorf("got kind %d, %v; want %d", sdk.KindOf(err), err, kind)
	}
	Discreet(t, r, err)
}

// spaces is an endless answer, in which no JSON ever begins.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
