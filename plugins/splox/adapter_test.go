package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// given is an input.
type given = map[string]any

func start(t *testing.T) *sdktest.Harness {
	t.Helper()
	return sdktest.Start(t, adapter())
}

func TestReadme(t *testing.T) { start(t).Readme(t, sdktest.ReadmeRows{}) }

func TestVerify(t *testing.T) {
	got, err := start(t).Verify(t.Context(), sdktest.Request{Platform: "splox", Method: sdk.MethodNone})
	if err != nil || got.Name != "This host" {
		t.Errorf("got %v, %v", got, err)
	}
}

// answer runs an operation and decodes what it gives.
func answer(t *testing.T, h *sdktest.Harness, operation string, in given) (given, error) {
	t.Helper()
	result, err := h.Execute(t.Context(), sdktest.Request{Platform: "splox", Operation: operation, Input: in, Method: sdk.MethodNone})
	if err != nil {
		return nil, err
	}
	var out given
	if err := json.Unmarshal(result.Output, &out); err != nil {
		t.Fatal(err)
	}
	return out, nil
}

// TestAnswers checks operations against values that stand in standards: RFC 4231 and the examples of FIPS 180 and 202 for digests, RFC 4648 for
// base64, RFC 4180 for CSV, and for time the tz database's own rules.
func TestAnswers(t *testing.T) {
	h := start(t)
	for name, c := range map[string]struct {
		operation string
		in, want  given
	}{
		"sha256":              {"crypto_hash", given{"algorithm": "sha256", "text": "abc"}, given{"digest": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}},
		"sha1 of base64":      {"crypto_hash", given{"algorithm": "sha1", "base64": "YWJj", "encoding": "base64"}, given{"digest": "qZk+NkcGgWq6PiVxeFDCbJzQ2J0="}},
		"md5 of nothing":      {"crypto_hash", given{"algorithm": "md5", "text": ""}, given{"digest": "d41d8cd98f00b204e9800998ecf8427e"}},
		"sha3":                {"crypto_hash", given{"algorithm": "sha3-256", "text": ""}, given{"digest": "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"}},
		"hmac":                {"crypto_hmac", given{"algorithm": "sha256", "text": "what do ya want for nothing?", "key": "Jefe"}, given{"digest": "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"}},
		"hmac of 512":         {"crypto_hmac", given{"algorithm": "sha512", "text": "Hi There", "key_base64": "CwsLCwsLCwsLCwsLCwsLCwsLCws="}, given{"digest": "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"}},
		"base64":              {"convert_base64_encode", given{"text": "foobar?>"}, given{"base64": "Zm9vYmFyPz4="}},
		"base64url":           {"convert_base64_encode", given{"text": "foobar?>~", "url_safe": true}, given{"base64": "Zm9vYmFyPz5-"}},
		"from base64":         {"convert_base64_decode", given{"base64": "Zm9v\nYmE="}, given{"text": "fooba", "bytes": 5.0}},
		"from base64url":      {"convert_base64_decode", given{"base64": "Zm9vYmFyPz5-"}, given{"text": "foobar?>~", "bytes": 9.0}},
		"bytes that are none": {"convert_base64_decode", given{"base64": "/w=="}, given{"hex": "ff", "bytes": 1.0}},
		"JSON":                {"convert_json_parse", given{"text": ` {"a": [1, null]} `}, given{"value": given{"a": []any{1.0, nil}}}},
		"JSON as text":        {"convert_json_stringify", given{"value": given{"a": []any{1, "x"}}}, given{"text": `{"a":[1,"x"]}`}},
		"JSON indented":       {"convert_json_stringify", given{"value": given{"a": []any{1}}, "indent": 2}, given{"text": "{\n  \"a\": [\n    1\n  ]\n}"}},
		"CSV":                 {"convert_csv_to_json", given{"csv": "a,b\r\n\"x\"\"y\",\"1\r\n2\"\r\n"}, given{"rows": []any{given{"a": `x"y`, "b": "1\n2"}}}},
		"CSV by semicolons":   {"convert_csv_to_json", given{"csv": "1;2\n3;4", "delimiter": ";", "no_header": true}, given{"rows": []any{[]any{"1", "2"}, []any{"3", "4"}}}},
		"no CSV at all":       {"convert_csv_to_json", given{"csv": ""}, given{"rows": []any{}}},
		"to CSV":              {"convert_json_to_csv", given{"rows": []given{{"b": 1, "a": `x"y,`}, {"a": nil, "c": []int{1}}}}, given{"csv": "a,b,c\n\"x\"\"y,\",1,\n,,[1]\n"}},
		"to some CSV":         {"convert_json_to_csv", given{"rows": []given{{"b": 1, "a": true}}, "columns": []string{"b"}, "delimiter": "\t"}, given{"csv": "b\n1\n"}},
		"to no CSV":           {"convert_json_to_csv", given{"rows": []given{}}, given{"csv": ""}},
		"format":              {"datetime_format", given{"time": "2026-05-01T22:30:05.25Z", "timezone": "Asia/Tokyo", "format": "%Y-%m-%d %H:%M:%S.%f %a %B %j %I%p %z %s 100%% Jan"}, given{"text": "2026-05-02 07:30:05.250 Sat May 122 07AM +0900 1777674605 100% Jan"}},
		"diff":                {"datetime_diff", given{"from": "2026-01-01", "to": "2026-01-02T12:00:00Z"}, given{"seconds": 129600.0, "minutes": 2160.0, "hours": 36.0, "days": 1.5}},
		"diff over a clock":   {"datetime_diff", given{"from": "2026-03-29", "to": "2026-03-30", "timezone": "Europe/Berlin"}, given{"seconds": 82800.0, "minutes": 1380.0, "hours": 23.0, "days": 23.0 / 24}},
		"diff of a long time": {"datetime_diff", given{"from": "0001-01-01", "to": "9999-01-01"}, given{"seconds": 315506361600.0, "minutes": 5258439360.0, "hours": 87640656.0, "days": 3651694.0}},
		"a backwards diff":    {"datetime_diff", given{"from": "1700000001", "to": "1700000000500"}, given{"seconds": -0.5, "minutes": -0.5 / 60, "hours": -0.5 / 3600, "days": -0.5 / 86400}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := answer(t, h, c.operation, c.in)
			if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
}

func TestMoments(t *testing.T) {
	h := start(t)
	for name, c := range map[string]struct {
		operation string
		in        given
		iso       string
	}{
		"RFC 3339":              {"datetime_parse", given{"time": "2026-05-01T12:00:00+02:00"}, "2026-05-01T10:00:00Z"},
		"no offset":             {"datetime_parse", given{"time": "2026-05-01 12:00", "timezone": "Europe/Berlin"}, "2026-05-01T12:00:00+02:00"},
		"a mail's":              {"datetime_parse", given{"time": "Fri, 01 May 2026 12:00:00 +0200"}, "2026-05-01T10:00:00Z"},
		"in words":              {"datetime_parse", given{"time": "May 1, 2026"}, "2026-05-01T00:00:00Z"},
		"milliseconds":          {"datetime_parse", given{"time": "1777636800123"}, "2026-05-01T12:00:00.123Z"},
		"seconds":               {"datetime_parse", given{"time": "1777636800"}, "2026-05-01T12:00:00Z"},
		"a format":              {"datetime_parse", given{"time": "01.05.26 07:05 PM", "format": "%d.%m.%y %I:%M %p", "timezone": "Asia/Kolkata"}, "2026-05-01T19:05:00+05:30"},
		"another zone":          {"datetime_convert_timezone", given{"time": "2026-05-01T12:00:00Z", "timezone": "America/New_York"}, "2026-05-01T08:00:00-04:00"},
		"a month":               {"datetime_add", given{"time": "2024-01-31", "months": 1}, "2024-02-29T00:00:00Z"},
		"a leap day and a year": {"datetime_add", given{"time": "2024-02-29", "years": 1, "days": 1}, "2025-03-01T00:00:00Z"},
		"months back":           {"datetime_add", given{"time": "2026-03-31", "months": -13}, "2025-02-28T00:00:00Z"},
		"a day over a clock":    {"datetime_add", given{"time": "2026-03-28T12:00:00", "days": 1, "timezone": "Europe/Berlin"}, "2026-03-29T12:00:00+02:00"},
		"hours over a clock":    {"datetime_add", given{"time": "2026-03-28T12:00:00", "hours": 24, "timezone": "Europe/Berlin"}, "2026-03-29T13:00:00+02:00"},
		"seconds of all kinds":  {"datetime_add", given{"time": "2026-01-01", "hours": 1.5, "minutes": -30, "seconds": 0.25}, "2026-01-01T01:00:00.25Z"},
		"far":                   {"datetime_add", given{"time": "2026-01-01", "hours": 1000000, "minutes": 60000000, "seconds": 3600000000}, "2368-03-29T00:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := answer(t, h, c.operation, c.in)
			if err != nil || got["iso"] != c.iso {
				t.Errorf("got %v, %v, want %s", got, err, c.iso)
			}
		})
	}
	before := time.Now()
	got, err := answer(t, h, "datetime_now", given{"timezone": "Europe/Berlin"})
	if err != nil {
		t.Fatal(err)
	}
	now, err := time.Parse(time.RFC3339Nano, got["iso"].(string))
	if err != nil || now.Before(before.Truncate(0)) || now.After(time.Now()) || got["timezone"] != "Europe/Berlin" || got["weekday"] != now.Weekday().String() || got["unix"] != float64(now.Unix()) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestRefusals(t *testing.T) {
	h := start(t)
	deep := strings.Repeat("[", 5000) + strings.Repeat("]", 5000)
	many := make([]given, 2000)
	for i := range many {
		many[i] = given{}
	}
	for name, c := range map[string]struct {
		operation string
		in        given
	}{
		"no such zone":             {"datetime_now", given{"timezone": "Europe/Atlantis"}},
		"this machine's zone":      {"datetime_now", given{"timezone": "Local"}},
		"a zone that climbs":       {"datetime_now", given{"timezone": "../../etc/passwd"}},
		"an ambiguous time":        {"datetime_parse", given{"time": "01/02/2026"}},
		"no such day":              {"datetime_parse", given{"time": "2026-02-30"}},
		"another form":             {"datetime_parse", given{"time": "2026-05-01", "format": "%d.%m.%Y"}},
		"a format with a date":     {"datetime_parse", given{"time": "2026", "format": "2006"}},
		"an unknown directive":     {"datetime_format", given{"time": "2026-05-01", "format": "%Q"}},
		"half a directive":         {"datetime_format", given{"time": "2026-05-01", "format": "100%"}},
		"beyond the years":         {"datetime_add", given{"time": "2026-05-01", "years": 9000}},
		"before the years":         {"datetime_add", given{"time": "2026-05-01", "days": -9999999}},
		"both text and base64":     {"crypto_hash", given{"algorithm": "sha256", "text": "a", "base64": "YQ=="}},
		"neither":                  {"crypto_hash", given{"algorithm": "sha256"}},
		"an empty key":             {"crypto_hmac", given{"algorithm": "sha256", "text": "a", "key": ""}},
		"no key":                   {"crypto_hmac", given{"algorithm": "sha256", "text": "a"}},
		"version 5":                {"crypto_uuid", given{"version": 5}},
		"a range turned round":     {"crypto_random", given{"min": 2, "max": 1}},
		"half a range":             {"crypto_random", given{"min": 2}},
		"an alphabet of one":       {"crypto_random", given{"alphabet": "a", "length": 5}},
		"all at once":              {"crypto_random", given{"bytes": 5, "min": 1, "max": 2}},
		"no base64":                {"convert_base64_decode", given{"base64": "a*b"}},
		"no JSON":                  {"convert_json_parse", given{"text": `{"a":}`}},
		"rows of two lengths":      {"convert_csv_to_json", given{"csv": "a,b\n1"}},
		"a name twice":             {"convert_csv_to_json", given{"csv": "a,a\n1,2"}},
		"an open quote":            {"convert_csv_to_json", given{"csv": "a\n\"x"}},
		"two delimiters":           {"convert_csv_to_json", given{"csv": "a", "delimiter": ";;"}},
		"a quote as delimiter":     {"convert_json_to_csv", given{"rows": []given{{"a": 1}}, "delimiter": "\""}},
		"too much text":            {"convert_base64_encode", given{"text": strings.Repeat("x", maxText+1)}},
		"blanks without end":       {"convert_json_stringify", given{"value": json.RawMessage(deep), "indent": 8}},
		"a header again and again": {"convert_csv_to_json", given{"csv": strings.Repeat("x", 100000) + "\n" + strings.Repeat("a\n", 100)}},
		"mostly empty cells":       {"convert_json_to_csv", given{"rows": many, "columns": strings.Split(strings.Repeat("a,", 1000), ",")}},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := answer(t, h, c.operation, c.in); sdk.KindOf(err) != sdk.InvalidInput {
				t.Errorf("got %.200v, %v, want invalid input", got, err)
			}
		})
	}
}

