package sdk

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

var (
	idPattern        = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
	operationPattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
	versionPattern   = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
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
	if len(a.Platforms) == 0 {
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
	if p.BaseURL != "" && !strings.HasPrefix(p.BaseURL, "https://") {
		complain("BaseURL %q: want https://", p.BaseURL)
	}
	if len(p.Auth) == 0 || len(p.Operations) == 0 {
		complain("Auth and Operations need at least one entry each")
	}
	for _, m := range p.Auth {
		if !slices.Contains(methods, m.Type) {
			complain("auth method %q: want one of %s", m.Type, strings.Join(methods, ", "))
		}
		if (m.Type == MethodOAuth2) != (m.OAuth2 != nil) {
			complain("auth method %s: OAuth2 goes with oauth2 and only with it", m.Type)
		}
		for _, f := range m.Fields {
			if _, err := regexp.Compile(f.Pattern); err != nil || f.Name == "" {
				complain("auth method %s: field %q needs a name and a pattern that compiles", m.Type, f.Name)
			}
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
