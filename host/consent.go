package host

import (
	"context"

	"github.com/patchbay/patchbay/host/internal/audit"
	"github.com/patchbay/patchbay/host/internal/consent"
	"github.com/patchbay/patchbay/host/internal/identity"
	"github.com/patchbay/patchbay/host/internal/store"
)

// openConsent makes the authorisation server of the MCP surface.
func (h *Host) openConsent(ctx context.Context, who *identity.Service, log *audit.Log) (*consent.Service, error) {
	key, err := h.secretKey(ctx, "consent")
	if err != nil {
		return nil, err
	}
	return consent.New(consent.Config{Store: store.Consents{Store: h.store}, Identity: who, Key: key, Issuer: h.url, Resource: h.url + "/mcp",
		Record: log.Record, Now: h.cfg.Now}), nil
}

// challenge tells an MCP client without a token where to get one (RFC 9728, 5.1).
func (h *Host) challenge() string {
	return `Bearer realm="patchbay", resource_metadata="` + h.url + `/.well-known/oauth-protected-resource/mcp", scope="` + identity.ScopeCalls + `"`
}
