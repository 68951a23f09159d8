package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Server is a private PostgreSQL that runs, or is being started again. Its URL stays the same for as long as it lives.
type Server struct {
	cfg      Config
	cluster  cluster
	socket   string
	url      string
	lock     *lock
	stop     context.CancelFunc
	ready    chan struct{} // closed when it first answers
	answered sync.Once
	done     chan struct{}
	err      error // why it ended; read after done
	pid      atomic.Int64
	restarts atomic.Int64
	words    atomic.Pointer[serverLog]
	refusal  atomic.Pointer[error] // what the latest vain attempt to connect met
}

// Start starts the private PostgreSQL of cfg.DataDir, which the first call makes, and returns when it answers. ctx
// bounds the start alone; the server lives until Close, or dies with this process. Failures that the operator can mend
// are ErrInUse, ErrOtherVersion, ErrUnreachable and ErrNoBinaries, with a text that says how.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("opening the data directory: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, cfg.StartTimeout, fmt.Errorf("PostgreSQL did not answer within %s", cfg.StartTimeout))
	defer cancel()
	held, err := takeLock(layout{cfg.DataDir}.lock())
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, lock: held, ready: make(chan struct{}), done: make(chan struct{})}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("preparing the private PostgreSQL: %w", err), s.cleanUp())
	}
	if err := s.launch(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// prepare does what comes before the first process: account, binaries, cluster, socket directory.
func (s *Server) prepare(ctx context.Context) error {
	who, err := findAccount(ctx, s.cfg.User)
	if err != nil {
		return err
	}
	if err := who.reach(s.cfg.DataDir); err != nil {
		return err
	}
	files := layout{s.cfg.DataDir}
	found, err := newFinder(s.cfg, who).find(ctx)
	if err != nil {
		return err
	}
	s.cluster = cluster{files: files, account: who, binaries: found}
	password, err := s.openCluster(ctx)
	if err != nil {
		return err
	}
	if err := sweepBinaries(files.binaries(), bundleDigest(), time.Now()); err != nil {
		return fmt.Errorf("removing old binaries: %w", err)
	}
	if s.socket, err = makeSocketDir(files, who, s.cfg.RuntimeDir); err != nil {
		return err
	}
	s.url = location(s.socket, password)
	return nil
}

// openCluster makes the cluster or checks the one that exists, and answers the role's password.
func (s *Server) openCluster(ctx context.Context) (password string, err error) {
	exists, err := s.cluster.check()
	if err != nil {
		return "", err
	}
	if !exists {
		s.cfg.Log.Info("making the private PostgreSQL", "version", s.cluster.binaries.Version, "source", s.cluster.binaries.Source,
			"directory", s.cluster.files.cluster())
		return s.cluster.create(ctx)
	}
	if err := clearLeftovers(ctx, s.cluster.files.cluster(), s.cluster.account, s.cfg.Log); err != nil {
		return "", err
	}
	return s.cluster.password(ctx)
}

// launch begins the supervision and waits for the first answer.
func (s *Server) launch(ctx context.Context) error {
	life, stop := context.WithCancel(context.Background())
	s.stop = stop
	go s.supervise(life)
	select {
	case <-s.ready:
		return nil
	case <-s.done:
		return fmt.Errorf("starting the private PostgreSQL: %w", s.err)
	case <-ctx.Done():
		words := s.lastWords()
		return errors.Join(fmt.Errorf("starting the private PostgreSQL: %w; %s", context.Cause(ctx), words), s.Close())
	}
}

// URL is the database's URL, over the unix socket. It holds the password: it goes into no log and no error.
func (s *Server) URL() string { return s.url }

// Binaries says which PostgreSQL runs.
func (s *Server) Binaries() Binaries { return s.cluster.binaries }

// PID is the process number of the running postmaster, 0 between two.
func (s *Server) PID() int { return int(s.pid.Load()) }

// Restarts counts how often the server was started again after it ended by itself.
func (s *Server) Restarts() int { return int(s.restarts.Load()) }

// Done is closed when the server has ended for good: after Close, or when starting it again is pointless. Err then
// tells why.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err waits for Done and answers why the server ended; nil after a Close that went well.
func (s *Server) Err() error {
	<-s.done
	return s.err
}

// Close shuts the server down (open transactions are rolled back), waits until it has left, and lets go of the data
// directory. Several calls are one.
func (s *Server) Close() error {
	s.stop()
	return s.Err()
}

// cleanUp leaves nothing of a server that does not run.
func (s *Server) cleanUp() error {
	var err error
	if s.socket != "" {
		err = sweepSocketDir(s.cluster.files, s.cluster.account)
	}
	return errors.Join(err, s.lock.release())
}
