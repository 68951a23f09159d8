package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/egress"
	"github.com/patchbay/patchbay/host/internal/release"
	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// stopTime is how long a process may take to answer the request to end, before it is killed; go-plugin gives it two seconds more to
// do so.
const stopTime = 2 * time.Second

// process is one launch of an adapter.
type process struct {
	client  *plugin.Client
	service adapterv1.AdapterServiceClient
	// sandboxes is served by an adapter that says so alone.
	sandboxes adapterv1.SandboxServiceClient
	session   *egress.Session
	runner    *processRunner
	// life is the generation that it serves for; nil for one that is only asked for its manifest.
	life *generation
	// died is closed when the process has ended, whoever ended it.
	died <-chan struct{}

	stopOnce sync.Once
	served   sync.WaitGroup // the egress session

	group *os.File // its control group; nil without

	connsMu sync.Mutex
	conns   map[*grpc.ClientConn]bool // go-plugin does not close those of a launch that fails

	// Under the generation's lock.
	inFlight  int
	startedAt time.Time
	usedAt    time.Time
	suspected bool
	verdict   string // why the supervisor itself ended it, or ""
}

// launchSpec says what to launch.
type launchSpec struct {
	name   string
	path   string
	digest [32]byte
	grants release.Grants
}

// fault is why a process could not be used any more, or not at all.
type fault struct {
	// reason is the supervisor's own words, which callers may hear.
	reason string
	// said is the adapter's last line, which only operators may: it may hold something of another caller's.
	said string
	// missing is true where the binary could not be had, which says nothing of the release.
	missing bool
}

// Error answers both, for operators.
func (f *fault) Error() string {
	if f.said == "" {
		return f.reason
	}
	return f.reason + "; it last said: " + f.said
}

// launch starts a process and connects to it within ctx. Everything is fresh each time: go-plugin alters its configuration and cannot
// restart.
func (s *Supervisor) launch(ctx context.Context, spec launchSpec) (*process, error) {
	session, egressEnd, err := s.cfg.Gate.Open(spec.name)
	if err != nil {
		return nil, fmt.Errorf("opening its way out: %w", err)
	}
	defer func() { _ = egressEnd.Close() }() // the child has its copy by then
	logs := newLogWriter(s.cfg.Logger, spec.name)
	r, err := newProcessRunner(s.launcher, spec.name, logs)
	if err != nil {
		session.Close()
		return nil, err
	}
	p := &process{session: session, runner: r, died: r.exited, conns: map[*grpc.ClientConn]bool{}, startedAt: s.cfg.Now(), usedAt: s.cfg.Now()}
	if p.group, err = s.groups.open(spec.name); err != nil {
		session.Close()
		r.abandon()
		return nil, err
	}
	var started func() // gives back what the start alone needed
	p.client = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  plugin.HandshakeConfig{MagicCookieKey: adapterv1.MagicCookieKey, MagicCookieValue: adapterv1.MagicCookieValue},
		VersionedPlugins: map[int]plugin.PluginSet{adapterv1.ProtocolVersion: {adapterv1.PluginName: &clientPlugin{}}},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, dir string) (runner.Runner, error) {
			r.use(cmd, dir)
			if err := s.prepare(cmd, p, spec.path, egressEnd); err != nil || s.cfg.Confine == nil {
				return r, err
			}
			var err error
			started, err = s.cfg.Confine.wrap(cmd, spec, dir)
			return r, err
		},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		StartTimeout:     s.cfg.StartTimeout,
		SyncStdout:       logs.stream(),
		SyncStderr:       logs.stream(),
		Logger:           hclog.NewNullLogger(),
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: s.cfg.RunDir},
		GRPCDialOptions:  s.dialOptions(p),
	})
	// go-plugin bounds the wait for the greeting, and nothing after it.
	stopWatching := context.AfterFunc(ctx, r.kill)
	err = p.connect()
	if started != nil {
		started()
	}
	if !stopWatching() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, p.giveUp(ctx, err)
	}
	return p, nil
}

// Flow control of the connection with an adapter. Its windows are fixed: gRPC would measure the way to the other process again and
// again, by a ping for each message, to find the same.
const (
	streamWindow     = 1 << 20
	connectionWindow = 16 << 20
)

// dialOptions are for the connection to one process. With traces, each call joins the trace of its request.
func (s *Supervisor) dialOptions(p *process) []grpc.DialOption {
	options := []grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(adapterv1.MaxMessageBytes), grpc.MaxCallSendMsgSize(adapterv1.MaxMessageBytes)),
		grpc.WithChainStreamInterceptor(p.onStream),
		grpc.WithStaticStreamWindowSize(streamWindow), grpc.WithStaticConnWindowSize(connectionWindow),
		grpc.WithStatsHandler(sentWatcher{}),
	}
	if s.cfg.Traced {
		options = append(options, grpc.WithStatsHandler(otelgrpc.NewClientHandler()))
	}
	return options
}

