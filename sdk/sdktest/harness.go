// Package sdktest checks adapters: in process with [Start], and as a built binary with the conformance suite.
package sdktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk"
)

// Harness runs an adapter in process, over the real contract: every call is encoded, sent and decoded by gRPC, and input and
// output are checked against the operation's schemas.
type Harness struct {
	// Platforms are the adapter's manifest, as a host gets it.
	Platforms []*adapterv1.Platform

	client adapterv1.AdapterServiceClient
}

// File is a file that comes with a call or its result. The alias is there so that tests of adapters need not import proto.
type File = adapterv1.File

// Operation is an operation as the manifest declares it, an alias for the same reason.
type Operation = adapterv1.Operation

// Request is one call of an operation.
type Request struct {
	Platform, Operation string
	// Input is marshalled to JSON. Required, may be an empty struct or map.
	Input any
	// Method and Fields are the credential.
	Method string
	Fields map[string]string
	// BaseURL stands for the operator's, such as that of a test server.
	BaseURL string
	Files   []*adapterv1.File
	// Stream runs the operation by ExecuteStream.
	Stream bool
	// AnyInput skips the check of the input against its schema, to try what a hostile host could send.
	AnyInput bool
}

// Result is what a call gave.
type Result struct {
	Output   json.RawMessage
	Deltas   []json.RawMessage
	Progress []string
	Files    []*adapterv1.File
	Units    map[string]float64
}

// Start serves the adapter until the test ends. A manifest that is not valid fails the test.
func Start(t testing.TB, a sdk.Adapter) *Harness {
	t.Helper()
	service, err := sdk.NewServer(a)
	if err != nil {
		t.Fatalf("the manifest is not valid: %v", err)
	}
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer(grpc.MaxRecvMsgSize(adapterv1.MaxMessageBytes), grpc.MaxSendMsgSize(adapterv1.MaxMessageBytes))
	adapterv1.RegisterAdapterServiceServer(server, service)
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	conn, err := grpc.NewClient("passthrough:///adapter", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(adapterv1.MaxMessageBytes)))
	if err != nil {
		t.Fatalf("connecting to the adapter: %v", err)
	}
	t.Cleanup(func() {
		_ = conn.Close() // the server's end is what matters
		server.Stop()
		<-done
	})
	h := &Harness{client: adapterv1.NewAdapterServiceClient(conn)}
	schema, err := h.client.Schema(t.Context(), &adapterv1.SchemaRequest{})
	if err != nil {
		t.Fatalf("asking for the schema: %v", err)
	}
	h.Platforms = schema.GetPlatforms()
	return h
}

// Operation answers an operation's declaration, or nil.
func (h *Harness) Operation(platform, name string) *adapterv1.Operation {
	for _, p := range h.Platforms {
		if p.GetId() != platform {
			continue
		}
		for _, op := range p.GetOperations() {
			if op.GetName() == name {
				return op
			}
		}
	}
	return nil
}

// Verify tests a credential. The error is an *sdk.Error.
func (h *Harness) Verify(ctx context.Context, r Request) (sdk.Account, error) {
	out, err := h.client.Verify(ctx, &adapterv1.VerifyRequest{Call: callContext(r)})
	if err != nil {
		return sdk.Account{}, asError(err)
	}
	return sdk.Account{ID: out.GetAccount().GetId(), Name: out.GetAccount().GetName(), Scopes: out.GetScopes(), Observed: out.GetObserved()}, nil
}

// Execute runs an operation. The error is an *sdk.Error for what the adapter answered, another for a broken schema.
func (h *Harness) Execute(ctx context.Context, r Request) (Result, error) {
	op := h.Operation(r.Platform, r.Operation)
	if op == nil && !r.AnyInput {
		return Result{}, fmt.Errorf("%s has no operation %q", r.Platform, r.Operation)
	}
	input, err := json.Marshal(r.Input)
	if err != nil {
		return Result{}, fmt.Errorf("encoding the input: %w", err)
	}
	if !r.AnyInput {
		if err := validate(op.GetInputSchema(), input); err != nil {
			return Result{}, fmt.Errorf("the input does not fit its schema: %w", err)
		}
	}
	request := &adapterv1.ExecuteRequest{Call: callContext(r), Operation: r.Operation, Input: input}
	var result Result
	if r.Stream {
		result, err = h.stream(ctx, request, r.Files)
	} else {
		request.Files = r.Files
		result, err = h.unary(ctx, request)
	}
	if err != nil {
		return result, asError(err)
	}
	if err := validate(op.GetOutputSchema(), result.Output); err != nil {
		return result, fmt.Errorf("the output does not fit its schema: %w", err)
	}
	return result, nil
}

