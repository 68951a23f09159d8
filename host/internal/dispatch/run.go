package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/file"
	"github.com/patchbay/patchbay/host/internal/id"
	"github.com/patchbay/patchbay/host/internal/integration"
	"github.com/patchbay/patchbay/host/internal/usage"
	"github.com/patchbay/patchbay/host/internal/vault"
)

// Runner runs one attempt on the adapter's process. Failures are *catalog.Failure.
type Runner interface {
	Run(ctx context.Context, r catalog.Request, to catalog.Sink) (catalog.Response, error)
}

// Integrations is what dispatch asks of the integration room.
type Integrations interface {
	Find(ctx context.Context, user, ref string) (integration.Integration, error)
	Open(ctx context.Context, user string, i integration.Integration) (integration.Lease, error)
	// Renew answers the integration with another credential than the one that the platform refused.
	Renew(ctx context.Context, i integration.Integration) (integration.Integration, error)
	MarkExpired(ctx context.Context, i integration.Integration, reason string) error
}

// Config is what a Dispatcher needs; every field is required.
type Config struct {
	Integrations Integrations
	Pools        Pools
	Catalog      *catalog.Catalog
	Runner       Runner
	Ledger       *usage.Ledger
	Files        *file.Cabinet
	Claims       Claims
	Holds        Holds
	Budgets      Budgets
	Vault        *vault.Vault
	// Host is the id of this process.
	Host string
	// Observe is told of each call once it is recorded.
	Observe func(usage.Call)
	Logger  *slog.Logger
	Now     func() time.Time
}

// Dispatcher runs calls. It is safe for concurrent use.
type Dispatcher struct {
	cfg     Config
	holds   *holds
	budgets *budgets
}

// New answers a dispatcher.
func New(cfg Config) *Dispatcher {
	return &Dispatcher{cfg: cfg, holds: newHolds(), budgets: newBudgets(cfg.Budgets)}
}

// Run runs a call and answers when it is recorded. Failures are *catalog.Failure.
func (d *Dispatcher) Run(ctx context.Context, c Call) (Answer, error) {
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, min(c.Timeout, MaxTimeout))
	defer cancel()
	if c.Pool != "" {
		return d.runPool(ctx, c)
	}
	return d.runOne(ctx, c)
}

// runOne runs a call with one integration.
func (d *Dispatcher) runOne(ctx context.Context, c Call) (Answer, error) {
	r := &run{d: d, call: c, id: id.New("call"), started: d.cfg.Now()}
	d.cfg.Ledger.Enter()
	defer d.cfg.Ledger.Leave()
	answer, err := r.allowed(ctx)
	if r.operation == nil {
		return answer, err // nothing to record: no such integration, platform or operation, or a kept answer
	}
	return r.finish(ctx, answer, err)
}

// run is the state of one call.
type run struct {
	d       *Dispatcher
	call    Call
	id      string
	started time.Time

	integration integration.Integration
	platform    *catalog.Platform
	settings    catalog.Settings
	operation   *catalog.Operation
	claimed     bool
	renewed     bool
	passOn      bool // another member of the pool goes on with it
	attempts    int
	bytesOut    int64
	units       map[string]float64
}

// allowed finds what the call names, checks that it may run, and runs it.
func (r *run) allowed(ctx context.Context) (Answer, error) {
	var status error
	r.integration, status = r.d.cfg.Integrations.Find(ctx, r.call.User, r.call.Integration)
	if r.integration.ID == "" {
		return Answer{}, status
	}
	var err error
	if r.platform, r.settings, err = r.d.cfg.Catalog.Platform(r.integration.Platform); err != nil {
		return Answer{}, err
	}
	op := r.platform.Operation(r.call.Operation)
	if op == nil {
		return Answer{}, &catalog.Failure{Kind: catalog.OperationNotFound,
			Message: fmt.Sprintf("%s has no operation %q. `patchbay platforms %s` lists them.", r.platform.Name, clip(r.call.Operation), r.platform.ID)}
	}
	r.operation = op
	if r.call.Limits != nil && !r.call.Limits.Allow(r.integration.ID, r.platform.ID, op.Name, string(op.Effect)) {
		return Answer{}, &catalog.Failure{Kind: Forbidden, NotSent: true,
			Message: fmt.Sprintf("The limits of this token leave out %s.%s with this integration.", r.platform.ID, op.Name)}
	}
	if status != nil {
		return Answer{}, status
	}
	if err := op.CheckInput(r.call.Input); err != nil {
		return Answer{}, err
	}
	if err := r.checkScopes(); err != nil {
		return Answer{}, err
	}
	if r.call.IdempotencyKey != "" {
		if answer, done, err := r.claim(ctx); done || err != nil {
			return answer, err
		}
	}
	return r.attempt(ctx)
}

