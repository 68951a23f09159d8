package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// mountFlags are what adding and updating a platform share.
type mountFlags struct {
	ID          string   `arg:"" help:"The platform's id: lower case letters, digits and hyphens."`
	OpenAPI     string   `name:"openapi" placeholder:"FILE|URL" help:"OpenAPI 3.0, 3.1 or Swagger 2.0 document, JSON or YAML; - reads standard input."`
	BaseURL     string   `name:"base-url" placeholder:"URL" help:"Where the platform is, instead of where the document or the adapter says."`
	Auth        []string `placeholder:"SCHEME" help:"Security schemes of the document to connect by; all where none is named."`
	Include     []string `placeholder:"WHAT" help:"Operations to mount: names, tags, or patterns such as 'GET /pets/*'; all where none is named."`
	Adapter     string   `help:"Instead of a document: the adapter whose platform stands somewhere else."`
	Platform    string   `help:"That platform, where the adapter has several."`
	Name        string   `help:"Name for people, instead of the document's."`
	Description string   `help:"What it is, instead of the document's words."`
	Category    string   `help:"Internal, Social, AI, Tools, Media or Productivity."`
	Private     bool     `name:"allow-private-network" help:"Let it be at a private or loopback address."`
	DryRun      bool     `name:"dry-run" help:"Only tell what would be."`
	Force       bool     `help:"Though what is in use would be lost."`
}

type platformAddCmd struct {
	mountFlags `embed:""`
	Replace    bool `help:"Take the place of the platform that there is."`
}

type platformUpdateCmd struct {
	mountFlags `embed:""`
}

type platformRemoveCmd struct {
	ID    string `arg:"" help:"The platform."`
	Force bool   `help:"Though accounts are connected to it."`
}

type platformReportCmd struct {
	ID string `arg:"" help:"The platform."`
}

// Help is the longer help.
func (platformAddCmd) Help() string {
	return `A platform needs no code where its API has an OpenAPI document, or where an adapter speaks its language already:

    patchbay platform add petstore --openapi petstore.yaml
    patchbay platform add billing --openapi https://billing.example.com/openapi.json --include 'GET *' --auth oauth
    patchbay platform add my-llm --adapter openai --platform openai --base-url https://llm.example.com/v1`
}

// mountOrder asks for a platform.
type mountOrder struct {
	ID          string          `json:"id"`
	Name        string          `json:"name,omitempty"`
	Description string          `json:"description,omitempty"`
	Category    string          `json:"category,omitempty"`
	Document    string          `json:"document,omitempty"`
	Location    string          `json:"location,omitempty"`
	Auth        []string        `json:"auth,omitempty"`
	Include     []string        `json:"include,omitempty"`
	Adapter     string          `json:"adapter,omitempty"`
	Platform    string          `json:"platform,omitempty"`
	BaseURL     string          `json:"base_url,omitempty"`
	Settings    *settingsChange `json:"settings,omitempty"`
	Replace     bool            `json:"replace,omitempty"`
	Force       bool            `json:"force,omitempty"`
	DryRun      bool            `json:"dry_run,omitempty"`
}

type mounted struct {
	ID        string    `json:"id"`
	Adapter   string    `json:"adapter"`
	Base      string    `json:"base"`
	Revision  int64     `json:"revision"`
	Format    string    `json:"format"`
	Version   string    `json:"version"`
	Location  string    `json:"location"`
	ChangedAt time.Time `json:"changed_at"`
	Declared  int       `json:"declared"`
	Count     int       `json:"operation_count"`
	Findings  []struct {
		Place   string `json:"place"`
		Detail  string `json:"detail"`
		Skipped bool   `json:"skipped"`
	} `json:"findings"`
	Platform platform `json:"platform"`
	Hosts    []string `json:"hosts"`
	BaseURL  string   `json:"base_url"`
	Added    []string `json:"added"`
	Changed  []string `json:"changed"`
	Lost     []string `json:"lost"`
	NewHosts []string `json:"new_hosts"`
	Losses   []string `json:"losses"`
	DryRun   bool     `json:"dry_run"`
}

// Run adds a platform.
func (c *platformAddCmd) Run(ctx context.Context, at *client, con *console) error {
	return c.put(ctx, at, con, c.Replace)
}

// Run makes another version of a platform.
func (c *platformUpdateCmd) Run(ctx context.Context, at *client, con *console) error {
	return c.put(ctx, at, con, true)
}

