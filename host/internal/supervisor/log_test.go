package supervisor

import (
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/host/internal/catalog"
)

const awkward = `pa"ss/w<or>d+with&all`

func awkwardRequest() catalog.Request {
	p := &catalog.Platform{AuthMethods: []catalog.AuthMethod{{Type: "custom", Fields: []catalog.Field{{Name: "user"}, {Name: "password", Secret: true}, {Name: "pin", Secret: true}}}}}
	return catalog.Request{Platform: p, Credential: catalog.NewCredential("custom", map[string]string{"user": "a-public-name", "password": awkward,
		"pin": "1234", "undeclared": "line-one-of-a-key\nline-two-of-a-key\n"})}
}

// A secret is cut out in whatever form a program prints it; what is public and what is too short stays.
func TestSecretsInLines(t *testing.T) {
	quoted, err := json.Marshal(awkward)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", maxLine)
	for _, line := range []string{
		awkward, "password=" + awkward + ".", string(quoted), `{"level":"ERROR","msg":` + string(quoted) + `}`, `{"msg":"\u0070a\"ss/w<or>d+with&all"}`, `{"msg":"m","err":{"p":["\u0070a\"ss/w<or>d+with&all"]}}`,
		"https://x/?p=pa%22ss%2Fw%3Cor%3Ed%2Bwith%26all", "Basic cGEic3Mvdzxvcj5kK3dpdGgmYWxs",
		"line-one-of-a-key", "x line-two-of-a-key y", long[:maxLine-10] + awkward, long[:maxLine-len(awkward)+1] + awkward, long[:maxLine-4] + awkward,
	} {
		var log lines
		w := newLogWriter(slog.New(slog.NewTextHandler(&log, nil)), "one")
		w.hide(secretsOf(awkwardRequest()))
		s := w.stream()
		for i := 0; i < len(line); i += 7 { // in pieces, as a pipe gives it
			_, _ = io.WriteString(s, line[i:min(i+7, len(line))])
		}
		_, _ = io.WriteString(s, "\n")
		for _, secret := range []string{"pa\"ss", `pa\"ss`, `pa\\"ss`, "%3Cor", "w<or", "cGEic3", "line-one", "line-two"} {
			if strings.Contains(log.String(), secret) || strings.Contains(w.last(), secret) {
				t.Errorf("%.100q is logged as %s", line, log.String())
			}
		}
		if !strings.Contains(log.String(), "secret]") {
			t.Errorf("%.100q is logged as %s", line, log.String())
		}
	}
	var log lines
	w := newLogWriter(slog.New(slog.NewTextHandler(&log, nil)), "one")
	w.hide(secretsOf(awkwardRequest()))
	_, _ = io.WriteString(w.stream(), "a-public-name has pin 1234\n")
	if !strings.Contains(log.String(), "a-public-name has pin 1234") {
		t.Errorf("the line is logged as %s", log.String())
	}
}

// Two streams that come at the same time do not mix within a line.
func TestStreamsDoNotMix(t *testing.T) {
	var log lines
	w := newLogWriter(slog.New(slog.NewTextHandler(&log, nil)), "one")
	w.hide([]string{"a-long-secret"})
	first, second := w.stream(), w.stream()
	_, _ = io.WriteString(first, "here is a-long")
	_, _ = io.WriteString(second, "something else\n")
	_, _ = io.WriteString(first, "-secret")
	w.flush()
	if got := log.String(); strings.Contains(got, "a-long") || !strings.Contains(got, `msg="here is [secret]"`) || !strings.Contains(got, `msg="something else"`) {
		t.Errorf("the log is %s", got)
	}
}

// Old secrets make room for new ones.
func TestSecretsAreBounded(t *testing.T) {
	w := newLogWriter(slog.New(slog.DiscardHandler), "one")
	for i := range 3 * keptSecrets {
		w.hide([]string{"secret-number-" + strings.Repeat("x", i)})
	}
	if len(w.secrets) != keptSecrets || len(w.ring) != keptSecrets {
		t.Errorf("%d secrets are kept", len(w.secrets))
	}
	last := "secret-number-" + strings.Repeat("x", 3*keptSecrets-1)
	if got := w.redact(last, false); got != hidden {
		t.Errorf("the last one is logged as %.50s", got)
	}
}

func TestParseLine(t *testing.T) {
	for line, want := range map[string]struct {
		level        slog.Level
		text, fields string
	}{
		"plain": {slog.LevelInfo, "plain", ""},
		`{"time":"now","level":"WARN","msg":"m"}`:      {slog.LevelWarn, "m", ""},
		`{"@level":"error","@message":"m","call":"c"}`: {slog.LevelError, "m", `{"call":"c"}`},
		`{"@level":"trace","@message":"m"}`:            {slog.LevelInfo, "m", ""},
		`{"level":"ERROR+400","msg":"m"}`:              {slog.LevelError, "m", ""},
		`{"level":"DEBUG-90"}`:                         {slog.LevelDebug, "an adapter's line", ""},
		`{"level":5}`:                                  {slog.LevelInfo, "an adapter's line", `{"level":5}`},
		"{":                                            {slog.LevelInfo, "{", ""},
	} {
		if level, text, fields := parseLine(line); level != want.level || text != want.text || fields != want.fields {
			t.Errorf("%s is %v, %q, %q", line, level, text, fields)
		}
	}
}

func FuzzLogStream(f *testing.F) {
	f.Add("a\nb", "c\n\n")
	f.Add(`{"level":"info","msg":"a-long-secret"}`+"\n", strings.Repeat("x", 3000))
	f.Fuzz(func(t *testing.T, a, b string) {
		var log lines
		w := newLogWriter(slog.New(slog.NewJSONHandler(&log, nil)), "one")
		w.hide([]string{"a-long-secret"})
		for _, s := range []io.Writer{w.stream(), w.stream()} {
			if n, err := io.WriteString(s, a+b); n != len(a+b) || err != nil {
				t.Fatalf("Write: %d, %v", n, err)
			}
		}
		w.flush()
		if strings.Contains(log.String(), "a-long-secret") || strings.Contains(w.last(), "\x1b") {
			t.Fatalf("the log is %s", log.String())
		}
	})
}
