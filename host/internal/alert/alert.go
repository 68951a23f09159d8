package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/patchbay/patchbay/host/internal/usage"
)

// States of an alert.
const (
	OK     = "ok"
	Firing = "firing"
)

// Types of this room's events.
const (
	TypeFiring   = "alert.firing"
	TypeResolved = "alert.resolved"
)

// Metrics are what can be watched, beside units of a platform: "unit:" and a name.
var Metrics = []string{"calls", "errors", "error_rate", "latency_p50", "latency_p95", "latency_p99", "cost_usd"}

// Bounds.
const (
	// MaxAlerts is how many a user may have.
	MaxAlerts   = 100
	maxName     = 100
	maxInput    = 64 << 10
	longestTime = 31 * 24 * time.Hour
)

// Condition says when an alert fires: while the metric, over the window, is the threshold or more.
type Condition struct {
	Metric string `json:"metric"`
	// Window is a duration of whole hours back from now, or the day or month of the calendar (UTC).
	Window    string  `json:"window"`
	Threshold float64 `json:"threshold"`
	// Least is how many calls there must be.
	Least int64 `json:"least,omitempty"`
	// The rest narrow the calls; empty means any.
	Integration string `json:"integration,omitempty"`
	Platform    string `json:"platform,omitempty"`
	Operation   string `json:"operation,omitempty"`
	Workflow    string `json:"workflow,omitempty"`
}

// Post is an operation that tells of a change, run with an integration of the alert's owner. In texts of the input, {{alert}}, {{state}},
// {{value}}, {{threshold}}, {{metric}} and {{window}} are replaced.
type Post struct {
	Integration string          `json:"integration"`
	Operation   string          `json:"operation"`
	Input       json.RawMessage `json:"input"`
}

// Alert is what a user wants to be told of.
type Alert struct {
	ID, User, Name string
	Condition      Condition
	Post           *Post // nil: events alone
	Enabled        bool
	// State and Value are as they were found last.
	State                string
	Value                float64
	ChangedAt, CheckedAt *time.Time
	CreatedAt            time.Time
}

// Due is a post that is due.
type Due struct {
	ID       string
	Alert    Alert
	State    string
	Value    float64
	Attempts int
}

// ErrNotFound is answered for a missing alert and for another user's alike.
var ErrNotFound = errors.New("there is no such alert of yours")

// InvalidError says what is wrong with a request; Pointer is a JSON Pointer into it.
type InvalidError struct{ Pointer, Detail string }

// Error answers the detail.
func (e *InvalidError) Error() string { return e.Detail }

// Store keeps alerts.
type Store interface {
	Alerts
	Queue
}

// Alerts keeps what users ask for.
type Alerts interface {
	// InsertAlert stores a new one; false where its user has most already.
	InsertAlert(ctx context.Context, a Alert, most int) (bool, error)
	Alert(ctx context.Context, user, id string) (Alert, error)
	ListAlerts(ctx context.Context, user, before string, limit int) ([]Alert, error)
	// PutAlert stores what its user may change; it is looked at again soon, as one that is ok.
	PutAlert(ctx context.Context, a Alert) error
	DeleteAlert(ctx context.Context, user, id string) error
}

// Queue is the work that the hosts share.
type Queue interface {
	// DueAlert takes an alert that is due, for which no other host is due before every has passed; false where none is.
	DueAlert(ctx context.Context, every time.Duration) (Alert, bool, error)
	// Judged stores what was found. Where the state is another than before, an event of the type, and the post, are committed with it.
	// An alert that was changed since it was taken stays as it is.
	Judged(ctx context.Context, taken Alert, state string, value float64, eventType string) error
	// DuePost takes a post that is due, for as long as lease; false where none is.
	DuePost(ctx context.Context, lease time.Duration) (Due, bool, error)
	// Posted ends a post, with what went wrong, or has it tried again after a time that is not 0.
	Posted(ctx context.Context, id, problem string, again time.Duration) error
}

