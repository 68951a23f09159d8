package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/tern/v2/migrate"

	"github.com/patchbay/patchbay/host/internal/audit"
	"github.com/patchbay/patchbay/host/internal/store/postgres"
	"github.com/patchbay/patchbay/host/internal/workflow"
)

//go:embed migrations/*.sql
var migrations embed.FS

const versionTable = "schema_version"

// Config is what a Store needs.
type Config struct {
	// URL of the database. Required.
	URL string
	// Host is the id of this process. Required.
	Host string
	// MaxConnections is 20 when 0.
	MaxConnections int32
}

// Store keeps everything. It is safe for concurrent use.
type Store struct {
	pool patient
	host string

	// The end of this host's audit chain. A batch holds the lock until it is committed.
	chainMu sync.Mutex
	chain   *audit.Chain
	head    audit.Head
	dirty   bool // the end may have moved: a commit failed without saying whether it happened
}

// Open connects, asserts that the server keeps what it acknowledges, and brings the schema up to date. A database of a newer version
// is refused and left alone.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	poolConfig, err := pgxpool.ParseConfig(cfg.URL)
	if err != nil {
		return nil, errors.New("the database URL is not valid: want postgres://user:password@host:port/database") // the cause quotes it
	}
	poolConfig.MaxConns = cfg.MaxConnections
	if poolConfig.MaxConns == 0 {
		poolConfig.MaxConns = 20
	}
	poolConfig.MinIdleConns = 2
	poolConfig.ConnConfig.RuntimeParams["application_name"] = "patchbay " + cfg.Host
	// A host that stands still in the middle of a transaction must not hold its locks against the others.
	poolConfig.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = "10s"
	pool, err := pgxpool.NewWithConfig(ctx, poolConfig)
	if err != nil {
		return nil, fmt.Errorf("connecting to the database: %w", err)
	}
	s := &Store{pool: patient{pool}, host: cfg.Host, dirty: true}
	if err := s.prepare(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return s, nil
}

func (s *Store) prepare(ctx context.Context) error {
	if err := s.pool.Ping(ctx); err != nil {
		return fmt.Errorf("connecting to the database: %w", err)
	}
	if err := postgres.AssertDurable(ctx, s.pool.Pool); err != nil {
		return err
	}
	return s.migrate(ctx)
}

// migrate brings the schema up to date under an advisory lock, so that hosts that start together do not trip over each other.
func (s *Store) migrate(ctx context.Context) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connecting to the database: %w", err)
	}
	defer conn.Release()
	m, err := migrate.NewMigrator(ctx, conn.Conn(), versionTable)
	if err != nil {
		return fmt.Errorf("reading the schema's version: %w", err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	if err := m.LoadMigrations(files); err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	have, err := m.GetCurrentVersion(ctx)
	if err != nil {
		return fmt.Errorf("reading the schema's version: %w", err)
	}
	if want := int32(len(m.Migrations)); have > want {
		return fmt.Errorf("the database has schema version %d and this patchbay knows %d: it was used by a newer patchbay; start that version or restore a backup", have, want)
	}
	if err := m.Migrate(ctx); err != nil {
		return fmt.Errorf("migrating the database: %w", err)
	}
	return nil
}

// SetChain gives the store the chain that its audit records belong to. It is called once, before anything is recorded.
func (s *Store) SetChain(c *audit.Chain) { s.chain = c }

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.pool.Ping(ctx) }

// Close closes all connections.
func (s *Store) Close() { s.pool.Close() }

// inTx runs f in a transaction.
func (s *Store) inTx(ctx context.Context, f func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, s.pool, f)
}

// violates says whether an error is PostgreSQL's refusal of a constraint, by its code of the standard's appendix A, such as 23505.
func violates(err error, code string) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == code
}

const uniqueViolation = "23505"

// Sweep removes what has outlived its time: claims, files, links, sessions and events. It is run now and then by any host.
func (s *Store) Sweep(ctx context.Context, now time.Time, claimLifetime time.Duration) error {
	batch := &pgx.Batch{}
	batch.Queue(`DELETE FROM claims WHERE created_at < $1`, now.Add(-claimLifetime))
	batch.Queue(`WITH gone AS (DELETE FROM files WHERE expires_at < $1 RETURNING id) DELETE FROM file_chunks WHERE file_id IN (SELECT id FROM gone)`, now)
	// Chunks of a file that was never finished; a call lasts at most minutes.
	batch.Queue(`DELETE FROM file_chunks c WHERE stored_at < $1 AND NOT EXISTS (SELECT 1 FROM files f WHERE f.id = c.file_id)`, now.Add(-2*time.Hour))
	batch.Queue(`DELETE FROM signin_links WHERE expires_at < $1`, now)
	batch.Queue(`DELETE FROM signin_flows WHERE expires_at < $1`, now)
	batch.Queue(`DELETE FROM sessions WHERE expires_at < $1`, now)
	batch.Queue(`DELETE FROM authorizations WHERE expires_at < $1`, now.Add(-24*time.Hour))
	batch.Queue(`DELETE FROM connect_sessions WHERE expires_at < $1`, now.Add(-24*time.Hour))
	batch.Queue(`DELETE FROM refreshes WHERE at < $1`, now.AddDate(0, 0, -30))
	batch.Queue(`DELETE FROM events WHERE created_at < now() - $1::interval`, eventsKept)
	batch.Queue(`DELETE FROM consent_codes WHERE expires_at < $1`, now.Add(-24*time.Hour))
	batch.Queue(`DELETE FROM holds WHERE until < clock_timestamp()`)
	batch.Queue(`DELETE FROM budget_grants WHERE ends_at < clock_timestamp()`)
	batch.Queue(`DELETE FROM runs WHERE finished_at < now() - $1::interval`, eventsKept)
	batch.Queue(`DELETE FROM hook_messages WHERE at < now() - $1::interval`, workflow.HookMemory)
	batch.Queue(`DELETE FROM hosts WHERE heartbeat_at < now() - interval '1 day'`)
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("sweeping the database: %w", err)
	}
	return nil
}
