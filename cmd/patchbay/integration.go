package main

import (
	"context"
	"fmt"
	"net/http"
)

type integrationCmd struct {
	Show       showCmd       `cmd:"" help:"Show one."`
	Rename     renameCmd     `cmd:"" help:"Give it another label."`
	Update     updateCmd     `cmd:"" help:"Replace its credential; fields that are left out keep their value."`
	Verify     verifyCmd     `cmd:"" help:"Test the connection."`
	Refresh    refreshCmd    `cmd:"" help:"Refresh its token now; the host does so by itself before the token ends."`
	Refreshes  refreshesCmd  `cmd:"" help:"What became of each refresh of its token."`
	Revoke     revokeOneCmd  `cmd:"" help:"End the grant at the platform, and the credential here."`
	Activate   activateCmd   `cmd:"" help:"Let calls use it."`
	Deactivate deactivateCmd `cmd:"" help:"Stop calls from using it, at once and on every host."`
	Delete     deleteCmd     `cmd:"" help:"Put it in the bin."`
	Restore    restoreCmd    `cmd:"" help:"Take it out of the bin."`
}

// target is the integration that a command is about.
type target struct {
	Ref string `arg:"" name:"integration" help:"Its id or its label."`
}

// act asks for something on the target and shows how it is then.
func (t target) act(ctx context.Context, at *client, con *console, status, method, verb, done string) error {
	id, err := at.resolve(ctx, t.Ref, status)
	if err != nil {
		return err
	}
	r := on(method, id)
	if verb != "" {
		r = on(method, id, verb)
	}
	return show(ctx, at, con, r, func(i integration) {
		if done != "" {
			con.say("%s %s: %s.", clean(i.Platform), clean(i.Label), done)
			return
		}
		con.integration(i)
	})
}

type (
	showCmd       struct{ target }
	verifyCmd     struct{ target }
	activateCmd   struct{ target }
	deactivateCmd struct{ target }
	refreshCmd    struct{ target }
	revokeOneCmd  struct{ target }
	deleteCmd     struct {
		target
		Revoke bool `help:"End the grant at the platform first; if that fails, nothing is deleted."`
	}
	restoreCmd struct{ target }
)

// Run shows it.
func (c *showCmd) Run(ctx context.Context, at *client, con *console) error {
	return c.act(ctx, at, con, "", http.MethodGet, "", "")
}

// Run tests the connection.
func (c *verifyCmd) Run(ctx context.Context, at *client, con *console) error {
	return c.act(ctx, at, con, "", http.MethodPost, "verify", "the connection works")
}

// Run refreshes its token.
func (c *refreshCmd) Run(ctx context.Context, at *client, con *console) error {
	return c.act(ctx, at, con, "", http.MethodPost, "refresh", "its token is new")
}

// Run ends the grant.
func (c *revokeOneCmd) Run(ctx context.Context, at *client, con *console) error {
	return c.act(ctx, at, con, "", http.MethodPost, "revoke", "revoked at the platform; `patchbay connect --again` connects it again")
}

// Run lets calls use it.
func (c *activateCmd) Run(ctx context.Context, at *client, con *console) error {
	return c.act(ctx, at, con, "", http.MethodPost, "activate", "active")
}

// Run stops calls from using it.
func (c *deactivateCmd) Run(ctx context.Context, at *client, con *console) error {
	return c.act(ctx, at, con, "", http.MethodPost, "deactivate", "inactive on every host; `patchbay integration activate` undoes it")
}

// Run deletes it.
func (c *deleteCmd) Run(ctx context.Context, at *client, con *console) error {
	if c.Revoke {
		if err := c.act(ctx, at, con, "", http.MethodPost, "revoke", "revoked"); err != nil {
			return err
		}
	}
	return c.act(ctx, at, con, "", http.MethodDelete, "", "deleted; `patchbay integration restore` undoes it")
}

// Run restores it.
func (c *restoreCmd) Run(ctx context.Context, at *client, con *console) error {
	return c.act(ctx, at, con, "deleted", http.MethodPost, "restore", "restored")
}

type renameCmd struct {
	target
	Label string `arg:"" help:"The new label."`
}

// integrationChange is the body of PATCH /v1/integrations/{id}.
type integrationChange struct {
	Label      *string           `json:"label,omitempty"`
	Credential map[string]string `json:"credential,omitempty"`
	Verify     *bool             `json:"verify,omitempty"`
}

// Run changes the label.
func (c *renameCmd) Run(ctx context.Context, at *client, con *console) error {
	id, err := at.resolve(ctx, c.Ref, "")
	if err != nil {
		return err
	}
	r := on(http.MethodPatch, id)
	r.in = integrationChange{Label: &c.Label}
	return show(ctx, at, con, r, con.integration)
}

type updateCmd struct {
	target
	credentialFlags
}

// Help is the longer help.
func (updateCmd) Help() string {
	return `The new credential is tested before it replaces the old one. At a terminal, and without flags, every field is asked for.

    patchbay integration update Team --field-file token=./new-token`
}

// Run replaces the credential.
func (c *updateCmd) Run(ctx context.Context, at *client, con *console) error {
	given, err := c.values(con)
	if err != nil {
		return err
	}
	id, err := at.resolve(ctx, c.Ref, "")
	if err != nil {
		return err
	}
	i, err := fetch[integration](ctx, at, getIntegration(id))
	if err != nil {
		return err
	}
	p, err := fetch[platform](ctx, at, get(nil, "v1", "platforms", i.Platform))
	if err != nil {
		return err
	}
	method, err := p.method(i.AuthMethod, given)
	if err != nil {
		return err
	}
	form := form{console: con, title: "New credential of " + i.Label, fields: method.Fields, given: given, stdinTaken: c.FieldStdin != "", keep: true}
	if err := form.complete(ctx); err != nil {
		return err
	}
	if len(given) == 0 {
		return usageError("nothing to change: give the new values\n%s", flagsFor(method.Fields))
	}
	r := on(http.MethodPatch, id)
	r.in = integrationChange{Credential: given, Verify: c.verify()}
	return show(ctx, at, con, r, func(i integration) {
		con.say("%s %s: the new credential is in use.", clean(i.Platform), clean(i.Label))
	})
}

func errNoIntegration(label string) error {
	return fmt.Errorf("no integration has the id or the label %q; `patchbay integrations` lists yours", label)
}
