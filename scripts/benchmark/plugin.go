package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// The floor's plugin: go-plugin as it comes, with the contract's messages and nothing of Patchbay around them.

var handshake = plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "PATCHBAY_BENCHMARK", MagicCookieValue: "floor"}

// barePlugin is both sides of go-plugin's plugin set.
type barePlugin struct {
	plugin.NetRPCUnsupportedPlugin
	adapterv1.UnimplementedAdapterServiceServer
	client *http.Client
}

// GRPCServer registers the service.
func (p *barePlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	adapterv1.RegisterAdapterServiceServer(s, p)
	return nil
}

// GRPCClient answers the service.
func (*barePlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return adapterv1.NewAdapterServiceClient(conn), nil
}

// Execute posts the input to the URL that stands as the operation, and answers the answer.
func (p *barePlugin) Execute(ctx context.Context, r *adapterv1.ExecuteRequest) (*adapterv1.ExecuteResponse, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.GetOperation(), bytes.NewReader(r.GetInput()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", formType)
	req.Header.Set("Authorization", "Bearer "+r.GetCall().GetCredential().GetFields()["token"])
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	return &adapterv1.ExecuteResponse{Output: body}, nil
}

// servePlugin is the plugin's process.
func servePlugin() error {
	plugin.Serve(&plugin.ServeConfig{HandshakeConfig: handshake, Plugins: plugin.PluginSet{"floor": &barePlugin{client: newClient()}},
		GRPCServer: plugin.DefaultGRPCServer, Logger: hclog.NewNullLogger()})
	return nil
}

// startPlugin starts the plugin's process and answers its service, and how to end it.
func startPlugin() (adapterv1.AdapterServiceClient, func(), error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, fmt.Errorf("finding this program: %w", err)
	}
	client := plugin.NewClient(&plugin.ClientConfig{HandshakeConfig: handshake, Plugins: plugin.PluginSet{"floor": &barePlugin{}},
		Cmd: dyingWithParent(exec.Command(self, "plugin")), AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, AutoMTLS: true,
		Logger: hclog.NewNullLogger()})
	protocol, err := client.Client()
	if err != nil {
		client.Kill()
		return nil, nil, fmt.Errorf("starting the plugin: %w", err)
	}
	raw, err := protocol.Dispense("floor")
	if err != nil {
		client.Kill()
		return nil, nil, fmt.Errorf("dispensing the plugin: %w", err)
	}
	service, ok := raw.(adapterv1.AdapterServiceClient)
	if !ok {
		client.Kill()
		return nil, nil, errors.New("the plugin serves something else")
	}
	return service, client.Kill, nil
}
