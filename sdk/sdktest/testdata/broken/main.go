// Program broken is an adapter that breaks one rule of the contract, named by the variable BROKEN.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

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
			switch mode {
			case "no-test":
				return sdk.Account{Name: "anybody"}, nil
			case "deaf":
				_, err := sdk.Dial(context.WithoutCancel(ctx), call, "broken.example:443")
				return sdk.Account{}, err
			case "patient":
				time.Sleep(time.Minute) // whatever the context says
			case "quotes":
				return sdk.Account{}, nil // see twisted
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
				case "raw-chatty": // as a program does that knows nothing of go-plugin's trick with os.Stdout
					_, _ = syscall.Write(1, []byte("hello\n"))
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
	if err != nil {
		return nil, err
	}
	m = proto.CloneOf(m)
	p := m.GetPlatforms()[0]
	op := p.GetOperations()[0]
	switch s.mode {
	case "no-effect":
		op.Effect = 0
	case "remote-ref":
		op.InputSchema = []byte(`{"$ref":"https://broken.example/schema"}`)
	case "no-schema":
		op.OutputSchema = nil
	case "odd-name":
		op.Name = "say it"
	case "twice":
		p.Operations = append(p.Operations, op)
	case "any-host":
		p.Hosts = []string{"*"}
	case "plain-base":
		p.BaseUrl = "http://broken.example"
	case "other-platform":
		p.Id = "another"
	case "odd-field":
		p.AuthMethods[0].Fields[0].Name = "api key"
	case "odd-method":
		p.AuthMethods[0].Type = "magic"
	case "changing-schema":
		p.Name = fmt.Sprint("Broken ", s.asked.Add(1))
	}
	return m, nil
}

func (s *twisted) Verify(ctx context.Context, r *adapterv1.VerifyRequest) (*adapterv1.VerifyResponse, error) {
	if s.mode == "quotes" {
		st, err := status.New(codes.Unauthenticated, "the key "+r.GetCall().GetCredential().GetFields()["api_key"]+" is refused").WithDetails(
			&adapterv1.Failure{Kind: adapterv1.Kind_KIND_AUTH_REVOKED})
		if err != nil {
			return nil, err
		}
		return nil, st.Err()
	}
	return s.AdapterServiceServer.Verify(ctx, r)
}

func (s *twisted) Execute(ctx context.Context, r *adapterv1.ExecuteRequest) (*adapterv1.ExecuteResponse, error) {
	switch {
	case s.mode == "dies-of-size" && len(r.GetInput()) > 1<<20:
		os.Exit(3)
	case s.mode == "no-kind" && r.GetOperation() == "say":
		return nil, fmt.Errorf("no")
	case s.mode == "takes-anything" && r.GetOperation() == "no_such_operation":
		return &adapterv1.ExecuteResponse{Output: []byte("{}")}, nil
	case s.mode == "dies-of-cancellation" && string(r.GetInput()) == "{}" && r.GetOperation() == "say":
		<-ctx.Done()
		os.Exit(3)
	}
	return s.AdapterServiceServer.Execute(ctx, r)
}

func (s *twisted) ExecuteStream(stream grpc.BidiStreamingServer[adapterv1.ExecuteStreamRequest, adapterv1.ExecuteStreamResponse]) error {
	switch s.mode {
	case "no-stream":
		return status.Error(codes.Unimplemented, "not served")
	case "endless-stream":
		return nil // without a result
	}
	return s.AdapterServiceServer.ExecuteStream(stream)
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

// greet serves by hand, with a certificate and without asking for the host's.
func greet(mode string, service adapterv1.AdapterServiceServer) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	network, address := "unix", filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "s")
	if mode == "tcp" {
		network, address = "tcp", "127.0.0.1:0"
	}
	l, err := net.Listen(network, address)
	if err != nil {
		panic(err)
	}
	fmt.Printf("1|1|%s|%s|grpc|%s\n", network, l.Addr(), base64.RawStdEncoding.EncodeToString(der))
	server := grpc.NewServer(grpc.MaxRecvMsgSize(adapterv1.MaxMessageBytes),
		grpc.Creds(credentials.NewServerTLSFromCert(&tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key})))
	adapterv1.RegisterAdapterServiceServer(server, service)
	panic(server.Serve(l))
}

// alone takes a lock that a second process of this program does not get.
func alone() {
	f, err := os.OpenFile(os.Getenv("BROKEN_LOCK"), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err != nil {
		panic(err)
	}
	lock = f
}

func leaveWith(parent int) {
	for os.Getppid() == parent {
		time.Sleep(20 * time.Millisecond)
	}
	os.Exit(0)
}

var lock *os.File // held until the process ends

func main() {
	mode := os.Getenv("BROKEN")
	service, err := sdk.NewServer(adapter(mode))
	if err != nil {
		panic(err)
	}
	service = &twisted{AdapterServiceServer: service, mode: mode}
	switch mode {
	case "silent":
		fmt.Println("hello, I am no adapter")
		time.Sleep(time.Hour)
	case "mute":
		time.Sleep(time.Hour)
	case "exits":
		os.Exit(3)
	case "plaintext":
		_ = os.Unsetenv("PLUGIN_CLIENT_CERT")
	case "open", "tcp":
		greet(mode, service)
	case "single":
		alone()
	case "conformable", "dies", "chatty", "raw-chatty", "leaky", "no-test", "patient", "deaf":
		sdk.Serve(adapter(mode))
		return
	}
	if mode != "orphan" {
		go leaveWith(os.Getppid())
	}
	// Like sdk.Serve, but for what is twisted.
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  plugin.HandshakeConfig{MagicCookieKey: adapterv1.MagicCookieKey, MagicCookieValue: adapterv1.MagicCookieValue},
		VersionedPlugins: map[int]plugin.PluginSet{adapterv1.ProtocolVersion: {adapterv1.PluginName: &glue{service: service}}},
		GRPCServer: func(o []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(o, grpc.MaxRecvMsgSize(adapterv1.MaxMessageBytes))...)
		},
	})
	if mode == "stubborn" {
		time.Sleep(time.Hour)
	}
}
