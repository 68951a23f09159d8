package sdk

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

var (
	idPattern        = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
	operationPattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
	versionPattern   = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
	fieldPattern     = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]{0,63}$`)
	hostPattern      = regexp.MustCompile(`^(\*\.[^.*:/?#@\s]+\.)?[^*:/?#@\s]+(:[0-9]{1,5})?$`)
	categories       = []string{Internal, Social, AI, Tools, Media, Productivity}
	methods          = []string{MethodOAuth2, MethodAPIKey, MethodBearer, MethodCustom, MethodNone}
)

// check answers all that is wrong with a manifest, joined.
func check(a Adapter) error {
	var errs []error
	complain := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !idPattern.MatchString(a.Name) {
		complain("Name %q: want lower case letters, digits and hyphens", a.Name)
	}
	if !versionPattern.MatchString(a.Version) {
		complain("Version %q: want a semantic version such as 1.2.0", a.Version)
	}
	if len(a.Platforms) == 0 && a.Mounts == nil {
		complain("Platforms: want at least one")
	}
	seen := map[string]bool{}
	for _, p := range a.Platforms {
		if seen[p.ID] {
			complain("platform %q stands twice", p.ID)
		}
		seen[p.ID] = true
		errs = append(errs, checkPlatform(p)...)
	}
	return errors.Join(errs...)
}

func checkPlatform(p Platform) (errs []error) {
	complain := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("platform %s: %w", p.ID, fmt.Errorf(format, args...)))
	}
	if !idPattern.MatchString(p.ID) {
		complain("ID %q: want lower case letters, digits and hyphens", p.ID)
	}
	if p.Name == "" || p.Description == "" {
		complain("Name and Description are required")
	}
	if !slices.Contains(categories, p.Category) {
		complain("Category %q: want one of %s", p.Category, strings.Join(categories, ", "))
	}
	if len(p.Icon) > 64<<10 {
		complain("Icon is larger than 64 KiB")
	}
	for what, address := range map[string]string{"BaseURL": p.BaseURL, "Website": p.Website} {
		if address != "" && !isHTTPS(address) {
			complain("%s %q: want https:// with a plain host", what, address)
		}
	}
	for _, host := range p.Hosts {
		if !hostPattern.MatchString(host) {
			complain("Hosts %q: want a name such as api.example.com or *.example.com, with :port where it is not 443", host)
		}
	}
	if len(p.Auth) == 0 || len(p.Operations) == 0 {
		complain("Auth and Operations need at least one entry each")
	}
	types := map[string]bool{}
	for _, m := range p.Auth {
		if types[m.Type] {
			complain("auth method %q stands twice", m.Type)
		}
		types[m.Type] = true
		for _, err := range checkAuth(m) {
			complain("auth method %q: %w", m.Type, err)
		}
	}
	for _, l := range p.RateLimits {
		if l.Calls == 0 || l.PerSeconds == 0 {
			complain("RateLimits: want calls in a number of seconds")
		}
	}
	seen := map[string]bool{}
	for _, op := range p.Operations {
		if seen[op.Name] {
			complain("operation %q stands twice", op.Name)
		}
		seen[op.Name] = true
		if err := checkOperation(p, op); err != nil {
			complain("operation %q: %w", op.Name, err)
		}
	}
	return errs
}

func checkAuth(m AuthMethod) (errs []error) {
	complain := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !slices.Contains(methods, m.Type) {
		complain("want one of %s", strings.Join(methods, ", "))
	}
	if (m.Type == MethodOAuth2) != (m.OAuth2 != nil) {
		complain("OAuth2 goes with oauth2 and only with it")
	}
	if m.OAuth2 != nil {
		for _, address := range []string{m.OAuth2.AuthorizationURL, m.OAuth2.TokenURL, m.OAuth2.RevocationURL, m.OAuth2.DeviceAuthorizationURL} {
			if address != "" && !isHTTPS(address) {
				complain("endpoint %q: want https://", address)
			}
		}
	}
	names := map[string]bool{"": true}
	for _, f := range m.Fields {
		if _, err := regexp.Compile(f.Pattern); err != nil || !fieldPattern.MatchString(f.Name) || names[f.Name] {
			complain("field %q needs a name of letters, digits and underscores that stands once, and a pattern that compiles", f.Name)
		}
		names[f.Name] = true
	}
	if !names[m.HostField] || !names[m.PortField] {
		complain("HostField and PortField must name fields of it")
	}
	return errs
}

// isHTTPS says whether an address is https:// with a host and no user.
func isHTTPS(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.User == nil && hostPattern.MatchString(u.Host) && !strings.HasPrefix(u.Host, "*")
}

func checkOperation(p Platform, op Operation) error {
	switch {
	case !operationPattern.MatchString(op.Name) || len(p.ID)+2+len(op.Name) > 128:
		return errors.New("want a snake_case name")
	case op.Description == "":
		return errors.New("a Description is required")
	case op.Effect < Read || op.Effect > Write:
		return errors.New("want an Effect: Read, Idempotent or Write")
	case op.Run.run == nil:
		return errors.New("want Run: sdk.Func(...)")
	}
	return op.Run.err
}

// titleOf makes "Send message" of "send_message".
func titleOf(name string) string {
	words := []rune(strings.ReplaceAll(name, "_", " "))
	if len(words) > 0 {
		words[0] = unicode.ToUpper(words[0])
	}
	return string(words)
}
