package release

import (
	"encoding/hex"
	"errors"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/semver"
)

// MaxBinaryBytes bounds an adapter's binary.
const MaxBinaryBytes = 256 << 20

// Trust says why a release may run.
type Trust string

// Levels of trust.
const (
	BuiltIn  Trust = "built-in"
	Signed   Trust = "signed"
	Unsigned Trust = "unsigned"
)

// Release is one version of an adapter for one operating system and architecture.
type Release struct {
	Adapter, Version string
	OS, Arch         string
	Digest           [32]byte
	Size             int64
	Trust            Trust
	// Publisher is the name of the key that signed it, or "".
	Publisher string
	Grants    Grants
	// Manifest and Signature are those of the pack, as they came; nil without one.
	Manifest, Signature []byte
	CreatedAt           time.Time
	CreatedBy           string
	// FailedAt is when a host gave it up, and FailedReason why; zero and "" where none did since it was last activated.
	FailedAt     time.Time
	FailedReason string
}

// ErrNotFound is the error for a release, an adapter or a key that is not there.
var ErrNotFound = errors.New("there is no such release")

// ErrExists is the error for a release whose version is taken by another binary.
var ErrExists = errors.New("this version is installed with another binary")

// ErrChanged is the error for a change of a desired state that is not the one any more that it was made for.
var ErrChanged = errors.New("the adapter's desired state was changed meanwhile")

// DigestText is the digest as it is shown.
func (r Release) DigestText() string { return "sha256:" + hex.EncodeToString(r.Digest[:]) }

// Here says whether the release is for this machine.
func (r Release) Here() bool { return r.OS == runtime.GOOS && r.Arch == runtime.GOARCH }

// Desired is what every host is to run of an adapter.
type Desired struct {
	Adapter, Version string
	// Previous is the version to fall back to, or "".
	Previous string
	// Canary is a version that gets Share of the calls, above 0 and below 1; or "".
	Canary string
	Share  float64
	// Pinned keeps a newer built-in release from taking over when a host starts with one.
	Pinned bool
	// Disabled takes the adapter out of service.
	Disabled bool
	// Forced cuts the calls of the release before instead of letting them end.
	Forced bool
	// Revision counts the changes.
	Revision  int64
	ChangedAt time.Time
	ChangedBy string
}

// Event is something that happened to an adapter.
type Event struct {
	ID, Adapter, Version string
	// Kind is installed, replaced, activated, canary, promoted, swapped, rolled_back, canary_dropped, failed, not_followed, disabled,
	// enabled, pinned or unpinned.
	Kind string
	// Host is where it happened; the host that was asked, for an operator's change.
	Host string
	// Actor is who did it: a user's id, or "host".
	Actor  string
	Detail string
	At     time.Time
}

// validVersion says whether a version is a semantic one, as 1.2.0 is.
func validVersion(v string) bool {
	return len(v) <= 64 && semver.IsValid("v"+v) && strings.Count(v, ".") >= 2
}

// newer says whether a built-in release takes the place of the one that is followed: one of a later version does, and where versions
// cannot be compared, any other.
func newer(than, v string) bool {
	if !validVersion(than) || !validVersion(v) {
		return than != v
	}
	return semver.Compare("v"+v, "v"+than) > 0
}

// Grants are what a release may have beyond its own folder and its platforms' hosts.
type Grants []string

// Names of grants. A grant of a runtime path is GrantRuntime and the path after it.
const (
	GrantContainers = "containers"
	GrantEgress     = "egress:*"
	GrantRuntime    = "runtime:"
)

// Check says what is wrong with grants, or nil.
func (g Grants) Check() error {
	for _, grant := range g {
		path, runtimePath := strings.CutPrefix(grant, GrantRuntime)
		switch {
		case grant == GrantContainers, grant == GrantEgress:
		case runtimePath && strings.HasPrefix(path, "/") && path != "/" && !strings.ContainsRune(path, 0):
		default:
			return errors.New("the grant " + clip(grant) + " is not one of containers, egress:* and runtime:/PATH")
		}
	}
	return nil
}

// Has says whether a grant is given.
func (g Grants) Has(grant string) bool { return slices.Contains(g, grant) }

// Runtime answers the granted read-only paths.
func (g Grants) Runtime() []string {
	var out []string
	for _, grant := range g {
		if path, ok := strings.CutPrefix(grant, GrantRuntime); ok {
			out = append(out, path)
		}
	}
	return out
}

// clip shortens what a caller sent before it stands in a message.
func clip(s string) string {
	if len(s) > 64 {
		s = s[:64] + "…"
	}
	return "\"" + strings.ToValidUTF8(s, "") + "\""
}
