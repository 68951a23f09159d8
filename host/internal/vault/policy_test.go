package vault

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// journal is an audit log in memory.
type journal struct {
	reads []Read
	err   error
}

func (j *journal) RecordRead(_ context.Context, r Read) error {
	if j.err != nil {
		return j.err
	}
	j.reads = append(j.reads, r)
	return nil
}

func TestPolicy(t *testing.T) {
	h := startedHost(t, Config{Auditor: &journal{}})
	answer, settings := AnswerAAD("usr_1", "k"), SettingsAAD("slack", "client_secret")
	tests := []struct {
		name   string
		access Access
		aad    AAD
		why    string // empty: allowed
	}{
		{"a user opens their own", byOwner, credential, ""},
		{"a user opens their own answer", byOwner, answer, ""},
		{"another user asks", Access{"usr_2", "usr_1", ForCall}, credential, "not the owner"},
		{"another user says that it is theirs", Access{"usr_2", "usr_2", ForCall}, credential, "another user"},
		{"another user and another's answer", Access{"usr_2", "usr_2", ForCall}, answer, "another user"},
		{"nobody asks", Access{"", "", ForCall}, credential, "nobody"},
		{"nobody asks for a user", Access{"", "usr_1", ForCall}, credential, "nobody"},
		{"an owner is not named", Access{"usr_1", "", ForCall}, credential, "not the owner"},
		{"a call asks for settings", byOwner, settings, "host's own"},
		{"a call asks for the cluster's key", byOwner, ClusterAAD("ca"), "host's own"},
		{"a call asks for a signing key", byOwner, SigningKeyAAD("k"), "host's own"},
		{"a call asks for its file", byOwner, FileAAD("call_1", "f", 0), ""},
		{"a call asks for another's file", Access{"usr_2", "usr_1", ForCall}, FileAAD("call_1", "f", 0), "not the owner"},
		{"the host opens settings", Access{Reason: ForHost}, settings, ""},
		{"the host opens the cluster's key", Access{Reason: ForHost}, ClusterAAD("ca"), ""},
		{"the host opens a signing key", Access{Reason: ForHost}, SigningKeyAAD("k"), ""},
		{"the host opens a credential", Access{"usr_1", "usr_1", ForHost}, credential, "not the host's own"},
		{"the host opens an answer", Access{Reason: ForHost}, answer, "not the host's own"},
		{"the host opens a file", Access{Reason: ForHost}, FileAAD("call_1", "f", 0), "not the host's own"},
		{"an operator opens a credential", Access{Actor: "usr_op", Reason: ForAdministration}, credential, ""},
		{"an operator opens settings", Access{Actor: "usr_op", Reason: ForAdministration}, settings, ""},
		{"an operator without a name", Access{Owner: "usr_1", Reason: ForAdministration}, credential, "nobody"},
		{"no reason", Access{Actor: "usr_1", Owner: "usr_1"}, credential, "no reason"},
		{"a reason that does not exist", Access{"usr_1", "usr_1", 99}, credential, "no reason"},
		{"a reason below all", Access{"usr_1", "usr_1", -1}, credential, "no reason"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := h.Open(t.Context(), test.access, test.aad, mustSeal(t, h.Vault, test.aad, plain))
			if test.why == "" {
				if err != nil || got.RevealString() != plain {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			refused := new(RefusedError)
			if !errors.Is(err, ErrRefused) || !errors.As(err, &refused) || !strings.Contains(refused.Why, test.why) {
				t.Fatalf("got %v, want a refusal because %q", err, test.why)
			}
			if !got.IsZero() {
				t.Fatal("a refusal came with plaintext")
			}
		})
	}
	if _, err := h.Open(t.Context(), byOwner, AAD{}, mustSeal(t, h.Vault, credential, plain)); !errors.Is(err, ErrUnbound) {
		t.Errorf("a zero AAD: %v", err)
	}
}

func TestAdministrationIsRecordedFirst(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	log := &journal{}
	h := startedHost(t, Config{Auditor: log, Now: func() time.Time { return at }})
	sealed := mustSeal(t, h.Vault, credential, plain)
	operator := Access{Actor: "usr_op", Owner: "usr_mistaken", Reason: ForAdministration}
	if _, err := h.Open(t.Context(), operator, credential, sealed); err != nil {
		t.Fatal(err)
	}
	want := []Read{{
		Actor: "usr_op", Owner: "usr_1", Purpose: "credential", At: at,
		Subject: `credential user="usr_1" integration="int_1" version="1"`,
	}}
	if diff := cmp.Diff(want, log.reads); diff != "" {
		t.Errorf("the record differs (-want +got):\n%s", diff)
	}
	wantOpen(t, h.Vault, credential, sealed, plain)
	if len(log.reads) != 1 {
		t.Error("a call was recorded as an administrative read")
	}

	key := counted(h)
	h.Close()
	log.err = errors.New("disk full")
	got, err := h.Open(t.Context(), operator, credential, sealed)
	if !errors.Is(err, ErrRefused) || !errors.Is(err, log.err) || !got.IsZero() {
		t.Errorf("without a record: %v", err)
	}
	if key.unwraps != 0 {
		t.Error("the data key was unwrapped before the record was committed")
	}
	silent := startedHost(t, Config{})
	if _, err := silent.Open(t.Context(), operator, credential, mustSeal(t, silent.Vault, credential, plain)); !errors.Is(err, ErrRefused) {
		t.Errorf("without an audit log: %v", err)
	}
}

func TestDataKeyIsBehindTheDoor(t *testing.T) {
	log := &journal{}
	h := startedHost(t, Config{Auditor: log})
	key, err := h.NewDataKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	file := FileAAD("call_1", "f", 0)
	for _, access := range []Access{{"usr_2", "usr_1", ForCall}, {Reason: ForHost}, {}} {
		if _, err := h.OpenDataKey(t.Context(), access, file, key.Sealed()); !errors.Is(err, ErrRefused) {
			t.Errorf("%v: %v", access, err)
		}
	}
	if _, err := h.OpenDataKey(t.Context(), Access{Actor: "usr_op", Owner: "usr_1", Reason: ForAdministration}, file, key.Sealed()); err != nil {
		t.Error(err)
	}
	if len(log.reads) != 1 || log.reads[0].Owner != "usr_1" || log.reads[0].Purpose != "file" {
		t.Errorf("recorded %+v", log.reads)
	}
}
