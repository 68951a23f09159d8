package supervisor

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/patchbay/patchbay/host/internal/supervisor/confine"
	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// The adapters of these tests are the test binary itself, run again. Its name among the adapters is its own name and that of its
// platform; a folder beside the one of the adapters tells it how to misbehave.

func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 2 && os.Args[1] == confine.ShimArgument:
		fmt.Fprintln(os.Stderr, confine.Shim(os.Args[2:]))
		os.Exit(1)
	case os.Getenv(hostVariable) != "":
		hostMain(os.Getenv(hostVariable))
	case os.Getenv("PLUGIN_PROTOCOL_VERSIONS") != "":
		adapterMain()
	default:
		os.Exit(m.Run())
	}
}

// double is the misbehaving adapter.
type double struct {
	adapterv1.UnimplementedAdapterServiceServer
	name, state string
	version     string
	calls       atomic.Int64
	environment []string
	files       map[string]string
	stdin       int
	server      *grpc.Server
}

func adapterMain() {
	d := &double{name: filepath.Base(os.Args[0]), environment: os.Environ(), files: openFiles()}
	d.state = filepath.Join(filepath.Dir(filepath.Dir(os.Args[0])), "state")
	d.version = "1.0.0"
	if v, ok := strings.CutPrefix(filepath.Base(filepath.Dir(os.Args[0])), "v"); ok {
		d.version = v
	}
	rest, _ := io.ReadAll(os.Stdin) // an error leaves it short
	d.stdin = len(rest)
	d.sign()
	version, cookie := adapterv1.ProtocolVersion, adapterv1.MagicCookieValue
	switch how := d.told("start"); how {
	case "":
	case "wrong-cookie":
		cookie = "something-else"
	case "bad-version":
		version = 99
	default:
		d.misbehave(how)
	}
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  plugin.HandshakeConfig{MagicCookieKey: adapterv1.MagicCookieKey, MagicCookieValue: cookie},
		VersionedPlugins: map[int]plugin.PluginSet{version: {adapterv1.PluginName: &servedPlugin{double: d}}},
		GRPCServer: func(o []grpc.ServerOption) *grpc.Server {
			d.server = grpc.NewServer(append(o, grpc.MaxRecvMsgSize(1<<30), grpc.MaxSendMsgSize(1<<30), grpc.ChainStreamInterceptor(d.onStream))...)
			return d.server
		},
	})
	if d.told("stays") != "" {
		select {}
	}
}

// told answers what the test wrote for the adapter, or for this version of it alone, or "".
func (d *double) told(name string) string {
	if content, err := os.ReadFile(filepath.Join(d.state, name+"@"+d.version)); err == nil {
		return string(content)
	}
	content, _ := os.ReadFile(filepath.Join(d.state, name)) // not there: not told
	return string(content)
}

func (d *double) tell(name, content string) {
	if _, err := os.Stat(d.state); err != nil {
		return // confined, it can tell nobody
	}
	f, err := os.OpenFile(filepath.Join(d.state, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(content)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		panic(err)
	}
}

// sign books the start, and whether another process of the same adapter lives.
func (d *double) sign() {
	d.tell("starts", strconv.Itoa(os.Getpid())+"\n")
	fd, err := syscall.Open(filepath.Join(d.state, "lock."+d.name+d.version), syscall.O_CREAT|syscall.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if err == nil {
		err = syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB) // held until the process ends
	}
	if err != nil {
		d.tell("overlap", err.Error())
	}
}

func openFiles() map[string]string {
	out := map[string]string{}
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		if link, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			out[e.Name()] = link
		}
	}
	return out
}

