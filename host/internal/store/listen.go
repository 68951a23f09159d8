package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Listen hands on what is told on channels, until ctx is done. It has a connection of its own; when that breaks, each channel's function
// is called with "" once there is another, for notices may have been missed.
func (s *Store) Listen(ctx context.Context, channels map[string]func(payload string)) {
	for ctx.Err() == nil {
		_ = s.listen(ctx, channels) // the next attempt says whether it has passed; whoever waits polls meanwhile
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func (s *Store) listen(ctx context.Context, channels map[string]func(string)) error {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return fmt.Errorf("connecting to listen: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // nothing of it is worth an error
	for channel := range channels {
		if _, err := conn.Exec(ctx, `LISTEN `+pgx.Identifier{channel}.Sanitize()); err != nil {
			return fmt.Errorf("listening: %w", err)
		}
	}
	for _, told := range channels {
		told("")
	}
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		channels[n.Channel](n.Payload)
	}
}