// checkScopes compares the operation's scopes with those granted. Where the platform never said which were granted, it decides.
func (r *run) checkScopes() error {
	missing := r.operation.Missing(r.integration.Scopes)
	if len(missing) == 0 {
		return nil
	}
	return &catalog.Failure{Kind: catalog.PermissionDenied, MissingScopes: missing, NotSent: true,
		Message: fmt.Sprintf("The integration %q lacks what %s needs. Connect the account again and grant it.", r.integration.Label, r.operation.Name)}
}

// attempt sends the call until it succeeds or the policy gives up.
func (r *run) attempt(ctx context.Context) (Answer, error) {
	failures, waits := 0, 0
	for {
		if err := r.turn(ctx); err != nil {
			return Answer{}, err
		}
		answer, repeatable, f := r.once(ctx)
		if f == nil {
			return answer, nil
		}
		switch judge(r.operation.Effect, f, repeatable) {
		case refused:
			again, failure := r.refused(ctx, f, repeatable)
			if !again {
				return Answer{}, failure
			}
		case wait:
			r.d.hold(ctx, r.integration.ID, cmpOr(f.RetryAfter, unknownWait))
			if waits++; waits > maxWaits || r.call.more {
				return Answer{}, f
			}
		case again:
			if r.call.more {
				return Answer{}, settle(r.operation.Effect, f)
			}
			if failures++; failures >= maxAttempts || !sleep(ctx, backoff(failures, f)) {
				return Answer{}, settle(r.operation.Effect, f)
			}
		case giveUp:
			return Answer{}, settle(r.operation.Effect, f)
		}
	}
}

// turn waits until the platform takes a call of the integration.
func (r *run) turn(ctx context.Context) error {
	if err := r.d.holds.wait(ctx, r.integration.ID); err != nil {
		return err
	}
	return r.d.budgets.take(ctx, r.integration.ID, matching(r.platform, r.settings, r.operation.Name))
}

// open opens the credential. That may take a while: where the platform has asked for a pause meanwhile, it is waited for, and the
// credential opened again.
func (r *run) open(ctx context.Context) (integration.Lease, error) {
	for {
		lease, err := r.d.cfg.Integrations.Open(ctx, r.call.User, r.integration)
		if err != nil || r.d.holds.left(r.integration.ID) == 0 {
			return lease, err
		}
		if err := r.d.holds.wait(ctx, r.integration.ID); err != nil {
			return lease, err
		}
	}
}

// refused deals with a credential that the platform refuses: an OAuth token is renewed once and the call run once more; whatever cannot be
// renewed is expired.
func (r *run) refused(ctx context.Context, f *catalog.Failure, repeatable bool) (again bool, _ error) {
	if r.integration.AuthMethod != "oauth2" || r.renewed || f.Kind == catalog.AuthRevoked {
		r.expire(ctx, f)
		return false, f
	}
	r.renewed = true
	renewed, err := r.d.cfg.Integrations.Renew(ctx, r.integration)
	var why *catalog.Failure
	switch {
	case err == nil && repeatable:
		r.integration = renewed
		return true, nil
	case err == nil:
		return false, f // the next call has the new token
	case errors.As(err, &why) && why.Kind == catalog.ReauthorizationRequired:
		r.expire(ctx, why)
	}
	return false, err
}

// once sends the call one time.
func (r *run) once(ctx context.Context) (Answer, bool, *catalog.Failure) {
	lease, err := r.open(ctx)
	if err != nil {
		return Answer{}, rewindable(r.call.Files), r.asFailure(err)
	}
	r.integration = lease.Integration
	if err := rewind(r.call.Files, r.attempts); err != nil {
		return Answer{}, false, r.asFailure(err)
	}
	r.attempts++
	sink := &callSink{run: r}
	response, err := r.d.cfg.Runner.Run(ctx, catalog.Request{User: r.call.User, CallID: r.id, Platform: r.platform, Operation: r.operation,
		Credential: lease.Credential, Settings: r.settings, Input: r.call.Input, Files: r.call.Files, Stream: r.call.Sink != nil}, sink)
	if err != nil {
		sink.discard(ctx)
		return Answer{}, !sink.emitted && rewindable(r.call.Files), r.asFailure(err)
	}
	answer, err := r.collect(ctx, response, sink)
	if err != nil {
		return Answer{}, false, r.asFailure(err)
	}
	return answer, false, nil
}

