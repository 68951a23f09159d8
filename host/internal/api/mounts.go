package api

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/identity"
	"github.com/patchbay/patchbay/host/internal/mount"
)

// maxMount bounds a request that carries a document: one of 20 MB, quoted.
const maxMount = 64 << 20

// mountOrder asks for a platform of an OpenAPI document, or for a variant of an adapter's platform.
type mountOrder struct {
	ID          string          `json:"id" maxLength:"63" doc:"Lower case letters, digits and hyphens"`
	Name        string          `json:"name,omitempty" maxLength:"100"`
	Description string          `json:"description,omitempty" maxLength:"2000"`
	Category    string          `json:"category,omitempty" maxLength:"50"`
	Document    json.RawMessage `json:"document,omitempty" doc:"An OpenAPI 3.0, 3.1 or Swagger 2.0 document: as JSON, or its text (JSON or YAML) in a string"`
	Location    string          `json:"location,omitempty" maxLength:"2000" doc:"Address of the document, against which relative addresses in it are resolved"`
	Auth        []string        `json:"auth,omitempty" maxItems:"50" doc:"Names of the document's security schemes to connect by; all where none is named"`
	Include     []string        `json:"include,omitempty" maxItems:"1000" doc:"Operations to mount: names, tags, or patterns such as GET /pets/*; all where none is named"`
	Adapter     string          `json:"adapter,omitempty" maxLength:"63" doc:"Instead of a document: the adapter whose platform stands somewhere else"`
	Platform    string          `json:"platform,omitempty" maxLength:"63" doc:"That platform, where the adapter has several"`
	BaseURL     string          `json:"base_url,omitempty" maxLength:"2000" doc:"Where the platform is; it reaches no other host then"`
	Settings    *settingsChange `json:"settings,omitempty" doc:"Settings of the platform"`
	Replace     bool            `json:"replace,omitempty" doc:"Make another version of the platform that there is"`
	Force       bool            `json:"force,omitempty" doc:"Though what is in use would be lost"`
	DryRun      bool            `json:"dry_run,omitempty" doc:"Only tell what would be"`
}

type mountView struct {
	ID         string            `json:"id"`
	Adapter    string            `json:"adapter"`
	Base       string            `json:"base,omitempty" doc:"The adapter's platform that this is a variant of"`
	Revision   int64             `json:"revision"`
	Format     string            `json:"format,omitempty"`
	Version    string            `json:"version,omitempty"`
	Location   string            `json:"location,omitempty"`
	Digest     string            `json:"digest,omitempty"`
	ChangedBy  string            `json:"changed_by"`
	ChangedAt  time.Time         `json:"changed_at"`
	Declared   int               `json:"declared" doc:"Operations that the document has"`
	Operations int               `json:"operation_count" doc:"Operations that were mounted"`
	Findings   []catalog.Finding `json:"findings"`
}

type mountReview struct {
	mountView
	Platform platformSummary `json:"platform"`
	Hosts    []string        `json:"hosts" doc:"What it may reach"`
	BaseURL  string          `json:"base_url"`
	Added    []string        `json:"added"`
	Changed  []string        `json:"changed"`
	Lost     []string        `json:"lost"`
	NewHosts []string        `json:"new_hosts"`
	Losses   []string        `json:"losses" doc:"What is in use and would be lost"`
	DryRun   bool            `json:"dry_run"`
}

func (a *API) mounts() {
	type order struct{ Body mountOrder }
	add(a, route{method: "POST", path: "/v1/platforms", id: "add-platform", tag: "Platforms", scope: identity.ScopeOperator, status: 201, maxBody: maxMount,
		summary: "Make a platform of an OpenAPI document, or a variant of an adapter's platform"},
		func(ctx context.Context, in *order) (*body[mountReview], error) {
			out, err := a.mount(ctx, in.Body)
			if err != nil {
				return nil, err
			}
			return &body[mountReview]{out}, nil
		})
	type mountID struct {
		ID string `path:"id"`
	}
	add(a, route{method: "GET", path: "/v1/platforms/{id}/mount", id: "get-mount", tag: "Platforms", scope: identity.ScopeOperator,
		summary: "Get what a platform was made of, and what is not as it should be in it"},
		func(ctx context.Context, in *mountID) (*body[mountView], error) {
			records, err := a.cfg.Mounts.List(ctx)
			for _, r := range records {
				if r.ID == in.ID {
					p, _, _ := a.cfg.Catalog.Declared(r.ID)
					return &body[mountView]{mountOf(r, p)}, nil
				}
			}
			if err == nil {
				err = &catalog.Failure{Kind: catalog.PlatformNotFound, Message: "No operator made such a platform."}
			}
			return nil, err
		})
	type removal struct {
		ID    string `path:"id"`
		Force bool   `query:"force" doc:"Though accounts are connected to it"`
	}
	add(a, route{method: "DELETE", path: "/v1/platforms/{id}", id: "remove-platform", tag: "Platforms", scope: identity.ScopeOperator, status: 204,
		summary: "Remove a platform that an operator made"},
		func(ctx context.Context, in *removal) (*none, error) {
			return &none{}, a.cfg.Mounts.Remove(ctx, principal(ctx).User, in.ID, in.Force)
		})
}

