package postgres

import (
	"context"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

func itoa(n int) string { return strconv.Itoa(n) }

func TestKilledHostTakesTheServerAlong(t *testing.T) {
	t.Parallel()
	cfg := Config{DataDir: openTemp(t), Bin: machineBin(t)}
	h := startHost(t, cfg, nil)
	run(t, connect(t, h.URL), "SELECT 1")
	uid := dbUID(t)
	if gone(t, cfg.DataDir, uid) {
		t.Fatal("no process works in the cluster: the test sees nothing")
	}
	h.kill(t)
	eventually(t, "all processes leave", func() bool { return gone(t, cfg.DataDir, uid) })
	start(t, cfg)
}

func TestKilledPostmasterIsReplaced(t *testing.T) {
	t.Parallel()
	cfg := Config{DataDir: openTemp(t), Bin: machineBin(t)}
	server := start(t, cfg)
	pool := connect(t, server.URL())
	run(t, pool, "CREATE TABLE t (id int)")
	for round := 1; round <= 2; round++ {
		old := server.PID()
		if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the pool is served again", func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := pool.Exec(ctx, "INSERT INTO t VALUES (1)")
			return err == nil && server.PID() != old
		})
		if got := server.Restarts(); got < round {
			t.Errorf("%d restarts counted in round %d", got, round)
		}
	}
	select {
	case <-server.Done():
		t.Error("Done is closed while the server runs")
	default:
	}
}

func TestVanishedDataEndsTheServer(t *testing.T) {
	t.Parallel()
	cfg := Config{DataDir: openTemp(t), Bin: machineBin(t)}
	started, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(layout{cfg.DataDir}.cluster(), layout{cfg.DataDir}.cluster()+".away"); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(started.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	wantError(t, started.Err(), "data directory is gone")
	wantError(t, started.Close(), "data directory is gone")

	// What the killed server left in shared memory goes with the next start on the same data.
	if err := os.Rename(layout{cfg.DataDir}.cluster()+".away", layout{cfg.DataDir}.cluster()); err != nil {
		t.Fatal(err)
	}
	run(t, connect(t, start(t, cfg).URL()), "SELECT 1")
}

// A postmaster that outlived its host (its parent-death signal was lost) is ended by the next one.
func TestOrphanedPostmasterIsEnded(t *testing.T) {
	t.Parallel()
	cfg := Config{DataDir: openTemp(t), Bin: machineBin(t)}
	server := start(t, cfg)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	who, err := findAccount(t.Context(), "patchbay-db")
	if err != nil {
		t.Fatal(err)
	}
	orphan := who.command(context.Background(), 0, cfg.Bin, "postgres", "-D", layout{cfg.DataDir}.cluster(),
		"-c", "listen_addresses=", "-c", "unix_socket_directories="+layout{cfg.DataDir}.cluster())
	if err := orphan.Start(); err != nil {
		t.Fatal(err)
	}
	var left sync.WaitGroup
	left.Go(func() { _ = orphan.Wait() })
	defer left.Wait()
	eventually(t, "the orphan runs", func() bool {
		pid, ready, err := readPidFile(layout{cfg.DataDir}.cluster())
		return err == nil && ready && pid == orphan.Process.Pid
	})
	run(t, connect(t, start(t, cfg).URL()), "SELECT 1")
}

// Every insert that was acknowledged is there after kill -9 of the host and of the postmaster under load.
func TestKillsLoseNothingAcknowledged(t *testing.T) {
	t.Parallel()
	cfg := Config{DataDir: openTemp(t), Bin: machineBin(t)}
	var acknowledged []int64
	var next atomic.Int64
	for round := range 4 {
		h := startHost(t, cfg, nil)
		if h.Error != "" {
			t.Fatal(h.Error)
		}
		pool := connect(t, h.URL)
		run(t, pool, "CREATE TABLE IF NOT EXISTS rows (id bigint PRIMARY KEY)")
		wantRows(t, pool, acknowledged)
		load := newLoad(pool, &next)
		load.reach(t, 200)
		if round%2 == 0 {
			if err := syscall.Kill(h.PID, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			load.reach(t, 400) // healed in between
		}
		h.kill(t)
		acknowledged = append(acknowledged, load.stop()...)
		pool.Close()
	}
	wantRows(t, connect(t, start(t, cfg).URL()), acknowledged)
}

// load inserts rows from several goroutines and remembers which were acknowledged.
type load struct {
	cancel  context.CancelFunc
	workers sync.WaitGroup
	mu      sync.Mutex
	ids     []int64
}

func newLoad(pool *pgxpool.Pool, next *atomic.Int64) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{cancel: cancel}
	for range 8 {
		l.workers.Go(func() {
			for ctx.Err() == nil {
				id := next.Add(1)
				if _, err := pool.Exec(ctx, "INSERT INTO rows VALUES ($1)", id); err == nil {
					l.mu.Lock()
					l.ids = append(l.ids, id)
					l.mu.Unlock()
				}
			}
		})
	}
	return l
}

func (l *load) reach(t *testing.T, n int) {
	t.Helper()
	eventually(t, "rows acknowledged", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.ids) >= n
	})
}

func (l *load) stop() []int64 {
	l.cancel()
	l.workers.Wait()
	return l.ids
}

func wantRows(t *testing.T, pool *pgxpool.Pool, ids []int64) {
	t.Helper()
	var missing int
	err := pool.QueryRow(t.Context(), "SELECT count(*) FROM unnest($1::bigint[]) AS want(id) WHERE NOT EXISTS (SELECT FROM rows WHERE rows.id = want.id)", ids).Scan(&missing)
	if err != nil {
		t.Fatal(err)
	}
	if missing != 0 {
		t.Errorf("%d of %d acknowledged rows are lost", missing, len(ids))
	}
}

// A child that was forked before Close holds the lock's descriptor; it must not hold the lock.
func TestReleaseReachesInheritedDescriptors(t *testing.T) {
	t.Parallel()
	path := layout{t.TempDir()}.lock()
	first, err := takeLock(path)
	if err != nil {
		t.Fatal(err)
	}
	inherited, err := syscall.Dup(int(first.file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(inherited) }() // the test's end would do
	if err := first.release(); err != nil {
		t.Fatal(err)
	}
	second, err := takeLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.release(); err != nil {
		t.Error(err)
	}
}
