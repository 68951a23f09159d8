package supervisor

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/host/internal/catalog"
)

const (
	// shortestSecret keeps words such as a user name of two letters from being cut out of every text.
	shortestSecret = 6
	// hidden stands in place of a secret.
	hidden = "[secret]"
)

// secretsOf answers the values of a request's credential that must not reach a log or a failure's text, longest first, each in the
// forms in which programs print it. A value of several lines is looked for line by line.
func secretsOf(r catalog.Request) []string {
	public := map[string]bool{}
	if m := r.Platform.AuthMethod(r.Credential.Method); m != nil {
		for _, f := range m.Fields {
			public[f.Name] = !f.Secret
		}
	}
	var out []string
	fields := r.Credential.Reveal()
	if password := fields["password"]; password != "" { // as basic authentication has it
		out = append(out, base64.StdEncoding.EncodeToString([]byte(fields["username"]+":"+password)))
	}
	for name, value := range fields {
		if public[name] {
			continue
		}
		for line := range strings.SplitSeq(value, "\n") {
			if line = strings.TrimSpace(line); len(line) >= shortestSecret {
				out = append(out, forms(line)...)
			}
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		if n := len(b) - len(a); n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	return slices.Compact(out)
}

// forms answers a secret as it is, as it stands in JSON and in an address, and as it stands in basic authentication.
func forms(secret string) []string {
	if plain(secret) {
		return []string{secret, base64.StdEncoding.EncodeToString([]byte(secret))}
	}
	out := []string{secret, url.QueryEscape(secret), url.PathEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret))}
	if quoted, err := json.Marshal(secret); err == nil {
		out = append(out, string(quoted[1:len(quoted)-1]))
	}
	var plain strings.Builder
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(secret); err == nil {
		out = append(out, strings.Trim(strings.TrimSuffix(plain.String(), "\n"), `"`))
	}
	return out
}

// plain says whether JSON and addresses hold a secret as it is, which is so for nearly all tokens.
func plain(secret string) bool {
	for i := range len(secret) {
		if c := secret[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// withoutSecrets answers a failure whose texts hold none of the secrets, whatever the adapter quoted in its own.
func withoutSecrets(f *catalog.Failure, secrets []string) *catalog.Failure {
	if len(secrets) == 0 {
		return f
	}
	var pairs []string
	for _, secret := range secrets {
		pairs = append(pairs, secret, hidden)
	}
	replace := strings.NewReplacer(pairs...).Replace
	out := *f
	out.Message, out.PlatformCode, out.PlatformRequestID = replace(f.Message), replace(f.PlatformCode), replace(f.PlatformRequestID)
	out.MissingScopes, out.Violations = slices.Clone(f.MissingScopes), slices.Clone(f.Violations)
	for i, scope := range out.MissingScopes {
		out.MissingScopes[i] = replace(scope)
	}
	for i, v := range out.Violations {
		out.Violations[i] = catalog.Violation{Pointer: replace(v.Pointer), Detail: replace(v.Detail)}
	}
	return &out
}