// mount makes the platform, and then its settings.
func (a *API) mount(ctx context.Context, in mountOrder) (mountReview, error) {
	c, err := a.mountChange(ctx, in)
	if err != nil {
		return mountReview{}, err
	}
	settings := settingsChange{}
	if in.Settings != nil {
		settings = *in.Settings
	}
	if in.BaseURL != "" {
		settings.BaseURL = &in.BaseURL
	}
	cidrs, err := settings.cidrs(ctx)
	if err != nil {
		return mountReview{}, err
	}
	change := func(s *catalog.Settings) {
		settings.apply(s)
		if cidrs != nil {
			s.AllowedCIDRs = cidrs
		}
	}
	var proposed catalog.Settings
	change(&proposed)
	if wrong := proposed.Check(); len(wrong) > 0 {
		return mountReview{}, &catalog.Failure{Kind: catalog.ValidationFailed, Message: "The settings are not valid.", Violations: wrong}
	}
	review, err := a.cfg.Mounts.Put(ctx, c)
	if err != nil {
		return mountReview{}, err
	}
	if !in.DryRun && (in.Settings != nil || in.BaseURL != "") {
		if _, err := a.cfg.Catalog.Change(ctx, c.Actor, in.ID, settings.OAuth.ClientSecret, change); err != nil {
			return mountReview{}, fmt.Errorf("the platform is there, its settings are not: %w", err)
		}
	}
	_, s, _ := a.cfg.Catalog.Declared(in.ID)
	return mountReview{mountView: mountOf(review.Record, review.Platform), Platform: summarize(review.Platform, s), Hosts: orEmpty(review.Platform.Hosts),
		BaseURL: review.Platform.BaseURL, Added: orEmpty(review.Added), Changed: orEmpty(review.Changed), Lost: orEmpty(review.Lost),
		NewHosts: orEmpty(review.NewHosts), Losses: orEmpty(review.Losses), DryRun: in.DryRun}, nil
}

func (a *API) mountChange(ctx context.Context, in mountOrder) (mount.Change, error) {
	c := mount.Change{Actor: principal(ctx).User, ID: in.ID, Replace: in.Replace, Force: in.Force, DryRun: in.DryRun, Definition: mount.Definition{Adapter: in.Adapter,
		Base: in.Platform, Name: in.Name, Description: in.Description, Category: in.Category, Location: in.Location, Auth: in.Auth, Include: in.Include}}
	base := in.BaseURL
	if base == "" && in.Settings != nil && in.Settings.BaseURL != nil {
		base = *in.Settings.BaseURL
	}
	if _, s, known := a.cfg.Catalog.Declared(in.ID); known && in.Replace && base == "" {
		base = s.BaseURL
	}
	c.Definition.Elsewhere = base != ""
	switch {
	case (len(in.Document) > 0) == (in.Adapter != ""):
		return c, invalidMount("/document", "give a document, or the adapter of a variant")
	case in.Adapter != "" && in.Platform == "":
		ids := a.cfg.Catalog.PlatformsOf(in.Adapter)
		if len(ids) != 1 {
			return c, invalidMount("/platform", "name one of the adapter's platforms: "+strings.Join(ids, ", "))
		}
		c.Definition.Base = ids[0]
	case in.Adapter == "":
		c.Definition.Adapter, c.Definition.Base, c.Document = mount.DocumentAdapter, "", in.Document
		if in.Document[0] == '"' {
			var text string
			if err := json.Unmarshal(in.Document, &text); err != nil {
				return c, invalidMount("/document", "the string is not valid")
			}
			c.Document = []byte(text)
		}
	}
	return c, nil
}

func invalidMount(pointer, detail string) error {
	return &catalog.Failure{Kind: catalog.ValidationFailed, Message: "The platform is not valid: " + detail + ".",
		Violations: []catalog.Violation{{Pointer: pointer, Detail: detail}}}
}

func mountOf(r mount.Record, p *catalog.Platform) mountView {
	out := mountView{ID: r.ID, Adapter: r.Adapter, Base: r.Base, Revision: r.Revision, Format: r.Format, Version: r.Version, Location: r.Location,
		Digest: r.Digest, ChangedBy: r.ChangedBy, ChangedAt: r.ChangedAt, Declared: r.Declared, Findings: orEmpty(r.Findings)}
	if p != nil {
		out.Operations = len(p.Operations)
	}
	return out
}
