package main

import (
	"context"
	"net/http"
	"sort"
	"strings"
	"time"
)

type integrationsCmd struct {
	Platform string `help:"Only those of this platform."`
	Status   string `enum:"active,inactive,expired,deleted," default:"" help:"Only those with this status: active, inactive, expired or deleted."`
	Query    string `help:"Only those with this text in label, account or platform."`
	page
}

// Help is the longer help.
func (integrationsCmd) Help() string {
	return `Deleted ones are left out, unless --status deleted asks for them.

    patchbay integrations --platform slack --status active`
}

type integration struct {
	ID           string `json:"id"`
	Platform     string `json:"platform"`
	Label        string `json:"label"`
	AuthMethod   string `json:"auth_method"`
	Status       string `json:"status"`
	StatusReason string `json:"status_reason"`
	Account      struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"account"`
	Scopes        []string          `json:"scopes"`
	Fields        map[string]string `json:"fields"`
	ExpiresAt     *time.Time        `json:"credential_expires_at"`
	CredentialSet *time.Time        `json:"credential_set_at"`
	LastUsedAt    *time.Time        `json:"last_used_at"`
	CreatedAt     *time.Time        `json:"created_at"`
	DeletedAt     *time.Time        `json:"deleted_at"`
}

// Run lists integrations.
func (c *integrationsCmd) Run(ctx context.Context, at *client, con *console) error {
	return showList(ctx, at, con, get(c.query("platform", c.Platform, "status", c.Status, "query", c.Query), "v1", "integrations"),
		"No account matches. Connect one with `patchbay connect PLATFORM`; `patchbay platforms` lists the platforms.",
		[]string{"ID", "PLATFORM", "LABEL", "ACCOUNT", "STATUS", "LAST USED"},
		func(i integration) []string {
			return []string{i.ID, i.Platform, cut(i.Label, 40), cut(i.Account.Name, 40), i.Status, con.date(i.LastUsedAt)}
		})
}

// integration shows one.
func (c *console) integration(i integration) {
	fields := make([]string, 0, len(i.Fields))
	for name, value := range i.Fields {
		fields = append(fields, name+"="+value)
	}
	sort.Strings(fields)
	status := i.Status
	if i.StatusReason != "" {
		status += ": " + i.StatusReason
	}
	c.pairs("id", i.ID, "label", i.Label, "platform", i.Platform, "account", i.Account.Name, "status", status, "connected by", i.AuthMethod,
		"fields", strings.Join(fields, ", "), "scopes", strings.Join(i.Scopes, " "), "credential set", c.date(i.CredentialSet),
		"credential expires", c.date(i.ExpiresAt), "last used", c.date(i.LastUsedAt), "created", c.date(i.CreatedAt), "deleted", c.date(i.DeletedAt))
}

// resolve answers the id of an integration that is named by id or label. Only a label costs a request.
func (c *client) resolve(ctx context.Context, ref, status string) (string, error) {
	if strings.HasPrefix(ref, "int_") {
		return ref, nil
	}
	found, err := fetchAll[integration](ctx, c, query("query", ref, "status", status), "v1", "integrations")
	if err != nil {
		return "", err
	}
	one, err := pick(found, ref)
	return one.ID, err
}

// pick answers the one integration with a label; where case is all that differs it is forgiven.
func pick(found []integration, label string) (integration, error) {
	var same, alike []integration
	for _, i := range found {
		if i.Label == label {
			same = append(same, i)
		} else if strings.EqualFold(i.Label, label) {
			alike = append(alike, i)
		}
	}
	if len(same) == 0 {
		same = alike
	}
	switch len(same) {
	case 1:
		return same[0], nil
	case 0:
		return integration{}, errNoIntegration(label)
	}
	return integration{}, usageError("several integrations have the label %q; use an id:\n%s", label, candidates(same))
}

// candidates lists integrations to choose from.
func candidates(all []integration) string {
	lines := make([]string, 0, len(all))
	for _, i := range all {
		lines = append(lines, "  "+i.ID+"  "+clean(i.Label)+"  "+clean(i.Account.Name))
	}
	return strings.Join(lines, "\n")
}

// on is a request on one integration.
func on(method, id string, suffix ...string) request {
	return request{method: method, path: append([]string{"v1", "integrations", id}, suffix...)}
}

func getIntegration(id string) request { return on(http.MethodGet, id) }
