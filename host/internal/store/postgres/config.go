package postgres

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// Reasons for which the private PostgreSQL cannot run here. Each is wrapped in a text that names the place and the fix.
var (
	// ErrInUse: another host runs on this data directory.
	ErrInUse = errors.New("data directory in use")
	// ErrOtherVersion: the cluster was made by another major version of PostgreSQL. It is left alone.
	ErrOtherVersion = errors.New("data directory of another PostgreSQL version")
	// ErrUnreachable: the account that runs the database cannot pass a directory.
	ErrUnreachable = errors.New("path out of reach of the database's account")
	// ErrNotDurable: the server's settings let it lose what it acknowledged.
	ErrNotDurable = errors.New("the database could lose what it acknowledged")
	// ErrNoBinaries: no usable PostgreSQL was found.
	ErrNoBinaries = errors.New("no usable PostgreSQL")
)

// Config says where the private PostgreSQL lives and what runs it.
type Config struct {
	// DataDir is the host's data directory; required. It is made when missing. When the host is root, the database's
	// account needs to pass it (mode 0711 or wider), and every directory above it.
	DataDir string
	// Bin is a directory that holds initdb and postgres (the value of PATCHBAY_POSTGRES_BIN); optional. When it is set
	// nothing else is tried.
	Bin string
	// User is the passwd user that runs the database when the host is root; optional, default "patchbay-db". It is made
	// when missing. Ignored when the host is an ordinary user: the database then runs as that user.
	User string
	// Path is the search path for the machine's own binaries; optional, default the PATH of the process.
	Path string
	// RuntimeDir takes the socket directory when the path under DataDir is too long for a socket (the value of
	// XDG_RUNTIME_DIR); optional, default /run as root and /tmp otherwise.
	RuntimeDir string
	// StartTimeout bounds the first start, crash recovery included; optional, default 2 minutes.
	StartTimeout time.Duration
	// StopTimeout is how long Close waits for a fast shutdown before it asks for an immediate one; optional, default 30 s.
	StopTimeout time.Duration
	// Log gets the server's own messages and what the supervisor does; optional, default silence.
	Log *slog.Logger
}

// withDefaults fills in what was left out, and makes DataDir absolute and free of symbolic links.
func (c Config) withDefaults() (Config, error) {
	if c.DataDir == "" {
		return c, errors.New("private PostgreSQL: no data directory given")
	}
	if c.User == "" {
		c.User = "patchbay-db"
	}
	if c.Path == "" {
		c.Path = os.Getenv("PATH")
	}
	if c.StartTimeout == 0 {
		c.StartTimeout = 2 * time.Minute
	}
	if c.StopTimeout == 0 {
		c.StopTimeout = 30 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	dir, err := ownDir(c.DataDir)
	c.DataDir = dir
	return c, err
}

// ownDir makes dir if it is missing and returns its real path. A directory made by root can be passed, not listed,
// by the database's account.
func ownDir(dir string) (string, error) {
	mode := os.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		if err := errors.Join(os.MkdirAll(dir, mode), os.Chmod(dir, mode)); err != nil { // whatever the umask
			return "", err
		}
	}
	return filepath.EvalSymlinks(dir)
}

// layout names the files of the private PostgreSQL under a data directory.
type layout struct{ root string }

func (l layout) cluster() string  { return filepath.Join(l.root, "postgres") }
func (l layout) password() string { return filepath.Join(l.root, "postgres.password") }
func (l layout) lock() string     { return filepath.Join(l.root, "postgres.lock") }
func (l layout) run() string      { return filepath.Join(l.root, "postgres-run") }
func (l layout) elsewhere() string { // where the socket went when run was too long
	return filepath.Join(l.root, "postgres-run.elsewhere")
}
func (l layout) binaries() string { return filepath.Join(l.root, "postgres-bin") }
