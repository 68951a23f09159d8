package main

import (
	"context"
	"time"
)

type revokeCmd struct {
	User     string `placeholder:"ID" help:"Of this user."`
	Platform string `placeholder:"ID" help:"Of this platform."`
	Yes      bool   `help:"Do it. Without this nothing is done."`
}

// Help is the longer help.
func (revokeCmd) Help() string {
	return `All integrations that are named are deactivated on every host first, then their grants are ended at their platforms, and their credentials removed.
Keys that were typed in cannot be ended from here: the report says so, and they are out of use all the same.

    patchbay revoke --platform slack --yes
    patchbay revoke --user usr_06f3... --yes`
}

type revocationReport struct {
	Total   int `json:"total"`
	Revoked int `json:"revoked"`
	Items   []struct {
		Integration string `json:"integration"`
		User        string `json:"user"`
		Platform    string `json:"platform"`
		Revoked     bool   `json:"revoked"`
		Detail      string `json:"detail"`
	} `json:"items"`
}

// Run revokes.
func (c *revokeCmd) Run(ctx context.Context, at *client, con *console) error {
	if c.User == "" && c.Platform == "" {
		return usageError("say what to revoke: --user, --platform, or both")
	}
	if !c.Yes {
		return usageError("this takes accounts away from their users and cannot be undone: add --yes to do it")
	}
	r := post(map[string]string{"user": c.User, "platform": c.Platform}, "v1", "revocations")
	r.patience = longPatience
	return show(ctx, at, con, r, func(r revocationReport) {
		con.say("%d of %d grants were ended at their platforms; all of them are out of use here.", r.Revoked, r.Total)
		var rows [][]string
		for _, i := range r.Items {
			if !i.Revoked {
				rows = append(rows, []string{clean(i.Integration), clean(i.User), clean(i.Platform), clean(i.Detail)})
			}
		}
		if len(rows) > 0 {
			con.table([]string{"NOT ENDED THERE", "USER", "PLATFORM", "WHY"}, rows)
		}
	})
}

type connectLinkCmd struct {
	Platform []string `arg:"" help:"What may be connected; several are offered to choose from."`
	Label    string   `help:"What the account will be called."`
	Return   string   `name:"return-url" placeholder:"URL" help:"Where to go on afterwards."`
}

// Help is the longer help.
func (connectLinkCmd) Help() string {
	return `Whoever has the link connects one account as yours: send it to that person alone. With a service token and --as-user it is that user's.

    patchbay connect-link reddit
    patchbay connect-link slack notion --as-user usr_06f3... --return-url https://app.example.com/done`
}

// Run makes the link.
func (c *connectLinkCmd) Run(ctx context.Context, at *client, con *console) error {
	in := map[string]any{"platforms": c.Platform, "label": c.Label, "return_url": c.Return}
	return show(ctx, at, con, post(in, "v1", "connect-sessions"), func(s struct {
		URL       string    `json:"url"`
		ExpiresAt time.Time `json:"expires_at"`
	}) {
		con.say("%s", clean(s.URL))
		con.note("It is good once, until %s.", con.dateOf(s.ExpiresAt))
	})
}
