package mcp

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// A handler of the library runs on a goroutine of its own, where a panic would end the host.
func TestPanicIsAnError(t *testing.T) {
	var log bytes.Buffer
	s, err := New(Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}) // without the rooms that a call needs
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.WithValue(t.Context(), callerKey{}, &caller{gone: t.Context()})
	_, err = s.receive(nil)(ctx, "tools/call", &sdk.CallToolRequest{Params: &sdk.CallToolParamsRaw{Name: "a__b"}})
	var told *jsonrpc.Error
	if !errors.As(err, &told) || told.Code != jsonrpc.CodeInternalError || !strings.Contains(log.String(), "panicked") {
		t.Errorf("a panic answers %v and logs %s", err, &log)
	}
}

// deadlined is a recorder that takes deadlines, as a connection does.
type deadlined struct {
	*httptest.ResponseRecorder
	until time.Time
}

func (d *deadlined) SetWriteDeadline(t time.Time) error {
	d.until = t
	return nil
}

func TestSilenceIsKeptAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &deadlined{ResponseRecorder: httptest.NewRecorder()}
		r := newReply(w)
		ctx, cancel := context.WithCancel(t.Context())
		go r.keepAlive(ctx)
		time.Sleep(2*beat + time.Second)
		synctest.Wait()
		if got := w.Body.String(); got != strings.Repeat(": still running\n\n", 2) || !w.Flushed {
			t.Errorf("it says %q", got)
		}
		if got := time.Until(w.until); got != patience-time.Second {
			t.Errorf("a reader has %s left", got)
		}
		r.close()
		time.Sleep(2 * beat)
		synctest.Wait()
		if w.Body.Len() != 2*len(": still running\n\n") {
			t.Errorf("it says %q after its end", w.Body)
		}
		cancel()
	})
}
