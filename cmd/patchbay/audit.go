package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

type auditCmd struct {
	List   auditListCmd   `cmd:"" default:"withargs" help:"Read the record, the newest first."`
	Verify auditVerifyCmd `cmd:"" help:"Check that nothing in the record was changed or removed; exit code 1 if so."`
}

type auditListCmd struct {
	Actor   string `placeholder:"ID" help:"Only what this user did."`
	Subject string `placeholder:"ID" help:"Only what was done to this."`
	page
}

// Run reads the record.
func (c *auditListCmd) Run(ctx context.Context, at *client, con *console) error {
	type record struct {
		At      time.Time         `json:"at"`
		Actor   string            `json:"actor"`
		Action  string            `json:"action"`
		Subject string            `json:"subject"`
		Detail  map[string]string `json:"detail"`
	}
	return showList(ctx, at, con, get(c.query("actor", c.Actor, "subject", c.Subject), "v1", "audit"), "Nothing is recorded that matches.",
		[]string{"WHEN", "WHO", "DID", "TO", "DETAIL"},
		func(r record) []string {
			var details []string
			for _, name := range slices.Sorted(maps.Keys(r.Detail)) {
				details = append(details, name+"="+r.Detail[name])
			}
			return []string{con.dateOf(r.At), r.Actor, r.Action, r.Subject, strings.Join(details, " ")}
		})
}

type auditVerifyCmd struct{}

// Run checks the chains.
func (auditVerifyCmd) Run(ctx context.Context, at *client, con *console) error {
	type verification struct {
		OK     bool `json:"ok"`
		Chains []struct {
			Chain   string `json:"chain"`
			Records int64  `json:"records"`
			OK      bool   `json:"ok"`
			Problem string `json:"problem"`
		} `json:"chains"`
	}
	r := post(nil, "v1", "audit", "verify")
	r.patience = longPatience
	raw, err := at.ask(ctx, r)
	if err != nil {
		return err
	}
	v, err := decode[verification](raw)
	if err != nil {
		return err
	}
	if con.json {
		err = con.document(raw)
	} else {
		rows := make([][]string, 0, len(v.Chains))
		for _, c := range v.Chains {
			rows = append(rows, []string{c.Chain, strconv.FormatInt(c.Records, 10), firstOf(c.Problem, "whole")})
		}
		con.table([]string{"CHAIN", "RECORDS", "STATE"}, rows)
	}
	if err == nil && !v.OK {
		return errors.New("the audit log was tampered with, or is damaged")
	}
	return err
}
