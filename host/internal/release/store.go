package release

import (
	"context"
	"io"
	"time"
)

// Store keeps releases and what is desired. Every change of a desired state is one transaction with its event.
type Store interface {
	// Releases answers the releases of an adapter, or of all where it is "", the newest first, without manifests and signatures.
	Releases(ctx context.Context, adapter string) ([]Release, error)
	// PutRelease stores a release. An installed one whose version is there fails with ErrExists, unless it is the same binary, which may
	// be signed now and get other grants. A
	// built-in one takes the place of a built-in one of the same version; the states that name it get another revision then, and
	// replaced is true.
	PutRelease(ctx context.Context, r Release) (replaced bool, err error)
	// Fail marks a release as given up; Absolve takes the mark away.
	Fail(ctx context.Context, r Release, reason string) error
	Absolve(ctx context.Context, adapter, version string) error
	// DropReleases removes what no state names and no folder offers: built-in releases older than the time, and binaries without a
	// release.
	DropReleases(ctx context.Context, before time.Time) error

	// Desired answers all desired states.
	Desired(ctx context.Context) ([]Desired, error)
	// PutDesired stores a state whose revision is one above the stored one (1: there is none), with the events that say why, or fails
	// with ErrChanged.
	PutDesired(ctx context.Context, d Desired, events ...Event) error
	AddEvent(ctx context.Context, e Event) error
	// Events answers what happened to an adapter, or to all where it is "", the newest first, before the event of an id.
	Events(ctx context.Context, adapter, before string, limit int) ([]Event, error)
}

// Binaries keeps the binaries by their digest.
type Binaries interface {
	HasBinary(ctx context.Context, digest [32]byte) (bool, error)
	PutBinary(ctx context.Context, digest [32]byte, content io.Reader) error
	// CopyBinary writes a binary, or fails with ErrNotFound.
	CopyBinary(ctx context.Context, digest [32]byte, to io.Writer) error
}

// Keys keeps the publishers' keys.
type Keys interface {
	Keys(ctx context.Context) ([]Key, error)
	// AddKey fails with ErrExists where the id or the name is taken.
	AddKey(ctx context.Context, k Key) error
	// RemoveKey fails with ErrNotFound.
	RemoveKey(ctx context.Context, name string) error
}

// Uses says what a change of an adapter would break.
type Uses interface {
	// AuthMethods answers the ways by which integrations that are not deleted are connected to a platform.
	AuthMethods(ctx context.Context, platform string) ([]string, error)
	// Called says whether an integration of the platform that is not deleted ever ran the operation.
	Called(ctx context.Context, platform, operation string) (bool, error)
}

// Key is a publisher's public key.
type Key struct {
	// ID is minisign's, in hexadecimal; Name is the operator's word for the publisher.
	ID, Name string
	// PublicKey is the key in minisign's form, one line.
	PublicKey string
	CreatedAt time.Time
	CreatedBy string
}
