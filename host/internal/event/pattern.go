package event

import "strings"

const patternHelp = `must be a type such as "integration.expired", a beginning such as "integration.*", or "*"`

// validType says whether s is words of a-z, 0-9 and _ with dots between.
func validType(s string) bool {
	if s == "" || len(s) > maxType {
		return false
	}
	for word := range strings.SplitSeq(s, ".") {
		if word == "" || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			return false
		}
	}
	return true
}

// validPattern says whether s is a type, the beginning of types followed by ".*", or "*". Matching is the store's: it is part of the
// statement that makes deliveries.
func validPattern(s string) bool {
	if s == "*" {
		return true
	}
	return validType(strings.TrimSuffix(s, ".*"))
}
