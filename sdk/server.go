package sdk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"google.golang.org/grpc"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk/internal/egress"
)

// maxCallTime bounds a call whose caller gave no deadline.
const maxCallTime = 15 * time.Minute

// server serves an adapter over the contract.
type server struct {
	adapterv1.UnimplementedAdapterServiceServer
	adapter    Adapter
	manifest   *adapterv1.SchemaResponse
	platforms  map[string]*Platform
	operations map[string]map[string]*Operation
	transports *transports
	dialer     *egress.Client
}

// NewServer answers an adapter as the service of the contract, for tests that run it without a process. The error joins all that
// is wrong with the manifest.
func NewServer(a Adapter) (adapterv1.AdapterServiceServer, error) { return newServer(a) }

func newServer(a Adapter) (*server, error) {
	manifest, err := manifestOf(a)
	if err != nil {
		return nil, err
	}
	s := &server{adapter: a, manifest: manifest, transports: &transports{},
		platforms: map[string]*Platform{}, operations: map[string]map[string]*Operation{}}
	for i := range a.Platforms {
		p := &a.Platforms[i]
		s.platforms[p.ID] = p
		s.operations[p.ID] = map[string]*Operation{}
		for j := range p.Operations {
			s.operations[p.ID][p.Operations[j].Name] = &p.Operations[j]
		}
	}
	return s, nil
}

// Describe answers who the adapter is.
func (s *server) Describe(context.Context, *adapterv1.DescribeRequest) (*adapterv1.DescribeResponse, error) {
	out := &adapterv1.DescribeResponse{
		Name: s.adapter.Name, Version: s.adapter.Version, ProtocolMinor: adapterv1.ProtocolMinor,
		Capabilities: []string{adapterv1.CapabilityStream},
	}
	if s.adapter.Mounts != nil {
		out.Capabilities = append(out.Capabilities, adapterv1.CapabilityMount)
	}
	if s.adapter.Sandboxes != nil {
		out.Capabilities = append(out.Capabilities, adapterv1.CapabilitySandboxes)
	}
	for _, p := range s.adapter.Platforms {
		out.Platforms = append(out.Platforms, p.ID)
	}
	return out, nil
}

// Schema answers the whole manifest.
func (s *server) Schema(context.Context, *adapterv1.SchemaRequest) (*adapterv1.SchemaResponse, error) {
	return s.manifest, nil
}

// Verify tests a credential.
func (s *server) Verify(ctx context.Context, req *adapterv1.VerifyRequest) (out *adapterv1.VerifyResponse, err error) {
	defer func() { err = recovered(recover(), "Verify", err) }()
	ctx, cancel := bound(ctx)
	defer cancel()
	call, err := s.newCall(ctx, req.GetCall(), "")
	if err != nil {
		return nil, wireError(err)
	}
	defer call.end()
	if call.platform.Verify == nil {
		return nil, wireError(Errorf(InvalidInput, "%s has no way to test a credential.", call.platform.Name))
	}
	account, err := call.platform.Verify(ctx, call)
	if err != nil {
		return nil, wireError(call.hide(inContext(ctx, err)))
	}
	return wireAccount(account), nil
}

// Execute runs an operation whose files are small.
func (s *server) Execute(ctx context.Context, req *adapterv1.ExecuteRequest) (out *adapterv1.ExecuteResponse, err error) {
	defer func() { err = recovered(recover(), "Execute", err) }()
	sink := &unarySink{}
	out, err = s.run(ctx, req, inlineFiles(req.GetFiles()), sink)
	if err != nil {
		return nil, wireError(err)
	}
	out.Files = sink.take()
	return out, nil
}

// ExecuteStream runs an operation that streams, or whose files are large.
func (s *server) ExecuteStream(stream grpc.BidiStreamingServer[adapterv1.ExecuteStreamRequest, adapterv1.ExecuteStreamResponse]) (err error) {
	sink := &streamSink{send: stream.Send}
	defer sink.end() // before gRPC ends the stream, whatever goroutines the operation has left
	defer func() { err = recovered(recover(), "ExecuteStream", err) }()
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	if first.GetStart() == nil {
		return wireError(Errorf(AdapterBug, "The first message of a stream must be its start."))
	}
	out, err := s.run(stream.Context(), first.GetStart(), newStreamFiles(stream.Recv), sink)
	if err != nil {
		return wireError(err)
	}
	return sink.put(&adapterv1.ExecuteStreamResponse{Message: &adapterv1.ExecuteStreamResponse_Result{Result: out}})
}

// run finds the operation and calls its function.
func (s *server) run(ctx context.Context, req *adapterv1.ExecuteRequest, files fileSource, to sink) (*adapterv1.ExecuteResponse, error) {
	ctx, cancel := bound(ctx)
	defer cancel()
	call, err := s.newCall(ctx, req.GetCall(), req.GetOperation())
	if err != nil {
		return nil, err
	}
	defer call.end()
	execute := func() ([]byte, error) { return s.adapter.Mounts.Run(ctx, call, req.GetPlan(), req.GetInput()) }
	if s.platforms[call.Platform] == call.platform {
		op := s.operations[call.Platform][call.Operation]
		if op == nil {
			return nil, Errorf(NotFound, "%s has no operation %q.", call.platform.Name, call.Operation)
		}
		execute = func() ([]byte, error) { return op.Run.run(ctx, call, req.GetInput()) }
	}
	call.files, call.sink = files, to
	output, err := execute()
	if err != nil {
		return nil, call.hide(inContext(ctx, err))
	}
	return &adapterv1.ExecuteResponse{Output: output, Usage: call.usage()}, nil
}

func (s *server) newCall(ctx context.Context, c *adapterv1.CallContext, operation string) (*Call, error) {
	p, err := s.mounted(c)
	if err != nil {
		return nil, err
	}
	if p == nil {
		p = s.platforms[c.GetPlatform()]
	}
	if p == nil {
		return nil, Errorf(NotFound, "Adapter %s does not serve platform %q.", s.adapter.Name, c.GetPlatform())
	}
	deadline, _ := ctx.Deadline() // bound has set one
	return &Call{
		deadline: deadline,
		ID:       c.GetCallId(), Platform: p.ID, Operation: operation, platform: p, dialID: c.GetDialId(),
		Credential: NewCredential(c.GetCredential().GetAuthMethod(), c.GetCredential().GetFields()),
		baseURL:    c.GetSettings().GetBaseUrl(), minTLSVersion: c.GetSettings().GetMinTlsVersion(),
		dialer: s.dialer, transports: s.transports, files: inlineFiles(nil), sink: &unarySink{},
	}, nil
}

// bound gives every call a deadline.
func bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, maxCallTime)
}

// inContext names an error that only says that the context ended.
func inContext(ctx context.Context, err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		if ctx.Err() != nil {
			return Errorf(Timeout, "The call was given up before the platform had answered.")
		}
	}
	return err
}

// recovered turns a panic into an error of this call alone. The panic's value may hold a payload, so only its type is logged.
func recovered(value any, method string, err error) error {
	if value == nil {
		return err
	}
	slog.Error("the adapter panicked", "method", method, "type", fmt.Sprintf("%T", value), "stack", string(debug.Stack()))
	return wireError(Errorf(AdapterBug, "The adapter failed on this call."))
}
