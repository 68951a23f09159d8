package vault

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
)

// checkText is what every check value seals.
const checkText = "this key is the one that this database was sealed with"

// checkAAD binds a check value to its key's id and keeps it from passing for a
// wrapped data key.
func checkAAD(id string) []byte { return encodeParts("key-check", id) }

// register adds a key that this host holds to the database, with a check value
// sealed under it.
func (r *Rotation) register(ctx context.Context, id string, state KeyState) error {
	key := r.cfg.Keys.get(id)
	if key == nil {
		return fmt.Errorf("registering key %s: it is not on this host", id)
	}
	check, err := key.wrap(ctx, []byte(checkText), checkAAD(id))
	if err != nil {
		return fmt.Errorf("registering key %s: %w", id, err)
	}
	err = r.cfg.Store.AddKey(ctx, KeyRecord{
		ID: id, State: state, Origin: key.origin, Host: r.cfg.Host, CreatedAt: r.cfg.Now().UTC(), Check: check,
	})
	if err != nil {
		return fmt.Errorf("registering key %s: %w", id, err)
	}
	return nil
}

// prove says that this host's key is the one that was registered, by opening
// the check value. A key is asked once, so that a service is not asked on every
// refresh.
func (r *Rotation) prove(ctx context.Context, record KeyRecord) error {
	key := r.cfg.Keys.get(record.ID)
	if key == nil {
		delete(r.checked, record.ID)
		return &MissingKeyError{
			KeyID: record.ID, Primary: record.State == KeyPrimary,
			Location: r.cfg.Keys.Location(), Origin: record.Origin, Host: record.Host,
		}
	}
	if r.checked[record.ID] == key {
		return nil
	}
	text, err := key.unwrap(ctx, record.Check, checkAAD(record.ID))
	switch {
	case errors.Is(err, ErrKeyService):
		return fmt.Errorf("proving key %s: %w", record.ID, err)
	case err != nil || subtle.ConstantTimeCompare(text, []byte(checkText)) != 1:
		return &WrongKeyError{KeyID: record.ID, Location: key.origin}
	}
	r.checked[record.ID] = key
	return nil
}