func TestRandomValues(t *testing.T) {
	h := start(t)
	seen := map[string]bool{}
	for version, form := range map[int]string{4: `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, 7: `^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`} {
		got, err := answer(t, h, "crypto_uuid", given{"version": version, "count": 100})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range got["values"].([]any) {
			if !regexp.MustCompile(form).MatchString(id.(string)) || seen[id.(string)] {
				t.Errorf("version %d: got %s", version, id)
			}
			seen[id.(string)] = true
		}
	}
	for form, in := range map[string]given{`^[0-9a-f]{64}$`: {}, `^[A-Za-z0-9_-]{22}$`: {"bytes": 16, "encoding": "base64url"}, `^[1-3]$`: {"min": 1, "max": 3}, `^-9223372036854775808$`: {"min": json.Number("-9223372036854775808"), "max": json.Number("-9223372036854775808")},
		`^[äb]{20}$`: {"alphabet": "äb", "length": 20}} {
		if got, err := answer(t, h, "crypto_random", in); err != nil || !regexp.MustCompile(form).MatchString(got["value"].(string)) {
			t.Errorf("%v: got %v, %v, want %s", in, got, err, form)
		}
	}
	// Over all of the range, both ends included.
	found := map[any]bool{}
	for range 200 {
		got, err := answer(t, h, "crypto_random", given{"min": -1, "max": 1})
		if err != nil {
			t.Fatal(err)
		}
		found[got["value"]] = true
	}
	if len(found) != 3 {
		t.Errorf("of three values %v came", found)
	}
}

func FuzzIndentedSize(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":"\"[,"}],"c":{}}`), 4)
	f.Fuzz(func(t *testing.T, value []byte, indent int) {
		indent &= 7
		var compact json.RawMessage
		if json.Unmarshal(value, &compact) != nil || len(value) > 1000 {
			return
		}
		packed, err := json.Marshal(compact)
		if err != nil {
			return
		}
		spread, err := json.MarshalIndent(compact, "", strings.Repeat(" ", indent))
		if err == nil && len(spread) > indentedSize(packed, indent) {
			t.Errorf("%q by %d: %d bytes, and %d were thought", packed, indent, len(spread), indentedSize(packed, indent))
		}
	})
}

func FuzzFormats(f *testing.F) {
	f.Add("2026-05-01", "%Y-%m-%d")
	f.Add("1e9", "%")
	f.Fuzz(func(t *testing.T, text, format string) {
		moment, err := read("/time", text, time.UTC)
		if err != nil {
			return
		}
		if moment.Year() < 0 || moment.Year() > maxYear {
			t.Errorf("%q is in the year %d", text, moment.Year())
		}
		_, _ = write(format, moment) // they must not panic
		_, _ = layoutOf(format)
	})
}
