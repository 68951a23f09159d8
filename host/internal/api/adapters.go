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
	Desired   adapterVersion     `json:"desired"`
	Platforms []string           `json:"platforms"`
	Hosts     []adapterOnOneHost `json:"hosts"`
}

type adapterVersion struct {
	Version string `json:"version"`
}

type adapterOnOneHost struct {
	Host        string     `json:"host"`
	Version     string     `json:"version"`
	State       string     `json:"state" enum:"stopped,starting,running,waiting,crash_loop,broken"`
	PID         int        `json:"pid"`
	Restarts    int        `json:"restarts"`
	Confinement string     `json:"confinement"`
	Problem     string     `json:"problem,omitempty"`
	InFlight    int        `json:"in_flight"`
	Since       *time.Time `json:"since"`
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
			return &body[list[adapterView]]{list[adapterView]{Items: a.adaptersOn(ctx, hosts)}}, nil
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
				view = &adapterView{Name: s.Name, Desired: adapterVersion{s.Version}, Platforms: orEmpty(s.Platforms), Hosts: []adapterOnOneHost{}}
				byName[s.Name] = view
			}
			on := adapterOnOneHost{Host: h.ID, Version: s.Version, State: s.State, PID: s.PID, Restarts: s.Restarts, Confinement: s.Confinement,
				Problem: s.Problem, InFlight: s.InFlight}
			if !s.Since.IsZero() {
				on.Since = timeOrNil(&s.Since)
			}
			view.Hosts = append(view.Hosts, on)
		}
	}
	for _, view := range byName {
		out = append(out, *view)
	}
	slices.SortFunc(out, func(x, y adapterView) int { return strings.Compare(x.Name, y.Name) })
	return out
}
