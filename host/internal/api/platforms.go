package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/identity"
	"github.com/patchbay/patchbay/host/internal/integration"
)

type platformSummary struct {
	ID          string       `json:"id"`
	Name        string       `json:"name"`
	Description string       `json:"description"`
	Category    string       `json:"category"`
	Website     string       `json:"website,omitempty"`
	IconURL     string       `json:"icon_url,omitempty"`
	AuthMethods []authMethod `json:"auth_methods"`
	Operations  int          `json:"operation_count"`
	Adapter     string       `json:"adapter"`
}

type authMethod struct {
	Type   string          `json:"type" enum:"oauth2,api_key,bearer,custom,none"`
	Label  string          `json:"label"`
	Help   string          `json:"help,omitempty"`
	Fields []catalog.Field `json:"fields"`
	// Available is false for oauth2 until an operator has registered a client.
	Available bool     `json:"available" doc:"False for oauth2 until an operator has registered a client"`
	Scopes    []string `json:"scopes,omitempty" doc:"What oauth2 asks for"`
	Grants    []string `json:"grants,omitempty" doc:"How oauth2 can be given"`
}

type operationSummary struct {
	Name        string     `json:"name"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Effect      string     `json:"effect" enum:"read,idempotent,write"`
	Scopes      []string   `json:"scopes" doc:"All of them are needed"`
	AnyScopes   [][]string `json:"any_scopes,omitempty" doc:"Of each of these sets one scope is needed besides"`
	Streaming   bool       `json:"streaming"`
	TakesFiles  bool       `json:"takes_files"`
	GivesFiles  bool       `json:"gives_files"`
}

type operationDetail struct {
	operationSummary
	InputSchema  json.RawMessage `json:"input_schema"`
	OutputSchema json.RawMessage `json:"output_schema"`
}

type platformDetail struct {
	platformSummary
	Operations []operationSummary  `json:"operations"`
	Hosts      []string            `json:"hosts" doc:"What its adapter may reach"`
	RateLimits []catalog.RateLimit `json:"rate_limits"`
	VerifyNote string              `json:"verify_note,omitempty"`
}

func (a *API) platforms() {
	type query struct {
		Query    string `query:"query" maxLength:"200"`
		Category string `query:"category" maxLength:"50"`
	}
	add(a, route{method: "GET", path: "/v1/platforms", id: "list-platforms", tag: "Platforms", summary: "List platforms"},
		func(_ context.Context, in *query) (*body[list[platformSummary]], error) {
			found := a.cfg.Catalog.Search(in.Query, in.Category)
			out := list[platformSummary]{Items: make([]platformSummary, 0, len(found))}
			for _, p := range found {
				_, settings, _ := a.cfg.Catalog.Declared(p.ID)
				out.Items = append(out.Items, summarize(p, settings))
			}
			return &body[list[platformSummary]]{out}, nil
		})
	type one struct {
		ID string `path:"id"`
	}
	add(a, route{method: "GET", path: "/v1/platforms/{id}", id: "get-platform", tag: "Platforms", summary: "Get a platform with its operations"},
		func(_ context.Context, in *one) (*body[platformDetail], error) {
			p, settings, err := a.cfg.Catalog.Platform(in.ID)
			if err != nil {
				return nil, err
			}
			return &body[platformDetail]{describe(p, settings)}, nil
		})
	type operation struct {
		ID        string `path:"id"`
		Operation string `path:"operation"`
	}
	add(a, route{method: "GET", path: "/v1/platforms/{id}/operations/{operation}", id: "get-operation", tag: "Platforms", summary: "Get an operation with its schemas"},
		func(_ context.Context, in *operation) (*body[operationDetail], error) {
			p, _, err := a.cfg.Catalog.Platform(in.ID)
			if err != nil {
				return nil, err
			}
			op := p.Operation(in.Operation)
			if op == nil {
				return nil, &catalog.Failure{Kind: catalog.OperationNotFound, Message: p.Name + " has no such operation."}
			}
			return &body[operationDetail]{operationDetail{summarizeOperation(op), op.InputSchema, op.OutputSchema}}, nil
		})
	type icon struct {
		ContentType string `header:"Content-Type"`
		Policy      string `header:"Content-Security-Policy"`
		Cache       string `header:"Cache-Control"`
		Body        []byte
	}
	add(a, route{method: "GET", path: "/v1/platforms/{id}/icon.svg", id: "get-platform-icon", tag: "Platforms", summary: "Get a platform's icon"},
		func(ctx context.Context, in *one) (*icon, error) {
			p, _, err := a.cfg.Catalog.Platform(in.ID)
			if err != nil {
				return nil, err
			}
			if len(p.Icon) == 0 {
				return nil, newProblem(ctx, http.StatusNotFound, "not_found", p.Name+" has no icon.")
			}
			// An adapter's SVG is foreign: it may neither run nor load anything.
			return &icon{"image/svg+xml", "default-src 'none'; style-src 'unsafe-inline'; sandbox", "private, max-age=3600", p.Icon}, nil
		})
}

func summarize(p *catalog.Platform, settings catalog.Settings) platformSummary {
	out := platformSummary{ID: p.ID, Name: p.Name, Description: p.Description, Category: p.Category, Website: p.Website,
		Operations: len(p.Operations), Adapter: p.Adapter, AuthMethods: []authMethod{}}
	if len(p.Icon) > 0 {
		out.IconURL = "/v1/platforms/" + p.ID + "/icon.svg"
	}
	for _, m := range p.AuthMethods {
		fields := m.Fields
		if fields == nil {
			fields = []catalog.Field{}
		}
		view := authMethod{Type: m.Type, Label: m.Label, Help: m.Help, Fields: fields, Available: true}
		if o := m.OAuth2; o != nil {
			view.Available = settings.OAuth.ClientID != ""
			view.Scopes, view.Grants = integration.ScopesOf(o, settings.OAuth), o.Grants
			if o.AuthorizationURL != "" || settings.OAuth.AuthorizationURL != "" {
				view.Grants = append([]string{"authorization_code"}, o.Grants...)
			}
		}
		out.AuthMethods = append(out.AuthMethods, view)
	}
	return out
}

func describe(p *catalog.Platform, settings catalog.Settings) platformDetail {
	out := platformDetail{platformSummary: summarize(p, settings), Hosts: orEmpty(p.Hosts), RateLimits: orEmpty(p.RateLimits), VerifyNote: p.VerifyNote,
		Operations: []operationSummary{}}
	for _, op := range p.Operations {
		out.Operations = append(out.Operations, summarizeOperation(op))
	}
	return out
}

func summarizeOperation(op *catalog.Operation) operationSummary {
	return operationSummary{op.Name, op.Title, op.Description, string(op.Effect), orEmpty(op.Scopes), op.AnyScopes, op.Streaming, op.TakesFiles, op.GivesFiles}
}

// orEmpty keeps null out of JSON lists.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

type platformSettings struct {
	BaseURL             string              `json:"base_url"`
	AllowPrivateNetwork bool                `json:"allow_private_network"`
	AllowedCIDRs        []string            `json:"allowed_cidrs"`
	MinTLS              string              `json:"min_tls_version"`
	Enabled             bool                `json:"enabled"`
	OAuth               catalog.OAuthClient `json:"oauth"`
	RateLimits          []catalog.RateLimit `json:"rate_limits" nullable:"true" doc:"Those that stand in place of the platform's own; null where none do"`
}

func (a *API) settings() {
	type one struct {
		ID string `path:"id"`
	}
	add(a, route{method: "GET", path: "/v1/platforms/{id}/settings", id: "get-platform-settings", tag: "Platforms",
		summary: "Get the operator's settings of a platform", scope: identity.ScopeOperator},
		func(_ context.Context, in *one) (*body[platformSettings], error) {
			_, s, known := a.cfg.Catalog.Declared(in.ID)
			if !known {
				return nil, &catalog.Failure{Kind: catalog.PlatformNotFound, Message: "There is no such platform."}
			}
			return &body[platformSettings]{settingsOf(s)}, nil
		})
	type change struct {
		ID   string `path:"id"`
		Body settingsChange
	}
	add(a, route{method: "PUT", path: "/v1/platforms/{id}/settings", id: "put-platform-settings", tag: "Platforms",
		summary: "Set a platform's settings; what is left out stays", scope: identity.ScopeOperator},
		func(ctx context.Context, in *change) (*body[platformSettings], error) {
			cidrs, err := in.Body.cidrs(ctx)
			if err != nil {
				return nil, err
			}
			s, err := a.cfg.Catalog.Change(ctx, principal(ctx).User, in.ID, in.Body.OAuth.ClientSecret, func(s *catalog.Settings) {
				in.Body.apply(s)
				if cidrs != nil {
					s.AllowedCIDRs = cidrs
				}
			})
			if err != nil {
				return nil, err
			}
			return &body[platformSettings]{settingsOf(s)}, nil
		})
}
