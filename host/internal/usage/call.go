package usage

import "time"

// Call is the record of one call. It holds no payload.
type Call struct {
	ID          string
	User        string
	Token       string // id of the token that was used, or ""
	Integration string
	Label       string
	Platform    string
	Operation   string
	Effect      string
	// Pool, Workflow and Run name the pool that chose the integration, and the workflow and run that called; "" where there is none.
	Pool, Workflow, Run string
	// Kind is "" for a call that succeeded, else how it failed; Reason is its message.
	Kind, Reason string
	Started      time.Time
	Duration     time.Duration
	Attempts     int
	BytesIn      int64
	BytesOut     int64
	Units        map[string]float64
	// Answer is the sealed answer that an Idempotency-Key keeps, or nil.
	Answer *Answer
}

// Answer is what a repeated request with the same Idempotency-Key is given. It is committed with the call.
type Answer struct {
	User, Key string
	KeyID     string // of the key-encryption key
	Sealed    []byte
	// Release gives the key up instead: the call did not happen.
	Release bool
}
