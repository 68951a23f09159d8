package integration

import (
	"context"
	"fmt"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/id"
	"github.com/patchbay/patchbay/host/internal/vault"
)

// Lease is an integration with its credential opened for one call.
type Lease struct {
	Integration Integration
	Credential  catalog.Credential
}

// Find answers an integration that may serve a call of its user: a missing one and another user's are integration_not_found, an
// inactive or expired one fails with its own kind, and is answered beside the failure for the record.
func (s *Service) Find(ctx context.Context, user, ref string) (Integration, error) {
	if !id.Is("int", ref) {
		return Integration{}, notFound()
	}
	i, err := s.load(ctx, user, ref)
	if err != nil {
		return Integration{}, err
	}
	switch i.Status() {
	case Deleted:
		return Integration{}, notFound()
	case Inactive:
		return i, &catalog.Failure{Kind: catalog.IntegrationInactive,
			Message: fmt.Sprintf("The integration %q is deactivated. Activate it to use it again.", i.Label)}
	case Expired:
		return i, &catalog.Failure{Kind: catalog.ReauthorizationRequired,
			Message: fmt.Sprintf("The integration %q needs a new credential: %s", i.Label, i.ExpiredReason)}
	}
	return i, nil
}

// Open opens the credential of an integration for a call of a user, refreshing an OAuth token that is about to end. The lease's integration
// may be newer than i. The call's own audit record, committed before the caller is answered, tells of it.
func (s *Service) Open(ctx context.Context, user string, i Integration) (Lease, error) {
	i, err := s.live(ctx, i)
	if err != nil {
		return Lease{}, err
	}
	fields, err := s.open(ctx, vault.Access{Actor: user, Owner: i.User, Reason: vault.ForCall}, i)
	if err != nil {
		return Lease{}, err
	}
	return Lease{Integration: i, Credential: leased(i.AuthMethod, fields)}, nil
}

// leased answers what of a credential goes to an adapter: of OAuth the access token alone.
func leased(method string, fields map[string]string) catalog.Credential {
	if method == "oauth2" {
		fields = map[string]string{accessField: fields[accessField]}
	}
	return catalog.NewCredential(method, fields)
}

// load answers the record from this host's copy, while that may be trusted, or from the store.
func (s *Service) load(ctx context.Context, user, ref string) (Integration, error) {
	fresh := s.cfg.Cluster.Fresh()
	if fresh {
		if i, ok := s.cache.get(ref); ok {
			if i.User != user {
				return Integration{}, notFound()
			}
			return i, nil
		}
	}
	generation := s.cache.generation()
	i, err := s.cfg.Store.Get(ctx, user, ref, false)
	if err != nil {
		return Integration{}, asFailure("reading the integration", err)
	}
	if fresh {
		s.cache.put(i, generation)
	}
	return i, nil
}
