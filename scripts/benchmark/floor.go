package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// floorConnections is what Patchbay's own pool has at most.
const floorConnections = 20

// floor is the HTTP process in front of the plugin: it reads the request, asks the plugin, and answers.
type floor struct {
	service  adapterv1.AdapterServiceClient
	database *pgxpool.Pool
	platform string
}

func serveFloor(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("floor", flag.ContinueOnError)
	platform := f.String("platform", "", "URL of the platform's method")
	database := f.String("database", "", "connection string")
	if err := f.Parse(args); err != nil {
		return err
	}
	config, err := pgxpool.ParseConfig(*database)
	if err != nil {
		return fmt.Errorf("reading the connection string: %w", err)
	}
	config.MaxConns, config.MinConns = floorConnections, 2
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connecting to the database: %w", err)
	}
	defer pool.Close()
	if _, err := pool.Exec(ctx, `CREATE TABLE IF NOT EXISTS benchmark_floor (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
		started_at timestamptz NOT NULL, caller text NOT NULL, operation text NOT NULL, duration_us bigint NOT NULL)`); err != nil {
		return fmt.Errorf("making the floor's table: %w", err)
	}
	service, stop, err := startPlugin()
	if err != nil {
		return err
	}
	defer stop()
	fl := &floor{service: service, database: pool, platform: *platform}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /floor", func(w http.ResponseWriter, r *http.Request) { fl.serve(w, r, false) })
	mux.HandleFunc("POST /durable", func(w http.ResponseWriter, r *http.Request) { fl.serve(w, r, true) })
	return serve(ctx, mux)
}

func (f *floor) serve(w http.ResponseWriter, r *http.Request, durable bool) {
	started := time.Now()
	input, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "reading the request", http.StatusBadRequest)
		return
	}
	answer, err := f.service.Execute(r.Context(), &adapterv1.ExecuteRequest{Operation: f.platform, Input: input,
		Call: &adapterv1.CallContext{Credential: &adapterv1.Credential{Fields: map[string]string{"token": platformToken}}}})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	if durable {
		if _, err := f.database.Exec(r.Context(), `INSERT INTO benchmark_floor (started_at, caller, operation, duration_us) VALUES ($1, $2, $3, $4)`,
			started, r.RemoteAddr, "slack.send_message", time.Since(started).Microseconds()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(answer.GetOutput()) // a client that went away
}
