package sdktest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// launched is an adapter's process, as a host would run it.
type launched struct {
	client  *plugin.Client
	service adapterv1.AdapterServiceClient
	program *program
	egress  *refuser
	stdout  *output
	stderr  *output
}

// output keeps what a process writes, up to a bound.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.b.Len() < 4<<20 {
		o.b.Write(p)
	}
	return len(p), nil
}

// String answers what was written.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// stopTime is how long an adapter may take to end when it is asked to.
const stopTime = 2 * time.Second

// launch starts the adapter with the environment of a host: go-plugin's variables, the egress socket, and nothing else.
func launch(options Options) (*launched, error) {
	refuse, adapterEnd, err := newRefuser()
	if err != nil {
		return nil, err
	}
	defer func() { _ = adapterEnd.Close() }() // the child has its copy
	cmd := exec.Command(options.Binary, options.Args...)
	p := &launched{egress: refuse, stdout: &output{}, stderr: &output{}}
	p.program = newProgram(cmd, p.stdout, p.stderr)
	p.client = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  plugin.HandshakeConfig{MagicCookieKey: adapterv1.MagicCookieKey, MagicCookieValue: adapterv1.MagicCookieValue},
		VersionedPlugins: map[int]plugin.PluginSet{adapterv1.ProtocolVersion: {adapterv1.PluginName: &clientPlugin{}}},
		RunnerFunc: func(_ hclog.Logger, prepared *exec.Cmd, dir string) (runner.Runner, error) {
			p.program.dir = dir
			cmd.ExtraFiles = []*os.File{adapterEnd}
			cmd.Env = append(prepared.Env, adapterv1.EgressFDVariable+"=3", "LANG=C.UTF-8", "TZ=UTC")
			cmd.Env = append(cmd.Env, options.Env...)
			return p.program, nil
		},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, AutoMTLS: true, SkipHostEnv: true,
		StartTimeout: options.StartTimeout, SyncStdout: p.stdout, SyncStderr: p.stderr, Logger: hclog.NewNullLogger(),
		GRPCDialOptions: []grpc.DialOption{grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(adapterv1.MaxMessageBytes), grpc.MaxCallSendMsgSize(adapterv1.MaxMessageBytes))},
	})
	if err := p.connect(options.StartTimeout); err != nil {
		p.program.end()
		p.kill()
		reason, _, _ := strings.Cut(err.Error(), "\n")
		if said := strings.TrimSpace(p.stderr.String()); said != "" {
			reason += "; it said: " + said[:min(len(said), 400)]
		}
		return nil, errors.New(reason)
	}
	return p, nil
}

// connect waits until the adapter serves, as long as a start may take.
func (p *launched) connect(limit time.Duration) error {
	hurry := time.AfterFunc(limit, p.program.end) // go-plugin bounds the greeting alone
	defer hurry.Stop()
	protocol, err := p.client.Client()
	if err != nil {
		return err
	}
	raw, err := protocol.Dispense(adapterv1.PluginName)
	if err != nil {
		return err
	}
	service, ok := raw.(adapterv1.AdapterServiceClient)
	if !ok {
		return errors.New("it serves something else")
	}
	p.service = service
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if _, err := service.Describe(ctx, &adapterv1.DescribeRequest{}); err != nil {
		return fmt.Errorf("it does not describe itself: %w", err)
	}
	return nil
}

// kill asks the process to end, sees to it that it does, and says whether it did so by itself in time.
func (p *launched) kill() (byItself bool) {
	hurry := time.AfterFunc(stopTime, p.program.end) // go-plugin would wait for the answer without end
	defer hurry.Stop()
	p.client.Kill()
	p.egress.close()
	if p.program.dir != "" {
		_ = os.RemoveAll(p.program.dir) // go-plugin leaves it where the start failed
	}
	return !p.program.forced.Load()
}

// ends asks the process to end, as a host does, and sees that it does so by itself.
func (s *suite) ends(context.Context) error {
	if !s.process.kill() {
		return fmt.Errorf("it had to be killed after %s", stopTime)
	}
	return nil
}

