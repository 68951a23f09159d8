package main

import (
	"context"
	"time"
)

type userCmd struct {
	List       userListCmd       `cmd:"" help:"List the users."`
	Create     userCreateCmd     `cmd:"" help:"Add a user."`
	SigninLink userSigninLinkCmd `cmd:"" name:"signin-link" help:"Make a link on which a user signs in, once."`
}

type user struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Role      string    `json:"role"`
	CreatedAt time.Time `json:"created_at"`
}

type userListCmd struct{ page }

// Run lists users.
func (c *userListCmd) Run(ctx context.Context, at *client, con *console) error {
	return showList(ctx, at, con, get(c.query(), "v1", "users"), "There are no users.", []string{"ID", "NAME", "ROLE", "CREATED"},
		func(u user) []string { return []string{u.ID, cut(u.Name, 60), u.Role, con.dateOf(u.CreatedAt)} })
}

type userCreateCmd struct {
	Name string `arg:"" help:"The user's name."`
	Role string `enum:"user,operator" default:"user" help:"user, or operator who runs the host."`
}

// Run adds a user.
func (c *userCreateCmd) Run(ctx context.Context, at *client, con *console) error {
	body := map[string]string{"name": c.Name, "role": c.Role}
	return show(ctx, at, con, post(body, "v1", "users"), func(u user) {
		con.say("Added %s: %s.", clean(u.Name), clean(u.ID))
		con.say("Next: patchbay user signin-link %s, or patchbay token create NAME --user %s", clean(u.ID), clean(u.ID))
	})
}

type userSigninLinkCmd struct {
	ID string `arg:"" help:"The user, such as usr_..."`
}

// Run makes a sign-in link.
func (c *userSigninLinkCmd) Run(ctx context.Context, at *client, con *console) error {
	type link struct {
		URL       string    `json:"url"`
		ExpiresAt time.Time `json:"expires_at"`
	}
	return show(ctx, at, con, post(nil, "v1", "users", c.ID, "signin-link"), func(l link) {
		con.note("Works once, until %s. Whoever opens it is signed in as this user:", con.dateOf(l.ExpiresAt))
		con.say("%s", clean(l.URL))
	})
}
