package store

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/host/internal/audit"
	"github.com/patchbay/patchbay/host/internal/store/postgres"
	"github.com/patchbay/patchbay/host/internal/usage"
)

// chainKey is the key of the audit chains of the tests.
var chainKey = []byte("0123456789abcdef0123456789abcdef")

// open answers a store on a new database, which ends with the test.
func open(t *testing.T) *Store {
	t.Helper()
	dir, err := os.MkdirTemp("", "pbst")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })  // a temporary directory
	if err := os.Chmod(dir, 0o711); err != nil { // the database's own user must pass
		t.Fatal(err)
	}
	server, err := postgres.Start(t.Context(), postgres.Config{DataDir: filepath.Join(dir, "data")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := Open(t.Context(), Config{URL: server.URL(), Host: "host_test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	s.SetChain(audit.NewChain("host_test", chainKey))
	return s
}

// call answers a record in which no two columns are alike.
func call(id string) usage.Call {
	return usage.Call{ID: id, User: "usr_1", Token: "tok_2", Integration: "int_3", Label: "label 4", Platform: "platform5", Operation: "operation_6",
		Effect: "write", Kind: "kind_7", Reason: "reason 8 " + id, Started: time.Date(2026, 1, 2, 3, 4, 5, 678000, time.UTC), Duration: 9 * time.Microsecond,
		Attempts: 10, BytesIn: 11, BytesOut: 12, Units: map[string]float64{"tokens": 13}}
}

// A call alone and calls in a batch go different ways; what is read back must not show it.
func TestCommitCallsKeepsEveryColumn(t *testing.T) {
	s := open(t)
	bare := usage.Call{ID: "call_e", User: "usr_1", Started: call("").Started}
	dirty, cleaned := call("call_f"), call("call_f")
	dirty.Reason, cleaned.Reason = "one\x00two\xffthree", "onetwo\uFFFDthree"
	want := []usage.Call{cleaned, bare, call("call_d"), call("call_c"), call("call_b"), call("call_a")}
	for _, batch := range [][]usage.Call{{call("call_a")}, {call("call_b"), call("call_c")}, {call("call_d"), bare, dirty}} {
		if err := s.CommitCalls(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Calls(t.Context(), usage.Filter{User: "usr_1", Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i].Started = got[i].Started.UTC()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	chainHolds(t, s, 6)
	var first audit.Record
	if err := s.Walk(t.Context(), "host_test", func(r audit.Record) error {
		if r.Seq == 1 {
			first = r
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	wantEntry := audit.Entry{At: call("").Started.Add(9 * time.Microsecond), Actor: "usr_1", Action: "call", Subject: "int_3",
		Detail: map[string]string{"call": "call_a", "operation": "platform5.operation_6", "outcome": "kind_7"}}
	first.At = first.At.UTC()
	if diff := cmp.Diff(wantEntry, first.Entry); diff != "" {
		t.Errorf("the first audit record (-want +got):\n%s", diff)
	}
}

// A batch is whole or not at all, and what could not be committed leaves no mark on the chain.
func TestCommitCallsIsWhole(t *testing.T) {
	s := open(t)
	if err := s.CommitCalls(t.Context(), []usage.Call{call("call_a")}); err != nil {
		t.Fatal(err)
	}
	if err := s.CommitCalls(t.Context(), []usage.Call{call("call_b"), call("call_a")}); err == nil {
		t.Fatal("a call was recorded twice")
	}
	if err := s.CommitCalls(t.Context(), []usage.Call{call("call_c"), call("call_d")}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Calls(t.Context(), usage.Filter{User: "usr_1", Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, c := range got {
		ids = append(ids, c.ID)
	}
	if diff := cmp.Diff([]string{"call_d", "call_c", "call_a"}, ids); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	chainHolds(t, s, 3)
}

// chainHolds checks the audit chain and how long it is.
func chainHolds(t *testing.T, s *Store, records int64) {
	t.Helper()
	reports, err := audit.NewLog(s, time.Now).Verify(context.WithoutCancel(t.Context()), chainKey)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]audit.Report{{Chain: "host_test", Records: records, OK: true}}, reports); diff != "" {
		t.Errorf("the audit log (-want +got):\n%s", diff)
	}
}
