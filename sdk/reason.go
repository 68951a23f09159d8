package sdk

import (
	"regexp"
	"strings"
)

// maxReason bounds how much of a platform's words is passed on, in characters.
const maxReason = 600

var (
	addressQuery = regexp.MustCompile(`(https?://[^\s?#"']+)[?#][^\s"']*`)
	controls     = regexp.MustCompile(`[\x00-\x1f\x7f]+`)
)

// Reason makes a platform's words fit to stand in an error: without the query of an address, which may be signed, without control
// characters, and not too long. The values of the call's credential are taken out of every error besides.
func Reason(words string) string {
	words = controls.ReplaceAllString(strings.ToValidUTF8(words, ""), " ")
	words = strings.TrimSpace(addressQuery.ReplaceAllString(words, "$1"))
	if runes := []rune(words); len(runes) > maxReason {
		return string(runes[:maxReason]) + "..."
	}
	return words
}

// KeyAccount names an account by the end of its one secret, for platforms that do not say whose it is. Of a short secret nothing is shown.
func KeyAccount(call *Call, what string) Account {
	const shown, shortest = 4, 20
	name := what
	if key := call.Credential.Token(); len(key) >= shortest {
		name += " ending in " + key[len(key)-shown:]
	}
	return Account{ID: name, Name: name}
}
