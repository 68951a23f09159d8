package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"

	"github.com/patchbay/patchbay/host/internal/egress"
	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// process is one launch of an adapter.
type process struct {
	client  *plugin.Client
	service adapterv1.AdapterServiceClient
	session *egress.Session
	runner  *processRunner
	// died is closed when the process has ended, whoever ended it.
	died <-chan struct{}

	stopOnce sync.Once
	served   sync.WaitGroup // the egress session

	// Under the adapter's lock.
	inFlight  int
	startedAt time.Time
	usedAt    time.Time
}

// launchSpec says what to launch.
type launchSpec struct {
	name   string
	path   string
	digest []byte
}

// launch starts a process and connects to it. Everything is fresh each time: go-plugin alters its configuration and cannot restart.
func (s *Supervisor) launch(ctx context.Context, spec launchSpec) (*process, error) {
	session, egressEnd, err := s.cfg.Gate.Open(spec.name)
	if err != nil {
		return nil, fmt.Errorf("opening its way out: %w", err)
	}
	defer func() { _ = egressEnd.Close() }() // the child has its copy by then
	p := &process{session: session, startedAt: time.Now(), usedAt: time.Now()}
	logs := newLogWriter(s.cfg.Logger, spec.name)
	glue := &clientPlugin{}
	p.client = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  plugin.HandshakeConfig{MagicCookieKey: adapterv1.MagicCookieKey, MagicCookieValue: adapterv1.MagicCookieValue},
		VersionedPlugins: map[int]plugin.PluginSet{adapterv1.ProtocolVersion: {adapterv1.PluginName: glue}},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
			if err := prepare(cmd, spec.path, egressEnd); err != nil {
				return nil, err
			}
			r, err := newProcessRunner(s.launcher, cmd, spec.name, logs)
			p.runner = r
			return r, err
		},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		StartTimeout:     s.cfg.StartTimeout,
		SyncStdout:       logs,
		SyncStderr:       logs,
		Logger:           hclog.NewNullLogger(),
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: s.cfg.RunDir},
		GRPCDialOptions: []grpc.DialOption{grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(adapterv1.MaxMessageBytes), grpc.MaxCallSendMsgSize(adapterv1.MaxMessageBytes))},
	})
	if err := p.connect(ctx, glue); err != nil {
		reason := p.startError(err)
		p.stop()
		return nil, reason
	}
	return p, nil
}

// connect starts the process and waits until it serves.
func (p *process) connect(_ context.Context, glue *clientPlugin) error {
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
	p.service, p.died = service, glue.died
	p.served.Go(func() { _ = p.session.Run(context.Background()) }) // ends with Close or with the process; both are booked elsewhere
	return nil
}

// startError says what went wrong in words that help: go-plugin's own, without its guesses, and what the adapter last said.
func (p *process) startError(err error) error {
	reason, _, _ := strings.Cut(err.Error(), "\n")
	if said, ok := strings.CutPrefix(reason, "Unrecognized remote plugin message:"); ok {
		reason = "it does not greet as an adapter does"
		if said = strings.TrimSpace(said); said != "" {
			reason += fmt.Sprintf(" (its first line was %q)", clip(said, 120))
		}
	}
	if p.runner != nil {
		if words := p.runner.logs.last(); words != "" {
			reason += "; it last said: " + words
		}
	}
	return errors.New(reason)
}

// stop ends the process and everything of it, and waits. It may be called more than once.
func (p *process) stop() {
	p.stopOnce.Do(func() {
		p.session.Close()
		p.client.Kill()
		if p.runner != nil {
			_ = p.runner.Kill(context.Background()) // what it left in its process group
		}
		p.served.Wait()
	})
}

func (p *process) pid() int {
	if p.runner == nil {
		return 0
	}
	return p.runner.processID()
}

// lastWords says how the process ended.
func (p *process) lastWords() string {
	how := p.runner.ending()
	if words := p.runner.logs.last(); words != "" {
		how += "; it last said: " + words
	}
	return how
}

// prepare makes the command what the supervisor wants it to be: a fixed environment, no standard input, a process group of its own,
// and the egress socket as descriptor 3.
func prepare(cmd *exec.Cmd, path string, egressEnd *os.File) error {
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("its binary is missing: %w", err)
	}
	cmd.Path, cmd.Args = path, []string{path}
	cmd.Stdin = nil
	cmd.Dir = "/"
	cmd.ExtraFiles = []*os.File{egressEnd}
	cmd.Env = append(cmd.Env, adapterv1.EgressFDVariable+"=3", "LANG=C.UTF-8", "TZ=UTC", "GOMEMLIMIT=256MiB", "GOTRACEBACK=single")
	confine(cmd)
	return nil
}

// clientPlugin is the host's side of go-plugin's plugin set.
type clientPlugin struct {
	plugin.NetRPCUnsupportedPlugin
	died <-chan struct{}
}

// GRPCClient answers the service. The context ends with the process.
func (c *clientPlugin) GRPCClient(ctx context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	c.died = ctx.Done()
	return adapterv1.NewAdapterServiceClient(conn), nil
}

// GRPCServer is never called on this side.
func (c *clientPlugin) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error {
	return errors.New("the host serves no adapter")
}

func clip(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "") + "…"
	}
	return strings.ToValidUTF8(s, "")
}
