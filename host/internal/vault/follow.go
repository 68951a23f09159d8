package vault

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// problem is a key that the database counts on and this host cannot use.
type problem struct {
	id      string
	primary bool
	err     error
}

// sync reports this host's keys and takes over the primary. It reads the
// records again after reporting: a promotion that did not see the report is
// then seen here, and the report is made anew.
func (r *Rotation) sync(ctx context.Context) ([]problem, error) {
	records, err := r.cfg.Store.ListKeys(ctx)
	for err == nil {
		problems := r.adopt(ctx, records)
		if err := r.report(ctx); err != nil {
			return problems, err
		}
		before := records
		records, err = r.cfg.Store.ListKeys(ctx)
		if err == nil && slices.EqualFunc(before, records, sameKey) {
			return problems, nil
		}
	}
	return nil, fmt.Errorf("listing keys: %w", err)
}

func sameKey(a, b KeyRecord) bool { return a.ID == b.ID && a.State == b.State }

// adopt takes over what the database says: it proves the keys held and tells
// the vault which one seals, or why none does.
func (r *Rotation) adopt(ctx context.Context, records []KeyRecord) []problem {
	r.records = make(map[string]KeyRecord, len(records))
	var problems []problem
	if !slices.ContainsFunc(records, func(k KeyRecord) bool { return k.State == KeyPrimary }) {
		r.follow(ctx, "", ErrNotStarted)
	}
	for _, record := range records {
		r.records[record.ID] = record
		if record.State == KeyRetired {
			r.cfg.Keys.forget(record.ID)
			continue
		}
		err := r.prove(ctx, record)
		primary := record.State == KeyPrimary
		if primary {
			r.follow(ctx, record.ID, err)
		}
		waiting := record.State == KeyPending && errors.Is(err, ErrNoKey)
		if err != nil && !waiting {
			problems = append(problems, problem{id: record.ID, primary: primary, err: err})
		}
	}
	return append(problems, r.lost()...)
}

// follow makes the vault seal with the primary, or refuse to.
func (r *Rotation) follow(ctx context.Context, id string, err error) {
	if before, _ := r.cfg.Vault.Primary(); err == nil && before != id {
		r.cfg.Log.InfoContext(ctx, "sealing with key", "key", id)
	}
	if err != nil {
		r.cfg.Vault.setPrimary("", err)
		return
	}
	r.cfg.Vault.setPrimary(id, nil)
}

// lost are the keys that this host still has in memory and whose loss from the
// key file the next restart would show.
func (r *Rotation) lost() []problem {
	var problems []problem
	for _, id := range r.cfg.Keys.lost() {
		if _, known := r.records[id]; !known {
			r.cfg.Keys.forget(id)
			continue
		}
		problems = append(problems, problem{id: id, err: fmt.Errorf(
			"key %s is in use and no longer in %s: this host holds it in memory only; put it back before a restart",
			id, r.cfg.Keys.File())})
	}
	return problems
}

// report tells the other hosts which keys are here.
func (r *Rotation) report(ctx context.Context) error {
	report := HostReport{Host: r.cfg.Host}
	for _, id := range r.cfg.Keys.IDs() {
		if record, ok := r.records[id]; ok && record.State != KeyRetired && r.checked[id] != nil {
			report.Held = append(report.Held, id)
		}
	}
	report.Sealing, _ = r.cfg.Vault.Primary() // empty when it cannot seal
	if err := r.cfg.Store.ReportKeys(ctx, report); err != nil {
		return fmt.Errorf("reporting keys: %w", err)
	}
	return nil
}

// catchUp takes over the database's primary without reading the key file.
func (r *Rotation) catchUp(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err := r.sync(ctx)
	return err
}
