package store

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// patience is how long a statement waits for a database that cannot be reached, within its context.
	patience = 10 * time.Second
	// pause is the time between two attempts.
	pause = 50 * time.Millisecond
)

// patient is a pool whose statements wait while the database restarts instead of failing. A statement is sent again only where that
// cannot do anything twice: it never left, or it is a SELECT.
type patient struct{ *pgxpool.Pool }

// Begin begins a transaction.
func (p patient) Begin(ctx context.Context) (tx pgx.Tx, err error) {
	err = persist(ctx, true, func() error { tx, err = p.Pool.Begin(ctx); return err })
	return tx, err
}

// Exec runs a statement that answers no rows.
func (p patient) Exec(ctx context.Context, sql string, args ...any) (tag pgconn.CommandTag, err error) {
	err = persist(ctx, false, func() error { tag, err = p.Pool.Exec(ctx, sql, args...); return err })
	return tag, err
}

// Query runs a statement that answers rows. What fails while they are read is the caller's.
func (p patient) Query(ctx context.Context, sql string, args ...any) (rows pgx.Rows, err error) {
	err = persist(ctx, repeatable(sql), func() error { rows, err = p.Pool.Query(ctx, sql, args...); return err })
	return rows, err
}

// QueryRow runs a statement that answers one row, when the row is scanned.
func (p patient) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return patientRow{pool: p.Pool, ctx: ctx, sql: sql, args: args}
}

type patientRow struct {
	pool *pgxpool.Pool
	ctx  context.Context // of the statement, which runs in Scan
	sql  string
	args []any
}

// Scan runs the statement and reads its row.
func (r patientRow) Scan(dest ...any) error {
	return persist(r.ctx, repeatable(r.sql), func() error { return r.pool.QueryRow(r.ctx, r.sql, r.args...).Scan(dest...) })
}

func repeatable(sql string) bool { return strings.HasPrefix(sql, "SELECT") }

// persist runs a statement until it is answered, by a refusal too, or patience is over.
func persist(ctx context.Context, repeatable bool, run func() error) error {
	err := run()
	if !worthWaiting(err, repeatable) {
		return err
	}
	over := time.NewTimer(patience)
	defer over.Stop()
	for worthWaiting(err, repeatable) {
		select {
		case <-ctx.Done():
			return err
		case <-over.C:
			return err
		case <-time.After(pause):
		}
		err = run()
	}
	return err
}

// worthWaiting says whether a statement that failed may be sent again, and whether that may help.
func worthWaiting(err error, repeatable bool) bool {
	if err == nil || errors.Is(err, pgx.ErrNoRows) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var unconnected *pgconn.ConnectError
	if errors.As(err, &unconnected) || pgconn.SafeToRetry(err) {
		return unreachable(err)
	}
	return repeatable && broken(err)
}

// broken says whether the connection broke under a statement, so that its answer is not known: the server ended it (class 57, such as
// admin_shutdown and crash_shutdown of PostgreSQL's appendix A), or the socket did.
func broken(err error) bool {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return strings.HasPrefix(refused.Code, "57P")
	}
	var socket *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &socket)
}
