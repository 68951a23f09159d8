package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

type loginCmd struct {
	Address    string `arg:"" optional:"" name:"address" help:"The host's address; --url, or http://127.0.0.1:7450, when left out."`
	TokenStdin bool   `name:"token-stdin" help:"Read the token from standard input instead of asking for it."`
}

// Help is the longer help.
func (loginCmd) Help() string {
	return `The token is tried, and then kept with the address in ~/.config/patchbay/credentials.json, which only you can read. On the machine of a running host
no login is needed: its data folder has a token for the operator.

    patchbay login https://patchbay.example.com
    pass show patchbay | patchbay login https://patchbay.example.com --token-stdin`
}

type me struct {
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	Role   string   `json:"role"`
	Scopes []string `json:"scopes"`
}

// Run stores an address and a token that works there.
func (c *loginCmd) Run(ctx context.Context, flags *connection, con *console) error {
	at := location{url: strings.TrimRight(firstOf(c.Address, flags.URL, defaultURL), "/"), from: "the command"}
	if err := checkURL(at.url); err != nil {
		return err
	}
	if flags.CAFile != "" {
		path, err := filepath.Abs(flags.CAFile)
		if err != nil {
			return fmt.Errorf("finding --ca-file: %w", err)
		}
		at.caFile = path
	}
	var err error
	if at.token, err = c.token(ctx, flags, con, at.url); err != nil {
		return err
	}
	host := &client{flags: flags}
	if err := host.dialTo(at); err != nil {
		return err
	}
	raw, err := host.ask(ctx, get(nil, "v1", "me"))
	if err != nil {
		return err
	}
	who, err := decode[me](raw)
	if err != nil {
		return err
	}
	path, err := credentialsPath()
	if err != nil {
		return err
	}
	if err := (credentials{URL: at.url, Token: at.token, CAFile: at.caFile}).write(path); err != nil {
		return err
	}
	if con.json {
		return con.document(raw)
	}
	con.say("Signed in to %s as %s (%s).", at.url, clean(who.Name), clean(who.Role))
	return nil
}

// token reads the token: from standard input, the flag or the environment, or from the person at the terminal.
func (c *loginCmd) token(ctx context.Context, flags *connection, con *console, at string) (string, error) {
	fd, person := con.terminal()
	var token string
	switch {
	case c.TokenStdin:
		raw, err := readBounded(con.in)
		if err != nil {
			return "", usageError("reading the token: %w", err)
		}
		token = string(raw)
	case flags.Token != "":
		token = flags.Token
	case person:
		con.note("A token for %s: `patchbay token create NAME` makes one where you are signed in, or ask the operator.", at)
		p := &prompt{console: con, fd: fd, lines: bufio.NewReader(con.in)}
		secret, err := p.read(ctx, "Token: ", true)
		if err != nil {
			return "", err
		}
		token = secret
	default:
		return "", usageError("there is no terminal to ask for the token: give it with --token-stdin or PATCHBAY_TOKEN")
	}
	token = strings.TrimSpace(token)
	if token == "" || strings.ContainsAny(token, " \t\r\n") {
		return "", usageError("that is not a token: it is one word, such as pb_...")
	}
	return token, nil
}

type logoutCmd struct{}

// Run removes what login stored.
func (logoutCmd) Run(con *console) error {
	path, err := credentialsPath()
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("forgetting the token: %w", err)
	}
	if con.json {
		return con.value(struct{}{})
	}
	con.say("Forgotten. The token itself lives on until `patchbay token revoke` or its end.")
	return nil
}

type meCmd struct{}

// Run shows who the host takes the caller for.
func (meCmd) Run(ctx context.Context, at *client, con *console) error {
	return show(ctx, at, con, get(nil, "v1", "me"), func(who me) {
		con.pairs("name", who.Name, "id", who.ID, "role", who.Role, "scopes", strings.Join(who.Scopes, ", "), "host", at.url, "known from", at.from)
	})
}
