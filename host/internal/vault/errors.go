package vault

import (
	"errors"
	"fmt"
	"strings"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrDamaged is returned for stored bytes that do not open: cut short,
	// altered, moved from another row, or sealed under a different key of the
	// same id. The cases cannot be told apart, by design of the cipher.
	ErrDamaged = errors.New("sealed bytes do not open")
	// ErrRefused is matched by every RefusedError.
	ErrRefused = errors.New("access to plaintext refused")
	// ErrUnbound is returned when an AAD is zero: a field was empty.
	ErrUnbound = errors.New("associated data is incomplete")
	// ErrEmpty is returned for sealing a Secret that holds nothing.
	ErrEmpty = errors.New("there is nothing to seal")
	// ErrNotStarted is returned for sealing before Rotation.Start has learnt
	// which key is primary.
	ErrNotStarted = errors.New("the primary key is not known yet")
	// ErrNoKey is matched by every MissingKeyError.
	ErrNoKey = errors.New("a key is missing on this host")
	// ErrKeyService is matched by every KeyServiceError.
	ErrKeyService = errors.New("the key management service failed")
)

// damaged is ErrDamaged with a detail that holds no stored byte.
func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrDamaged}, args...)...)
}

// RefusedError says why the policy refused an access.
type RefusedError struct {
	Reason  Reason
	Subject string // what was asked for, by ids
	Why     string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("opening %s for %s: %s", e.Subject, e.Reason, e.Why)
}

// Is matches ErrRefused.
func (e *RefusedError) Is(target error) bool { return target == ErrRefused }

// KeyFileError is a key file that cannot be used, with what to do about it.
type KeyFileError struct {
	Path    string
	Problem string
	Advice  string
	Err     error // the cause, if one lies beneath
}

func (e *KeyFileError) Error() string {
	s := fmt.Sprintf("key file %s: %s", e.Path, e.Problem)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s + "; " + e.Advice
}

func (e *KeyFileError) Unwrap() error { return e.Err }

// MissingKeyError is a key that the database relies on and this host does not
// hold.
type MissingKeyError struct {
	KeyID    string
	Primary  bool
	Location string // where this host looks for keys
	Origin   string // the file or URI the key was registered from, if known
	Host     string // the host that registered it, if known
}

func (e *MissingKeyError) Error() string {
	what := "rows are sealed with"
	if e.Primary {
		what = "the database's primary key is"
	}
	return fmt.Sprintf("%s key %s, which is not in %s; %s", what, e.KeyID, e.Location, e.advice())
}

func (e *MissingKeyError) advice() string {
	switch {
	case isKMS(e.Origin):
		return fmt.Sprintf("add %s to PATCHBAY_KEY and restart", e.Origin)
	case e.Origin == "":
		return "put back the key file that holds it (mode 0600), from another host or from a backup"
	}
	return fmt.Sprintf("it was made on host %s in %s: copy that file here with mode 0600, or restore it from a backup", e.Host, e.Origin)
}

// Is matches ErrNoKey.
func (e *MissingKeyError) Is(target error) bool { return target == ErrNoKey }

// WrongKeyError is a key whose id the database knows but whose material is not
// the one that sealed the database.
type WrongKeyError struct {
	KeyID    string
	Location string
}

func (e *WrongKeyError) Error() string {
	return fmt.Sprintf("wrong key file: key %s in %s is not the key of that id that this database was sealed with; "+
		"put back the database's own key file, from another host or from a backup", e.KeyID, e.Location)
}

// KeyServiceError is a failure of a key management service. It may pass.
type KeyServiceError struct {
	URI string
	Op  string // "wrapping" or "unwrapping"
	Err error
}

func (e *KeyServiceError) Error() string {
	return fmt.Sprintf("%s a data key with %s: %v", e.Op, e.URI, e.Err)
}

func (e *KeyServiceError) Unwrap() error { return e.Err }

// Is matches ErrKeyService.
func (e *KeyServiceError) Is(target error) bool { return target == ErrKeyService }

// KeyInUseError says why a key cannot be retired yet.
type KeyInUseError struct {
	KeyID string
	Hanging
}

func (e *KeyInUseError) Error() string {
	var why []string
	if e.Primary {
		why = append(why, "it is the primary key: run `patchbay key rotate` first")
	}
	if e.Rows > 0 {
		why = append(why, fmt.Sprintf("%d rows are still sealed with it: wait for the rewrap, `patchbay key status` shows it", e.Rows))
	}
	if len(e.Hosts) > 0 {
		why = append(why, "these hosts may still seal with it: "+strings.Join(e.Hosts, ", "))
	}
	return fmt.Sprintf("key %s cannot be retired: %s", e.KeyID, strings.Join(why, "; "))
}
