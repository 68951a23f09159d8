package main

import (
	"context"
	"fmt"

	"github.com/patchbay/patchbay/sdk/sdktest"
)

type adapterTestCmd struct {
	Binary string   `arg:"" type:"existingfile" help:"The adapter's program, in any language."`
	Arg    []string `placeholder:"ARG" sep:"none" help:"An argument of the program; may stand several times."`
}

// Help is the longer help.
func (adapterTestCmd) Help() string {
	return `Runs the adapter as a host does and checks that it keeps the contract: how it greets and describes itself, its manifest, how it fails, that it lives on
after wrong input, large messages and cancelled calls, that its log holds no credential, and that it ends when it should. It needs no running host,
and every connection that the adapter tries is refused.

    patchbay adapter test bin/adapters/slack
    patchbay adapter test --json ./my-adapter

The exit code is 0 when nothing failed, 1 otherwise.`
}

// Run checks the adapter.
func (c *adapterTestCmd) Run(ctx context.Context, con *console) error {
	report, err := sdktest.Conformance(ctx, sdktest.Options{Binary: c.Binary, Args: c.Arg})
	if err != nil {
		return err
	}
	if con.json {
		err = con.value(report)
	} else {
		var rows [][]string
		for _, check := range report.Checks {
			rows = append(rows, []string{check.Outcome, check.Name, clean(check.Reason)})
		}
		con.table([]string{"OUTCOME", "CHECK", "REASON"}, rows)
	}
	if err == nil && !report.Passed() {
		err = fmt.Errorf("%s does not keep the contract", c.Binary)
	}
	return err
}
