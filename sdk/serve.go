package sdk

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk/internal/egress"
)

// Serve runs an adapter until its host ends it. It is all that main does. A manifest that is not valid ends the program with
// status 2 and the reasons on stderr; a program started by hand, without a host, ends with status 1 and a hint.
func Serve(a Adapter) {
	if os.Getenv(adapterv1.MagicCookieKey) != adapterv1.MagicCookieValue {
		fmt.Fprintf(os.Stderr, "%s %s is a Patchbay adapter: the host starts it.\nPut it into the host's folder of adapters (patchbay serve --adapters FOLDER), check it with `patchbay adapter test FILE`.\n", a.Name, a.Version)
		os.Exit(1)
	}
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	server, err := newServer(a)
	if err != nil {
		fmt.Fprintf(os.Stderr, "the manifest of adapter %q is not valid:\n%v\n", a.Name, err)
		os.Exit(2)
	}
	if server.dialer, err = egress.FromEnvironment(); err != nil {
		fmt.Fprintf(os.Stderr, "opening the egress socket: %v\n", err)
		os.Exit(2)
	}
	go watchParent(os.Getppid(), func() { os.Exit(0) }) // lives as long as the process
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  handshake,
		VersionedPlugins: map[int]plugin.PluginSet{adapterv1.ProtocolVersion: {adapterv1.PluginName: &grpcPlugin{server: server}}},
		GRPCServer:       newGRPCServer,
		Logger:           hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: os.Stderr, JSONFormat: true}),
	})
}

var handshake = plugin.HandshakeConfig{MagicCookieKey: adapterv1.MagicCookieKey, MagicCookieValue: adapterv1.MagicCookieValue}

// grpcPlugin is the server's side of go-plugin's plugin set.
type grpcPlugin struct {
	plugin.NetRPCUnsupportedPlugin
	server *server
}

// GRPCServer registers the adapter's service.
func (p *grpcPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	adapterv1.RegisterAdapterServiceServer(s, p.server)
	if m := p.server.adapter.Mounts; m != nil {
		adapterv1.RegisterMountServiceServer(s, NewMountServer(m))
	}
	if p.server.adapter.Sandboxes != nil {
		RegisterSandboxes(s, p.server.adapter.Sandboxes)
	}
	return nil
}

// GRPCClient is never called on this side.
func (p *grpcPlugin) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, fmt.Errorf("an adapter does not call adapters")
}

// streamWorkers is how many goroutines take one call after the other, with stacks that have grown already. More calls at once get
// goroutines of their own.
const streamWorkers = 64

// Flow control of the connection with the host. Its windows are fixed: gRPC would measure the way to the other process again and again,
// by a ping for each message, to find the same.
const (
	streamWindow     = 1 << 20
	connectionWindow = 16 << 20
)

// newGRPCServer bounds messages.
func newGRPCServer(options []grpc.ServerOption) *grpc.Server {
	return grpc.NewServer(append(options, grpc.NumStreamWorkers(streamWorkers),
		grpc.StaticStreamWindowSize(streamWindow), grpc.StaticConnWindowSize(connectionWindow),
		grpc.MaxRecvMsgSize(adapterv1.MaxMessageBytes), grpc.MaxSendMsgSize(adapterv1.MaxMessageBytes))...)
}

// watchParent calls gone when the process that started this one has ended. The host also asks the kernel for that; this is for
// where the kernel cannot.
func watchParent(parent int, gone func()) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for range ticker.C {
		if os.Getppid() != parent {
			gone()
			return
		}
	}
}
