package sdk_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/patchbay/patchbay/sdk"
)

func TestReasons(t *testing.T) {
	table := sdk.Reasons{{"gone missing", sdk.NotFound, "Look elsewhere."}, {"busy", sdk.RateLimited, ""}}
	for name, test := range map[string]struct {
		code, words string
		status      int
		kind        sdk.Kind
		message     string
	}{
		"known":         {"Missing", "no thing\n7", 400, sdk.NotFound, "Acme refused with Missing: no thing 7. Look elsewhere."},
		"without words": {"busy", "", 429, sdk.RateLimited, "Acme refused with busy"},
		"unknown":       {"new", "Odd!", 403, sdk.PermissionDenied, "Acme refused with new: Odd!"},
		"no part of it": {"iss", "", 500, sdk.PlatformError, "Acme refused with iss"},
	} {
		e := table.Refusal("Acme", test.code, test.words, test.status)
		if e.Kind != test.kind || e.Message != test.message || e.PlatformCode != test.code {
			t.Errorf("%s: got kind %d, code %q, %q", name, e.Kind, e.PlatformCode, e.Message)
		}
	}
}

func TestWords(t *testing.T) {
	if got := sdk.Words("  a\r\nb\x00 "); got != "a b." {
		t.Errorf("got %q", got)
	}
	if got := sdk.Words(strings.Repeat("ä", 5000)); utf8.RuneCountInString(got) > 603 || !utf8.ValidString(got) || !strings.HasSuffix(got, "...") {
		t.Errorf("got %d bytes", len(got))
	}
	if got := sdk.Words("\xff"); got != "" {
		t.Errorf("got %q", got)
	}
}
