package doctor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/patchbay/patchbay/host/internal/supervisor/confine"
	"github.com/patchbay/patchbay/host/internal/supervisor/doctor/probe"
)

// scene is what there is to be reached, and what goes on beside.
type scene struct {
	scene    probe.Scene
	binary   *os.File
	dir      string
	bundle   string // the certificate of the platform
	platform *platform
	echo     net.Listener
	launches int

	cleanups []func() // in the order of making
	serving  sync.WaitGroup
}

// newScene makes everything in a temporary folder. binary is the sealed copy of program.
func newScene(ctx context.Context, program string, binary *os.File, ownUID bool) (*scene, error) {
	if dir := impassable(os.TempDir()); ownUID && dir != "" {
		return nil, fmt.Errorf("other users cannot pass %s: set TMPDIR to a folder that they can reach", dir)
	}
	s := &scene{binary: binary}
	for _, make := range []func(ctx context.Context) error{s.makeDir, s.makeFiles, s.makeLeftover, s.makeListeners, s.makePlatform, s.makeBystander} {
		if err := make(ctx); err != nil {
			s.close()
			return nil, err
		}
	}
	limits := confine.AdapterRlimits(ownUID)
	s.scene.Host = os.Getpid()
	s.scene.BinaryFD = probe.EgressFD + 1
	s.scene.Variables = []string{"HOME", "TMPDIR", "SSL_CERT_FILE"}
	s.scene.MemoryBytes, s.scene.FileBytes = int64(2*limits.DataBytes), int64(limits.FileBytes)+1
	s.scene.Files, s.scene.Threads = int(limits.OpenFiles)+1, int(limits.Tasks)+100
	s.scene.Engine = firstSocket("/var/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock")
	s.scene.Database = firstSocket("/var/run/postgresql/.s.PGSQL.5432", "/tmp/.s.PGSQL.5432", "/run/mysqld/mysqld.sock")
	s.scene.Program = program
	return s, nil
}

// impassable answers the folder on the way to one that not every user can pass, or "".
func impassable(dir string) string {
	for ; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// firstSocket answers the first path where there is a socket, or the first path.
func firstSocket(paths ...string) string {
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.Mode()&fs.ModeSocket != 0 {
			return path
		}
	}
	return paths[0]
}

func (s *scene) later(cleanup func()) { s.cleanups = append(s.cleanups, cleanup) }

// close undoes everything, the last first, and waits.
func (s *scene) close() {
	for i := len(s.cleanups) - 1; i >= 0; i-- {
		s.cleanups[i]()
	}
	s.serving.Wait()
}

// makeDir makes a folder that every user can pass.
func (s *scene) makeDir(context.Context) (err error) {
	if s.dir, err = os.MkdirTemp("", "patchbay-doctor-"); err != nil {
		return err
	}
	s.later(func() { _ = os.RemoveAll(s.dir) }) // the system sweeps what is left there
	return os.Chmod(s.dir, 0o711)
}

// makeFiles makes what the program would like to read and write. The modes are open, so that it is confinement that refuses.
func (s *scene) makeFiles(context.Context) error {
	s.scene.Open = filepath.Join(s.dir, "outside")
	s.scene.Secret, s.scene.Private = filepath.Join(s.scene.Open, "secret"), filepath.Join(s.scene.Open, "keys")
	if err := os.Mkdir(s.scene.Open, 0o777); err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(s.scene.Secret, []byte("everybody's"), 0o644), os.Chmod(s.scene.Secret, 0o644),
		os.WriteFile(s.scene.Private, []byte("the doctor's alone"), 0o600), os.Chmod(s.scene.Open, 0o777))
}

// makeLeftover opens a descriptor as a careless library does: without close-on-exec.
func (s *scene) makeLeftover(context.Context) error {
	const farFromOthers = 100
	file, err := os.Open(s.scene.Secret)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // the other one stays
	s.scene.Leftover, err = unix.FcntlInt(file.Fd(), unix.F_DUPFD, farFromOthers)
	if err == nil {
		s.later(func() { _ = unix.Close(s.scene.Leftover) })
	}
	return err
}

// makeListeners makes sockets of others.
func (s *scene) makeListeners(ctx context.Context) error {
	var config net.ListenConfig
	s.scene.Stream, s.scene.Datagram = filepath.Join(s.scene.Open, "adapter.sock"), filepath.Join(s.scene.Open, "log")
	stream, err := config.Listen(ctx, "unix", s.scene.Stream)
	if err != nil {
		return err
	}
	s.later(func() { _ = stream.Close() })
	for _, datagrams := range []struct {
		network, address string
		actual           *string
	}{{"unixgram", s.scene.Datagram, new(string)}, {"udp4", "127.0.0.1:0", &s.scene.UDP}} {
		conn, err := config.ListenPacket(ctx, datagrams.network, datagrams.address)
		if err != nil {
			return err
		}
		s.later(func() { _ = conn.Close() })
		*datagrams.actual = conn.LocalAddr().String()
	}
	if s.echo, err = config.Listen(ctx, "tcp4", "127.0.0.1:0"); err != nil {
		return err
	}
	s.scene.TCP = s.echo.Addr().String()
	s.serving.Go(func() { s.serveEcho() })
	s.later(func() { _ = s.echo.Close() })
	return errors.Join(os.Chmod(s.scene.Stream, 0o777), os.Chmod(s.scene.Datagram, 0o777))
}

// serveEcho sends back what it gets, until the listener is closed and its peers are gone.
func (s *scene) serveEcho() {
	for {
		conn, err := s.echo.Accept()
		if err != nil {
			return
		}
		s.serving.Go(func() {
			_, _ = io.Copy(conn, conn) // what goes wrong, the peer sees
			_ = conn.Close()
		})
	}
}

// makeBystander starts a process that another could look into.
func (s *scene) makeBystander(ctx context.Context) error {
	runtime.LockOSThread() // it dies with the thread that started it
	s.later(runtime.UnlockOSThread)
	cmd := exec.CommandContext(ctx, self)
	cmd.Args = append([]string{"bystander"}, probe.BystanderArguments()...)
	cmd.Path = fmt.Sprint("/proc/self/fd/", 3)
	cmd.ExtraFiles = []*os.File{s.binary}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting bystander: %w", err)
	}
	s.later(func() {
		_ = in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	})
	s.scene.Bystander = cmd.Process.Pid
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		return fmt.Errorf("waiting for bystander: %w", err)
	}
	return nil
}
