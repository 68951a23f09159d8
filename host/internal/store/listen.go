package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Listen tells of integrations that were changed on any host, until ctx is done. It has a connection of its own; when that breaks, changed
// is called with "" once there is another, for notices may have been missed.
func (s *Store) Listen(ctx context.Context, changed func(integration string)) {
	for ctx.Err() == nil {
		_ = s.listen(ctx, changed) // the next attempt says whether it has passed; whoever waits polls meanwhile
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func (s *Store) listen(ctx context.Context, changed func(string)) error {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return fmt.Errorf("connecting to listen: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // nothing of it is worth an error
	if _, err := conn.Exec(ctx, `LISTEN `+changedChannel); err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	changed("")
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		changed(n.Payload)
	}
}
