package integration

import (
	"time"

	"github.com/patchbay/patchbay/host/internal/vault"
)

// Status is derived from what happened to an integration, and stored so that lists can filter by it.
type Status string

// Statuses, the strongest first.
const (
	Deleted  Status = "deleted"  // soft: it can be restored
	Inactive Status = "inactive" // deactivated by its user
	Expired  Status = "expired"  // its credential was refused: it needs a new one
	Active   Status = "active"
)

// Types of the events that tell of an integration's health.
const (
	EventExpired   = "integration.expired"
	EventRecovered = "integration.recovered"
)

// Integration is a user's connection to a platform. It holds the credential only in its sealed form.
type Integration struct {
	ID         string
	User       string
	Platform   string
	Label      string
	AuthMethod string

	// Enabled is false once its user deactivated it.
	Enabled bool
	// ExpiredAt and ExpiredReason say when and why its credential was refused.
	ExpiredAt     *time.Time
	ExpiredReason string
	DeletedAt     *time.Time

	AccountID, AccountName string
	// Scopes that were granted; none where the platform does not say.
	Scopes []string
	// Public are the fields of the credential that are no secret, such as a host name.
	Public map[string]string

	// Version of the credential; each replacement raises it.
	Version int64
	Sealed  vault.Sealed

	CredentialExpiresAt *time.Time
	CredentialSetAt     time.Time
	CreatedAt           time.Time
	// Grant is how an OAuth grant was given (oauth.AuthorizationCode and so on); empty for other methods. Refreshable is true where it
	// can be refreshed, and RefreshAt is when the host does so by itself.
	Grant       string
	Refreshable bool
	RefreshAt   *time.Time
	// LastUsedAt is read from the record of calls.
	LastUsedAt *time.Time
}

// Status derives the status.
func (i *Integration) Status() Status {
	switch {
	case i.DeletedAt != nil:
		return Deleted
	case !i.Enabled:
		return Inactive
	case i.ExpiredAt != nil:
		return Expired
	}
	return Active
}