// collect makes the answer of what the adapter gave.
func (r *run) collect(ctx context.Context, response catalog.Response, sink *callSink) (Answer, error) {
	files, err := sink.files(ctx)
	if err != nil {
		return Answer{}, err
	}
	answer := Answer{ID: r.id, Output: response.Output, Files: files, Usage: response.Units}
	r.units = response.Units
	r.bytesOut += int64(len(response.Output))
	if len(response.Output) > MaxInline {
		f, err := r.d.cfg.Files.Store(ctx, r.call.User, r.id, "output.json", "application/json", response.Output)
		if err != nil {
			return Answer{}, fmt.Errorf("storing the output: %w", err)
		}
		answer.Output, answer.OutputFile, answer.Files = json.RawMessage("null"), f.ID, append(files, f)
	}
	if !json.Valid(answer.Output) {
		return Answer{}, &catalog.Failure{Kind: catalog.AdapterBug, Message: "The adapter's answer is not JSON."}
	}
	return answer, nil
}

// finish records the call, and only then answers.
func (r *run) finish(ctx context.Context, answer Answer, failed error) (Answer, error) {
	duration := r.d.cfg.Now().Sub(r.started)
	answer.Attempts, answer.DurationMS = r.attempts, float64(duration.Microseconds())/1000
	if answer.Files == nil {
		answer.Files = []file.File{}
	}
	if answer.Usage == nil {
		answer.Usage = map[string]float64{}
	}
	ctx = context.WithoutCancel(ctx) // the call has happened, whoever still waits for it
	record := usage.Call{ID: r.id, User: r.call.User, Token: r.call.Token, Integration: r.integration.ID, Label: r.integration.Label,
		Platform: r.platform.ID, Operation: r.operation.Name, Effect: string(r.operation.Effect), Started: r.started, Duration: duration,
		Attempts: r.attempts, BytesIn: int64(len(r.call.Input)), BytesOut: r.bytesOut, Units: r.units,
		Pool: r.call.Pool, Workflow: r.call.Workflow, Run: r.call.WorkflowRun}
	var f *catalog.Failure
	if failed != nil {
		f = r.asFailure(failed)
		record.Kind, record.Reason = string(f.Kind), f.Message
		r.passOn = r.call.more && rewindable(r.call.Files) && passesOn(r.operation.Effect, f)
	}
	if r.claimed {
		kept, err := r.keep(ctx, answer, f)
		if err != nil {
			return Answer{}, err
		}
		record.Answer = kept
	}
	if err := r.d.cfg.Ledger.Record(ctx, record); err != nil {
		r.d.cfg.Logger.Error("a call could not be recorded", "call", r.id, "error", err)
		return Answer{}, &catalog.Failure{Kind: NotRecorded, Message: fmt.Sprintf(
			"Call %s ran and may have had its effect, but the database could not record it. Look at the platform before you repeat it.", r.id)}
	}
	r.d.cfg.Observe(record)
	if f != nil && r.passOn {
		return Answer{ID: r.id}, &passedOn{f}
	}
	if f != nil {
		return Answer{ID: r.id}, f
	}
	return answer, nil
}

// expire tells the integration that the platform refused its credential.
func (r *run) expire(ctx context.Context, f *catalog.Failure) {
	if err := r.d.cfg.Integrations.MarkExpired(context.WithoutCancel(ctx), r.integration, f.Message); err != nil {
		r.d.cfg.Logger.Error("an integration could not be marked expired", "integration", r.integration.ID, "error", err)
	}
}

// asFailure answers an error as a failure. What is none is the host's own fault: its text goes to the log, not to the caller.
func (r *run) asFailure(err error) *catalog.Failure {
	var f *catalog.Failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, context.DeadlineExceeded):
		return &catalog.Failure{Kind: catalog.Timeout, Message: "The call was not finished within its time."}
	case errors.Is(err, context.Canceled):
		return &catalog.Failure{Kind: catalog.Timeout, Message: "The caller went away before the call was finished."}
	}
	r.d.cfg.Logger.Error("a call failed inside the host", "call", r.id, "error", err)
	return &catalog.Failure{Kind: Internal, Message: "The host failed on this call. Its log says more under this call's id."}
}

// Forbidden is the kind of a call that its token's limits leave out.
const Forbidden catalog.Kind = "forbidden"

// Kinds of failures of the host itself.
const (
	Internal    catalog.Kind = "internal_error"
	NotRecorded catalog.Kind = "not_recorded"
)

func sleep(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func cmpOr(a, b time.Duration) time.Duration {
	if a > 0 {
		return a
	}
	return b
}

// clip shortens what a caller sent before it stands in a message.
func clip(s string) string {
	if len(s) > 64 {
		s = s[:64] + "…"
	}
	return s
}
