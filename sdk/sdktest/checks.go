package sdktest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"google.golang.org/protobuf/proto"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk"
)

// plantedSecret stands in every field of every credential that the suite gives.
const plantedSecret = "conformance-planted-secret-4711"

// maxDescription bounds the answer of Describe, which is asked for at every launch.
const maxDescription = 16 << 10

var (
	adapterName   = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
	semver        = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
	operationName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)
	methodTypes   = []string{sdk.MethodOAuth2, sdk.MethodAPIKey, sdk.MethodBearer, sdk.MethodCustom, sdk.MethodNone}
)

func (s *suite) describes(ctx context.Context) error {
	first, err := s.process.service.Describe(ctx, &adapterv1.DescribeRequest{})
	if err != nil {
		return err
	}
	second, err := s.process.service.Describe(ctx, &adapterv1.DescribeRequest{})
	if err != nil {
		return err
	}
	s.report.Adapter, s.report.Version = first.GetName(), first.GetVersion()
	switch {
	case !proto.Equal(first, second):
		return errors.New("the second answer is another one")
	case !adapterName.MatchString(first.GetName()):
		return fmt.Errorf("its name is %q: want lower case letters, digits and hyphens", first.GetName())
	case !semver.MatchString(first.GetVersion()):
		return fmt.Errorf("its version is %q: want a semantic version", first.GetVersion())
	case len(first.GetPlatforms()) == 0:
		return errors.New("it names no platform")
	case proto.Size(first) > maxDescription:
		return fmt.Errorf("the answer has %d bytes: want at most %d", proto.Size(first), maxDescription)
	}
	return nil
}

func (s *suite) ignoresCapabilities(ctx context.Context) error {
	plain, err := s.process.service.Describe(ctx, &adapterv1.DescribeRequest{})
	if err != nil {
		return err
	}
	other, err := s.process.service.Describe(ctx, &adapterv1.DescribeRequest{HostCapabilities: []string{"nobody-knows-this", ""}})
	if err != nil {
		return err
	}
	if !proto.Equal(plain, other) {
		return errors.New("it describes itself in another way")
	}
	return nil
}

func (s *suite) declares(ctx context.Context) error {
	d, err := s.process.service.Describe(ctx, &adapterv1.DescribeRequest{})
	if err != nil {
		return err
	}
	schema, err := s.process.service.Schema(ctx, &adapterv1.SchemaRequest{})
	if err != nil {
		return err
	}
	var wrong []error
	var ids []string
	for _, p := range schema.GetPlatforms() {
		ids = append(ids, p.GetId())
		wrong = append(wrong, checkPlatform(p)...)
	}
	if !slices.Equal(ids, d.GetPlatforms()) {
		wrong = append(wrong, fmt.Errorf("Describe names the platforms %q and Schema %q", d.GetPlatforms(), ids))
	}
	return errors.Join(wrong...)
}

func checkPlatform(p *adapterv1.Platform) (wrong []error) {
	complain := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("platform %s: "+format, append([]any{p.GetId()}, args...)...))
	}
	if !adapterName.MatchString(p.GetId()) || p.GetName() == "" || p.GetDescription() == "" || p.GetCategory() == "" {
		complain("wants a valid id, a name, a description and a category")
	}
	if len(p.GetIcon()) > 64<<10 {
		complain("its icon is larger than 64 KiB")
	}
	if base := p.GetBaseUrl(); base != "" && !strings.HasPrefix(base, "https://") {
		complain("its base URL %q is not https", base)
	}
	for _, m := range p.GetAuthMethods() {
		if !slices.Contains(methodTypes, m.GetType()) || (m.GetType() == sdk.MethodOAuth2) != (m.GetOauth2() != nil) {
			complain("auth method %q is not valid", m.GetType())
		}
		for _, f := range m.GetFields() {
			if _, err := regexp.Compile(f.GetPattern()); err != nil || f.GetName() == "" {
				complain("field %q wants a name and a pattern that compiles", f.GetName())
			}
		}
	}
	if len(p.GetAuthMethods()) == 0 || len(p.GetOperations()) == 0 {
		complain("wants an auth method and an operation")
	}
	for _, op := range p.GetOperations() {
		if err := checkOperation(p.GetId(), op); err != nil {
			complain("operation %q: %v", op.GetName(), err)
		}
	}
	return wrong
}

func checkOperation(platform string, op *adapterv1.Operation) error {
	switch {
	case !operationName.MatchString(platform + "__" + op.GetName()):
		return errors.New("a language model cannot use its name")
	case op.GetDescription() == "":
		return errors.New("it has no description")
	case op.GetEffect() < adapterv1.Effect_EFFECT_READ || op.GetEffect() > adapterv1.Effect_EFFECT_WRITE:
		return errors.New("it declares no effect")
	}
	for name, raw := range map[string][]byte{"input": op.GetInputSchema(), "output": op.GetOutputSchema()} {
		var schema jsonschema.Schema
		if err := json.Unmarshal(raw, &schema); err != nil {
			return fmt.Errorf("its %s schema is no JSON Schema", name)
		}
		if _, err := schema.Resolve(nil); err != nil {
			return fmt.Errorf("its %s schema does not resolve: %w", name, err)
		}
	}
	return nil
}

// kindOf reads the kind of a failure; none is an error.
func kindOf(err error) (sdk.Kind, error) {
	if err == nil {
		return 0, errors.New("it succeeds")
	}
	var failure *sdk.Error
	if !errors.As(asError(err), &failure) || failure.Kind == 0 {
		return 0, fmt.Errorf("it fails without a kind: %w", err)
	}
	if strings.Contains(failure.Message, plantedSecret) {
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
				callCtx, cancel := context.WithTimeout(ctx, 10*time.Second)
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
		_, err := s.process.service.Verify(ctx, &adapterv1.VerifyRequest{Call: plantedFor(p)})
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

func (s *suite) runsTwice(context.Context) error {
	second, err := launch(s.options)
	if err != nil {
		return err
	}
	second.kill()
	return nil
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
