package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/sandbox/box"
)

// Platform is the id of the platform whose operations this room runs.
const Platform = "sandbox"

// Call is one operation of a user.
type Call struct {
	User      string          `json:"user"`
	Operation string          `json:"operation"`
	Input     json.RawMessage `json:"input"`
	// Said hears output as it comes, where somebody listens.
	Said func(stream string, offset uint64, data []byte) error `json:"-"`
	// forwarded is set for a call that another host passed on: it is not passed on again.
	Forwarded bool `json:"-"`
}

// View is a sandbox as its user sees it.
type View struct {
	ID        string            `json:"sandbox_id"`
	Name      string            `json:"name"`
	State     string            `json:"state"`
	Template  string            `json:"template"`
	Runtime   string            `json:"runtime"`
	Isolation string            `json:"isolation"`
	MemoryMB  int64             `json:"memory_mb"`
	CPUs      float64           `json:"cpus"`
	DiskMB    int64             `json:"disk_mb"`
	Network   string            `json:"network"`
	Timeout   int64             `json:"timeout"`
	Lifetime  int64             `json:"lifetime"`
	Metadata  map[string]string `json:"metadata"`
	Preserved string            `json:"preserved,omitempty"`
	Cold      bool              `json:"cold"`
	CreatedAt string            `json:"created_at"`
	Problem   string            `json:"problem,omitempty"`
}

func viewOf(b Sandbox) View {
	v := View{ID: b.ID, Name: b.Name, State: b.State, Template: b.Template, Runtime: b.Runtime, Isolation: "container", MemoryMB: b.MemoryMB, CPUs: b.CPUs,
		DiskMB: b.DiskMB, Network: b.Network, Timeout: int64(b.Timeout.Seconds()), Lifetime: int64(b.Lifetime.Seconds()), Metadata: b.Metadata,
		Preserved: b.Preserved, Cold: b.Cold, CreatedAt: b.CreatedAt.UTC().Format(time.RFC3339), Problem: b.Problem}
	if b.Strong {
		v.Isolation = "strong"
	}
	if v.Metadata == nil {
		v.Metadata = map[string]string{}
	}
	if b.State == New {
		v.State = Creating
	}
	if b.Pending == Destroying {
		v.State = Destroying
	}
	return v
}

// local are the operations that need no machine, or this one.
var local = map[string]bool{"create": true, "get": true, "list": true, "list_templates": true}

// Do runs an operation. Failures are *catalog.Failure.
func (s *Service) Do(ctx context.Context, c Call) ([]byte, error) {
	var named struct {
		ID string `json:"sandbox_id"`
	}
	if len(c.Input) == 0 {
		c.Input = json.RawMessage("{}")
	}
	if err := json.Unmarshal(c.Input, &named); err != nil {
		return nil, invalid("", "is no JSON object")
	}
	if !local[c.Operation] {
		b, err := s.find(ctx, c.User, named.ID)
		if err != nil {
			return nil, err
		}
		if b.Home != s.cfg.Home {
			return s.elsewhere(ctx, b, c)
		}
		defer s.touch(b.ID)()
	}
	out, err := s.run(ctx, c, named.ID)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("encoding the answer: %w", err)
	}
	return raw, nil
}

// elsewhere passes a call on to the host that has the sandbox.
func (s *Service) elsewhere(ctx context.Context, b Sandbox, c Call) ([]byte, error) {
	host, err := s.HostOf(ctx, b)
	if err != nil || c.Forwarded {
		return nil, away(err)
	}
	return s.cfg.Elsewhere(ctx, host, c)
}

// away is the failure of a sandbox whose machine is not there.
func away(error) error {
	return &catalog.Failure{Kind: catalog.AdapterUnavailable, NotSent: true, Message: "The machine that has this sandbox is not in the cluster now. The sandbox is kept there; try again when it is back."}
}

// HostOf answers the host process that has a sandbox.
func (s *Service) HostOf(ctx context.Context, b Sandbox) (string, error) {
	return s.cfg.Store.HomeHost(ctx, b.Home)
}

