package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/integration"
)

// authenticate makes a connect session and answers its link.
func (s *Server) authenticate(ctx context.Context, c *caller, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
	var in struct{ Platform, Integration, Label string }
	if err := json.Unmarshal(req.Params.Arguments, &in); err != nil {
		return nil, badParams("The arguments cannot be read.")
	}
	session := integration.Session{User: c.User, Integration: in.Integration, Label: in.Label}
	if in.Platform != "" {
		session.Platforms = []string{in.Platform}
	}
	session, secret, err := s.cfg.Integrations.AddSession(ctx, session)
	if f := asFailure(err); f != nil {
		return s.failed(c, "", "", f), nil
	}
	if err != nil {
		return nil, err
	}
	return structured(struct {
		URL       string    `json:"url"`
		Platforms []string  `json:"platforms"`
		ExpiresAt time.Time `json:"expires_at"`
		Next      string    `json:"next"`
	}{s.cfg.PublicURL + "/connect?session=" + secret, session.Platforms, session.ExpiresAt.UTC(),
		"Give the link to the user and wait until the account is connected."})
}

// asFailure answers the failure in an error, or nil.
func asFailure(err error) *catalog.Failure {
	var f *catalog.Failure
	errors.As(err, &f)
	return f
}
