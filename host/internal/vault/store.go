package vault

import (
	"context"
	"errors"
	"time"
)

// KeyState is the place of a key in its life:
//
//	pending -> primary -> secondary -> retired
//	pending -> retired                 (a rotation given up)
type KeyState string

// The states. At most one key is primary and at most one pending.
const (
	KeyPending   KeyState = "pending"   // waits until every live host has it
	KeyPrimary   KeyState = "primary"   // seals
	KeySecondary KeyState = "secondary" // opens what it sealed before
	KeyRetired   KeyState = "retired"   // nothing hangs on it
)

// KeyRecord is what the database knows of a key: never the key.
type KeyRecord struct {
	ID        string
	State     KeyState
	Origin    string // path on Host, or URI, that it was registered from
	Host      string // the host that registered it
	CreatedAt time.Time
	// Check is a known value sealed directly under the key, by which a host
	// sees that its key of this id is the right one.
	Check []byte
}

// HostReport is what a host says of itself.
type HostReport struct {
	Host string
	// Held are the registered keys that the host has proved to hold and would
	// hold after a restart.
	Held []string
	// Sealing is the key that the host seals with from now on; empty if it
	// cannot seal.
	Sealing string
}

// Hanging is what keeps a key from being retired. The zero value is nothing.
type Hanging struct {
	Primary bool
	Rows    int64
	Hosts   []string // live hosts whose report says Sealing
}

// none says that the key is free.
func (h Hanging) none() bool { return !h.Primary && h.Rows == 0 && len(h.Hosts) == 0 }

// ErrKeyTaken is returned by KeyRecords.AddKey when the id is registered, or
// another key has the state that only one can have.
var ErrKeyTaken = errors.New("another host registered a key first")

// KeyRecords is the table of keys.
type KeyRecords interface {
	// ListKeys returns all records, retired ones too, oldest first.
	ListKeys(ctx context.Context) ([]KeyRecord, error)
	// AddKey inserts a record, whose state is pending or, for the first of
	// all, primary. It fails with ErrKeyTaken when the id exists, when another
	// key is in that state (in SQL two partial unique indexes), or when a
	// primary is added to a table that is not empty. CreatedAt is given.
	AddKey(ctx context.Context, record KeyRecord) error
}

// KeyStates moves keys between states. Each method is one transaction that
// excludes the other and HostReports.ReportKeys (in SQL one advisory lock): a
// host that reports is either seen by a promotion, or sees it afterwards.
type KeyStates interface {
	// PromoteKey makes a pending key primary and the primary one secondary,
	// but only if the report of every live host holds the key. Otherwise it
	// changes nothing and returns the hosts that lack it; a live host that has
	// not reported lacks it. A key that is primary already is left so; one that
	// is secondary, retired or unknown is an error.
	PromoteKey(ctx context.Context, id string) (missing []string, err error)
	// RetireKey makes a key retired, but only if it is not primary, no sealed
	// row names it, and no live host reports it as Sealing. Otherwise it
	// changes nothing and returns what hangs on it. Once it is retired, the
	// insert of a row that names it must fail, and a row inserted meanwhile
	// must be counted: in SQL rows refer to the key's record by a foreign key,
	// whose share lock RetireKey's FOR UPDATE waits for, and a trigger or
	// check on insert refuses retired keys.
	RetireKey(ctx context.Context, id string) (Hanging, error)
}

// HostReports is where hosts say which keys they hold.
type HostReports interface {
	// ReportKeys replaces the report of a host, beside its heartbeat.
	ReportKeys(ctx context.Context, report HostReport) error
	// LiveHosts returns the reports of all hosts whose heartbeat is fresh, one
	// that has not reported with nothing held, ordered by name.
	LiveHosts(ctx context.Context) ([]HostReport, error)
}

// Batch asks for sealed rows to rewrap.
type Batch struct {
	Primary string   // the key they will name
	Keys    []string // take rows that name one of these keys
	After   string   // a BatchResult.Next of this pass; empty at its start
	Limit   int
}

// ErrPrimaryMoved is returned by SealedRows.RewrapBatch when Batch.Primary is
// not the primary key.
var ErrPrimaryMoved = errors.New("another key has become primary")

// BatchResult says what became of a batch.
type BatchResult struct {
	Taken  int    // rows locked and given to the callback
	Failed int    // of these, rows left as they were since the callback failed
	Next   string // the store's own mark of the last row taken
}

// SealedRows are all rows of all tables that hold a Sealed.
type SealedRows interface {
	// CountRows counts rows by the key they name. Keys without rows may be
	// missing.
	CountRows(ctx context.Context) (map[string]int64, error)
	// RewrapBatch takes up to Limit rows after the mark, in a fixed order,
	// skipping those that another transaction has locked (FOR UPDATE SKIP
	// LOCKED), replaces each by what rewrap makes of it, and commits. Its
	// transaction first sees that Batch.Primary is the primary key and keeps it
	// so (FOR SHARE on the key's record), or fails with ErrPrimaryMoved: a host
	// that is behind cannot move rows back to the key it still seals with. A row
	// whose rewrap fails stays as it is and is counted; the rest of the batch
	// goes on, unless ctx is done. Taken is 0 when no row is left after the
	// mark.
	RewrapBatch(ctx context.Context, batch Batch, rewrap func(Sealed) (Sealed, error)) (BatchResult, error)
}

// Store is all that rotation needs of the database.
type Store interface {
	KeyRecords
	KeyStates
	HostReports
	SealedRows
}

// FirstRun says that the database knows no key yet, so that OpenKeys may
// create a key file.
func FirstRun(ctx context.Context, records KeyRecords) (bool, error) {
	known, err := records.ListKeys(ctx)
	return err == nil && len(known) == 0, err
}