// Here says whether this process has a sandbox of a user, and which other has it otherwise.
func (s *Service) Here(ctx context.Context, user, ref string) (here bool, host string, err error) {
	b, err := s.find(ctx, user, ref)
	if err != nil || b.Home == s.cfg.Home {
		return true, "", err
	}
	host, err = s.HostOf(ctx, b)
	if err != nil {
		return false, "", away(err)
	}
	return false, host, nil
}

type empty struct{}

func decode[T any](raw json.RawMessage) (T, error) {
	var in T
	if err := json.Unmarshal(raw, &in); err != nil {
		return in, invalid("", "does not fit the operation")
	}
	return in, nil
}

// with decodes an input and runs f on it.
func with[T, O any](raw json.RawMessage, f func(T) (O, error)) (any, error) {
	in, err := decode[T](raw)
	if err != nil {
		return nil, err
	}
	return f(in)
}

func viewed(b Sandbox, err error) (View, error) {
	if err != nil {
		return View{}, err
	}
	return viewOf(b), nil
}

func (s *Service) run(ctx context.Context, c Call, ref string) (any, error) {
	switch c.Operation {
	case "create":
		return with(c.Input, func(in createInput) (View, error) { return viewed(s.create(ctx, c.User, in)) })
	case "get":
		return viewed(s.find(ctx, c.User, ref))
	case "list":
		return s.list(ctx, c.User)
	case "list_templates":
		return s.templates(ctx)
	case "pause":
		return with(c.Input, func(in struct{ Cold bool }) (View, error) { return viewed(s.pause(ctx, c.User, ref, in.Cold)) })
	case "resume":
		return viewed(s.change(ctx, c.User, ref, Waking, func(b Sandbox) bool { return b.State == Running && b.Pending == "" }))
	case "destroy":
		return viewed(s.change(ctx, c.User, ref, Destroying, func(b Sandbox) bool { return b.State == Destroyed }))
	case "set_timeout":
		return with(c.Input, func(in struct{ Timeout, Lifetime int }) (View, error) {
			return viewed(s.setTimeout(ctx, c.User, ref, in.Timeout, in.Lifetime))
		})
	case "metrics":
		return s.metrics(ctx, c.User, ref)
	}
	if _, err := s.running(ctx, c.User, ref); err != nil {
		return nil, err
	}
	v, err := s.Settings(ctx)
	if err != nil {
		return nil, err
	}
	return s.inside(ctx, c, inner{s, s.place(v), ref})
}

// inner is a running sandbox that is worked in.
type inner struct {
	s  *Service
	at box.Place
	id string
}

// running answers a sandbox that work can be done in.
func (s *Service) running(ctx context.Context, user, ref string) (Sandbox, error) {
	b, err := s.find(ctx, user, ref)
	switch {
	case err != nil:
		return b, err
	case b.State == Destroyed:
		return b, missing()
	case b.State == Paused || b.Pending == Pausing || b.Pending == Waking || b.Pending == Parking:
		return b, &catalog.Failure{Kind: catalog.Conflict, NotSent: true, Message: "The sandbox is paused. Resume it first."}
	case b.State != Running:
		return b, &catalog.Failure{Kind: catalog.Conflict, NotSent: true, Message: "The sandbox is not running: it is " + viewOf(b).State + "."}
	}
	return b, nil
}

func (s *Service) list(ctx context.Context, user string) (any, error) {
	all, err := s.cfg.Store.UserSandboxes(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("listing sandboxes: %w", err)
	}
	out := struct {
		Items []View `json:"items"`
	}{Items: []View{}}
	for _, b := range all {
		out.Items = append(out.Items, viewOf(b))
	}
	return out, nil
}

// pause pauses a sandbox; a paused one whose memory is to be given back too is parked.
func (s *Service) pause(ctx context.Context, user, ref string, cold bool) (Sandbox, error) {
	pending := Pausing
	if cold {
		pending = Parking
	}
	return s.change(ctx, user, ref, pending, func(b Sandbox) bool {
		return b.State == Paused && b.Pending == "" && (b.Cold || !cold || !b.Strong)
	})
}

