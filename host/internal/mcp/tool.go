package mcp

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/identity"
	"github.com/patchbay/patchbay/host/internal/integration"
)

const (
	maxTitle       = 200
	maxDescription = 4000
)

// offer is an operation of one of the user's accounts, under the name that it has as a tool.
type offer struct {
	name      string
	account   integration.Integration
	platform  *catalog.Platform
	operation *catalog.Operation
	// several is true where the user has more accounts of the platform.
	several bool
}

// offers answers what a caller may do with the accounts of a platform, sorted by name; an empty platform means all. Accounts that cannot be used now are
// among them: they are why another's name tells the label, and a call names what is wrong with them.
func (s *Server) offers(ctx context.Context, c *caller, platform string) ([]offer, error) {
	accounts, err := s.accounts(ctx, c.User, platform)
	if err != nil {
		return nil, err
	}
	byPlatform := map[string][]integration.Integration{}
	for _, i := range accounts {
		byPlatform[i.Platform] = append(byPlatform[i.Platform], i)
	}
	var out []offer
	for id, accounts := range byPlatform {
		p, _, err := s.cfg.Catalog.Platform(id)
		if err != nil {
			continue // disabled, or no adapter serves it any more
		}
		out = append(out, offersOf(p, accounts)...)
	}
	out = slices.DeleteFunc(out, func(o offer) bool {
		return !c.Limits.Allow(o.account.ID, o.platform.ID, o.operation.Name, string(o.operation.Effect))
	})
	slices.SortFunc(out, func(a, b offer) int { return strings.Compare(a.name, b.name) })
	return out, nil
}

// accounts answers a user's integrations that are not deleted.
func (s *Server) accounts(ctx context.Context, user, platform string) ([]integration.Integration, error) {
	const page = 200
	var out []integration.Integration
	f := integration.Filter{User: user, Platform: platform, Limit: page}
	for {
		found, err := s.cfg.Integrations.List(ctx, f)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
		if len(found) < page {
			return out, nil
		}
		f.Before = found[len(found)-1].ID
	}
}

// offersOf names the operations of a platform's accounts.
func offersOf(p *catalog.Platform, accounts []integration.Integration) []offer {
	short := slugs(accounts)
	var out []offer
	used := map[string]int{}
	for _, i := range accounts {
		for _, op := range p.Operations {
			o := offer{name: toolName(p.ID, op.Name, short[i.ID]), account: i, platform: p, operation: op, several: len(accounts) > 1}
			used[o.name]++
			out = append(out, o)
		}
	}
	for n, o := range out {
		if used[o.name] > 1 || len(o.name) > maxName {
			out[n].name = apart(o.name, o.account, o.operation)
		}
	}
	return out
}

// active answers the offers of accounts that calls can use.
func active(offers []offer) []offer {
	return slices.DeleteFunc(slices.Clone(offers), func(o offer) bool { return o.account.Status() != integration.Active })
}

// find answers the offer of a name.
func (s *Server) find(ctx context.Context, c *caller, name string) (offer, bool, error) {
	platform, ok := platformOf(name)
	if !ok || len(name) > maxName {
		return offer{}, false, nil
	}
	offers, err := s.offers(ctx, c, platform)
	if err != nil {
		return offer{}, false, err
	}
	for _, o := range offers {
		if o.name == name {
			return o, true, nil
		}
	}
	return offer{}, false, nil
}

// list answers a page of the tools, sorted by name. A cursor is the name that the page before ended with.
func (s *Server) list(ctx context.Context, c *caller, params *sdk.ListToolsParams) (sdk.Result, error) {
	after, err := readCursor(params)
	if err != nil {
		return nil, err
	}
	own := s.meta.tools(c)
	if c.tools != meta {
		offers, err := s.offers(ctx, c, "")
		if err != nil {
			return nil, err
		}
		offers = active(offers)
		if c.tools == all || len(offers) <= maxDirect {
			return page(offers, s.meta.beside(c), after), nil
		}
	}
	return page(nil, own, after), nil
}

// page answers what follows a name in the sorted union of offers and other tools.
func page(offers []offer, others []*sdk.Tool, after string) *sdk.ListToolsResult {
	out := &sdk.ListToolsResult{Tools: []*sdk.Tool{}, Cacheable: sdk.Cacheable{CacheScope: "private"}}
	for len(offers) > 0 || len(others) > 0 {
		var next func() *sdk.Tool
		var name string
		if len(others) == 0 || (len(offers) > 0 && offers[0].name < others[0].Name) {
			name, next, offers = offers[0].name, offers[0].tool, offers[1:]
		} else {
			tool := others[0]
			name, next, others = tool.Name, func() *sdk.Tool { return tool }, others[1:]
		}
		if name <= after {
			continue
		}
		if len(out.Tools) == pageSize {
			out.NextCursor = base64.RawURLEncoding.EncodeToString([]byte(out.Tools[pageSize-1].Name))
			break
		}
		out.Tools = append(out.Tools, next())
	}
	return out
}

func readCursor(params *sdk.ListToolsParams) (string, error) {
	if params == nil || params.Cursor == "" {
		return "", nil
	}
	name, err := base64.RawURLEncoding.DecodeString(params.Cursor)
	if err != nil || len(name) > maxName {
		return "", badParams("The cursor is none that this list gave.")
	}
	return string(name), nil
}

// tool describes an offer as the protocol does.
func (o offer) tool() *sdk.Tool {
	t := &sdk.Tool{Name: o.name, Title: o.title(), Description: o.description(), InputSchema: inputSchema(o.operation.InputSchema),
		Annotations: annotations(o.operation.Effect)}
	if schema := outputSchema(o.operation.OutputSchema); schema != nil {
		t.OutputSchema = schema
	}
	return t
}

func (o offer) title() string {
	title := o.operation.Title
	if title == "" {
		title = strings.ReplaceAll(o.operation.Name, "_", " ")
	}
	title = o.platform.Name + ": " + title
	if o.several {
		title += " (" + o.account.Label + ")"
	}
	return tidy(title, maxTitle)
}

func (o offer) description() string {
	text := tidy(o.operation.Description, maxDescription)
	if o.several {
		// The label is in quotes, as what it is, whatever it says.
		text += fmt.Sprintf(" Uses the account labelled %q.", tidy(o.account.Label, maxTitle))
	}
	if o.operation.TakesFiles {
		text += " Files cannot be given to it here."
	}
	return strings.TrimSpace(text)
}

// annotations say what an effect means. Whether a write only adds is not known, so it may destroy.
func annotations(effect catalog.Effect) *sdk.ToolAnnotations {
	yes, destructive := true, effect != catalog.Read
	return &sdk.ToolAnnotations{ReadOnlyHint: effect == catalog.Read, DestructiveHint: &destructive,
		IdempotentHint: effect != catalog.Write, OpenWorldHint: &yes}
}

// mayConnect says whether a caller may begin to connect accounts.
func mayConnect(c *caller) bool { return c.May(identity.ScopeIntegrations) }
