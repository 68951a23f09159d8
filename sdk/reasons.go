package sdk

import (
	"regexp"
	"strings"
)

// Reason is what some of a platform's error codes mean, and what to do about it.
type Reason struct {
	// Codes are the platform's own, separated by spaces.
	Codes string
	Kind  Kind
	// Advice is a sentence for people. Optional.
	Advice string
}

// Reasons is a table of a platform's error codes, those of one meaning in a row.
type Reasons []Reason

// Of answers the row of a code, whatever its case, and false where the table does not have it.
func (rs Reasons) Of(code string) (Reason, bool) {
	for _, row := range rs {
		for known := range strings.FieldsSeq(row.Codes) {
			if strings.EqualFold(known, code) {
				return row, true
			}
		}
	}
	return Reason{}, false
}

// Refusal makes the error of a platform that refused with a code and words of its own. The kind of a code that the table does not have is
// that of the HTTP status, as an access token meets it: of a status 401 that means something else for other credentials, an adapter's Explain
// answers nil.
func (rs Reasons) Refusal(platform, code, words string, status int) *Error {
	why, known := rs.Of(code)
	if !known {
		why.Kind = KindOfStatus(status, MethodOAuth2)
	}
	text := platform + " refused with " + code + ":"
	for _, part := range []string{Words(words), why.Advice} {
		if part != "" {
			text += " " + part
		}
	}
	return &Error{Kind: why.Kind, Message: strings.TrimSuffix(text, ":"), PlatformCode: code}
}

// maxSaid bounds how much of a platform's words is passed on, in characters.
const maxSaid = 600

var (
	addressQuery = regexp.MustCompile(`(https?://[^\s?#"']+)[?#][^\s"']*`)
	controls     = regexp.MustCompile(`[\x00-\x1f\x7f]+`)
)

// Said makes a platform's own words fit to stand in an error: one line, without the query of an address, which may be signed, and not too
// long. The values of the call's credential are taken out of every error besides.
func Said(words string) string {
	words = controls.ReplaceAllString(strings.ToValidUTF8(words, ""), " ")
	words = strings.TrimSpace(addressQuery.ReplaceAllString(words, "$1"))
	if runes := []rune(words); len(runes) > maxSaid {
		return string(runes[:maxSaid]) + "..."
	}
	return words
}

// Words is [Said], ended as a sentence is.
func Words(s string) string {
	s = Said(s)
	if s != "" && !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	return s
}
