package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
)

// Report is what a verification found in one chain.
type Report struct {
	Chain   string `json:"chain"`
	Records int64  `json:"records"`
	OK      bool   `json:"ok"`
	// Problem says what is wrong and where: a changed, missing or added record, or an end that was cut off.
	Problem string `json:"problem,omitempty"`
}

var errBroken = errors.New("the chain is broken")

// Verify walks every chain and answers a report for each. The error is for a store that cannot be read.
func (l *Log) Verify(ctx context.Context, key []byte) ([]Report, error) {
	heads, err := l.store.Heads(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the ends of the chains: %w", err)
	}
	var reports []Report
	for name, stored := range heads {
		r, err := l.verifyChain(ctx, NewChain(name, key), stored)
		if err != nil {
			return nil, fmt.Errorf("walking chain %s: %w", name, err)
		}
		reports = append(reports, r)
	}
	slices.SortFunc(reports, func(a, b Report) int { return bytes.Compare([]byte(a.Chain), []byte(b.Chain)) })
	return reports, nil
}

func (l *Log) verifyChain(ctx context.Context, c *Chain, stored Head) (Report, error) {
	report := Report{Chain: c.Name(), OK: true}
	fail := func(format string, args ...any) error {
		report.OK, report.Problem = false, fmt.Sprintf(format, args...)
		return errBroken
	}
	head := Head{}
	err := l.store.Walk(ctx, c.Name(), func(r Record) error {
		if r.Seq != head.Seq+1 {
			return fail("record %d is missing", head.Seq+1)
		}
		if !c.follows(head, r) {
			return fail("record %d was changed, or the one before it", r.Seq)
		}
		head = Head{Seq: r.Seq, Hash: r.Hash}
		report.Records++
		return nil
	})
	if err != nil && !errors.Is(err, errBroken) {
		return report, err
	}
	// Batches may have been added since the stored end was read: the walk may be ahead of it, never behind.
	if report.OK && (head.Seq < stored.Seq || (head.Seq == stored.Seq && !bytes.Equal(head.Hash, stored.Hash))) {
		_ = fail("the chain should end with record %d and ends with %d", stored.Seq, head.Seq)
	}
	return report, nil
}