func (a Alert) check() error {
	if strings.TrimSpace(a.Name) == "" || utf8.RuneCountInString(a.Name) > maxName || strings.ContainsFunc(a.Name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return &InvalidError{"/name", "must be plain text of 1 to 100 characters on one line"}
	}
	if unit, ok := strings.CutPrefix(a.Condition.Metric, "unit:"); !slices.Contains(Metrics, a.Condition.Metric) && (!ok || unit == "" || len(unit) > 64) {
		return &InvalidError{"/metric", "must be one of " + strings.Join(Metrics, ", ") + ", or unit: and a name"}
	}
	if _, err := a.Condition.since(time.Now()); err != nil {
		return err
	}
	if !(a.Condition.Threshold > 0) || a.Condition.Threshold > 1e15 {
		return &InvalidError{"/threshold", "must be a number above 0"}
	}
	if a.Post == nil {
		return nil
	}
	var input map[string]any
	if a.Post.Integration == "" || a.Post.Operation == "" || len(a.Post.Input) > maxInput || json.Unmarshal(a.Post.Input, &input) != nil {
		return &InvalidError{"/post", "must name an integration and an operation, with a JSON object of at most 64 KiB as its input"}
	}
	return nil
}

// since answers when the window begins.
func (c Condition) since(now time.Time) (time.Time, error) {
	now = now.UTC()
	switch c.Window {
	case "day":
		return now.Truncate(24 * time.Hour), nil
	case "month":
		return time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC), nil
	}
	d, err := time.ParseDuration(c.Window)
	if err != nil || d < time.Hour || d > longestTime || d%time.Hour != 0 {
		return now, &InvalidError{"/window", "must be whole hours from 1h to 744h, or day or month"}
	}
	return now.Add(-d), nil
}

// question asks for the calls of an alert.
func (a Alert) question(now time.Time) (usage.Question, error) {
	since, err := a.Condition.since(now)
	return usage.Question{User: a.User, GroupBy: "user", Since: since, Integration: a.Condition.Integration, Platform: a.Condition.Platform,
		Operation: a.Condition.Operation, Workflow: a.Condition.Workflow}, err
}

// judge answers the state and the value of an alert by the sum of its calls.
func (c Condition) judge(s usage.Sum) (string, float64) {
	value := c.value(s)
	if value >= c.Threshold && s.Calls >= c.Least {
		return Firing, value
	}
	return OK, value
}

func (c Condition) value(s usage.Sum) float64 {
	seconds := func(share float64) float64 { return s.Latency.Percentile(share).Seconds() * 1000 }
	switch c.Metric {
	case "calls":
		return float64(s.Calls)
	case "errors":
		return float64(s.Failed)
	case "error_rate":
		if s.Calls == 0 {
			return 0
		}
		return float64(s.Failed) / float64(s.Calls)
	case "latency_p50":
		return seconds(.5)
	case "latency_p95":
		return seconds(.95)
	case "latency_p99":
		return seconds(.99)
	case "cost_usd":
		return s.Cost
	}
	return s.Units[strings.TrimPrefix(c.Metric, "unit:")]
}

// input fills the words of a post in.
func (d Due) input() (json.RawMessage, error) {
	c := d.Alert.Condition
	words := strings.NewReplacer("{{alert}}", d.Alert.Name, "{{state}}", d.State, "{{value}}", fmt.Sprintf("%.6g", d.Value),
		"{{threshold}}", fmt.Sprintf("%.6g", c.Threshold), "{{metric}}", c.Metric, "{{window}}", c.Window)
	var input any
	if err := json.Unmarshal(d.Alert.Post.Input, &input); err != nil {
		return nil, fmt.Errorf("decoding the input of a post: %w", err)
	}
	return json.Marshal(filled(input, words))
}

func filled(v any, words *strings.Replacer) any {
	switch v := v.(type) {
	case string:
		return words.Replace(v)
	case []any:
		for i := range v {
			v[i] = filled(v[i], words)
		}
	case map[string]any:
		for name := range v {
			v[name] = filled(v[name], words)
		}
	}
	return v
}