// misbehave never returns.
func (d *double) misbehave(how string) {
	switch how {
	case "exit":
		fmt.Fprintln(os.Stderr, "the configuration is missing")
		os.Exit(7)
	case "silent":
		_ = os.Stdout.Close()
	case "garbage":
		fmt.Println("Hello, I am no adapter. \x1b[31m")
	case "longline":
		fmt.Print(strings.Repeat("x", 300<<10))
	case "netrpc", "mute", "mute-forever", "plaintext", "tcp", "foreign", "symlink", "elsewhere", "missing-socket":
		d.greet(how)
	case "hang":
	default:
		panic("the test asks for " + how)
	}
	time.Sleep(time.Hour)
}

// greet listens somewhere and greets with an address, and books whoever connects.
func (d *double) greet(how string) {
	dir := os.Getenv("PLUGIN_UNIX_SOCKET_DIR")
	network, address, kind, cert := "unix", filepath.Join(dir, "s"), "grpc", selfSigned()
	switch how {
	case "tcp":
		network, address = "tcp", "127.0.0.1:0"
	case "foreign", "symlink":
		address = filepath.Join(d.state, "s")
	case "netrpc":
		kind = "netrpc"
	case "plaintext":
		cert = ""
	}
	l, err := net.Listen(network, address)
	if err != nil {
		panic(err)
	}
	named := l.Addr().String()
	switch how {
	case "symlink":
		named = filepath.Join(dir, "s")
		err = os.Symlink(address, named)
	case "elsewhere":
		named = dir + "/../" + filepath.Base(dir) + "/s"
	case "missing-socket":
		named = filepath.Join(dir, "t")
	}
	if err != nil {
		panic(err)
	}
	fmt.Printf("1|1|%s|%s|%s|%s\n", network, named, kind, cert)
	if how == "plaintext" {
		server := grpc.NewServer()
		adapterv1.RegisterAdapterServiceServer(server, d)
		panic(server.Serve(l))
	}
	for open := []net.Conn{}; ; { // kept open until the process ends
		conn, err := l.Accept()
		if err != nil {
			panic(err)
		}
		open = append(open, conn)
		d.tell("connected", how)
	}
}

func selfSigned() string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return base64.RawStdEncoding.EncodeToString(der)
}

type servedPlugin struct {
	plugin.NetRPCUnsupportedPlugin
	double *double
}

func (p *servedPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	adapterv1.RegisterAdapterServiceServer(s, p.double)
	return nil
}

func (*servedPlugin) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("not on this side")
}

func (d *double) onStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	if strings.Contains(info.FullMethod, "Broker") {
		d.tell("broker", info.FullMethod)
	}
	return handler(srv, stream)
}

// manifestOf is what a well-behaved double declares.
func manifestOf(name string) *adapterv1.Manifest {
	platform := &adapterv1.Platform{Id: name, Name: "Double", Description: "Misbehaves.", Category: "Tools", Hosts: []string{"double.example"},
		AuthMethods: []*adapterv1.AuthMethod{{Type: "custom", Fields: []*adapterv1.Field{{Name: "host"}, {Name: "key", Secret: true}}}}}
	for _, op := range []string{"echo", "report", "die", "crash", "sleep", "wait", "huge", "flood", "print", "child", "escape", "regroup",
		"unserve", "close_egress", "leak", "files", "bad_delta", "ended_file", "big_chunk", "many_files", "no_result", "progress", "version"} {
		platform.Operations = append(platform.Operations, &adapterv1.Operation{Name: op, Description: op, Effect: adapterv1.Effect_EFFECT_WRITE,
			InputSchema: []byte(`{"type":"object"}`), OutputSchema: []byte(`true`), GivesFiles: op == "files"})
	}
	return &adapterv1.Manifest{Adapter: &adapterv1.DescribeResponse{Name: name, Version: "1.0.0", ProtocolMinor: 1, Platforms: []string{name}},
		Schema: &adapterv1.SchemaResponse{Platforms: []*adapterv1.Platform{platform}}}
}

func (d *double) manifest() *adapterv1.Manifest {
	m := &adapterv1.Manifest{}
	if told := d.told("manifest"); told != "" {
		if err := proto.Unmarshal([]byte(told), m); err != nil {
			panic(err)
		}
		return m
	}
	m = manifestOf(d.name)
	m.Adapter.Version = d.version
	return m
}

