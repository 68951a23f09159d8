package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/patchbay/patchbay/host/internal/id"
)

type requestIDKey struct{}

// requestID answers the id of the request that a context belongs to.
func requestID(ctx context.Context) string {
	s, _ := ctx.Value(requestIDKey{}).(string)
	return s
}

// Middleware gives every request an id, refuses what no handler can take, and turns a panic into an answer.
func Middleware(next http.Handler, logger *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ref := id.New("req")
		ctx := context.WithValue(r.Context(), requestIDKey{}, ref)
		w.Header().Set("X-Request-Id", ref)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		defer func() {
			v := recover()
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v) // the server cuts the connection, so that a part is not taken for the whole
			}
			if v != nil {
				logger.Error("a handler panicked", "request_id", ref, "path", r.URL.Path, "stack", string(debug.Stack()))
				newProblem(ctx, 500, "internal_error", "The host failed on this request. Its log says more under this request_id.").write(w)
			}
		}()
		if !plainURL(r.URL) {
			newProblem(ctx, 400, "bad_request", "The address holds bytes that are no valid UTF-8 text.").write(w)
			return
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// plainURL says whether a path and a query hold text that PostgreSQL can take.
func plainURL(u *url.URL) bool {
	if strings.ContainsRune(u.Path, 0) || !utf8.ValidString(u.Path) {
		return false
	}
	if u.RawQuery == "" {
		return true
	}
	for name, values := range u.Query() {
		for _, v := range append(values, name) {
			if strings.ContainsRune(v, 0) || !utf8.ValidString(v) {
				return false
			}
		}
	}
	return true
}

// pointerOf turns huma's location, such as body.oauth.scopes[0], into a JSON Pointer.
func pointerOf(location string) string {
	location = strings.TrimPrefix(strings.TrimPrefix(location, "body"), ".")
	if location == "" {
		return ""
	}
	return "/" + strings.NewReplacer(".", "/", "[", "/", "]", "").Replace(location)
}

func timeOrNil(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	utc := t.UTC()
	return &utc
}
