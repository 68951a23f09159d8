package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Querier runs one query: a *pgxpool.Pool, a *pgx.Conn or a transaction.
type Querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// AssertDurable checks that the server keeps what it acknowledges: fsync and full_page_writes are on, and
// synchronous_commit is on or remote_*, as this session sees them (a setting of the role or the database counts). If
// not, the error is ErrNotDurable and names each setting and how to set it. It is for the private server and for an operator's own alike.
func AssertDurable(ctx context.Context, db Querier) error {
	var fsync, fullPageWrites, synchronousCommit string
	err := db.QueryRow(ctx, "SELECT current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit')").
		Scan(&fsync, &fullPageWrites, &synchronousCommit)
	if err != nil {
		return fmt.Errorf("reading whether the database keeps what it acknowledges: %w", err)
	}
	var wrong []string
	for _, setting := range []struct {
		name, value string
		safe        []string
	}{
		{"fsync", fsync, []string{"on"}},
		{"full_page_writes", fullPageWrites, []string{"on"}},
		{"synchronous_commit", synchronousCommit, []string{"on", "remote_write", "remote_apply"}},
	} {
		if !slices.Contains(setting.safe, setting.value) {
			wrong = append(wrong, fmt.Sprintf("%s is %s", setting.name, setting.value))
		}
	}
	if wrong == nil {
		return nil
	}
	return fmt.Errorf("%w: %s; set it on in the server "+
		"(ALTER SYSTEM SET ... = on, then SELECT pg_reload_conf()) and reset it on the role and the database",
		ErrNotDurable, strings.Join(wrong, ", "))
}