// endsWithParent runs the adapter below a shell, kills the shell, and sees that the adapter ends too.
func (s *suite) endsWithParent(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "pb-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // a folder of nothing but a socket
	shell := exec.Command("/bin/sh", append([]string{"-c", `"$0" "$@" 2>/dev/null & echo $!; wait`, s.options.Binary}, s.options.Args...)...)
	shell.Env = append([]string{adapterv1.MagicCookieKey + "=" + adapterv1.MagicCookieValue, "PLUGIN_PROTOCOL_VERSIONS=" + strconv.Itoa(adapterv1.ProtocolVersion),
		"PLUGIN_UNIX_SOCKET_DIR=" + dir, "LANG=C.UTF-8"}, s.options.Env...)
	out, err := shell.StdoutPipe()
	if err != nil {
		return err
	}
	if err := shell.Start(); err != nil {
		return skipError{"there is no /bin/sh to run it below"}
	}
	pid, err := readChild(out)
	_ = shell.Process.Kill() // the parent's death
	_ = shell.Wait()         // it was killed
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, parentPatience)
	defer cancel()
	for {
		if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
			return nil
		}
		select {
		case <-ctx.Done():
			_ = syscall.Kill(pid, syscall.SIGKILL) // so that nothing is left of the check
			return errors.New("it lives on without its parent")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// parentPatience is how long an adapter may take to notice that its parent is gone.
const parentPatience = 10 * time.Second

// readChild reads the shell's word of its child's process id, and the child's greeting, which may come first: only then does the
// child know whose it is.
func readChild(out io.Reader) (pid int, err error) {
	greeted := false
	lines := bufio.NewScanner(out)
	for (pid == 0 || !greeted) && lines.Scan() {
		if n, err := strconv.Atoi(strings.TrimSpace(lines.Text())); err == nil {
			pid = n
			continue
		}
		greeted = true
	}
	if pid == 0 || !greeted {
		return pid, errors.New("it does not greet below a shell")
	}
	return pid, nil
}

// refuser is the host's end of an egress socket that refuses every dial.
type refuser struct {
	fd     int
	silent atomic.Bool
	// patience is the longest that a dial since the last silence would wait, in milliseconds.
	patience atomic.Uint32
	done     chan struct{}
	once     sync.Once
}

func newRefuser() (*refuser, *os.File, error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("making the egress socket: %w", err)
	}
	r := &refuser{fd: fds[0], done: make(chan struct{})}
	go r.run() // ends with close, or with the adapter
	return r, os.NewFile(uintptr(fds[1]), "egress"), nil
}

// silence makes the refuser leave dials without an answer.
func (r *refuser) silence(on bool) {
	r.patience.Store(0)
	r.silent.Store(on)
}

func (r *refuser) run() {
	defer close(r.done)
	buffer := make([]byte, adapterv1.MaxDialMessageBytes)
	for {
		n, err := syscall.Read(r.fd, buffer)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			return
		}
		var request adapterv1.DialRequest
		if proto.Unmarshal(buffer[:n], &request) != nil {
			continue
		}
		r.patience.Store(max(r.patience.Load(), request.GetTimeoutMs()))
		if r.silent.Load() {
			continue
		}
		answer, err := proto.Marshal(&adapterv1.DialResponse{Id: request.GetId(), Refusal: adapterv1.Refusal_REFUSAL_HOST_NOT_ALLOWED,
			Message: "The conformance suite reaches nothing."})
		if err == nil {
			_, _ = syscall.Write(r.fd, answer) // an adapter that has ended
		}
	}
}

func (r *refuser) close() {
	r.once.Do(func() {
		_ = syscall.Shutdown(r.fd, syscall.SHUT_RDWR) // wakes the reader
		<-r.done
		_ = syscall.Close(r.fd) // nothing was left to be sent
	})
}

// clientPlugin is the host's side of go-plugin's plugin set.
type clientPlugin struct{ plugin.NetRPCUnsupportedPlugin }

// GRPCClient answers the service.
func (*clientPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return adapterv1.NewAdapterServiceClient(conn), nil
}

// GRPCServer is never called on this side.
func (*clientPlugin) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error {
	return errors.New("the suite serves no adapter")
}
