package vault

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// RotationConfig is what a Rotation stands on. All fields but Log and Now are
// required.
type RotationConfig struct {
	Vault *Vault
	Keys  *Keys // the vault's
	Store Store
	// Host is this host's name in HostReport. It must be registered as live
	// before Start, so that no key is promoted without it.
	Host string
	// Log is optional; default slog.Default.
	Log *slog.Logger
	// Now is the clock, optional; default time.Now.
	Now func() time.Time
}

// Rotation keeps this host in step with the database on which key is primary,
// and changes that when the operator asks. Safe for concurrent use.
type Rotation struct {
	cfg RotationConfig

	mu      sync.Mutex           // one operation at a time
	checked map[string]*kek      // keys proved right, by id
	records map[string]KeyRecord // as last listed
}

// NewRotation makes a Rotation. It fails when a required field is missing.
func NewRotation(cfg RotationConfig) (*Rotation, error) {
	if cfg.Vault == nil || cfg.Keys == nil || cfg.Store == nil || cfg.Host == "" {
		return nil, errors.New("making a rotation: vault, keys, store and host are required")
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Rotation{cfg: cfg, checked: make(map[string]*kek)}, nil
}

// Start makes the vault ready to seal. On a database without keys it registers
// this host's first key as primary. Otherwise it proves that this host's keys
// are the database's: it fails with a WrongKeyError when one is not, with a
// MissingKeyError when the primary is not here, with a KeyServiceError when the
// primary's service cannot be asked. A secondary that is missing or whose
// service is down is logged: what it sealed does not open here.
func (r *Rotation) Start(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	first, err := FirstRun(ctx, r.cfg.Store)
	if err != nil {
		return fmt.Errorf("starting the vault: %w", err)
	}
	if first {
		if err := r.registerFirst(ctx); err != nil {
			return fmt.Errorf("starting the vault: %w", err)
		}
	}
	problems, err := r.sync(ctx)
	if err != nil {
		return fmt.Errorf("starting the vault: %w", err)
	}
	for _, p := range problems {
		if wrong := new(WrongKeyError); p.primary || errors.As(p.err, &wrong) {
			return fmt.Errorf("starting the vault: %w", p.err)
		}
		r.cfg.Log.WarnContext(ctx, "a key is not usable on this host", "key", p.id, "error", p.err)
	}
	return nil
}

// Refresh reads the key file and the database again: on a ticker, and on notice
// that a key changed. It promotes a pending key once every live host has it.
// The vault follows what could be learnt even when Refresh fails; the error
// says what the operator should mend, and may be shown as the host's health.
func (r *Rotation) Refresh(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refresh(ctx)
}

func (r *Rotation) refresh(ctx context.Context) error {
	fileErr := r.cfg.Keys.Reload(ctx)
	problems, err := r.sync(ctx)
	if err == nil {
		if pending, ok := r.pending(); ok && r.checked[pending.ID] != nil {
			_, err = r.promote(ctx, pending.ID)
		}
	}
	all := []error{fileErr, err}
	for _, p := range problems {
		all = append(all, p.err)
	}
	if err := errors.Join(all...); err != nil {
		return fmt.Errorf("refreshing keys: %w", err)
	}
	return nil
}

// registerFirst makes the first key of this host the database's primary. If
// another host was quicker, its key stands.
func (r *Rotation) registerFirst(ctx context.Context) error {
	ids := r.cfg.Keys.IDs()
	if len(ids) == 0 {
		return errors.New("registering the first key: this host holds none")
	}
	err := r.register(ctx, ids[0], KeyPrimary)
	if errors.Is(err, ErrKeyTaken) {
		return nil
	}
	return err
}

// Rotated is how far a rotation has come.
type Rotated struct {
	KeyID string
	State KeyState // primary when it is done, pending when hosts lack the key
	// Missing are the live hosts that lack the key. Once each has it, the next
	// Refresh of any host that holds it makes it primary.
	Missing []string
	// Origin is what to bring to them: the key file to copy (on host Host,
	// mode 0600), or the URI to add to PATCHBAY_KEY.
	Origin string
	Host   string
}

// Copied says that Origin is a file to copy, not a URI to configure.
func (r Rotated) Copied() bool { return !isKMS(r.Origin) }

// Rotate brings a new key into use. It goes on with a pending key if there is
// one; otherwise it takes a key that this host holds and the database does not
// know (a URI added to PATCHBAY_KEY), or else makes one in the key file. It may
// be repeated at any time, and after a crash at any point.
func (r *Rotation) Rotate(ctx context.Context) (Rotated, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.inStep(ctx); err != nil {
		return Rotated{}, fmt.Errorf("rotating: %w", err)
	}
	pending, ok := r.pending()
	if !ok {
		var err error
		if pending, err = r.registerNext(ctx); err != nil {
			return Rotated{}, fmt.Errorf("rotating: %w", err)
		}
	}
	missing, err := r.promote(ctx, pending.ID)
	if err != nil {
		return Rotated{}, fmt.Errorf("rotating: %w", err)
	}
	rotated := Rotated{KeyID: pending.ID, State: KeyPrimary, Origin: pending.Origin, Host: pending.Host}
	if len(missing) > 0 {
		rotated.State, rotated.Missing = KeyPending, missing
	}
	return rotated, nil
}

// inStep is the state from which to rotate: the key file whole, the database
// asked, the primary at hand. A secondary may be out of reach.
func (r *Rotation) inStep(ctx context.Context) error {
	if err := r.cfg.Keys.Reload(ctx); err != nil {
		return err
	}
	if _, err := r.sync(ctx); err != nil {
		return err
	}
	_, err := r.cfg.Vault.Primary()
	return err
}

// registerNext registers the key to rotate to as pending and returns its
// record; another's, if another host was quicker.
func (r *Rotation) registerNext(ctx context.Context) (KeyRecord, error) {
	id, err := r.next(ctx)
	if err != nil {
		return KeyRecord{}, err
	}
	if err := r.register(ctx, id, KeyPending); err != nil && !errors.Is(err, ErrKeyTaken) {
		return KeyRecord{}, err
	}
	if _, err := r.sync(ctx); err != nil {
		return KeyRecord{}, err
	}
	if pending, ok := r.pending(); ok {
		return pending, nil
	}
	if record, ok := r.records[id]; ok {
		return record, nil // another host promoted it already
	}
	return KeyRecord{}, errors.New("another host rotated at the same time: try again")
}

// next is a key that the database does not know: one that is here already, or
// a new one.
func (r *Rotation) next(ctx context.Context) (string, error) {
	for _, id := range slices.Backward(r.cfg.Keys.IDs()) {
		if _, known := r.records[id]; !known {
			return id, nil
		}
	}
	return r.cfg.Keys.Add(ctx)
}

// promote makes a pending key primary if every live host has it, and follows.
func (r *Rotation) promote(ctx context.Context, id string) ([]string, error) {
	missing, err := r.cfg.Store.PromoteKey(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("promoting key %s: %w", id, err)
	}
	if len(missing) > 0 {
		return missing, nil
	}
	_, err = r.sync(ctx)
	return nil, err
}

// pending is the key that waits for hosts.
func (r *Rotation) pending() (KeyRecord, bool) {
	for _, record := range r.records {
		if record.State == KeyPending {
			return record, true
		}
	}
	return KeyRecord{}, false
}

// KeyStatus is one key, as `patchbay key status` shows it.
type KeyStatus struct {
	ID        string
	State     KeyState
	Origin    string
	Host      string
	CreatedAt time.Time
	Rows      int64    // rows sealed with it
	Held      bool     // by this host, proved
	Missing   []string // live hosts that lack it, unless it is retired
}

// Status is the state of all keys, oldest first.
func (r *Rotation) Status(ctx context.Context) ([]KeyStatus, error) {
	records, err := r.cfg.Store.ListKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing keys: %w", err)
	}
	rows, err := r.cfg.Store.CountRows(ctx)
	if err != nil {
		return nil, fmt.Errorf("counting sealed rows: %w", err)
	}
	hosts, err := r.cfg.Store.LiveHosts(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing hosts: %w", err)
	}
	status := make([]KeyStatus, len(records))
	for i, k := range records {
		status[i] = KeyStatus{ID: k.ID, State: k.State, Origin: k.Origin, Host: k.Host, CreatedAt: k.CreatedAt, Rows: rows[k.ID]}
		for _, h := range hosts {
			held := slices.Contains(h.Held, k.ID)
			if h.Host == r.cfg.Host {
				status[i].Held = held
			}
			if !held && k.State != KeyRetired {
				status[i].Missing = append(status[i].Missing, h.Host)
			}
		}
	}
	return status, nil
}

// Retire takes a key out of use. It fails with a KeyInUseError while anything
// hangs on the key. Retiring a pending key gives its rotation up. The key stays
// in the key file: backups of the database may need it.
func (r *Rotation) Retire(ctx context.Context, id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.sync(ctx); err != nil {
		return fmt.Errorf("retiring key %s: %w", id, err)
	}
	record, known := r.records[id]
	if !known {
		return fmt.Errorf("retiring key %s: there is no such key; known are %s", id, strings.Join(r.known(), ", "))
	}
	if record.State == KeyRetired {
		return nil
	}
	hanging, err := r.cfg.Store.RetireKey(ctx, id)
	if err != nil {
		return fmt.Errorf("retiring key %s: %w", id, err)
	}
	if !hanging.none() {
		return &KeyInUseError{KeyID: id, Hanging: hanging}
	}
	_, err = r.sync(ctx)
	return err
}

func (r *Rotation) known() []string {
	var ids []string
	for id := range r.records {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
