package main

import (
	"context"
	"strings"
)

type connectCmd struct {
	Platform string `arg:"" help:"The platform, such as slack."`
	Label    string `help:"What you call this account; its own name when left out."`
	Method   string `placeholder:"METHOD" help:"oauth2, api_key, bearer, custom or none, where the platform takes several."`
	oauthFlags
	credentialFlags
}

// credentialFlags give the fields of a credential.
type credentialFlags struct {
	Field      []string `name:"field" sep:"none" placeholder:"NAME=VALUE" help:"A field that is no secret. Do not give secrets like this: other users of this machine see them, and your shell remembers them."`
	FieldFile  []string `name:"field-file" sep:"none" placeholder:"NAME=PATH" help:"A field whose value is in a file."`
	FieldStdin string   `name:"field-stdin" placeholder:"NAME" help:"A field whose value comes from standard input."`
	NoVerify   bool     `name:"no-verify" help:"Save the credential without testing it with the platform."`
}

// Help is the longer help.
func (connectCmd) Help() string {
	return `Where a platform signs you in (OAuth), a browser is opened, or the link is printed, and the command waits until you have decided there.
Otherwise the credential is tested with the platform and then kept sealed by the host; nobody can read it again. Fields that are not given are asked for
when you sit at a terminal, secret ones without showing them. patchbay platforms PLATFORM lists the fields.

    patchbay connect reddit
    patchbay connect reddit --again int_06f3... --scope read --scope identity
    patchbay connect slack --method bearer
    patchbay connect slack --label Team --field-file token=./bot-token
    pass show openai | patchbay connect openai --field-stdin api_key
    patchbay connect remote-server --field host=10.0.0.5 --field username=deploy --field-file private_key=~/.ssh/id_ed25519`
}

// newIntegration is the body of POST /v1/integrations.
type newIntegration struct {
	Platform   string            `json:"platform"`
	Label      string            `json:"label,omitempty"`
	AuthMethod string            `json:"auth_method"`
	Credential map[string]string `json:"credential,omitempty"`
	Verify     *bool             `json:"verify,omitempty"`
}

// Run connects an account.
func (c *connectCmd) Run(ctx context.Context, at *client, con *console) error {
	given, err := c.values(con)
	if err != nil {
		return err
	}
	p, err := fetch[platform](ctx, at, get(nil, "v1", "platforms", c.Platform))
	if err != nil {
		return err
	}
	if c.byOAuth(&p, c.Method, given) {
		return c.authorize(ctx, at, con, &p, c.Label)
	}
	method, err := p.method(c.Method, given)
	if err != nil {
		return err
	}
	form := form{console: con, title: "Connect " + p.Name, fields: method.Fields, given: given, stdinTaken: c.FieldStdin != ""}
	if err := form.complete(ctx); err != nil {
		return err
	}
	body := newIntegration{Platform: p.ID, Label: c.Label, AuthMethod: method.Type, Credential: given, Verify: c.verify()}
	return show(ctx, at, con, post(body, "v1", "integrations"), func(i integration) { con.connected(&p, i) })
}

// connected says what was connected, and what to do with it.
func (c *console) connected(p *platform, i integration) {
	c.say("Connected %s: %s (%s).", clean(p.Name), clean(i.Label), clean(i.ID))
	if i.Account.Name != "" {
		c.say("The account is %s.", clean(i.Account.Name))
	}
	if len(p.Operations) > 0 {
		c.say("Next: patchbay call %s.%s --input '{...}'; patchbay platforms %s lists what it takes.", clean(p.ID), clean(p.Operations[0].Name), clean(p.ID))
	}
}

// verify is false where the credential is not to be tested, and otherwise left out.
func (f *credentialFlags) verify() *bool {
	if !f.NoVerify {
		return nil
	}
	return new(bool)
}

// values reads the fields that flags give. Its errors never quote a value.
func (f *credentialFlags) values(con *console) (map[string]string, error) {
	given := map[string]string{}
	put := func(name, value string) error {
		if _, twice := given[name]; twice {
			return usageError("the field %s is given twice", name)
		}
		given[name] = value
		return nil
	}
	for _, pair := range f.Field {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, usageError("--field takes NAME=VALUE")
		}
		if err := put(name, value); err != nil {
			return nil, err
		}
	}
	for _, pair := range f.FieldFile {
		name, path, ok := strings.Cut(pair, "=")
		if !ok || name == "" || path == "" {
			return nil, usageError("--field-file takes NAME=PATH")
		}
		raw, err := readGiven(path)
		if err != nil {
			return nil, usageError("reading the field %s: %w", name, err)
		}
		if err := put(name, fileValue(raw)); err != nil {
			return nil, err
		}
	}
	if f.FieldStdin == "" {
		return given, nil
	}
	raw, err := readBounded(con.in)
	if err != nil {
		return nil, usageError("reading the field %s: %w", f.FieldStdin, err)
	}
	return given, put(f.FieldStdin, fileValue(raw))
}

// fileValue drops the newline at the end of a value of one line; a text of several, such as a private key, stays as it is.
func fileValue(raw []byte) string {
	text := string(raw)
	one := strings.TrimRight(text, "\r\n")
	if strings.ContainsAny(one, "\r\n") {
		return text
	}
	return one
}

// method answers the auth method that is meant: by its name, as the only one that takes fields, or by the fields given.
func (p *platform) method(name string, given map[string]string) (*authMethod, error) {
	var fits []*authMethod
	var usable []string
	for i := range p.AuthMethods {
		m := &p.AuthMethods[i]
		if m.Type == "oauth2" {
			continue
		}
		usable = append(usable, m.Type)
		if m.Type == name || (name == "" && m.takes(given)) {
			fits = append(fits, m)
		}
	}
	switch {
	case len(fits) == 1:
		return fits[0], fits[0].check(given)
	case len(usable) == 0:
		return nil, usageError("%s is connected in a browser (OAuth), not by fields", p.Name)
	case name != "":
		return nil, usageError("%s is not connected by %s; it takes: %s", p.Name, name, strings.Join(usable, ", "))
	case len(usable) == 1:
		return nil, p.AuthMethods[p.indexOf(usable[0])].check(given)
	}
	return nil, usageError("%s is connected in several ways; choose with --method: %s", p.Name, strings.Join(usable, ", "))
}

func (p *platform) indexOf(kind string) int {
	for i, m := range p.AuthMethods {
		if m.Type == kind {
			return i
		}
	}
	return -1
}

func (m *authMethod) takes(given map[string]string) bool { return m.check(given) == nil }

// check refuses fields that the method does not have.
func (m *authMethod) check(given map[string]string) error {
	known := map[string]bool{}
	var names []string
	for _, f := range m.Fields {
		known[f.Name] = true
		names = append(names, f.Name)
	}
	for name := range given {
		if !known[name] {
			return usageError("%q is not a field of %s; it has: %s", name, m.Type, strings.Join(names, ", "))
		}
	}
	return nil
}
