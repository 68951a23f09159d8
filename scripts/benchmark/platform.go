package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// The token that the platform takes.
const platformToken = "xoxb-benchmark-0000000000"

// servePlatform is the mock platform: it answers the two methods that are called as Slack does, at once.
func servePlatform(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/auth.test", signedIn(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-OAuth-Scopes", "chat:write")
		reply(w, true, map[string]any{"url": "https://bench.slack.example/", "team": "Bench", "user": "bot", "team_id": "T1", "user_id": "U1", "bot_id": "B1"})
	}))
	mux.HandleFunc("/api/chat.postMessage", signedIn(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || r.Form.Get("channel") == "" {
			reply(w, false, map[string]any{"error": "channel_not_found"})
			return
		}
		ts := fmt.Sprintf("%.6f", float64(time.Now().UnixMicro())/1e6)
		reply(w, true, map[string]any{"channel": r.Form.Get("channel"), "ts": ts, "message": map[string]any{
			"type": "message", "user": "U1", "bot_id": "B1", "team": "T1", "ts": ts, "text": r.Form.Get("text")}})
	}))
	return serve(ctx, mux)
}

// signedIn refuses as Slack does: with status 200.
func signedIn(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+platformToken {
			reply(w, false, map[string]any{"error": "invalid_auth"})
			return
		}
		next(w, r)
	}
}

// reply answers an object that begins with ok, as all of Slack's do.
func reply(w http.ResponseWriter, ok bool, fields map[string]any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	encoded, _ := json.Marshal(fields)                                // texts
	_, _ = fmt.Fprintf(w, `{"ok":%t,%s`+"\n", ok, encoded[len("{"):]) // a client that went away
}

// serve listens on loopback, prints the URL on the first line of stdout, and serves until ctx is done.
func serve(ctx context.Context, handler http.Handler) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	fmt.Println("http://" + l.Addr().String())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // the end that was asked for
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving %s: %w", strings.TrimSpace(l.Addr().String()), err)
	}
	return nil
}
