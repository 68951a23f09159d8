package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/vault"
)

// Bounds of what a user may store.
const (
	maxLabel = 200
	maxField = 64 << 10
)

// seal puts the fields into the integration, sealed for its user, id and version.
func (s *Service) seal(ctx context.Context, method *catalog.AuthMethod, i *Integration, fields map[string]string) error {
	encoded, err := json.Marshal(fields)
	if err != nil {
		return fmt.Errorf("encoding the credential: %w", err)
	}
	secret := vault.NewSecret(encoded)
	defer secret.Wipe()
	if i.Sealed, err = s.cfg.Vault.Seal(ctx, vault.CredentialAAD(i.User, i.ID, i.Version), secret); err != nil {
		return fmt.Errorf("sealing the credential: %w", err)
	}
	i.Public = map[string]string{}
	for _, f := range method.Fields {
		if !f.Secret && fields[f.Name] != "" {
			i.Public[f.Name] = fields[f.Name]
		}
	}
	return nil
}

// open answers the fields of a credential, through the vault's door.
func (s *Service) open(ctx context.Context, access vault.Access, i Integration) (map[string]string, error) {
	secret, err := s.cfg.Vault.Open(ctx, access, vault.CredentialAAD(i.User, i.ID, i.Version), i.Sealed)
	if err != nil {
		return nil, fmt.Errorf("opening the credential of %s: %w", i.ID, err)
	}
	defer secret.Wipe()
	fields := map[string]string{}
	if err := json.Unmarshal(secret.Reveal(), &fields); err != nil {
		return nil, fmt.Errorf("decoding the credential of %s", i.ID) // the cause could quote it
	}
	return fields, nil
}

// chooseMethod answers the auth method that a user means.
func chooseMethod(p *catalog.Platform, kind string) (*catalog.AuthMethod, error) {
	var names []string
	var found []*catalog.AuthMethod
	for i := range p.AuthMethods {
		m := &p.AuthMethods[i]
		names = append(names, m.Type)
		if m.Type == kind || (kind == "" && m.Type != "oauth2") {
			found = append(found, m)
		}
	}
	if len(found) != 1 {
		return nil, invalid("/auth_method", fmt.Sprintf("must be one of those that %s takes: %s", p.Name, strings.Join(names, ", ")))
	}
	if found[0].Type == "oauth2" {
		return nil, invalid("/auth_method", "oauth2 is begun with POST /v1/oauth/authorizations, or `patchbay connect`, and takes no fields")
	}
	return found[0], nil
}

// checkFields answers the fields that the method declares, with their defaults, or everything that is wrong with them.
func checkFields(m *catalog.AuthMethod, given map[string]string) (map[string]string, error) {
	fields := map[string]string{}
	var wrong []catalog.Violation
	for name := range given {
		if !declared(m, name) {
			wrong = append(wrong, catalog.Violation{Pointer: "/credential/" + clipLabel(name), Detail: "is not a field of this auth method"})
		}
	}
	for _, f := range m.Fields {
		value := given[f.Name]
		if value == "" {
			value = f.Default
		}
		if problem := checkField(f, value); problem != "" {
			wrong = append(wrong, catalog.Violation{Pointer: "/credential/" + f.Name, Detail: problem})
		}
		if value != "" {
			fields[f.Name] = value
		}
	}
	if len(wrong) > 0 {
		return nil, &catalog.Failure{Kind: catalog.ValidationFailed, Message: "The credential is not complete or not valid.", Violations: wrong}
	}
	return fields, nil
}

// checkField answers what is wrong with one value, without quoting it.
func checkField(f catalog.Field, value string) string {
	switch {
	case value == "" && f.Required:
		return "is required"
	case value == "":
		return ""
	case len(value) > maxField:
		return fmt.Sprintf("is longer than %d bytes", maxField)
	case !utf8.ValidString(value) || strings.ContainsRune(value, 0):
		return "is not valid text"
	case !f.Multiline && strings.ContainsAny(value, "\r\n"):
		return "must be one line"
	}
	if f.Pattern != "" {
		if re, err := regexp.Compile(`\A(?:` + f.Pattern + `)\z`); err == nil && !re.MatchString(value) {
			return "does not have the form of a " + f.Label
		}
	}
	return ""
}

func declared(m *catalog.AuthMethod, name string) bool {
	for _, f := range m.Fields {
		if f.Name == name {
			return true
		}
	}
	return false
}

func checkLabel(label string) error {
	switch {
	case strings.TrimSpace(label) == "":
		return invalid("/label", "must not be empty")
	case utf8.RuneCountInString(label) > maxLabel:
		return invalid("/label", fmt.Sprintf("is longer than %d characters", maxLabel))
	case !utf8.ValidString(label) || strings.ContainsFunc(label, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return invalid("/label", "must be plain text on one line")
	}
	return nil
}

// clipLabel makes text of a platform or a caller fit to be stored and shown.
func clipLabel(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if runes := []rune(s); len(runes) > maxLabel {
		return string(runes[:maxLabel])
	}
	return s
}

func invalid(pointer, detail string) *catalog.Failure {
	return &catalog.Failure{Kind: catalog.ValidationFailed, Message: strings.TrimPrefix(pointer, "/") + " " + detail + ".",
		Violations: []catalog.Violation{{Pointer: pointer, Detail: detail}}}
}
