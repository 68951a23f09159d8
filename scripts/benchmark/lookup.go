package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// real is how many integrations of a host are made over REST. The others are copies of their rows under new ids: they can be looked
// up, and no credential in them opens, because it is sealed to its own row.
const (
	real       = 10
	copyAtOnce = 100_000
	sampled    = 20_000 // ids that are looked up
)

// lookup is what a host with so many integrations needs, p50 at one caller.
type lookup struct {
	size int
	// call is the measured call; fresh the same with an integration that was just changed, whose record is read from the database.
	call, fresh time.Duration
	// read is GET /v1/integrations/{id} of any one.
	read time.Duration
}

// stocked is a host with many integrations.
type stocked struct {
	*patchbay
	size      int
	callable  []string // of them, those with a credential
	ids       []string
	next      int
	call, get *target
}

// lookups starts a host for each size, and lets them take turns.
func (b *bench) lookups(ctx context.Context) (out []lookup, err error) {
	var hosts []*stocked
	defer func() {
		for _, h := range hosts {
			err = errors.Join(err, h.stop())
		}
	}()
	for _, size := range b.o.sizes {
		say("filling a host with %d integrations", size)
		h, err := b.stock(ctx, size)
		if err != nil {
			return nil, err
		}
		hosts = append(hosts, h)
	}
	say("looking up in turn")
	kinds := []func(*stocked) sender{
		func(h *stocked) sender { return h.call.send },
		func(h *stocked) sender { return h.fresh },
		func(h *stocked) sender { return h.read },
	}
	times := make([][3][]time.Duration, len(hosts))
	for round := range b.o.rounds + 1 {
		for kind, of := range kinds {
			for i := range hosts {
				n := (round + i) % len(hosts)
				s, err := slice(ctx, 1, b.o.slice, of(hosts[n]))
				if err != nil {
					return nil, fmt.Errorf("looking up among %d: %w", hosts[n].size, err)
				}
				if round > 0 {
					times[n][kind] = append(times[n][kind], s.p50)
				}
			}
		}
	}
	for i, h := range hosts {
		out = append(out, lookup{size: h.size, call: median(times[i][0]), fresh: median(times[i][1]), read: median(times[i][2])})
	}
	return out, nil
}

// stock starts a host and gives it integrations.
func (b *bench) stock(ctx context.Context, size int) (*stocked, error) {
	p, err := b.serving(ctx, fmt.Sprintf("stock-%d", size))
	if err != nil {
		return nil, err
	}
	h := &stocked{patchbay: p, size: size}
	if err := h.fill(ctx, b.url); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return h, nil
}

func (h *stocked) fill(ctx context.Context, platform string) error {
	if err := h.setUp(ctx, platform); err != nil {
		return err
	}
	h.callable = []string{h.integration}
	for i := 1; i < real; i++ {
		id, err := h.connect(ctx, fmt.Sprintf("account %d", i), false)
		if err != nil {
			return err
		}
		h.callable = append(h.callable, id)
	}
	address, err := h.databaseURL()
	if err != nil {
		return err
	}
	db, err := pgx.Connect(ctx, address)
	if err != nil {
		return fmt.Errorf("connecting to the database: %w", err)
	}
	defer func() { _ = db.Close(context.WithoutCancel(ctx)) }() // nothing is under way
	if err := multiply(ctx, db, h.size); err != nil {
		return fmt.Errorf("copying rows: %w", err)
	}
	rows, err := db.Query(ctx, `SELECT id FROM integrations ORDER BY random() LIMIT $1`, sampled)
	if err != nil {
		return fmt.Errorf("reading ids: %w", err)
	}
	if h.ids, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return fmt.Errorf("reading ids: %w", err)
	}
	if h.call, err = h.target(); err != nil {
		return err
	}
	h.get = &target{method: "GET", header: http.Header{"Authorization": {"Bearer " + h.token}}, client: newClient()}
	return nil
}

// multiply copies rows under random ids until there are as many as wanted, and tidies up as the server would in time.
func multiply(ctx context.Context, db *pgx.Conn, size int) error {
	rows, err := db.Query(ctx, `SELECT column_name FROM information_schema.columns WHERE table_name = 'integrations' AND is_generated = 'NEVER' AND column_name <> 'id'`)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	columns := strings.Join(names, ", ")
	// An id is the prefix and 26 characters of 5 bits; hexadecimal ones are among them.
	insert := `INSERT INTO integrations (id, ` + columns + `) SELECT 'int_' || substr(md5(random()::text), 1, 26), ` + columns + `
		FROM (SELECT * FROM integrations ORDER BY created_at LIMIT 1) one, generate_series(1, $1)`
	for have := real; have < size; {
		n := min(size-have, copyAtOnce)
		if _, err := db.Exec(ctx, insert, n); err != nil {
			return err
		}
		have += n
	}
	_, err = db.Exec(ctx, `VACUUM (ANALYZE) integrations`)
	return err
}

// fresh changes an integration, so that the host forgets its copy, and answers how long the next call took.
func (h *stocked) fresh(ctx context.Context) (time.Duration, error) {
	h.next++
	id := h.callable[h.next%len(h.callable)]
	if err := h.do(ctx, "PATCH", "/v1/integrations/"+id, map[string]string{"label": fmt.Sprintf("account %d", h.next)}, nil); err != nil {
		return 0, err
	}
	began := time.Now()
	err := h.do(ctx, "POST", "/v1/calls", callBody(id), nil)
	return time.Since(began), err
}

// read looks any integration up.
func (h *stocked) read(ctx context.Context) (time.Duration, error) {
	one := *h.get
	one.url = h.url + "/v1/integrations/" + h.ids[rand.IntN(len(h.ids))]
	return one.send(ctx)
}
