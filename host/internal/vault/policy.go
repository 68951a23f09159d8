package vault

import (
	"context"
	"fmt"
	"time"
)

// Reason is why plaintext is wanted; it decides who may have it.
type Reason int

// The reasons.
const (
	// ForCall: a call, a refresh or test of a user's own integration, or the
	// signing of a delivery to the user's webhook, on that user's behalf. The actor must be the owner. The caller records it
	// with the call. It never yields a secret of the host.
	ForCall Reason = iota + 1
	// ForHost: the host's own keys, settings and certificate authority, used by
	// the host itself. It never yields a secret of a user.
	ForHost
	// ForAdministration: an operator, anything. The audit record is committed
	// before the plaintext is read.
	ForAdministration
)

// String names the reason as audit records do.
func (r Reason) String() string {
	switch r {
	case ForCall:
		return "call"
	case ForHost:
		return "host"
	case ForAdministration:
		return "administration"
	}
	return "no reason"
}

// Access is who asks the vault for plaintext, and why.
type Access struct {
	// Actor is the user who asks: required but for ForHost.
	Actor string
	// Owner is the user whose secret it is, as the row says: required for
	// ForCall.
	Owner  string
	Reason Reason
}

// Read is an administrative read of plaintext, for the audit log.
type Read struct {
	Actor   string
	Owner   string
	Purpose string // AAD.Purpose
	Subject string // AAD.String: ids, no plaintext
	At      time.Time
}

// Auditor commits audit records.
type Auditor interface {
	// RecordRead returns nil once the record is durable. On an error the vault
	// yields no plaintext.
	RecordRead(ctx context.Context, r Read) error
}

// admit is the door: it decides on an access to what aad binds, and records it
// first where a record is due. Refusals are RefusedErrors.
func (v *Vault) admit(ctx context.Context, a Access, aad AAD) error {
	if !aad.valid() {
		return ErrUnbound
	}
	if why := refusal(a, aad); why != "" {
		return &RefusedError{Reason: a.Reason, Subject: aad.String(), Why: why}
	}
	if a.Reason != ForAdministration {
		return nil
	}
	return v.record(ctx, a, aad)
}

// refusal is why an access is refused, or nothing.
func refusal(a Access, aad AAD) string {
	switch a.Reason {
	case ForCall:
		return refusalForCall(a, aad)
	case ForHost:
		if aad.purpose.scope != ofHost {
			return "it is not the host's own"
		}
	case ForAdministration:
		if a.Actor == "" {
			return "nobody is named"
		}
	default:
		return "no reason is given"
	}
	return ""
}

func refusalForCall(a Access, aad AAD) string {
	switch {
	case aad.purpose.scope == ofHost:
		return "it is the host's own"
	case a.Actor == "":
		return "nobody is named"
	case a.Actor != a.Owner:
		return "the actor is not the owner"
	case aad.purpose.scope == ofUser && aad.owner != a.Owner:
		return "it belongs to another user"
	}
	return ""
}

// record commits the audit record of an administrative read.
func (v *Vault) record(ctx context.Context, a Access, aad AAD) error {
	if v.cfg.Auditor == nil {
		return &RefusedError{Reason: a.Reason, Subject: aad.String(), Why: "there is no audit log to record it in"}
	}
	owner := a.Owner
	if aad.owner != "" {
		owner = aad.owner
	}
	err := v.cfg.Auditor.RecordRead(ctx, Read{
		Actor: a.Actor, Owner: owner, Purpose: aad.Purpose(), Subject: aad.String(), At: v.cfg.Now(),
	})
	if err != nil {
		refused := &RefusedError{Reason: a.Reason, Subject: aad.String(), Why: "it could not be recorded first"}
		return fmt.Errorf("%w: recording the read: %w", refused, err)
	}
	return nil
}