func (d *double) Describe(context.Context, *adapterv1.DescribeRequest) (*adapterv1.DescribeResponse, error) {
	if d.told("undescribed") != "" {
		time.Sleep(time.Hour)
	}
	return d.manifest().GetAdapter(), nil
}

func (d *double) Schema(context.Context, *adapterv1.SchemaRequest) (*adapterv1.SchemaResponse, error) {
	return d.manifest().GetSchema(), nil
}

func (d *double) Verify(context.Context, *adapterv1.VerifyRequest) (*adapterv1.VerifyResponse, error) {
	return &adapterv1.VerifyResponse{Account: &adapterv1.Account{Id: "\x1b[2J1", Name: strings.Repeat("n", 1000)}}, nil
}

func (d *double) Execute(ctx context.Context, r *adapterv1.ExecuteRequest) (*adapterv1.ExecuteResponse, error) {
	d.tell("calls", r.GetOperation()+"\n")
	if n := d.calls.Add(1); d.told("dies_at") == strconv.FormatInt(n, 10) {
		os.Exit(3)
	}
	output, err := d.execute(ctx, r)
	if err != nil {
		return nil, err
	}
	return &adapterv1.ExecuteResponse{Output: output}, nil
}

func (d *double) execute(ctx context.Context, r *adapterv1.ExecuteRequest) ([]byte, error) {
	switch op := r.GetOperation(); op {
	case "echo":
		return r.GetInput(), nil
	case "version":
		return json.Marshal(d.version)
	case "report":
		return d.report(r)
	case "die":
		os.Exit(3)
	case "crash":
		go func() { panic("the cause of it all") }()
		select {}
	case "sleep":
		d.tell("sleeping", "x")
		select {} // whatever the context says
	case "wait":
		d.tell("waiting", "x")
		<-ctx.Done()
		d.tell("cancelled", "x")
		return nil, ctx.Err()
	case "huge":
		return bytes.Repeat([]byte("1"), 100<<20), nil
	case "flood", "print", "leak":
		return d.noise(op, r.GetCall().GetCredential().GetFields()["key"])
	case "child", "escape":
		return d.spawn(op)
	case "regroup":
		parent, err := syscall.Getpgid(os.Getppid())
		if err == nil {
			err = syscall.Setpgid(0, parent)
		}
		return []byte("true"), err
	case "close_egress":
		_ = syscall.Close(3)
	case "unserve":
		d.server.Stop()
	}
	return []byte("true"), nil
}

func (d *double) report(r *adapterv1.ExecuteRequest) ([]byte, error) {
	cwd, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	return json.Marshal(report{Environment: d.environment, Arguments: os.Args, Folder: cwd, Stdin: d.stdin, Files: d.files, PID: os.Getpid(),
		Group: syscall.Getpgrp(), Credential: r.GetCall().GetCredential().GetFields(), Dial: r.GetCall().GetDialId()})
}

type report struct {
	Environment []string
	Arguments   []string
	Folder      string
	Stdin       int
	Files       map[string]string
	PID, Group  int
	Credential  map[string]string
	Dial        string
}

// noise prints more than anyone should, with the credential in it.
func (d *double) noise(op, key string) ([]byte, error) {
	switch op {
	case "flood":
		for i := range 20_000 {
			fmt.Fprintf(os.Stderr, "line %d with %s\n", i, key)
		}
		fmt.Fprintf(os.Stderr, "%s%s\n", strings.Repeat("x", maxLine-len(key)/2), key)
		fmt.Fprintf(os.Stderr, "%s\n", strings.Repeat("y", 300<<10))
	case "print":
		raw := os.NewFile(1, "stdout")
		_, _ = raw.WriteString("a line on standard output\n" + strings.Repeat("z", 1<<20))
		fmt.Println("printed with the ordinary means, holding", key)
	case "leak":
		st, err := status.New(codes.NotFound, "there is no "+key).WithDetails(&adapterv1.Failure{Kind: adapterv1.Kind_KIND_NOT_FOUND, PlatformCode: key})
		return nil, errors.Join(err, st.Err())
	}
	return []byte("true"), nil
}

