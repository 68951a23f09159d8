package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/patchbay/patchbay/host/internal/identity"
	"github.com/patchbay/patchbay/host/internal/vault"
)

type keyView struct {
	ID           string    `json:"id"`
	State        string    `json:"state" enum:"pending,primary,secondary,retired"`
	Origin       string    `json:"origin" doc:"File or URI"`
	Host         string    `json:"host" doc:"That registered it"`
	CreatedAt    time.Time `json:"created_at"`
	Rows         int64     `json:"rows" doc:"How many sealed rows hang on it"`
	HostsMissing []string  `json:"hosts_missing" doc:"Live hosts that lack it"`
}

type rotated struct {
	ID           string   `json:"id"`
	State        string   `json:"state" enum:"primary,pending"`
	HostsMissing []string `json:"hosts_missing"`
	Origin       string   `json:"origin"`
	Host         string   `json:"host"`
	Next         string   `json:"next" doc:"What to do next, in words"`
}

func (a *API) keys() {
	add(a, route{method: "GET", path: "/v1/keys", id: "list-keys", tag: "Operator", summary: "List the encryption keys and what hangs on them", scope: identity.ScopeOperator},
		func(ctx context.Context, _ *struct{}) (*body[list[keyView]], error) {
			status, err := a.cfg.Rotation.Status(ctx)
			if err != nil {
				return nil, err
			}
			return pageOf(status, len(status), func(k vault.KeyStatus) string { return k.ID }, func(k vault.KeyStatus) keyView {
				return keyView{k.ID, string(k.State), k.Origin, k.Host, k.CreatedAt.UTC(), k.Rows, orEmpty(k.Missing)}
			}), nil
		})
	add(a, route{method: "POST", path: "/v1/keys/rotate", id: "rotate-key", tag: "Operator", summary: "Bring a new encryption key into use", scope: identity.ScopeOperator},
		func(ctx context.Context, _ *struct{}) (*body[rotated], error) {
			r, err := a.cfg.Rotation.Rotate(ctx)
			if err != nil {
				return nil, a.keyProblem(ctx, err)
			}
			if err := a.cfg.Audit.Record(ctx, principal(ctx).User, "key.rotate", r.KeyID, "state", string(r.State)); err != nil {
				return nil, err
			}
			return &body[rotated]{rotated{r.KeyID, string(r.State), orEmpty(r.Missing), r.Origin, r.Host, nextStep(r)}}, nil
		})
	type one struct {
		ID string `path:"id" maxLength:"64"`
	}
	add(a, route{method: "POST", path: "/v1/keys/{id}/retire", id: "retire-key", tag: "Operator", summary: "Take a key out of use; refused while anything hangs on it", scope: identity.ScopeOperator, status: 204},
		func(ctx context.Context, in *one) (*none, error) {
			if err := a.cfg.Rotation.Retire(ctx, in.ID); err != nil {
				return nil, a.keyProblem(ctx, err)
			}
			return nil, a.cfg.Audit.Record(ctx, principal(ctx).User, "key.retire", in.ID)
		})
}

func nextStep(r vault.Rotated) string {
	switch {
	case r.State == vault.KeyPrimary:
		return "The key is in use; the rows under the old one are rewrapped in the background. `patchbay key status` shows what is left."
	case r.Copied():
		return fmt.Sprintf("Copy %s of host %s to the same place on the hosts that lack the key (mode 0600). It comes into use by itself once all have it.", r.Origin, r.Host)
	}
	return fmt.Sprintf("Add %s to PATCHBAY_KEY on the hosts that lack it and restart them. It comes into use by itself once all have it.", r.Origin)
}

// keyProblem shows the operator what the vault says of keys; none of it is secret.
func (a *API) keyProblem(ctx context.Context, err error) *Problem {
	var inUse *vault.KeyInUseError
	if errors.As(err, &inUse) {
		return newProblem(ctx, 409, "key_in_use", err.Error())
	}
	a.cfg.Logger.Error("a change of keys failed", "request_id", requestID(ctx), "error", err)
	return newProblem(ctx, 409, "key_unavailable", err.Error())
}
