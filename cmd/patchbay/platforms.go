package main

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

type platformsCmd struct {
	ID        string `arg:"" optional:"" help:"A platform, such as slack."`
	Operation string `arg:"" optional:"" help:"One of its operations."`
	Query     string `help:"Only platforms whose name or description has this text."`
	Category  string `help:"Only platforms of this category."`
}

// Help is the longer help.
func (platformsCmd) Help() string {
	return `With a platform's id it shows how to connect an account and what can be run; with an operation too, the schemas of its input and output.

    patchbay platforms
    patchbay platforms slack
    patchbay platforms slack send_message`
}

type platform struct {
	ID          string       `json:"id"`
	Name        string       `json:"name"`
	Description string       `json:"description"`
	Category    string       `json:"category"`
	Website     string       `json:"website"`
	Adapter     string       `json:"adapter"`
	Count       int          `json:"operation_count"`
	AuthMethods []authMethod `json:"auth_methods"`
	Operations  []operation  `json:"operations"`
	Hosts       []string     `json:"hosts"`
	VerifyNote  string       `json:"verify_note"`
}

type authMethod struct {
	Type   string  `json:"type"`
	Label  string  `json:"label"`
	Help   string  `json:"help"`
	Fields []field `json:"fields"`
	// Available is false where an operator has registered no OAuth client.
	Available bool `json:"available"`
}

type field struct {
	Name      string `json:"name"`
	Label     string `json:"label"`
	Help      string `json:"help"`
	Secret    bool   `json:"secret"`
	Required  bool   `json:"required"`
	Default   string `json:"default"`
	Multiline bool   `json:"multiline"`
}

type operation struct {
	Name         string          `json:"name"`
	Title        string          `json:"title"`
	Description  string          `json:"description"`
	Effect       string          `json:"effect"`
	Scopes       []string        `json:"scopes"`
	AnyScopes    [][]string      `json:"any_scopes"`
	Streaming    bool            `json:"streaming"`
	TakesFiles   bool            `json:"takes_files"`
	GivesFiles   bool            `json:"gives_files"`
	InputSchema  json.RawMessage `json:"input_schema"`
	OutputSchema json.RawMessage `json:"output_schema"`
}

// Run lists platforms, or shows one, or one operation.
func (c *platformsCmd) Run(ctx context.Context, at *client, con *console) error {
	switch {
	case c.Operation != "":
		return show(ctx, at, con, get(nil, "v1", "platforms", c.ID, "operations", c.Operation), func(op operation) { con.operation(c.ID, op) })
	case c.ID != "":
		return show(ctx, at, con, get(nil, "v1", "platforms", c.ID), con.platform)
	}
	return showList(ctx, at, con, get(query("query", c.Query, "category", c.Category), "v1", "platforms"),
		"No platform matches. `patchbay adapter list` shows which adapters the host has.",
		[]string{"ID", "NAME", "CATEGORY", "CONNECT BY", "OPERATIONS", "DESCRIPTION"},
		func(p platform) []string {
			return []string{p.ID, p.Name, p.Category, strings.Join(p.methods(), ", "), strconv.Itoa(p.Count), cut(p.Description, 60)}
		})
}

func (p *platform) methods() []string {
	var names []string
	for _, m := range p.AuthMethods {
		names = append(names, m.Type)
	}
	return names
}

// platform shows a platform.
func (c *console) platform(p platform) {
	c.say("%s (%s)", clean(p.Name), clean(p.ID))
	c.say("%s", clean(p.Description))
	c.say("")
	c.pairs("category", p.Category, "website", p.Website, "adapter", p.Adapter, "reaches", strings.Join(p.Hosts, ", "), "note", p.VerifyNote)
	for _, m := range p.AuthMethods {
		c.say("\nConnect by %s (%s)", clean(m.Type), clean(orDash(m.Label)))
		if m.Help != "" {
			c.say("%s", clean(m.Help))
		}
		if len(m.Fields) > 0 {
			c.fields(m.Fields)
		}
	}
	if len(p.Operations) > 0 {
		c.say("")
		rows := make([][]string, 0, len(p.Operations))
		for _, op := range p.Operations {
			rows = append(rows, []string{op.Name, op.Effect, cut(firstOf(op.Title, op.Description), 70)})
		}
		c.table([]string{"OPERATION", "EFFECT", "WHAT IT DOES"}, rows)
		c.say("\nNext: patchbay connect %s; patchbay platforms %s %s", clean(p.ID), clean(p.ID), clean(p.Operations[0].Name))
	}
}

// fields shows what a method asks for.
func (c *console) fields(fields []field) {
	rows := make([][]string, 0, len(fields))
	for _, f := range fields {
		rows = append(rows, []string{"  " + f.Name, f.traits(), firstOf(f.Help, f.Label)})
	}
	c.table([]string{"  FIELD", "TRAITS", "WHAT IT IS"}, rows)
}

func (f field) traits() string {
	var traits []string
	if f.Required {
		traits = append(traits, "required")
	}
	if f.Secret {
		traits = append(traits, "secret")
	}
	if f.Default != "" {
		traits = append(traits, "default "+f.Default)
	}
	return strings.Join(traits, ", ")
}

// needed tells which scopes an operation needs: all of them, of those between which "or" stands one.
func (op operation) needed() string {
	all := slices.Clone(op.Scopes)
	for _, set := range op.AnyScopes {
		all = append(all, strings.Join(set, " or "))
	}
	return strings.Join(all, ", ")
}

// operation shows an operation with its schemas.
func (c *console) operation(platform string, op operation) {
	c.say("%s.%s: %s", clean(platform), clean(op.Name), clean(op.Title))
	c.say("%s", cleanLines(op.Description))
	c.say("")
	c.pairs("effect", op.Effect, "scopes", op.needed(), "streams", yes(op.Streaming), "takes files", yes(op.TakesFiles),
		"gives files", yes(op.GivesFiles))
	for _, schema := range []struct {
		name string
		raw  json.RawMessage
	}{{"Input", op.InputSchema}, {"Output", op.OutputSchema}} {
		if len(schema.raw) > 0 && string(schema.raw) != "null" {
			c.say("\n%s:", schema.name)
			_ = c.document(schema.raw) // a part of an answer that was decoded as JSON
		}
	}
	c.say("\nRun it: patchbay call %s.%s --input '{...}'", clean(platform), clean(op.Name))
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return ""
}

// splitOperation takes PLATFORM.OPERATION apart.
func splitOperation(name string) (platform, operation string, err error) {
	platform, operation, ok := strings.Cut(name, ".")
	if !ok || platform == "" || operation == "" {
		return "", "", usageError("%q is not PLATFORM.OPERATION, such as slack.send_message", name)
	}
	return platform, operation, nil
}
