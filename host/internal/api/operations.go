package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/patchbay/patchbay/host/internal/audit"
	"github.com/patchbay/patchbay/host/internal/identity"
)

// auditWalkTime bounds a verification of the whole log.
const auditWalkTime = 10 * time.Minute

type verification struct {
	OK     bool           `json:"ok"`
	Chains []audit.Report `json:"chains"`
}

// operations registers what operators and their tools watch.
func (a *API) operations(mux *http.ServeMux) {
	type query struct {
		Page
		Actor   string `query:"actor" maxLength:"64"`
		Subject string `query:"subject" maxLength:"64"`
	}
	add(a, route{method: "GET", path: "/v1/audit", id: "list-audit", tag: "Operator", summary: "Read the audit log, the newest first", scope: identity.ScopeOperator},
		func(ctx context.Context, in *query) (*body[list[audit.Record]], error) {
			f, err := auditFilter(in.Cursor)
			if err != nil {
				return nil, err
			}
			f.Actor, f.Subject, f.Limit = in.Actor, in.Subject, in.Limit+1
			found, err := a.cfg.Audit.Query(ctx, f)
			if err != nil {
				return nil, err
			}
			return pageOf(found, in.Limit, auditCursor, func(r audit.Record) audit.Record { return r }), nil
		})
	add(a, route{method: "POST", path: "/v1/audit/verify", id: "verify-audit", tag: "Operator", summary: "Check the audit log's hash chains", scope: identity.ScopeOperator},
		func(ctx context.Context, _ *struct{}) (*body[verification], error) {
			ctx, cancel := context.WithTimeout(ctx, auditWalkTime)
			defer cancel()
			chains, err := a.cfg.Audit.Verify(ctx, a.cfg.AuditKey)
			if err != nil {
				return nil, err
			}
			out := verification{OK: true, Chains: orEmpty(chains)}
			for _, c := range chains {
				out.OK = out.OK && c.OK
			}
			return &body[verification]{out}, nil
		})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeStatus(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := a.cfg.Ready(r.Context()); err != nil {
			writeStatus(w, http.StatusServiceUnavailable, "not ready: "+err.Error())
			return
		}
		writeStatus(w, http.StatusOK, "ready")
	})
	mux.Handle("GET /metrics", a.cfg.Metrics)
	mux.HandleFunc("/v1/", func(w http.ResponseWriter, r *http.Request) { serveMissing(mux, w, r) })
}

// serveMissing answers what no route takes: 405 where the path has other methods, 404 otherwise.
func serveMissing(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); strings.HasPrefix(pattern, method+" ") {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		newProblem(r.Context(), 405, "method_not_allowed", fmt.Sprintf("%s takes %s.", r.URL.Path, strings.Join(allowed, ", "))).write(w)
		return
	}
	newProblem(r.Context(), 404, "not_found", fmt.Sprintf("There is no %s %s. /docs/api lists what there is.", r.Method, r.URL.Path)).write(w)
}

func writeStatus(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"status": text}) // a caller that went away
}

// auditCursor says where a page of the audit log ended.
func auditCursor(r audit.Record) string {
	return strconv.FormatInt(r.At.UnixMicro(), 10) + "." + strconv.FormatInt(r.Seq, 10) + "." + r.Chain
}

func auditFilter(cursor string) (audit.Filter, error) {
	if cursor == "" {
		return audit.Filter{}, nil
	}
	parts := strings.SplitN(cursor, ".", 3)
	if len(parts) == 3 {
		at, atErr := strconv.ParseInt(parts[0], 10, 64)
		seq, seqErr := strconv.ParseInt(parts[1], 10, 64)
		if atErr == nil && seqErr == nil {
			return audit.Filter{Before: time.UnixMicro(at), BeforeSeq: seq, BeforeChain: parts[2]}, nil
		}
	}
	return audit.Filter{}, &identity.InvalidError{Pointer: "/cursor", Detail: "is not a next_cursor of this list"}
}
