package sdktest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk"
)

// plantedSecret stands in every field of every credential that the suite gives.
const plantedSecret = "conformance-planted-secret-4711"

// kindOf reads the kind of a failure; none is an error.
func kindOf(err error) (sdk.Kind, error) {
	if err == nil {
		return 0, errors.New("it succeeds")
	}
	var failure *sdk.Error
	if !errors.As(asError(err), &failure) || failure.Kind == 0 {
		return 0, fmt.Errorf("it fails without a kind: %w", err)
	}
	if strings.Contains(fmt.Sprintf("%+v", *failure), plantedSecret) {
		return 0, errors.New("the failure's text holds the credential")
	}
	return failure.Kind, nil
}

func (s *suite) refusesUnknown(ctx context.Context) error {
	p, err := s.first(ctx)
	if err != nil {
		return err
	}
	_, err = s.process.service.Execute(ctx, &adapterv1.ExecuteRequest{Call: planted("nosuchplatform", sdk.MethodNone, nil), Operation: "x", Input: []byte("{}")})
	if kind, problem := kindOf(err); problem != nil || kind != sdk.NotFound {
		return fmt.Errorf("an unknown platform: kind %d: %w", kind, problem)
	}
	_, err = s.process.service.Execute(ctx, &adapterv1.ExecuteRequest{Call: plantedFor(p), Operation: "no_such_operation", Input: []byte("{}")})
	if kind, problem := kindOf(err); problem != nil || kind != sdk.NotFound {
		return fmt.Errorf("an unknown operation: kind %d: %w", kind, problem)
	}
	return nil
}

// survivesWrongInput gives every operation what no schema allows. An operation may do without its input; it must not die of it.
func (s *suite) survivesWrongInput(ctx context.Context) error {
	schema, err := s.process.service.Schema(ctx, &adapterv1.SchemaRequest{})
	if err != nil {
		return err
	}
	for _, p := range schema.GetPlatforms() {
		for _, op := range p.GetOperations() {
			for _, input := range []string{`[]`, `{"nosuchfield":{"a":[1,2,3]}}`, `not JSON`, ``} {
				callCtx, cancel := context.WithTimeout(ctx, callTime)
				_, err := s.process.service.Execute(callCtx, &adapterv1.ExecuteRequest{Call: plantedFor(p), Operation: op.GetName(), Input: []byte(input)})
				cancel()
				if err == nil {
					continue
				}
				if _, problem := kindOf(err); problem != nil {
					return fmt.Errorf("%s.%s with the input %q: %w", p.GetId(), op.GetName(), input, problem)
				}
			}
		}
	}
	return s.alive(ctx)
}

func (s *suite) refusesCredential(ctx context.Context) error {
	schema, err := s.process.service.Schema(ctx, &adapterv1.SchemaRequest{})
	if err != nil {
		return err
	}
	for _, p := range schema.GetPlatforms() {
		callCtx, cancel := context.WithTimeout(ctx, callTime)
		_, err := s.process.service.Verify(callCtx, &adapterv1.VerifyRequest{Call: plantedFor(p)})
		cancel()
		if err == nil {
			if p.GetAuthMethods()[0].GetType() == sdk.MethodNone {
				continue
			}
			return fmt.Errorf("%s takes a credential that nobody gave, without asking the platform", p.GetId())
		}
		if _, problem := kindOf(err); problem != nil {
			return fmt.Errorf("testing a credential of %s: %w", p.GetId(), problem)
		}
	}
	return nil
}

func (s *suite) survivesLargeMessage(ctx context.Context) error {
	p, err := s.first(ctx)
	if err != nil {
		return err
	}
	input := append(append([]byte(`{"x":"`), bytes.Repeat([]byte("x"), 8<<20)...), `"}`...)
	_, err = s.process.service.Execute(ctx, &adapterv1.ExecuteRequest{Call: plantedFor(p), Operation: p.GetOperations()[0].GetName(), Input: input})
	if err != nil {
		if _, problem := kindOf(err); problem != nil {
			return problem
		}
	}
	return s.alive(ctx)
}

