package main

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/willabides/kongplete"

	"github.com/patchbay/patchbay/host"
)

// version is set at build time: -ldflags "-X main.version=1.2.3".
var version = "0.0.0-dev"

func main() {
	host.Shim()
	os.Exit(run(os.Args[1:]))
}

// run runs one command and answers its exit code.
func run(args []string) int {
	// The first signal ends the command in good order; after it signals have their usual effect again, so that a second one kills.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	c := &console{in: os.Stdin, out: os.Stdout, err: os.Stderr, now: time.Now, local: time.Local, json: slices.Contains(args, "--json")}
	var g grammar
	parser, err := newParser(&g, c)
	if err != nil {
		return c.report(err)
	}
	kongplete.Complete(parser) // answers a shell that asks for completions, and exits
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if err != nil {
		return c.report(err)
	}
	c.json = g.JSON
	command.BindTo(ctx, (*context.Context)(nil))
	command.Bind(&g.connection, &client{flags: &g.connection})
	return c.report(command.Run())
}

// newParser makes the parser of the grammar; commands get what is bound here as arguments of their Run.
func newParser(g *grammar, c *console) (*kong.Kong, error) {
	file := &settings{}
	return kong.New(g, kong.Name("patchbay"), kong.Description(description()),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}),
		kong.Writers(c.out, c.err), kong.Bind(c, file), kong.Resolvers(file),
		kong.ExplicitGroups([]kong.Group{
			{Key: "connection", Title: "Which host:"}, {Key: "use", Title: "Connect accounts and run operations:"},
			{Key: "operate", Title: "Run a host:"}, {Key: "identity", Title: "Sign in:"}, {Key: "shell", Title: "This program:"}}))
}
