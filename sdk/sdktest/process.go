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
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// launched is an adapter's process, as a host would run it.
type launched struct {
	client  *plugin.Client
	service adapterv1.AdapterServiceClient
	cmd     *exec.Cmd
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

// launch starts the adapter with the environment of a host: go-plugin's variables, the egress socket, and nothing else.
func launch(options Options) (*launched, error) {
	refuse, adapterEnd, err := newRefuser()
	if err != nil {
		return nil, err
	}
	defer func() { _ = adapterEnd.Close() }() // the child has its copy
	p := &launched{egress: refuse, stdout: &output{}, stderr: &output{}}
	p.cmd = exec.Command(options.Binary, options.Args...)
	p.cmd.Env = append([]string{adapterv1.EgressFDVariable + "=3", "LANG=C.UTF-8"}, options.Env...)
	p.cmd.ExtraFiles = []*os.File{adapterEnd}
	p.client = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  plugin.HandshakeConfig{MagicCookieKey: adapterv1.MagicCookieKey, MagicCookieValue: adapterv1.MagicCookieValue},
		VersionedPlugins: map[int]plugin.PluginSet{adapterv1.ProtocolVersion: {adapterv1.PluginName: &clientPlugin{}}},
		Cmd:              p.cmd, AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, AutoMTLS: true, SkipHostEnv: true,
		StartTimeout: options.StartTimeout, Stderr: p.stderr, SyncStdout: p.stdout, SyncStderr: p.stderr, Logger: hclog.NewNullLogger(),
		GRPCDialOptions: []grpc.DialOption{grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(adapterv1.MaxMessageBytes), grpc.MaxCallSendMsgSize(adapterv1.MaxMessageBytes))},
	})
	protocol, err := p.client.Client()
	if err == nil {
		var raw any
		if raw, err = protocol.Dispense(adapterv1.PluginName); err == nil {
			p.service, _ = raw.(adapterv1.AdapterServiceClient)
		}
	}
	if err != nil || p.service == nil {
		p.kill()
		reason, _, _ := strings.Cut(fmt.Sprint(err), "\n")
		if said := strings.TrimSpace(p.stderr.String()); said != "" {
			reason += "; it said: " + said[:min(len(said), 400)]
		}
		return nil, errors.New(reason)
	}
	return p, nil
}

func (p *launched) kill() {
	p.client.Kill()
	p.egress.close()
}

// ends asks the process to end, as a host does, and sees that it does so by itself.
func (s *suite) ends(context.Context) error {
	begin := time.Now()
	s.process.kill()
	if took := time.Since(begin); took >= 2*time.Second {
		return fmt.Errorf("it had to be killed after %s", took.Round(time.Millisecond))
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
		return errSkip{"there is no /bin/sh to run it below"}
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
	done   chan struct{}
	once   sync.Once
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
func (r *refuser) silence(on bool) { r.silent.Store(on) }

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
		if proto.Unmarshal(buffer[:n], &request) != nil || r.silent.Load() {
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
