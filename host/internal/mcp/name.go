package mcp

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/integration"
)

const (
	maxName = 128
	maxSlug = 32
	// tailBytes is how much of an id, whose end is random, tells two labels apart that look the same.
	tailBytes = 6
	between   = "__"
)

// platformOf answers the platform that a tool's name begins with. No platform's id holds an underscore.
func platformOf(name string) (string, bool) {
	platform, _, ok := strings.Cut(name, between)
	return platform, ok
}

// toolName answers what an operation is called: platform__operation, and after it the account where slug is not empty.
func toolName(platform, operation, slug string) string {
	name := platform + between + operation
	if slug != "" {
		name += between + slug
	}
	return name
}

// apart gives a name that is too long, or that two operations share, an end that no label and no adapter can choose.
func apart(name string, i integration.Integration, op *catalog.Operation) string {
	sum := sha256.Sum256([]byte(i.ID + "\x00" + op.Name))
	end := "-" + hex.EncodeToString(sum[:6])
	return name[:min(len(name), maxName-len(end))] + end
}

// slugs answers a short name for each account of a platform, by the integration's id; none where there is but one account.
func slugs(accounts []integration.Integration) map[string]string {
	out := map[string]string{}
	if len(accounts) < 2 {
		return out
	}
	seen := map[string]int{}
	for _, i := range accounts {
		seen[slug(i.Label)]++
	}
	for _, i := range accounts {
		s := slug(i.Label)
		if s == "" || seen[s] > 1 {
			s = strings.TrimPrefix(s+"-"+i.ID[len(i.ID)-tailBytes:], "-")
		}
		out[i.ID] = s
	}
	return out
}

// slug answers what of a label can stand in a name: small letters, digits and single hyphens.
func slug(label string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(label) {
		switch {
		case b.Len() >= maxSlug:
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.TrimRight(b.String(), "-")
}

// tidy makes text of others fit to stand in what a model reads: on one line, without characters that nobody sees, at most so many long.
func tidy(s string, most int) string {
	s = strings.Join(strings.Fields(strings.Map(visible, strings.ToValidUTF8(s, ""))), " ")
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// visible keeps what can be seen. Invisible characters (Cf: joiners, directions, tags) can hide words from people that models read.
func visible(r rune) rune {
	switch {
	case unicode.IsSpace(r), unicode.IsControl(r):
		return ' '
	case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r), unicode.Is(unicode.Variation_Selector, r):
		return -1
	}
	return r
}
