package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	firstTries  = 5                // starts that may fail before the first answer
	steadyAfter = 10 * time.Second // a life this long forgives the failures before it
	maxDelay    = 5 * time.Second
	lookForIt   = 10 * time.Millisecond
	quitTime    = 10 * time.Second // for an immediate shutdown; PostgreSQL itself kills its children after 5
)

// errPointless marks failures that another start would not mend.
var errPointless = errors.New("starting it again is pointless")

// supervise keeps a postmaster running until ctx ends. Its thread is the postmaster's parent in the kernel's eyes and
// stays locked: the parent-death signal is sent when this very thread ends.
func (s *Server) supervise(ctx context.Context) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := s.keepRunning(ctx)
	s.err = errors.Join(err, s.cleanUp())
	close(s.done)
}

func (s *Server) keepRunning(ctx context.Context) error {
	failures := 0
	for {
		began := time.Now()
		err := s.live(ctx)
		if errors.Is(err, context.Canceled) {
			return nil // closed before there was a postmaster
		}
		if ctx.Err() != nil {
			return err
		}
		if errors.Is(err, errPointless) {
			s.cfg.Log.Error("the private PostgreSQL is given up", "error", err)
			return err
		}
		if time.Since(began) > steadyAfter {
			failures = 0
		}
		failures++
		if !s.hasAnswered() && failures == firstTries {
			return err
		}
		s.cfg.Log.Error("PostgreSQL ended by itself and is started again", "error", err, "failures", failures)
		s.restarts.Add(1)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(delay(failures)):
		}
	}
}

// delay is the pause before the next start: none after the first failure, then growing, with jitter.
func delay(failures int) time.Duration {
	if failures < 2 {
		return 0
	}
	pause := min(50*time.Millisecond<<min(failures, 10), maxDelay)
	return pause/2 + rand.N(pause/2)
}

func (s *Server) hasAnswered() bool {
	select {
	case <-s.ready:
		return true
	default:
		return false
	}
}

// live runs one postmaster from its start to its end. It returns nil only when ctx ended and the shutdown was clean.
func (s *Server) live(ctx context.Context) error {
	dir := s.cluster.files.cluster()
	if _, err := os.Stat(filepath.Join(dir, "PG_VERSION")); err != nil {
		return fmt.Errorf("%w: the data directory is gone: %w", errPointless, err)
	}
	if err := clearLeftovers(ctx, dir, s.cluster.account, s.cfg.Log); err != nil {
		return err
	}
	words := &serverLog{log: s.cfg.Log}
	s.words.Store(words)
	cmd := s.postmaster(words)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("running %s: %w", cmd.Path, err)
	}
	s.pid.Store(int64(cmd.Process.Pid))
	defer s.pid.Store(0)
	return s.attend(ctx, cmd, words)
}

// attend keeps a started postmaster company until it has ended: one greets it, one shuts it down when ctx ends or it is
// found unfit.
func (s *Server) attend(ctx context.Context, cmd *exec.Cmd, words *serverLog) error {
	attended, cancel := context.WithCancelCause(ctx)
	exited := make(chan struct{})
	var company sync.WaitGroup
	company.Go(func() {
		if err := s.greet(attended, cmd.Process.Pid); err != nil {
			cancel(err)
		}
	})
	company.Go(func() { s.end(attended, cmd.Process, exited) })
	waitErr := cmd.Wait()
	close(exited)
	ended := attended.Err() != nil // asked to, or found unfit
	cancel(nil)
	company.Wait()
	if unfit := context.Cause(attended); errors.Is(unfit, errPointless) {
		return unfit
	}
	if ended && cmd.ProcessState.Success() {
		return nil
	}
	if waitErr == nil {
		waitErr = errors.New(cmd.ProcessState.String())
	}
	return fmt.Errorf("postgres ended: %w; %s", waitErr, words.lastWords())
}

// postmaster prepares the server's command. When the host dies it gets SIGQUIT: an immediate shutdown, which needs no
// reply from anyone and is over in moments, and which takes the children along, as SIGKILL would not.
func (s *Server) postmaster(words *serverLog) *exec.Cmd {
	args := append([]string{"-D", s.cluster.files.cluster()}, settings(s.cluster.binaries.Major, s.socket)...)
	cmd := s.cluster.account.command(context.Background(), syscall.SIGQUIT, s.cluster.binaries.Dir, "postgres", args...)
	cmd.Stdout, cmd.Stderr = words, words
	return cmd
}

// greet waits until the postmaster answers, checks that it keeps what it acknowledges, and reports it ready. An error
// is pointless to try again.
func (s *Server) greet(ctx context.Context, pid int) error {
	tick := time.NewTicker(lookForIt)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if now, ready, err := readPidFile(s.cluster.files.cluster()); err != nil || now != pid || !ready {
			continue
		}
		err := s.visit(ctx)
		if err == nil {
			s.cfg.Log.Info("the private PostgreSQL is ready", "version", s.cluster.binaries.Version, "pid", pid)
			s.answered.Do(func() { close(s.ready) })
			return nil
		}
		if errors.Is(err, errPointless) {
			return err
		}
		s.refusal.Store(&err)
	}
}

// visit connects once, as the host will.
func (s *Server) visit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.url)
	const badPassword = "28P01"
	if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) && refused.Code == badPassword {
		return fmt.Errorf("%w: the password in %s is not the database's; remove the file and start again to have a new one set",
			errPointless, s.cluster.files.password())
	}
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // nothing hangs on it
	err = AssertDurable(ctx, conn)
	if errors.Is(err, ErrNotDurable) {
		return fmt.Errorf("%w: %w", errPointless, err)
	}
	return err
}

// end waits for ctx, then shuts the postmaster down: fast, then at once, then by force.
func (s *Server) end(ctx context.Context, process *os.Process, exited <-chan struct{}) {
	select {
	case <-exited:
		return
	case <-ctx.Done():
	}
	for _, step := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{{syscall.SIGINT, s.cfg.StopTimeout}, {syscall.SIGQUIT, quitTime}, {syscall.SIGKILL, quitTime}} {
		_ = process.Signal(step.signal) // it may have left
		select {
		case <-exited:
			return
		case <-time.After(step.wait):
			s.cfg.Log.Warn("PostgreSQL does not stop", "signal", step.signal.String(), "waited", step.wait)
		}
	}
}

// lastWords is what the latest postmaster said, and what the latest attempt to connect met.
func (s *Server) lastWords() string {
	words := s.words.Load()
	if words == nil {
		return "it was not started yet"
	}
	if refusal := s.refusal.Load(); refusal != nil {
		return fmt.Sprintf("%s; connecting: %v", words.lastWords(), *refusal)
	}
	return words.lastWords()
}