// connect starts the process and waits until it serves.
func (p *process) connect() error {
	protocol, err := p.client.Client()
	if err != nil {
		return err
	}
	raw, err := protocol.Dispense(adapterv1.PluginName)
	if err != nil {
		return err
	}
	conn, ok := raw.(*grpc.ClientConn)
	if !ok {
		return errors.New("it serves something else")
	}
	p.service, p.sandboxes = adapterv1.NewAdapterServiceClient(conn), adapterv1.NewSandboxServiceClient(conn)
	p.served.Go(func() { _ = p.session.Run(context.Background()) }) // ends with Close or with the process; both are booked elsewhere
	return nil
}

// onStream sees every stream before it begins. The broker of go-plugin is refused: nothing uses it, and an adapter could fill the
// host's memory with it.
func (p *process) onStream(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	p.connsMu.Lock()
	p.conns[cc] = true
	p.connsMu.Unlock()
	if strings.HasPrefix(method, "/plugin.GRPCBroker/") {
		return nil, status.Error(codes.Unimplemented, "the broker is not used")
	}
	return streamer(ctx, desc, cc, method, opts...)
}

// giveUp ends a process whose launch failed and says why in words that help: go-plugin's own, without its guesses, how the process
// ended if it did so by itself, and what it last said.
func (p *process) giveUp(ctx context.Context, err error) error {
	var failed *catalog.Failure // the adapter's side may see the end of the time first
	expired := ctx.Err() != nil || errors.As(err, &failed) && failed.Kind == catalog.Timeout
	p.runner.kill() // nothing was asked of it that it could bring to an end
	p.stop()
	reason, ended := launchReason(err), p.runner.ending()
	switch {
	case expired || strings.HasPrefix(reason, "timeout while waiting"):
		reason = "it did not come up in time"
	case strings.HasPrefix(reason, "plugin exited") || reason == silent:
		reason = "it ended before it greeted"
	}
	if ended != "" {
		reason += " (" + ended + ")"
	}
	return &fault{reason: reason, said: p.runner.logs.last()}
}

// silent is the reason of a launch whose process closed its standard output without a word.
const silent = "it said nothing"

// launchReason takes go-plugin's first line, and puts the ones that puzzle people in other words.
func launchReason(err error) string {
	reason, _, _ := strings.Cut(err.Error(), "\n")
	said, unrecognised := strings.CutPrefix(reason, "Unrecognized remote plugin message:")
	switch said = strings.TrimSpace(said); {
	case unrecognised && said == "":
		return silent
	case unrecognised:
		return fmt.Sprintf("it does not greet as an adapter does (its first line was %q)", clip(said, 120))
	}
	return clean(reason, 500)
}

// stop ends the process and everything of it, and waits. It may be called more than once.
func (p *process) stop() {
	p.stopOnce.Do(func() {
		p.session.Close()
		hurry := time.AfterFunc(stopTime, p.runner.kill) // one that does not answer would be waited for without end
		p.client.Kill()
		hurry.Stop()
		p.runner.kill()
		p.runner.wait()
		p.runner.abandon()
		p.closeConns()
		if p.runner.dir != "" {
			_ = os.RemoveAll(p.runner.dir) // swept at the next start of the host otherwise
		}
		p.served.Wait()
		if p.group != nil {
			_ = errors.Join(p.group.Close(), os.Remove(p.group.Name())) // a group with a process left stays, and is empty some day
		}
	})
}

// closeConns closes what go-plugin leaves open after a launch that failed.
func (p *process) closeConns() {
	p.connsMu.Lock()
	defer p.connsMu.Unlock()
	for cc := range p.conns {
		_ = cc.Close() // closed already where the launch succeeded
	}
}

func (p *process) pid() int { return p.runner.processID() }

// ended says whether the process is no more.
func (p *process) ended() bool {
	select {
	case <-p.died:
		return true
	default:
		return false
	}
}

// prepare makes the command what the supervisor wants it to be: a fixed environment, no standard input, a process group of its own,
// death with the host, a control group where there is one, and the egress socket as descriptor 3.
func (s *Supervisor) prepare(cmd *exec.Cmd, p *process, path string, egressEnd *os.File) error {
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("its binary is missing: %w", err)
	}
	cmd.Path, cmd.Args = path, []string{path}
	cmd.Stdin = nil
	cmd.Dir = "/"
	cmd.ExtraFiles = []*os.File{egressEnd}
	// Half of the cores: the host and the database need theirs for each call too, and fewer threads pass its work around.
	cores := max(1, runtime.GOMAXPROCS(0)/2)
	cmd.Env = append(cmd.Env, adapterv1.EgressFDVariable+"=3", "LANG=C.UTF-8", "TZ=UTC",
		fmt.Sprintf("GOMEMLIMIT=%dMiB", s.cfg.Resources.MemoryBytes>>20), fmt.Sprintf("GOMAXPROCS=%d", cores), "GOGC=400", "GOTRACEBACK=single")
	bindToHost(cmd)
	if p.group != nil {
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(p.group.Fd())
	}
	return nil
}

// clientPlugin is the host's side of go-plugin's plugin set.
type clientPlugin struct{ plugin.NetRPCUnsupportedPlugin }

// GRPCClient answers the connection, on which the services are.
func (*clientPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}

// GRPCServer is never called on this side.
func (*clientPlugin) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error {
	return errors.New("the host serves no adapter")
}

func clip(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "") + "…"
	}
	return strings.ToValidUTF8(s, "")
}
