package workflow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/patchbay/patchbay/host/internal/audit"
	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/id"
	"github.com/patchbay/patchbay/host/internal/integration"
	"github.com/patchbay/patchbay/host/internal/pool"
	"github.com/patchbay/patchbay/host/internal/vault"
)

const (
	maxWorkflows = 1000 // of one user
	maxLive      = 1000 // runs of one user
	maxInput     = 1 << 20
)

// Integrations answers a user's integrations.
type Integrations interface {
	Get(ctx context.Context, user, ref string) (integration.Integration, error)
	List(ctx context.Context, f integration.Filter) ([]integration.Integration, error)
}

// Pools answers a user's pools.
type Pools interface {
	Get(ctx context.Context, user, ref string) (pool.Pool, error)
}

// Config is what a Service needs; every field is required.
type Config struct {
	Store        Store
	Integrations Integrations
	Pools        Pools
	Catalog      *catalog.Catalog
	Vault        *vault.Vault
	Audit        *audit.Log
	Now          func() time.Time
}

// Service is the room's door. It is safe for concurrent use.
type Service struct {
	cfg   Config
	store Store
	vault *vault.Vault
	// ready is sent to when this host made a node ready.
	ready chan struct{}
}

// New answers a service.
func New(cfg Config) *Service {
	return &Service{cfg: cfg, store: cfg.Store, vault: cfg.Vault, ready: make(chan struct{}, 1)}
}

// Kick makes this host look for nodes that are ready.
func (s *Service) Kick() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

var workflowName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// Apply checks a document and stores it as another version of a user's workflow, or as a new one, which is not enabled. bindings say what
// its words for integrations and pools stand for, before the host finds out by itself. What is wrong with it is an *InvalidError.
func (s *Service) Apply(ctx context.Context, user, name, source string, bindings map[string]string) (Workflow, error) {
	if !workflowName.MatchString(name) {
		return Workflow{}, &InvalidError{Pointer: "/name", Detail: "must be of a-z, 0-9, _ and -, at most 64, and begin with a letter or a digit"}
	}
	doc, err := parse(source)
	if err != nil {
		return Workflow{}, invalid(err)
	}
	bound, err := s.bind(ctx, user, doc, bindings)
	if err != nil {
		return Workflow{}, invalid(err)
	}
	if err := s.check(ctx, user, name, doc, bound); err != nil {
		return Workflow{}, invalid(err)
	}
	w, err := s.store.PutWorkflow(ctx, Workflow{ID: id.New("wfl"), User: user, Name: name, Source: source, Bindings: bound}, doc.Schedules, maxWorkflows)
	if err != nil {
		return Workflow{}, fmt.Errorf("storing the workflow: %w", err)
	}
	if w.Enabled && len(doc.Schedules) > 0 { // its schedules are other ones now
		if w, err = s.store.EnableWorkflow(ctx, user, name, true, s.due); err != nil {
			return Workflow{}, fmt.Errorf("scheduling the workflow: %w", err)
		}
	}
	return w, s.cfg.Audit.Record(ctx, user, "workflow.apply", w.ID, "name", name, "version", fmt.Sprint(w.Version))
}

// invalid makes an error of a document one of a request.
func invalid(err error) error {
	var at *lineError
	if errors.As(err, &at) {
		return &InvalidError{Pointer: at.where, Detail: at.Error(), Line: at.line}
	}
	return err
}

// Get answers a user's workflow, or ErrNotFound.
func (s *Service) Get(ctx context.Context, user, name string) (Workflow, error) {
	if !workflowName.MatchString(name) {
		return Workflow{}, ErrNotFound
	}
	w, err := s.store.Workflow(ctx, user, name)
	return w, wrap("reading the workflow", err)
}

// List answers a page of a user's workflows by name, without their documents.
func (s *Service) List(ctx context.Context, user, after string, limit int) ([]Workflow, error) {
	found, err := s.store.ListWorkflows(ctx, user, after, limit)
	return found, wrap("listing workflows", err)
}

// Delete removes a user's workflow. Its runs go on, and stay in the history.
func (s *Service) Delete(ctx context.Context, user, name string) error {
	w, err := s.Get(ctx, user, name)
	if err != nil {
		return err
	}
	if err := s.store.DeleteWorkflow(ctx, user, name); err != nil {
		return wrap("deleting the workflow", err)
	}
	return s.cfg.Audit.Record(ctx, user, "workflow.delete", w.ID, "name", name)
}

// Enable switches a workflow on or off. One that is off starts by a test run alone.
func (s *Service) Enable(ctx context.Context, user, name string, enabled bool) (Workflow, error) {
	if _, err := s.Get(ctx, user, name); err != nil {
		return Workflow{}, err
	}
	w, err := s.store.EnableWorkflow(ctx, user, name, enabled, s.due)
	if err != nil {
		return Workflow{}, wrap("switching the workflow", err)
	}
	return w, s.cfg.Audit.Record(ctx, user, "workflow.enable", w.ID, "name", name, "enabled", fmt.Sprint(enabled))
}

// due answers when a schedule is next due; zero: never.
func (s *Service) due(at Schedule) time.Time {
	when, err := at.parse()
	if err != nil {
		return time.Time{} // it was checked when it was applied, by a host that knew its zone
	}
	return when.Next(s.cfg.Now())
}

// Start starts a run and answers its id. A workflow that is not enabled starts for a test alone.
func (s *Service) Start(ctx context.Context, user, name string, input json.RawMessage, test bool) (string, error) {
	w, err := s.Get(ctx, user, name)
	if err != nil {
		return "", err
	}
	trigger := "request"
	if test {
		trigger = "test"
	}
	return s.start(ctx, w, trigger, test, input, Message{})
}

func (s *Service) start(ctx context.Context, w Workflow, trigger string, test bool, input json.RawMessage, message Message) (string, error) {
	if !w.Enabled && !test {
		return "", &ConflictError{fmt.Sprintf("The workflow %s is not enabled. Try it with a test run, or enable it.", w.Name)}
	}
	if len(input) == 0 {
		input = json.RawMessage("{}")
	}
	if len(input) > maxInput {
		return "", &InvalidError{Pointer: "/input", Detail: fmt.Sprintf("is larger than %d MiB", maxInput>>20)}
	}
	if _, err := decodeJSON(input); err != nil {
		return "", &InvalidError{Pointer: "/input", Detail: "is no JSON"}
	}
	prepared, err := s.prepare(ctx, w, trigger, test, input)
	if err != nil {
		return "", err
	}
	ref, err := s.store.StartRun(ctx, prepared, message, maxLive)
	if err != nil {
		return "", wrap("starting the run", err)
	}
	s.Kick()
	return ref, s.cfg.Audit.Record(ctx, w.User, "workflow.run", ref, "workflow", w.Name, "trigger", trigger)
}

// scheduled makes the run of a schedule that is due, and says when it is due next.
func (s *Service) scheduled(w Workflow, at Schedule) (Start, time.Time, error) {
	ctx := context.Background() // it reads nothing but the key
	start, err := s.prepare(ctx, w, "schedule", false, at.Input)
	return start, s.due(at), err
}

// wrap says what was being done; what is meant for the caller stays as it is.
func wrap(doing string, err error) error {
	var conflict *ConflictError
	var invalid *InvalidError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNotFound), errors.As(err, &conflict), errors.As(err, &invalid):
		return err
	}
	return fmt.Errorf("%s: %w", doing, err)
}