// refusesStrangers tries to reach the adapter as another process of the same machine would: without the host's certificate.
func (s *suite) refusesStrangers(ctx context.Context) error {
	for name, transport := range map[string]credentials.TransportCredentials{
		"in clear": insecure.NewCredentials(),
		// The suite shows no certificate of its own, and does not care for the adapter's.
		"without the host's certificate": credentials.NewTLS(&tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}),
	} {
		conn, err := grpc.NewClient("unix:"+s.process.program.address, grpc.WithTransportCredentials(transport))
		if err != nil {
			return err
		}
		_, err = adapterv1.NewAdapterServiceClient(conn).Describe(ctx, &adapterv1.DescribeRequest{})
		_ = conn.Close() // its end is what matters
		if err == nil {
			return fmt.Errorf("it answers a client %s", name)
		}
	}
	return s.alive(ctx)
}

// streams runs what cannot run by ExecuteStream, and one operation with a file that it did not ask for.
func (s *suite) streams(ctx context.Context) error {
	p, err := s.first(ctx)
	if err != nil {
		return err
	}
	d, err := s.process.service.Describe(ctx, &adapterv1.DescribeRequest{})
	if err != nil {
		return err
	}
	if !slices.Contains(d.GetCapabilities(), adapterv1.CapabilityStream) {
		if op := needsStream(p); op != "" {
			return fmt.Errorf("%s streams or has files, and the capability %q is not declared", op, adapterv1.CapabilityStream)
		}
		return skipError{"it does not declare the capability " + adapterv1.CapabilityStream}
	}
	start := func(operation string) *adapterv1.ExecuteStreamRequest {
		return &adapterv1.ExecuteStreamRequest{Message: &adapterv1.ExecuteStreamRequest_Start{Start: &adapterv1.ExecuteRequest{
			Call: plantedFor(p), Operation: operation, Input: []byte("{}")}}}
	}
	file := &adapterv1.ExecuteStreamRequest{Message: &adapterv1.ExecuteStreamRequest_File{File: &adapterv1.FileChunk{Name: "f", Data: []byte("x"), Last: true}}}
	err = s.converse(ctx, start("no_such_operation"))
	if kind, problem := kindOf(err); problem != nil || kind != sdk.NotFound {
		return fmt.Errorf("an unknown operation: %w", orKind(kind, problem))
	}
	if _, problem := kindOf(s.converse(ctx, file)); problem != nil {
		return fmt.Errorf("a stream that begins with a file: %w", problem)
	}
	if err := s.converse(ctx, start(p.GetOperations()[0].GetName()), file); err != nil {
		if _, problem := kindOf(err); problem != nil {
			return fmt.Errorf("an operation with a file: %w", problem)
		}
	}
	return s.alive(ctx)
}

// needsStream names an operation that a host runs by ExecuteStream, or "".
func needsStream(p *adapterv1.Platform) string {
	for _, op := range p.GetOperations() {
		if op.GetStreaming() || op.GetGivesFiles() || op.GetTakesFiles() {
			return op.GetName()
		}
	}
	return ""
}

func orKind(kind sdk.Kind, problem error) error {
	if problem != nil {
		return problem
	}
	return fmt.Errorf("kind %d, want %d", kind, sdk.NotFound)
}

// converse sends messages and waits for the result, or for the failure.
func (s *suite) converse(ctx context.Context, messages ...*adapterv1.ExecuteStreamRequest) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	stream, err := s.process.service.ExecuteStream(ctx)
	if err != nil {
		return err
	}
	for _, m := range messages {
		if err := stream.Send(m); err != nil {
			break // Recv says why
		}
	}
	_ = stream.CloseSend() // Recv says why
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return errors.New("the stream ends without a result")
		}
		if err != nil || m.GetResult() != nil {
			return err
		}
	}
}

// callTime is how long an adapter may take over a call whose dials are refused.
const callTime = 10 * time.Second

// giveUpTime is how long after its deadline a call may be answered.
const giveUpTime = 5 * time.Second

// remoteDeadline is a context whose deadline the adapter is told, and which goes on here: so one sees who keeps it.
type remoteDeadline struct {
	context.Context
	at time.Time
}

// Deadline is what goes out with the call.
func (d remoteDeadline) Deadline() (time.Time, bool) { return d.at, true }

// callLimit is the deadline of calls that show whether deadlines are kept.
const callLimit = 300 * time.Millisecond

