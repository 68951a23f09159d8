package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/patchbay/patchbay/sdk/client"
)

// host starts the built host and answers its address and a token.
func host(t *testing.T) (address, token string) {
	t.Helper()
	bin := os.Getenv("PATCHBAY_TEST_BIN")
	if bin == "" {
		t.Skip("PATCHBAY_TEST_BIN is not set: scripts/test builds the host and sets it")
	}
	root, err := os.MkdirTemp("", "pb-client-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	if err := os.Chmod(root, 0o711); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(root, "data")
	cmd := exec.Command(filepath.Join(bin, "patchbay"), "serve", "--data", data, "--listen", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "PATCHBAY_CONFIG=", "PATCHBAY_LISTEN=")
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.Dir = root
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
	})
	for {
		raw, err := os.ReadFile(filepath.Join(data, "operator.token"))
		at, err2 := os.ReadFile(filepath.Join(data, "address"))
		if err == nil && err2 == nil && len(raw) > 0 {
			return strings.TrimSpace(string(at)), strings.TrimSpace(string(raw))
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the host ended: %v\n%s", err, &log)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func TestAgainstAHost(t *testing.T) {
	address, token := host(t)
	c, err := client.New(client.Config{URL: address, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	account, err := c.Connect(ctx, client.Connect{Platform: "splox", Label: "Here", AuthMethod: "none"})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := c.Call(ctx, client.Call{Integration: account.ID, Operation: "crypto_hash", Input: map[string]any{"text": "abc", "algorithm": "sha256"}, IdempotencyKey: "one"})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(answer.Output), "ba7816bf") || answer.ID == "" {
		t.Errorf("the answer is %+v", answer)
	}
	again, err := c.Call(ctx, client.Call{Integration: account.ID, Operation: "crypto_hash", Input: map[string]any{"text": "abc", "algorithm": "sha256"}, IdempotencyKey: "one"})
	if err != nil || again.ID != answer.ID {
		t.Errorf("under the same key it answers %+v %v", again, err)
	}
	_, err = c.Call(ctx, client.Call{Integration: account.ID, Operation: "crypto_hash", Input: map[string]any{"algorithm": 7}})
	var refused *client.Error
	if !errors.As(err, &refused) || refused.Code != client.ValidationFailed || len(refused.Errors) == 0 || refused.Status != 422 {
		t.Errorf("a wrong input is refused with %+v", err)
	}
	var result *client.Answer
	for event, err := range c.Stream(ctx, client.Call{Integration: account.ID, Operation: "crypto_hash", Input: map[string]any{"text": "abc", "algorithm": "sha256"}}) {
		if err != nil {
			t.Fatal(err)
		}
		result = event.Result
	}
	if result == nil || string(result.Output) != string(answer.Output) {
		t.Errorf("the stream ends with %+v", result)
	}
	if err := c.SetActive(ctx, account.ID, false); err != nil {
		t.Fatal(err)
	}
	for _, err := range c.Stream(ctx, client.Call{Integration: account.ID, Operation: "crypto_hash"}) {
		if client.Code(err) != client.IntegrationInactive {
			t.Errorf("a deactivated account's stream is refused with %v", err)
		}
	}
	var kinds []string
	for record, err := range c.Calls(ctx, client.Filter{Integration: account.ID}) {
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, record.Kind)
	}
	if !slices.Equal(kinds, []string{"integration_inactive", "ok", "validation_failed", "ok"}) {
		t.Errorf("the calls ended %v", kinds)
	}
	sums, err := c.Usage(ctx, "platform", time.Now().Add(-time.Hour))
	if err != nil || len(sums) != 1 || sums[0].Calls != 4 || sums[0].Errors != 2 {
		t.Errorf("usage is %+v %v", sums, err)
	}
	if _, err := c.GetCall(ctx, "call_x"); client.Code(err) != client.NotFound {
		t.Errorf("a missing call is %v", err)
	}
	wrong, err := client.New(client.Config{URL: address, Token: "pb_wrong"})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range wrong.Integrations(ctx, "", "") {
		if client.Code(err) != client.Unauthenticated {
			t.Errorf("a wrong token is %v", err)
		}
	}
}

// Lists go on to their last page, and stop where nobody asks for more.
func TestPages(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cursor := r.URL.Query().Get("cursor")
		asked = append(asked, cursor)
		next := map[string]any{"": "b", "b": "c"}[cursor]
		_ = json.NewEncoder(w).Encode(map[string]any{"items": []map[string]string{{"id": "int_" + cursor}}, "next_cursor": next})
	}))
	defer server.Close()
	c, err := client.New(client.Config{URL: server.URL, Token: "pb_x"})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i, err := range c.Integrations(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, i.ID)
	}
	if !slices.Equal(ids, []string{"int_", "int_b", "int_c"}) {
		t.Errorf("the list is %v", ids)
	}
	asked = nil
	for range c.Integrations(t.Context(), "", "") {
		break
	}
	if len(asked) != 1 {
		t.Errorf("it asked for %d pages", len(asked))
	}
}

// A token goes nowhere but to the host.
func TestNoRedirectTakesTheToken(t *testing.T) {
	stolen := make(chan string, 1)
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { stolen <- r.Header.Get("Authorization") }))
	defer thief.Close()
	server := httptest.NewServer(http.RedirectHandler(thief.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	c, err := client.New(client.Config{URL: server.URL, Token: "pb_secret"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Call(t.Context(), client.Call{Operation: "x"}); err == nil || strings.Contains(err.Error(), "pb_secret") {
		t.Errorf("a redirect is answered %v", err)
	}
	if len(stolen) != 0 {
		t.Error("the request was sent elsewhere")
	}
}

// A stream that breaks off is an error, and no result.
func TestABrokenStreamIsAnError(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, ": beat\n\nevent: progress\ndata: {\"message\":\"half\",\"fraction\":0.5}\n\nevent: delta\ndata: \"a\"\n\n")
	}))
	defer server.Close()
	c, err := client.New(client.Config{URL: server.URL, Token: "pb_x"})
	if err != nil {
		t.Fatal(err)
	}
	var events, errs int
	for event, err := range c.Stream(context.Background(), client.Call{Operation: "x"}) {
		if err != nil {
			errs++
			continue
		}
		events++
		if event.Progress != nil && *event.Progress.Fraction != 0.5 {
			t.Errorf("the progress is %+v", event.Progress)
		}
	}
	if events != 2 || errs != 1 {
		t.Errorf("it gave %d events and %d errors", events, errs)
	}
}
