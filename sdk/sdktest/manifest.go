package sdktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	"google.golang.org/protobuf/proto"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk"
)

// What a host takes of a manifest.
const (
	// maxDescription bounds the answer of Describe, which is asked for at every launch.
	maxDescription = 16 << 10
	maxOperations  = 5000
	maxSchema      = 1 << 20
	maxIcon        = 64 << 10
)

var (
	adapterName   = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
	semver        = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
	operationName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)
	fieldName     = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]{0,63}$`)
	hostPattern   = regexp.MustCompile(`^(\*\.[^.*:/?#@\s]+\.)?[^*:/?#@\s]+(:[0-9]{1,5})?$`)
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
	case !semver.MatchString(first.GetVersion()) || len(first.GetVersion()) > 64:
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
	again, err := s.process.service.Schema(ctx, &adapterv1.SchemaRequest{})
	if err != nil {
		return err
	}
	var wrong []error
	if !proto.Equal(schema, again) {
		wrong = append(wrong, errors.New("the second answer is another one"))
	}
	var ids []string
	for _, p := range schema.GetPlatforms() {
		if slices.Contains(ids, p.GetId()) {
			wrong = append(wrong, fmt.Errorf("platform %q stands twice", p.GetId()))
		}
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
	if len(p.GetIcon()) > maxIcon {
		complain("its icon is larger than %d KiB", maxIcon>>10)
	}
	for what, address := range map[string]string{"base URL": p.GetBaseUrl(), "website": p.GetWebsite()} {
		if address != "" && !isHTTPS(address) {
			complain("its %s %q is not https with a plain host", what, address)
		}
	}
	for _, host := range p.GetHosts() {
		if !hostPattern.MatchString(host) {
			complain("its host %q is neither a name nor *.name, with :port where that is not 443", host)
		}
	}
	if len(p.GetAuthMethods()) == 0 || len(p.GetOperations()) == 0 || len(p.GetOperations()) > maxOperations {
		complain("wants an auth method, and 1 to %d operations", maxOperations)
	}
	types, names := map[string]bool{}, map[string]bool{}
	for _, m := range p.GetAuthMethods() {
		if types[m.GetType()] {
			complain("auth method %q stands twice", m.GetType())
		}
		types[m.GetType()] = true
		if err := checkAuth(m); err != nil {
			complain("auth method %q: %w", m.GetType(), err)
		}
	}
	for _, op := range p.GetOperations() {
		if names[op.GetName()] {
			complain("operation %q stands twice", op.GetName())
		}
		names[op.GetName()] = true
		if err := checkOperation(p.GetId(), op); err != nil {
			complain("operation %q: %w", op.GetName(), err)
		}
	}
	return wrong
}

func checkAuth(m *adapterv1.AuthMethod) error {
	if !slices.Contains(methodTypes, m.GetType()) || (m.GetType() == sdk.MethodOAuth2) != (m.GetOauth2() != nil) {
		return errors.New("it is none that a host knows, or lacks the description of its provider")
	}
	o := m.GetOauth2()
	for _, endpoint := range []string{o.GetAuthorizationUrl(), o.GetTokenUrl(), o.GetRevocationUrl(), o.GetDeviceAuthorizationUrl()} {
		if endpoint != "" && !isHTTPS(endpoint) {
			return fmt.Errorf("its endpoint %q is not https", endpoint)
		}
	}
	fields := map[string]bool{"": true}
	for _, f := range m.GetFields() {
		if _, err := regexp.Compile(f.GetPattern()); err != nil || !fieldName.MatchString(f.GetName()) || fields[f.GetName()] {
			return fmt.Errorf("its field %q wants a name that stands once and a pattern that compiles", f.GetName())
		}
		fields[f.GetName()] = true
	}
	if !fields[m.GetHostField()] || !fields[m.GetPortField()] || m.GetDefaultPort() > 65535 {
		return errors.New("its host and port must be fields of it, and its default port a port")
	}
	return nil
}

// isHTTPS says whether an address is https:// with one plain host.
func isHTTPS(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.User == nil && hostPattern.MatchString(u.Host) && !strings.HasPrefix(u.Host, "*")
}

func checkOperation(platform string, op *adapterv1.Operation) error {
	switch {
	case op.GetName() == "" || !operationName.MatchString(platform+"__"+op.GetName()):
		return errors.New("a language model cannot use its name")
	case op.GetDescription() == "":
		return errors.New("it has no description")
	case op.GetEffect() < adapterv1.Effect_EFFECT_READ || op.GetEffect() > adapterv1.Effect_EFFECT_WRITE:
		return errors.New("it declares no effect")
	}
	for name, raw := range map[string][]byte{"input": op.GetInputSchema(), "output": op.GetOutputSchema()} {
		if len(raw) > maxSchema {
			return fmt.Errorf("its %s schema is larger than %d KiB", name, maxSchema>>10)
		}
		var schema jsonschema.Schema
		if err := json.Unmarshal(raw, &schema); err != nil {
			return fmt.Errorf("its %s schema is no JSON Schema", name)
		}
		if _, err := schema.Resolve(nil); err != nil { // which loads nothing
			return fmt.Errorf("its %s schema does not resolve: %w", name, err)
		}
	}
	return nil
}