// spawn leaves a process behind that holds the output of this one.
func (d *double) spawn(op string) ([]byte, error) {
	cmd := exec.Command("/bin/sleep", "600")
	cmd.Stdout, cmd.Stderr = os.NewFile(1, "stdout"), os.NewFile(2, "stderr")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: op == "escape"}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return []byte(strconv.Itoa(cmd.Process.Pid)), nil
}

func (d *double) ExecuteStream(stream grpc.BidiStreamingServer[adapterv1.ExecuteStreamRequest, adapterv1.ExecuteStreamResponse]) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	for _, m := range d.pieces(first.GetStart().GetOperation()) {
		if err := stream.Send(m); err != nil {
			return err
		}
	}
	output := []byte("true")
	switch first.GetStart().GetOperation() {
	case "no_result":
		return nil
	case "files":
		if output, err = echoFiles(stream); err != nil {
			return err
		}
	case "die":
		os.Exit(3)
	case "wait":
		d.tell("waiting", "x")
		<-stream.Context().Done()
		d.tell("cancelled", "x")
		return stream.Context().Err()
	}
	return stream.Send(&adapterv1.ExecuteStreamResponse{Message: &adapterv1.ExecuteStreamResponse_Result{Result: &adapterv1.ExecuteResponse{
		Output: output, Files: []*adapterv1.File{{Name: "inline\x00\n.txt", Data: []byte("inline")}}}}})
}

// echoFiles sends back what comes, and answers how many bytes that were.
func echoFiles(stream grpc.BidiStreamingServer[adapterv1.ExecuteStreamRequest, adapterv1.ExecuteStreamResponse]) ([]byte, error) {
	n := 0
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return []byte(strconv.Itoa(n)), nil
		}
		if err != nil {
			return nil, err
		}
		n += len(m.GetFile().GetData())
		if err := stream.Send(piece(m.GetFile())); err != nil {
			return nil, err
		}
	}
}

func piece(c *adapterv1.FileChunk) *adapterv1.ExecuteStreamResponse {
	return &adapterv1.ExecuteStreamResponse{Message: &adapterv1.ExecuteStreamResponse_File{File: c}}
}

func (d *double) pieces(op string) (out []*adapterv1.ExecuteStreamResponse) {
	delta := func(s string) *adapterv1.ExecuteStreamResponse {
		return &adapterv1.ExecuteStreamResponse{Message: &adapterv1.ExecuteStreamResponse_Delta{Delta: []byte(s)}}
	}
	progress := func(s string, f float64) *adapterv1.ExecuteStreamResponse {
		return &adapterv1.ExecuteStreamResponse{Message: &adapterv1.ExecuteStreamResponse_Progress{Progress: &adapterv1.Progress{Message: s, Fraction: f}}}
	}
	switch op {
	case "bad_delta":
		return append(out, delta(`{"a":1}`), delta("no\n\nevent: result"))
	case "ended_file":
		return append(out, piece(&adapterv1.FileChunk{Name: "f", Last: true}), piece(&adapterv1.FileChunk{Data: []byte("more")}))
	case "big_chunk":
		return append(out, piece(&adapterv1.FileChunk{Name: "f", Data: make([]byte, adapterv1.MaxChunkBytes+1), Last: true}))
	case "many_files":
		for i := range uint32(maxFiles + 1) {
			out = append(out, piece(&adapterv1.FileChunk{Index: i, Name: "f", Last: true}))
		}
	case "progress":
		return append(out, progress("half\x1b[2J", 0.5), progress("what", nan()), progress("more", 7), &adapterv1.ExecuteStreamResponse{}, delta("1"))
	}
	return out
}

func nan() float64 {
	zero := 0.0
	return zero / zero
}
