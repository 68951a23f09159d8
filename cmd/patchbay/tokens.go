package main

import (
	"context"
	"net/http"
	"strings"
	"time"
)

type tokenCmd struct {
	List   tokenListCmd   `cmd:"" help:"List your tokens."`
	Create tokenCreateCmd `cmd:"" help:"Make a token; its secret is printed once."`
	Revoke tokenRevokeCmd `cmd:"" help:"Revoke a token, at once and on every host."`
}

type token struct {
	ID        string     `json:"id"`
	User      string     `json:"user"`
	Name      string     `json:"name"`
	Scopes    []string   `json:"scopes"`
	Service   bool       `json:"service"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at"`
	Token     string     `json:"token"`
}

// limits are what a token's calls are held to.
type limits struct {
	Platforms    []string `json:"platforms,omitempty"`
	Integrations []string `json:"integrations,omitempty"`
	Operations   []string `json:"operations,omitempty"`
	Effects      []string `json:"effects,omitempty"`
}

// IsZero says whether they hold to nothing.
func (l limits) IsZero() bool {
	return len(l.Platforms)+len(l.Integrations)+len(l.Operations)+len(l.Effects) == 0
}

type tokenListCmd struct{ page }

// Run lists tokens.
func (c *tokenListCmd) Run(ctx context.Context, at *client, con *console) error {
	return showList(ctx, at, con, get(c.query(), "v1", "tokens"), "You have no tokens. Make one with `patchbay token create NAME`.",
		[]string{"ID", "NAME", "SCOPES", "SERVICE", "CREATED", "EXPIRES"},
		func(t token) []string {
			return []string{t.ID, cut(t.Name, 40), strings.Join(t.Scopes, ","), yes(t.Service), con.dateOf(t.CreatedAt), firstOf(con.date(t.ExpiresAt), "never")}
		})
}

type tokenCreateCmd struct {
	Name      string   `arg:"" help:"What it is for."`
	User      string   `placeholder:"ID" help:"For another user; operators only."`
	Scope     []string `placeholder:"SCOPE" help:"What it may do: calls, integrations, tokens, operator; all that you may when left out."`
	ExpiresIn string   `name:"expires-in" placeholder:"720h" help:"When it ends by itself; never when left out."`
	Platform  []string `placeholder:"PLATFORM" help:"Hold its calls to these platforms."`
	Account   []string `name:"integration" placeholder:"ID" help:"Hold its calls to these accounts."`
	Operation []string `placeholder:"OPERATION" help:"Hold its calls to these operations, such as send_message or slack.send_message."`
	Effect    []string `placeholder:"EFFECT" help:"Hold its calls to operations of these effects: read, idempotent, write."`
	Service   bool     `help:"Let it act for any user that a request names; operators only."`
}

// Help is the longer help.
func (tokenCreateCmd) Help() string {
	return `The secret goes to standard output alone, so that it can be piped to where it is kept; the host stores only its hash.

    patchbay token create ci --scope calls --expires-in 720h
    patchbay token create reader --platform slack --effect read`
}

// Run makes a token.
func (c *tokenCreateCmd) Run(ctx context.Context, at *client, con *console) error {
	body := struct {
		User      string   `json:"user,omitempty"`
		Name      string   `json:"name"`
		Scopes    []string `json:"scopes,omitempty"`
		ExpiresIn string   `json:"expires_in,omitempty"`
		Service   bool     `json:"service,omitempty"`
		Limits    limits   `json:"limits,omitzero"`
	}{c.User, c.Name, c.Scope, c.ExpiresIn, c.Service, limits{c.Platform, c.Account, c.Operation, c.Effect}}
	return show(ctx, at, con, post(body, "v1", "tokens"), func(t token) {
		con.note("Token %s may: %s. It is shown once:", clean(t.ID), clean(strings.Join(t.Scopes, ", ")))
		con.say("%s", clean(t.Token))
	})
}

type tokenRevokeCmd struct {
	ID string `arg:"" help:"The token, such as tok_..."`
}

// Run revokes a token.
func (c *tokenRevokeCmd) Run(ctx context.Context, at *client, con *console) error {
	r := request{method: http.MethodDelete, path: []string{"v1", "tokens", c.ID}}
	return show(ctx, at, con, r, func(struct{}) { con.say("%s is revoked.", clean(c.ID)) })
}
