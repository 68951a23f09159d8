package api

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/patchbay/patchbay/host/internal/cluster"
	"github.com/patchbay/patchbay/host/internal/identity"
	"github.com/patchbay/patchbay/host/internal/supervisor"
)

type adapterView struct {
	Name      string             `json:"name"`
	Desired   desiredView        `json:"desired"`
	Platforms []string           `json:"platforms"`
	Hosts     []adapterOnOneHost `json:"hosts"`
}

// desiredView is what every host is to run.
type desiredView struct {
	Version  string  `json:"version"`
	Previous string  `json:"previous,omitempty" doc:"The version to fall back to"`
	Canary   string  `json:"canary,omitempty" doc:"A version that gets a share of the calls"`
	Share    float64 `json:"share,omitempty"`
	Pinned   bool    `json:"pinned" doc:"A newer built-in release does not take over"`
	Disabled bool    `json:"disabled"`
	Revision int64   `json:"revision" doc:"A host has brought it about when its own revision is the same"`
}

type adapterOnOneHost struct {
	Host        string      `json:"host"`
	Version     string      `json:"version"`
	State       string      `json:"state" enum:"stopped,starting,running,waiting,crash_loop,disabled,broken"`
	PID         int         `json:"pid"`
	Restarts    int         `json:"restarts"`
	Confinement string      `json:"confinement"`
	Problem     string      `json:"problem,omitempty"`
	InFlight    int         `json:"in_flight"`
	Since       *time.Time  `json:"since"`
	Digest      string      `json:"digest,omitempty"`
	Trust       string      `json:"trust,omitempty" doc:"built-in, signed or unsigned"`
	Publisher   string      `json:"publisher,omitempty" doc:"Whose key signed it"`
	Grants      []string    `json:"grants"`
	Revision    int64       `json:"revision" doc:"Of the desired state that this host has brought about, or given up"`
	Swapping    bool        `json:"swapping" doc:"True while the host works on another desired state"`
	OnTrial     bool        `json:"on_trial" doc:"True in the first minutes, in which a crash or too many failures bring the release before back"`
	Canary      *otherView  `json:"canary,omitempty"`
	Old         []otherView `json:"old,omitempty" doc:"Releases that wait for their last calls"`
}

// otherView is a release beside the one in service.
type otherView struct {
	Version  string  `json:"version"`
	State    string  `json:"state"`
	PID      int     `json:"pid"`
	InFlight int     `json:"in_flight"`
	Share    float64 `json:"share,omitempty"`
}

type hostView struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Address   string    `json:"address"`
	Version   string    `json:"version"`
	StartedAt time.Time `json:"started_at"`
	BeatAt    time.Time `json:"heartbeat_at"`
	Self      bool      `json:"self" doc:"True for the host that answers"`
}

func (a *API) adapters() {
	add(a, route{method: "GET", path: "/v1/adapters", id: "list-adapters", tag: "Operator", summary: "List the adapters with their state on every host", scope: identity.ScopeOperator},
		func(ctx context.Context, _ *struct{}) (*body[list[adapterView]], error) {
			hosts, err := a.cfg.Cluster.Live(ctx)
			if err != nil {
				return nil, err
			}
			items := a.adaptersOn(ctx, hosts)
			if items, err = a.withDesired(ctx, items); err != nil {
				return nil, err
			}
			return &body[list[adapterView]]{list[adapterView]{Items: items}}, nil
		})
	add(a, route{method: "GET", path: "/v1/hosts", id: "list-hosts", tag: "Operator", summary: "List the live hosts of the cluster", scope: identity.ScopeOperator},
		func(ctx context.Context, _ *struct{}) (*body[list[hostView]], error) {
			hosts, err := a.cfg.Cluster.Live(ctx)
			if err != nil {
				return nil, err
			}
			self := a.cfg.Cluster.Self().ID
			return pageOf(hosts, len(hosts), func(h cluster.Host) string { return h.ID }, func(h cluster.Host) hostView {
				return hostView{h.ID, h.Name, h.Address, h.Version, h.StartedAt.UTC(), h.BeatAt.UTC(), h.ID == self}
			}), nil
		})
}

// adaptersOn asks every host for its adapters, side by side. A host that does not answer is shown as unknown.
func (a *API) adaptersOn(ctx context.Context, hosts []cluster.Host) []adapterView {
	states := make([][]supervisor.Status, len(hosts))
	var wg sync.WaitGroup
	for i, h := range hosts {
		if h.ID == a.cfg.Cluster.Self().ID {
			states[i] = a.cfg.Adapters()
			continue
		}
		wg.Go(func() {
			var err error
			if states[i], err = a.cfg.AdaptersOf(ctx, h); err != nil {
				a.cfg.Logger.Warn("a host did not tell its adapters", "host", h.ID, "error", err)
			}
		})
	}
	wg.Wait()
	byName := map[string]*adapterView{}
	out := []adapterView{}
	for i, h := range hosts {
		for _, s := range states[i] {
			view := byName[s.Name]
			if view == nil {
				view = &adapterView{Name: s.Name, Desired: desiredView{Version: s.Version}, Platforms: orEmpty(s.Platforms), Hosts: []adapterOnOneHost{}}
				byName[s.Name] = view
			}
			view.Hosts = append(view.Hosts, adapterOn(h, s))
		}
	}
	for _, view := range byName {
		out = append(out, *view)
	}
	slices.SortFunc(out, func(x, y adapterView) int { return strings.Compare(x.Name, y.Name) })
	return out
}

// adapterOn is what one host tells of an adapter.
func adapterOn(h cluster.Host, s supervisor.Status) adapterOnOneHost {
	on := adapterOnOneHost{Host: h.ID, Version: s.Version, State: s.State, PID: s.PID, Restarts: s.Restarts, Confinement: s.Confinement,
		Problem: s.Problem, InFlight: s.InFlight, Digest: s.Digest, Trust: s.Trust, Publisher: s.Publisher, Grants: orEmpty(s.Grants),
		Revision: s.Revision, Swapping: s.Swapping, OnTrial: s.OnTrial}
	if !s.Since.IsZero() {
		on.Since = timeOrNil(&s.Since)
	}
	if c := s.Canary; c != nil {
		on.Canary = &otherView{c.Version, c.State, c.PID, c.InFlight, s.Share}
	}
	for _, o := range s.Old {
		on.Old = append(on.Old, otherView{o.Version, o.State, o.PID, o.InFlight, 0})
	}
	return on
}

// withDesired fills in what every host is to run, and adds what no host runs.
func (a *API) withDesired(ctx context.Context, items []adapterView) ([]adapterView, error) {
	all, err := a.cfg.Releases.Desired(ctx)
	if err != nil {
		return nil, err
	}
	for _, d := range all {
		i := slices.IndexFunc(items, func(v adapterView) bool { return v.Name == d.Adapter })
		if i < 0 {
			items = append(items, adapterView{Name: d.Adapter, Platforms: []string{}, Hosts: []adapterOnOneHost{}})
			i = len(items) - 1
		}
		items[i].Desired = desiredOf(d)
	}
	slices.SortFunc(items, func(x, y adapterView) int { return strings.Compare(x.Name, y.Name) })
	return items, nil
}
