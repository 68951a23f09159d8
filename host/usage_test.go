package host_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

type usageItem struct {
	Group, Label  string
	Calls, Errors int64
	Kinds         map[string]int64
	Usage         map[string]float64
	BytesIn       int64                           `json:"bytes_in"`
	Cost          float64                         `json:"cost_usd"`
	DurationMS    float64                         `json:"duration_ms"`
	LatencyMS     struct{ P50, P95, P99 float64 } `json:"latency_ms"`
}

func (c client) usage(query string) []usageItem {
	c.t.Helper()
	var out struct{ Items []usageItem }
	c.must("GET", "/v1/usage?"+query, nil, &out)
	return out.Items
}

// number answers the one number of a query.
func number(t *testing.T, url, sql string) int64 {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var n int64
	if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

func TestUsage(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	slack := newSlackDouble(t)
	i := s.connectSlack(slack)
	idle := s.connectSlack(slack)
	s.must("PUT", "/v1/usage/prices", map[string]any{"items": []map[string]any{{"platform": "slack", "unit": "calls", "usd": 0.25}}}, nil)
	for range 4 {
		s.must("POST", "/v1/calls", message(i, "x"), nil)
	}
	slack.failWith(func(w http.ResponseWriter, _ int) bool {
		w.WriteHeader(http.StatusInternalServerError)
		return true
	})
	s.do("POST", "/v1/calls", message(i, "x"), nil)
	byAccount := s.usage("group_by=integration")
	if len(byAccount) != 2 || byAccount[0].Group != i.ID || byAccount[0].Calls != 5 || byAccount[0].Errors != 1 || byAccount[0].Kinds["outcome_unknown"] != 1 ||
		math.Abs(byAccount[0].Cost-1) > 1e-9 || byAccount[0].LatencyMS.P99 < byAccount[0].LatencyMS.P50 || byAccount[0].LatencyMS.P50 == 0 {
		t.Errorf("by integration: %+v", byAccount)
	}
	if byAccount[1].Group != idle.ID || byAccount[1].Calls != 0 || byAccount[1].Label != "Team" {
		t.Errorf("an account without calls: %+v", byAccount[1])
	}
	days := s.usage("group_by=day&since=72h")
	if len(days) != 4 || days[3].Calls != 5 || days[0].Calls != 0 || days[3].Group != time.Now().UTC().Format(time.DateOnly) {
		t.Errorf("by day: %+v", days)
	}
	if by := s.usage("group_by=operation&since=1h&integration=" + i.ID); len(by) != 1 || by[0].Group != "slack.send_message" || by[0].Calls != 5 {
		t.Errorf("by operation: %+v", by)
	}
	var bob struct{ ID string }
	s.must("POST", "/v1/users", map[string]any{"name": "bob"}, &bob)
	var token struct{ Token string }
	s.must("POST", "/v1/tokens", map[string]any{"user": bob.ID, "name": "x"}, &token)
	var out struct{ Items []usageItem }
	if s.as(token.Token, "GET", "/v1/usage", nil, &out); len(out.Items) != 0 {
		t.Errorf("another user sees %+v", out.Items)
	}
	if status := s.as(token.Token, "GET", "/v1/usage?all_users=true", nil, nil); status != 403 {
		t.Errorf("another user who asks for everybody's is answered %d", status)
	}
	if all := s.usage("group_by=user&all_users=true"); len(all) != 1 || all[0].Calls != 5 {
		t.Errorf("everybody's: %+v", all)
	}
}

// Three hosts roll up beside each other while calls run, and two of them are killed: each recorded call is in the sums once.
func TestUsageIsExact(t *testing.T) {
	t.Parallel()
	configs := three(t)
	a := start(t, configs[0])
	slack := newSlackDouble(t)
	i := a.connectSlack(slack)
	for round := range 2 {
		victims := []*spawned{spawn(t, configs[1]), spawn(t, configs[2])}
		ctx, stop := context.WithCancel(t.Context())
		var load, readers sync.WaitGroup
		for _, h := range append([]client{a.client}, victims[0].client, victims[1].client) {
			for n := range 4 {
				load.Go(func() {
					for ctx.Err() == nil {
						_, _, _ = h.try(a.Token, "POST", "/v1/calls", message(i, fmt.Sprint("load ", n)))
					}
				})
			}
			readers.Go(func() {
				for ctx.Err() == nil {
					_, _, _ = h.try(a.Token, "GET", "/v1/usage", nil)
				}
			})
		}
		want := number(t, a.database, `SELECT count(*) FROM calls`) + 60
		eventually(t, "calls were recorded", func() bool { return number(t, a.database, `SELECT count(*) FROM calls`) >= want })
		for _, v := range victims {
			v.kill()
		}
		stop()
		load.Wait()
		readers.Wait()
		recorded := number(t, a.database, `SELECT count(*) FROM calls`)
		if got := a.usage("group_by=platform"); len(got) != 1 || got[0].Calls != recorded {
			t.Errorf("round %d: %d calls are recorded, and the sums are %+v", round, recorded, got)
		}
		for _, what := range []string{"calls", "duration_us", "bytes_in"} {
			column := "sum(" + what + ")"
			from := column
			if what == "calls" {
				from = "count(*)"
			}
			for _, span := range []string{"h", "d"} {
				if got, want := number(t, a.database, `SELECT `+column+`::bigint FROM usage_sums WHERE span = '`+span+`'`), number(t, a.database, `SELECT `+from+`::bigint FROM calls`); got != want {
					t.Errorf("round %d: %s of the sums of %s is %d, of the calls %d", round, what, span, got, want)
				}
			}
		}
	}
}
