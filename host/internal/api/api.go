package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/patchbay/patchbay/host/internal/alert"
	"github.com/patchbay/patchbay/host/internal/audit"
	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/cluster"
	"github.com/patchbay/patchbay/host/internal/dispatch"
	"github.com/patchbay/patchbay/host/internal/event"
	"github.com/patchbay/patchbay/host/internal/file"
	"github.com/patchbay/patchbay/host/internal/identity"
	"github.com/patchbay/patchbay/host/internal/integration"
	"github.com/patchbay/patchbay/host/internal/mount"
	"github.com/patchbay/patchbay/host/internal/pool"
	"github.com/patchbay/patchbay/host/internal/release"
	"github.com/patchbay/patchbay/host/internal/sandbox"
	"github.com/patchbay/patchbay/host/internal/supervisor"
	"github.com/patchbay/patchbay/host/internal/usage"
	"github.com/patchbay/patchbay/host/internal/vault"
	"github.com/patchbay/patchbay/host/internal/workflow"
)

// Config is what the API needs; every field is required.
type Config struct {
	Identity     *identity.Service
	Integrations *integration.Service
	Catalog      *catalog.Catalog
	Dispatcher   *dispatch.Dispatcher
	Pools        *pool.Service
	Workflows    *workflow.Service
	History      usage.History
	Sums         usage.Sums
	Prices       usage.Prices
	Alerts       *alert.Service
	Files        *file.Cabinet
	Links        *file.Links
	Audit        *audit.Log
	AuditKey     []byte
	Events       *event.Log
	Webhooks     *event.Webhooks
	Cluster      *cluster.Cluster
	// Adapters answers the state of this host's adapters; AdaptersOf that of another host.
	Adapters   func() []supervisor.Status
	AdaptersOf func(ctx context.Context, h cluster.Host) ([]supervisor.Status, error)
	Releases   *release.Shelf
	Mounts     *mount.Service
	// Scratch is a folder for uploads.
	Scratch  string
	Rotation *vault.Rotation
	// Sandboxes is the room; Elsewhere passes a request on, for a user, to the host that has the sandbox.
	Sandboxes *sandbox.Service
	Elsewhere func(w http.ResponseWriter, r *http.Request, host, user string)
	// Ready says what keeps the host from serving, or nil.
	Ready   func(ctx context.Context) error
	Metrics http.Handler
	// Throttle bounds the requests of users and tokens.
	Throttle Throttle
	// PublicURL is where clients reach the host, without a trailing slash.
	PublicURL string
	Version   string
	Logger    *slog.Logger
	Now       func() time.Time
}

// API serves the routes.
type API struct {
	cfg      Config
	huma     huma.API
	throttle *throttle
}

// Register adds the routes to a mux and answers the API, whose OpenAPI document describes them.
func Register(mux *http.ServeMux, cfg Config) *API {
	useProblems()
	hc := huma.DefaultConfig("Patchbay", cfg.Version)
	hc.DocsPath, hc.SchemasPath, hc.CreateHooks = "", "", nil // the docs are the host's own pages; no $schema in answers
	hc.Info.Description = "Connect an account once; run its operations from anywhere."
	hc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer",
		Description: "An API token, `pb_...`. A service token acts for the user named in the Patchbay-User header."}}
	hc.Security = []map[string][]string{{"token": {}}}
	hc.Servers = []*huma.Server{{URL: cfg.PublicURL}}
	a := &API{cfg: cfg, huma: humago.New(mux, hc), throttle: newThrottle(cfg.Throttle, time.Now)}
	a.huma.UseMiddleware(a.authenticate)
	a.platforms()
	a.settings()
	a.mounts()
	a.integrations()
	a.oauth()
	a.calls(mux)
	a.history()
	a.usage()
	a.alerts()
	a.pools()
	a.workflows(mux)
	a.files(mux)
	a.webhooks()
	a.events()
	a.tokens()
	a.users()
	a.adapters()
	a.releases(mux)
	a.publishers()
	a.keys()
	a.operations(mux)
	a.sandboxes(mux)
	return a
}

// route describes an operation of the API.
type route struct {
	method, path, id, tag, summary string
	// scope is what the token needs; "" means any token.
	scope string
	// status of success; 200 when 0.
	status int
	// maxBody in bytes; 1 MiB when 0.
	maxBody int64
}

// add registers a route with its handler.
func add[I, O any](a *API, r route, handle func(context.Context, *I) (*O, error)) {
	huma.Register(a.huma, huma.Operation{Method: r.method, Path: r.path, OperationID: r.id, Tags: []string{r.tag}, Summary: r.summary,
		DefaultStatus: r.status, MaxBodyBytes: r.maxBody, Metadata: map[string]any{"scope": r.scope},
		Errors: []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}},
		func(ctx context.Context, in *I) (*O, error) {
			out, err := handle(ctx, in)
			if err != nil {
				return nil, a.problem(ctx, err)
			}
			return out, nil
		})
}

// body is an answer with a JSON body.
type body[T any] struct{ Body T }

// none is an answer without a body.
type none struct{}

// list is a page of a listing.
type list[T any] struct {
	Items []T `json:"items"`
	// NextCursor goes into ?cursor= for the next page; null on the last.
	NextCursor *string `json:"next_cursor"`
}

// Page asks for a page of a listing.
type Page struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many at most"`
	Cursor string `query:"cursor" maxLength:"200" doc:"next_cursor of the page before"`
}

// pageOf makes a page of one item more than it holds, which tells whether there is another.
func pageOf[S, T any](items []S, limit int, id func(S) string, convert func(S) T) *body[list[T]] {
	out := list[T]{Items: make([]T, 0, len(items))}
	if len(items) > limit {
		items = items[:limit]
		cursor := id(items[limit-1])
		out.NextCursor = &cursor
	}
	for _, item := range items {
		out.Items = append(out.Items, convert(item))
	}
	return &body[list[T]]{Body: out}
}

// OpenAPI answers the document that describes the API.
func (a *API) OpenAPI() *huma.OpenAPI { return a.huma.OpenAPI() }