func (h *Harness) unary(ctx context.Context, request *adapterv1.ExecuteRequest) (Result, error) {
	out, err := h.client.Execute(ctx, request)
	if err != nil {
		return Result{}, err
	}
	return Result{Output: out.GetOutput(), Files: out.GetFiles(), Units: out.GetUsage().GetUnits()}, nil
}

func (h *Harness) stream(ctx context.Context, request *adapterv1.ExecuteRequest, files []*adapterv1.File) (Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := h.client.ExecuteStream(ctx)
	if err != nil {
		return Result{}, err
	}
	sent := make(chan error, 1)
	go func() { sent <- sendAll(stream, request, files) }() // while it answers: neither side can hold all of a large file
	result, err := receiveAll(stream)
	cancel()
	if sendErr := <-sent; err == nil && sendErr != nil && !errors.Is(sendErr, io.EOF) && !ended(sendErr) {
		return result, sendErr // io.EOF: the adapter ended first, and needed no more
	}
	return result, err
}

// ended says whether an error is that of a stream which this side has ended.
func ended(err error) bool {
	return status.Code(err) == codes.Canceled || errors.Is(err, context.Canceled)
}

func receiveAll(stream grpc.BidiStreamingClient[adapterv1.ExecuteStreamRequest, adapterv1.ExecuteStreamResponse]) (Result, error) {
	var result Result
	byIndex := map[uint32]*adapterv1.File{}
	for {
		m, err := stream.Recv()
		if err != nil {
			return result, err
		}
		switch {
		case m.GetProgress() != nil:
			result.Progress = append(result.Progress, m.GetProgress().GetMessage())
		case m.GetDelta() != nil:
			result.Deltas = append(result.Deltas, m.GetDelta())
		case m.GetFile() != nil:
			chunk := m.GetFile()
			if byIndex[chunk.GetIndex()] == nil {
				byIndex[chunk.GetIndex()] = &adapterv1.File{Name: chunk.GetName(), MediaType: chunk.GetMediaType()}
				result.Files = append(result.Files, byIndex[chunk.GetIndex()])
			}
			byIndex[chunk.GetIndex()].Data = append(byIndex[chunk.GetIndex()].Data, chunk.GetData()...)
		case m.GetResult() != nil:
			result.Output, result.Units = m.GetResult().GetOutput(), m.GetResult().GetUsage().GetUnits()
			return result, nil
		}
	}
}

func sendAll(stream grpc.BidiStreamingClient[adapterv1.ExecuteStreamRequest, adapterv1.ExecuteStreamResponse], request *adapterv1.ExecuteRequest, files []*adapterv1.File) error {
	if err := stream.Send(&adapterv1.ExecuteStreamRequest{Message: &adapterv1.ExecuteStreamRequest_Start{Start: request}}); err != nil {
		return err
	}
	for i, f := range files {
		data := f.GetData()
		for first := true; first || len(data) > 0; first = false {
			n := min(len(data), adapterv1.MaxChunkBytes)
			chunk := &adapterv1.FileChunk{Index: uint32(i), Data: data[:n], Last: n == len(data)}
			if first {
				chunk.Name, chunk.MediaType = f.GetName(), f.GetMediaType()
			}
			data = data[n:]
			if err := stream.Send(&adapterv1.ExecuteStreamRequest{Message: &adapterv1.ExecuteStreamRequest_File{File: chunk}}); err != nil {
				return err
			}
		}
	}
	return stream.CloseSend()
}

func callContext(r Request) *adapterv1.CallContext {
	return &adapterv1.CallContext{CallId: "call_test", DialId: "dial_test", Platform: r.Platform,
		Credential: &adapterv1.Credential{AuthMethod: r.Method, Fields: r.Fields},
		Settings:   &adapterv1.Settings{BaseUrl: r.BaseURL}}
}

// validate checks a JSON value against a JSON Schema.
func validate(schema, value []byte) error {
	var s jsonschema.Schema
	if err := json.Unmarshal(schema, &s); err != nil {
		return fmt.Errorf("reading the schema: %w", err)
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		return fmt.Errorf("resolving the schema: %w", err)
	}
	var v any
	if err := json.Unmarshal(value, &v); err != nil {
		return fmt.Errorf("reading the value: %w", err)
	}
	return resolved.Validate(v)
}