// keepsDeadline tests a credential of each platform while no dial is answered: the adapter must give up by itself, and say with its
// dials that it will.
func (s *suite) keepsDeadline(ctx context.Context) error {
	schema, err := s.process.service.Schema(ctx, &adapterv1.SchemaRequest{})
	if err != nil {
		return err
	}
	s.process.egress.silence(true)
	defer s.process.egress.silence(false)
	for _, p := range schema.GetPlatforms() {
		at := time.Now().Add(callLimit)
		answered := make(chan struct{})
		waiting, cancel := context.WithCancel(ctx)
		go func() {
			defer close(answered)
			_, _ = s.process.service.Verify(remoteDeadline{waiting, at}, &adapterv1.VerifyRequest{Call: plantedFor(p)}) // any answer will do
		}()
		select {
		case <-answered:
		case <-time.After(time.Until(at) + giveUpTime):
			err = fmt.Errorf("testing a credential of %s goes on %s after its deadline", p.GetId(), giveUpTime)
		}
		cancel()
		<-answered
		if err != nil {
			return err
		}
		if waits := time.Duration(s.process.egress.patience.Load()) * time.Millisecond; waits > callLimit+giveUpTime {
			return fmt.Errorf("testing a credential of %s asks for a connection and would wait %s, in a call that ends in %s", p.GetId(), waits, callLimit)
		}
	}
	return nil
}

func (s *suite) survivesCancellation(ctx context.Context) error {
	p, err := s.first(ctx)
	if err != nil {
		return err
	}
	s.process.egress.silence(true)
	defer s.process.egress.silence(false)
	for _, op := range p.GetOperations() {
		callCtx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		_, _ = s.process.service.Execute(callCtx, &adapterv1.ExecuteRequest{Call: plantedFor(p), Operation: op.GetName(), Input: []byte("{}")}) // cut
		cancel()
	}
	return s.alive(ctx)
}

func (s *suite) runsTwice(ctx context.Context) error {
	second, err := launch(s.options) // which asks it to describe itself
	if err != nil {
		return err
	}
	second.kill()
	return s.alive(ctx)
}

func (s *suite) keepsQuiet(context.Context) error {
	if said := s.process.stdout.String(); said != "" {
		return fmt.Errorf("it wrote %q", said[:min(len(said), 200)])
	}
	return nil
}

func (s *suite) keepsSecrets(context.Context) error {
	if strings.Contains(s.process.stderr.String()+s.process.stdout.String(), plantedSecret) {
		return errors.New("its output holds the credential that it was given")
	}
	return nil
}

// alive says whether the process still answers.
func (s *suite) alive(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if _, err := s.process.service.Describe(ctx, &adapterv1.DescribeRequest{}); err != nil {
		return fmt.Errorf("afterwards it does not answer: %w", err)
	}
	return nil
}

// first answers the first platform that is declared.
func (s *suite) first(ctx context.Context) (*adapterv1.Platform, error) {
	schema, err := s.process.service.Schema(ctx, &adapterv1.SchemaRequest{})
	if err != nil {
		return nil, err
	}
	if len(schema.GetPlatforms()) == 0 || len(schema.GetPlatforms()[0].GetOperations()) == 0 || len(schema.GetPlatforms()[0].GetAuthMethods()) == 0 {
		return nil, errors.New("it declares no platform with an operation and an auth method")
	}
	return schema.GetPlatforms()[0], nil
}

// plantedFor is the context of a call with a credential of the platform's first method, every field a planted secret.
func plantedFor(p *adapterv1.Platform) *adapterv1.CallContext {
	if len(p.GetAuthMethods()) == 0 {
		return planted(p.GetId(), sdk.MethodNone, nil)
	}
	m := p.GetAuthMethods()[0]
	fields := map[string]string{}
	for _, f := range m.GetFields() {
		fields[f.GetName()] = plantedSecret
	}
	if m.GetType() == sdk.MethodOAuth2 {
		fields["access_token"] = plantedSecret
	}
	return planted(p.GetId(), m.GetType(), fields)
}

func planted(platform, method string, fields map[string]string) *adapterv1.CallContext {
	return &adapterv1.CallContext{DialId: "conformance", CallId: "call_conformance", Platform: platform,
		Credential: &adapterv1.Credential{AuthMethod: method, Fields: fields}, Settings: &adapterv1.Settings{}}
}
