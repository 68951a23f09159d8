package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/patchbay/patchbay/host"
)

type doctorCmd struct{}

// Help is the longer help.
func (doctorCmd) Help() string {
	return `Runs a program on this machine exactly as adapters are run, has it try to get out (to the host's memory and keys, other processes, the network,
the container engine) and to do what adapters need, and says what stopped it. It needs no running host and no data folder; run it as the user
that runs the host. It changes nothing on the machine and calls nobody outside it.

"nothing here to refuse" means that an unconfined program fails as well, so that the attempt says nothing about confinement.

The exit code is 0 when everything was refused or allowed as it should be, 1 otherwise.`
}

// Run examines the machine.
func (doctorCmd) Run(ctx context.Context, con *console) error {
	report, err := host.Doctor(ctx)
	if err != nil {
		return err
	}
	if con.json {
		err = con.value(report)
	} else {
		con.diagnosis(report)
	}
	if err != nil {
		return err
	}
	if wrong := report.Unexpected(); len(wrong) > 0 {
		return fmt.Errorf("%d of %d attempts did not end as expected: %s", len(wrong), len(report.Probes), strings.Join(wrong, ", "))
	}
	return nil
}

// diagnosis prints the report for people.
func (c *console) diagnosis(report host.Report) {
	var rows [][]string
	for _, p := range report.Probes {
		outcome := string(p.Outcome)
		if p.Outcome != p.Expected {
			outcome = strings.ToUpper(outcome)
		}
		rows = append(rows, []string{p.Name, string(p.Expected), outcome, p.By, cut(p.Detail, 60)})
	}
	c.table([]string{"ATTEMPT", "EXPECTED", "OUTCOME", "BY", "DETAIL"}, rows)
	k := report.Kernel
	offers := []string{}
	if k.LandlockABI > 0 {
		offers = append(offers, fmt.Sprint("landlock ", k.LandlockABI))
	}
	for _, offer := range []struct {
		has  bool
		name string
	}{{k.Seccomp, "seccomp"}, {k.SealedMemfd, "sealed memfd"}, {k.OwnUID, "own uid"}} {
		if offer.has {
			offers = append(offers, offer.name)
		}
	}
	c.say("\nThis machine offers: %s", orDash(strings.Join(offers, ", ")))
	for _, missing := range k.Missing {
		c.say("It lacks: %s", clean(missing))
	}
	if len(report.Unexpected()) == 0 {
		c.say("All %d attempts ended as expected.", len(report.Probes))
	}
}
