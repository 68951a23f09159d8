package doctor

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/patchbay/patchbay/host/internal/supervisor/confine"
	"github.com/patchbay/patchbay/host/internal/supervisor/doctor/probe"
)

// result is what is known of an attempt: what the program said, or how it ended.
type result struct {
	probe.Result
	// signal ended the program during the attempt, 0 without.
	signal syscall.Signal
	// ended is true where the program ended during the attempt, without a signal.
	ended bool
}

// starter prepares the program that tries the attempts so named, with what it writes to.
type starter func(ctx context.Context, launch *launch, names []string) (*exec.Cmd, error)

// try runs the program until every attempt has a result: again after each attempt that ended it.
func (x *examination) try(ctx context.Context, names []string, start starter) (map[string]result, error) {
	results := make(map[string]result)
	for len(names) > 0 {
		tried, err := x.tryOnce(ctx, names, start)
		if err != nil {
			return nil, err
		}
		for _, r := range tried {
			results[r.Name] = r
		}
		before := len(names)
		for len(names) > 0 && results[names[0]].State != "" {
			names = names[1:]
		}
		if len(names) == before {
			return nil, fmt.Errorf("the probe said nothing of %s", names[0])
		}
	}
	return results, nil
}

// tryOnce runs the program once. It answers at least one result.
func (x *examination) tryOnce(ctx context.Context, names []string, start starter) (tried []result, err error) {
	runtime.LockOSThread() // the program dies with the thread that started it
	defer runtime.UnlockOSThread()
	launch, err := x.scene.newLaunch(ctx)
	if err != nil {
		return nil, err
	}
	defer launch.close()
	cmd, err := start(ctx, launch, names)
	if err != nil {
		return nil, err
	}
	complaints := &bounded{}
	cmd.Stderr, cmd.WaitDelay = complaints, time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the probe: %w", err)
	}
	launch.started()
	tried, current, heardErr := listen(ctx, out)
	if heardErr != nil {
		_ = cmd.Process.Kill() // it may be gone already
	}
	waitErr := cmd.Wait()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("waiting for the probe at %q: %w", current, context.Cause(ctx))
	case heardErr != nil:
		return nil, fmt.Errorf("listening to the probe: %w", heardErr)
	case waitErr != nil && !errors.As(waitErr, &exit):
		return nil, fmt.Errorf("waiting for the probe: %w", waitErr)
	case current != "":
		tried = append(tried, died(current, cmd.ProcessState, complaints.String()))
	}
	if len(tried) == 0 {
		return nil, fmt.Errorf("the probe did not start: %s: %s", cmd.ProcessState, complaints.firstLine())
	}
	return tried, nil
}

// listen reads what the program says until it ends. current is the attempt that it was at.
func listen(ctx context.Context, out io.Reader) (tried []result, current string, err error) {
	var unserved error
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var said probe.Result
		if err := json.Unmarshal(lines.Bytes(), &said); err != nil {
			return tried, current, err
		}
		switch said.State {
		case probe.Trying:
			current, unserved = said.Name, nil
		case probe.Serving:
			unserved = ping(ctx, said.Detail)
		case probe.Allowed, probe.Refused:
			if unserved != nil {
				said.State, said.Detail = probe.Refused, unserved.Error()
			}
			tried, current = append(tried, result{Result: said}), ""
		default:
			return tried, current, fmt.Errorf("unknown state %q", said.State)
		}
	}
	return tried, current, lines.Err()
}

// ping has a program on a unix socket send back what it gets.
func ping(ctx context.Context, path string) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		return fmt.Errorf("connecting to the probe: %w", err)
	}
	defer func() { _ = conn.Close() }()
	const sent = "ping"
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, sent); err != nil {
		return err
	}
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != sent {
		return fmt.Errorf("the probe sent %q back: %w", got, err)
	}
	return nil
}

// died is the result of an attempt that the program did not survive.
func died(name string, state *os.ProcessState, complaints string) result {
	line, _, _ := strings.Cut(strings.TrimSpace(complaints), "\n")
	r := result{Result: probe.Result{Name: name, State: probe.Refused, Detail: strings.TrimSpace(state.String() + " " + line)}}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		r.signal = status.Signal()
		r.Detail = "killed: " + r.signal.String()
	}
	r.ended = r.signal == 0
	return r
}

// startConfined starts the program as an adapter is started.
func (x *examination) startConfined(ctx context.Context, launch *launch, names []string) (*exec.Cmd, error) {
	cmd, err := launch.command(ctx, x.scene.scene, names)
	if err != nil {
		return nil, err
	}
	spec := confine.Spec{Binary: x.scene.binary, Args: append([]string{"probe"}, cmd.Args[1:]...), PrivateDir: launch.private, SocketDir: launch.dir,
		CABundle: x.scene.bundle, Rlimits: confine.AdapterRlimits(x.ownUID), AllowMissing: true}
	if x.ownUID {
		if spec.UID, err = confine.FreshUID(); err != nil {
			return nil, err
		}
		spec.GID = spec.UID
	}
	return cmd, x.confine(cmd, spec)
}

// startPlain starts the same program with nothing in its way.
func (x *examination) startPlain(ctx context.Context, launch *launch, names []string) (*exec.Cmd, error) {
	cmd, err := launch.command(ctx, x.scene.scene, names)
	if err != nil {
		return nil, err
	}
	cmd.Dir = launch.private
	cmd.ExtraFiles = append(cmd.ExtraFiles, x.scene.binary)
	cmd.Path = fmt.Sprint("/proc/self/fd/", x.scene.scene.BinaryFD)
	cmd.Env = append(os.Environ(), "HOME="+launch.private)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return cmd, nil
}

// startOther starts it as another user, and nothing more.
func (x *examination) startOther(ctx context.Context, launch *launch, names []string) (*exec.Cmd, error) {
	cmd, err := x.startPlain(ctx, launch, names)
	if err != nil {
		return nil, err
	}
	uid, err := confine.FreshUID()
	if err != nil {
		return nil, err
	}
	for _, dir := range []string{launch.dir, launch.private} {
		if err := os.Lchown(dir, uid, uid); err != nil {
			return nil, fmt.Errorf("giving the probe its directory: %w", err)
		}
	}
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}
	return cmd, nil
}

// bounded keeps the beginning of what is written to it.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	const limit = 4 << 10
	if room := limit - b.Len(); room > 0 {
		b.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (b *bounded) firstLine() string {
	line, _, _ := strings.Cut(strings.TrimSpace(b.String()), "\n")
	return line
}
