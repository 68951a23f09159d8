// Program broken is an adapter that breaks one rule of the contract, named by the variable BROKEN.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk"
)

type in struct {
	Text string `json:"text,omitempty"`
}

func adapter(mode string) sdk.Adapter {
	return sdk.Adapter{Name: "broken", Version: "1.0.0", Platforms: []sdk.Platform{{
		ID: "broken", Name: "Broken", Description: "Breaks.", Category: sdk.Tools, BaseURL: "https://broken.example",
		Auth: []sdk.AuthMethod{sdk.APIKey("None.")},
		Verify: func(ctx context.Context, call *sdk.Call) (sdk.Account, error) {
			if mode == "no-test" {
				return sdk.Account{Name: "anybody"}, nil
			}
			return sdk.Account{}, call.Do(ctx, sdk.Request{Path: "/me"}, nil)
		},
		Operations: []sdk.Operation{{Name: "say", Effect: sdk.Read, Description: "Says it.", Run: sdk.Func(
			func(_ context.Context, call *sdk.Call, x in) (in, error) {
				switch mode {
				case "dies":
					os.Exit(3)
				case "chatty":
					fmt.Println("hello")
				case "leaky":
					slog.Info("called", "key", call.Credential.Token())
				}
				return x, nil
			})}},
	}}}
}

// twisted serves an adapter with some answers changed.
type twisted struct {
	adapterv1.AdapterServiceServer
	mode  string
	asked atomic.Int64
}

func (s *twisted) Describe(ctx context.Context, r *adapterv1.DescribeRequest) (*adapterv1.DescribeResponse, error) {
	d, err := s.AdapterServiceServer.Describe(ctx, r)
	if err == nil && s.mode == "unstable" {
		d.Version = fmt.Sprintf("1.0.%d", s.asked.Add(1))
	}
	return d, err
}

func (s *twisted) Schema(ctx context.Context, r *adapterv1.SchemaRequest) (*adapterv1.SchemaResponse, error) {
	m, err := s.AdapterServiceServer.Schema(ctx, r)
	if err == nil && s.mode == "no-effect" {
		m.GetPlatforms()[0].GetOperations()[0].Effect = 0
	}
	return m, err
}

func (s *twisted) Execute(ctx context.Context, r *adapterv1.ExecuteRequest) (*adapterv1.ExecuteResponse, error) {
	if s.mode == "no-kind" && r.GetOperation() == "say" {
		return nil, fmt.Errorf("no")
	}
	return s.AdapterServiceServer.Execute(ctx, r)
}

type glue struct {
	plugin.NetRPCUnsupportedPlugin
	service adapterv1.AdapterServiceServer
}

func (g *glue) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	adapterv1.RegisterAdapterServiceServer(s, g.service)
	return nil
}

func (g *glue) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, nil
}

func main() {
	mode := os.Getenv("BROKEN")
	switch mode {
	case "silent":
		fmt.Println("hello, I am no adapter")
		time.Sleep(time.Hour)
	case "unstable", "no-effect", "no-kind", "orphan": // orphan: go-plugin alone does not watch the parent
		service, err := sdk.NewServer(adapter(mode))
		if err != nil {
			panic(err)
		}
		plugin.Serve(&plugin.ServeConfig{
			HandshakeConfig:  plugin.HandshakeConfig{MagicCookieKey: adapterv1.MagicCookieKey, MagicCookieValue: adapterv1.MagicCookieValue},
			VersionedPlugins: map[int]plugin.PluginSet{adapterv1.ProtocolVersion: {adapterv1.PluginName: &glue{service: &twisted{AdapterServiceServer: service, mode: mode}}}},
			GRPCServer: func(o []grpc.ServerOption) *grpc.Server {
				return grpc.NewServer(append(o, grpc.MaxRecvMsgSize(adapterv1.MaxMessageBytes))...)
			},
		})
	default:
		sdk.Serve(adapter(mode))
	}
}