func (s *Service) setTimeout(ctx context.Context, user, ref string, timeout, lifetime int) (Sandbox, error) {
	l := s.of(ref)
	l.change.Lock()
	defer l.change.Unlock()
	b, err := s.find(ctx, user, ref)
	if err != nil {
		return b, err
	}
	v, err := s.Settings(ctx)
	if err != nil {
		return b, err
	}
	if timeout > 0 {
		b.Timeout = seconds(timeout)
	}
	if lifetime > v.MaxLifetime {
		return b, invalid("/lifetime", fmt.Sprintf("may run for at most %d seconds here", v.MaxLifetime))
	}
	if lifetime > 0 {
		b.Lifetime = b.Ran + seconds(lifetime)
	}
	return s.save(ctx, b, true, v, "")
}

type templateView struct {
	ID          string `json:"id"`
	Description string `json:"description"`
	Missing     string `json:"missing,omitempty"`
}

type runtimeView struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Strong  bool   `json:"strong"`
	Missing string `json:"missing,omitempty"`
}

func (s *Service) templates(ctx context.Context) (any, error) {
	v, err := s.Settings(ctx)
	if err != nil {
		return nil, err
	}
	a, err := s.cfg.Driver.Probe(ctx, s.place(v))
	if err != nil {
		return nil, understood(err)
	}
	out := struct {
		Templates []templateView `json:"templates"`
		Runtimes  []runtimeView  `json:"runtimes"`
	}{[]templateView{}, []runtimeView{}}
	for _, t := range a.Templates {
		out.Templates = append(out.Templates, templateView(t))
	}
	for _, r := range a.Runtimes {
		out.Runtimes = append(out.Runtimes, runtimeView{r.Name, r.Version, r.Strong, r.Missing})
	}
	return out, nil
}

type metricsView struct {
	MemoryBytes      uint64  `json:"memory_bytes"`
	MemoryLimitBytes uint64  `json:"memory_limit_bytes"`
	CPUSeconds       float64 `json:"cpu_seconds"`
	Processes        uint64  `json:"processes"`
	DiskUsedBytes    uint64  `json:"disk_used_bytes"`
	DiskLimitBytes   uint64  `json:"disk_limit_bytes"`
	StoredBytes      uint64  `json:"stored_bytes"`
	Usage            Usage   `json:"usage"`
}

// metrics tells what a sandbox uses, with what is due until now.
func (s *Service) metrics(ctx context.Context, user, ref string) (any, error) {
	v, err := s.Settings(ctx)
	if err != nil {
		return nil, err
	}
	b, err := s.find(ctx, user, ref)
	if err != nil {
		return nil, err
	}
	var out metricsView
	if b.State != Destroyed {
		st, err := s.cfg.Driver.Stats(ctx, s.place(v), ref)
		if err != nil {
			return nil, understood(err)
		}
		out = metricsView{MemoryBytes: st.MemoryBytes, MemoryLimitBytes: st.MemoryLimitBytes, CPUSeconds: float64(st.CPUNanoseconds) / 1e9, Processes: st.Processes,
			DiskUsedBytes: st.DiskUsedBytes, DiskLimitBytes: st.DiskLimitBytes, StoredBytes: st.StoredBytes}
	}
	days, err := s.cfg.Store.SandboxUsage(ctx, user, ref, "0001-01-01", "9999-12-31")
	if err != nil {
		return nil, fmt.Errorf("summing its usage: %w", err)
	}
	days = append(days, DayUsage{Usage: b.meter(s.cfg.Clock(), true, v.Prices)})
	for _, d := range days {
		out.Usage.VCPUSeconds += d.VCPUSeconds
		out.Usage.GiBSeconds += d.GiBSeconds
		out.Usage.DiskGiBHours += d.DiskGiBHours
		out.Usage.Cost += d.Cost
	}
	return out, nil
}

// Usage answers what was metered of a user's sandboxes by day; of all users where user is "".
func (s *Service) Usage(ctx context.Context, user, from, to string) ([]DayUsage, error) {
	return s.cfg.Store.SandboxUsage(ctx, user, "", from, to)
}