func (c *mountFlags) put(ctx context.Context, at *client, con *console, replace bool) error {
	if (c.OpenAPI == "") == (c.Adapter == "") {
		return usageError("name a document with --openapi, or the adapter of a variant with --adapter")
	}
	order := mountOrder{ID: c.ID, Name: c.Name, Description: c.Description, Category: c.Category, Auth: c.Auth, Include: c.Include, Adapter: c.Adapter,
		Platform: c.Platform, BaseURL: c.BaseURL, Replace: replace, Force: c.Force, DryRun: c.DryRun}
	if c.Private {
		order.Settings = &settingsChange{AllowPrivate: &c.Private}
	}
	if c.OpenAPI != "" {
		document, location, err := readDocument(ctx, c.OpenAPI, con.in)
		if err != nil {
			return err
		}
		order.Document, order.Location = string(document), location
	}
	return show(ctx, at, con, request{method: http.MethodPost, path: []string{"v1", "platforms"}, in: order, patience: 10 * time.Minute}, con.mounted)
}

// maxDocument bounds a document.
const maxDocument = 32 << 20

// readDocument reads a document from a file, an address or standard input. It is fetched here and not by the host, so that the host
// need not reach what the operator does.
func readDocument(ctx context.Context, source string, in io.Reader) (document []byte, location string, err error) {
	if source == "-" {
		document, err = io.ReadAll(io.LimitReader(in, maxDocument+1))
	} else if strings.HasPrefix(source, "https://") || strings.HasPrefix(source, "http://") {
		location = withoutUser(source)
		document, err = fetchDocument(ctx, source)
	} else {
		var f *os.File
		if f, err = os.Open(source); err == nil {
			defer func() { _ = f.Close() }() // only read
			document, err = io.ReadAll(io.LimitReader(f, maxDocument+1))
		}
	}
	if err != nil {
		return nil, "", usageError("reading the document: %w", err)
	}
	if len(document) > maxDocument {
		return nil, "", usageError("the document is larger than %d MiB", maxDocument>>20)
	}
	return document, location, nil
}

// withoutUser drops a user and password, and a query that may hold a key, from an address.
func withoutUser(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

func fetchDocument(ctx context.Context, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // only read
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answered %s", resp.Status)
	}
	return io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
}

// Run removes a platform.
func (c *platformRemoveCmd) Run(ctx context.Context, at *client, con *console) error {
	q := query()
	if c.Force {
		q = query("force", "true")
	}
	r := request{method: http.MethodDelete, path: []string{"v1", "platforms", c.ID}, query: q}
	return show(ctx, at, con, r, func(json.RawMessage) { con.say("Removed %s.", clean(c.ID)) })
}

// Run shows what a platform was made of.
func (c *platformReportCmd) Run(ctx context.Context, at *client, con *console) error {
	return show(ctx, at, con, get(nil, "v1", "platforms", c.ID, "mount"), con.mounted)
}

// shownFindings bounds what of a report is shown to people; --json has all.
const shownFindings = 40

// mounted shows what became of a document.
func (c *console) mounted(m mounted) {
	if m.DryRun {
		c.say("Nothing was changed. It would be:")
	}
	from := m.Format
	if m.Base != "" {
		from = "variant of " + m.Base
	}
	c.pairs("platform", m.ID, "made of", strings.TrimSpace(from+" "+m.Version), "adapter", m.Adapter, "version here", fmt.Sprint(m.Revision),
		"operations", c.share(m), "reaches", strings.Join(append(notEmpty(m.BaseURL), m.Hosts...), ", "), "connect by", strings.Join(m.Platform.methods(), ", "))
	if m.Revision > 1 {
		c.names("added", m.Added)
		c.names("changed", m.Changed)
	}
	c.names("lost", m.Lost)
	c.names("in use and lost", m.Losses)
	for i, f := range m.Findings {
		if i == shownFindings {
			c.say("... and %d more: --json shows all", len(m.Findings)-i)
			break
		}
		what := "note"
		if f.Skipped {
			what = "left out"
		}
		c.say("%s: %s: %s", what, clean(orDash(f.Place)), clean(f.Detail))
	}
	if !m.DryRun {
		c.say("\nNext: patchbay connect %s; patchbay platforms %s", clean(m.ID), clean(m.ID))
	}
}

func (c *console) share(m mounted) string {
	if m.Declared == 0 {
		return fmt.Sprint(m.Count)
	}
	return fmt.Sprintf("%d of %d", m.Count, m.Declared)
}

func (c *console) names(what string, names []string) {
	if len(names) > 0 {
		c.say("%s (%d): %s", what, len(names), clean(cut(strings.Join(names, ", "), 600)))
	}
}

func notEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}
