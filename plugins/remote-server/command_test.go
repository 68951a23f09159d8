package main

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/sdk"
)

type object = map[string]any

func TestExecuteCommand(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	dir := t.TempDir()
	odd := dir + "/it's $(touch pwned) `touch pwned` \\ ! \"x\" ünïcödé\n;touch pwned;"
	if err := os.Mkdir(odd, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		input object
		want  Finished
	}{
		"output and errors": {object{"command": "echo out; echo err >&2; exit 3"}, Finished{Stdout: "out\n", Stderr: "err\n", ExitCode: 3}},
		"a signal":          {object{"command": "kill -KILL $$"}, Finished{ExitCode: 137, Signal: "KILL"}},
		"no input":          {object{"command": "cat; echo end"}, Finished{Stdout: "end\n"}},
		"unicode":           {object{"command": "printf 'grüße 🌍'"}, Finished{Stdout: "grüße 🌍"}},
		"a directory":       {object{"command": "pwd", "cwd": dir}, Finished{Stdout: dir + "\n"}},
		"an odd directory":  {object{"command": "pwd", "cwd": odd}, Finished{Stdout: odd + "\n"}},
		"a failing directory runs nothing": {object{"command": "false || echo ran; echo ran", "cwd": "/nowhere", "env": object{"LC_ALL": "C"}},
			Finished{ExitCode: 1, Stderr: "nowhere"}},
		"variables": {object{"command": `printf '%s|' "$A" "$B" "$C"`, "env": object{"A": "it's\n$(id)`id`", "B": `\ ! "; exit 9`, "C": "-n ünï"}},
			Finished{Stdout: "it's\n$(id)`id`|\\ ! \"; exit 9|-n ünï|"}},
		"a command of many lines in a place": {object{"command": "for i in 1 2; do\n  echo \"it's $i\\n\"\ndone", "cwd": "/", "env": object{"A": "1"}},
			Finished{Stdout: "it's 1\\n\nit's 2\\n\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := call[Finished](t, s, "execute_command", c.input)
			got.DurationMS = 0
			if c.want.Stderr == "nowhere" && strings.Contains(got.Stderr, "/nowhere") {
				got.Stderr = "nowhere" // the shell's own words
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPlacesAreNoCommands(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	dir := t.TempDir()
	proof := dir + "/pwned"
	for _, attack := range []string{
		"'; touch " + proof + "; '", "$(touch " + proof + ")", "`touch " + proof + "`", "\"; touch " + proof + "; \"", "\n touch " + proof + "\n",
		"-P; touch " + proof, "&& touch " + proof, "| touch " + proof, "\\'; touch " + proof + "; \\'", "'\\''; touch " + proof + " #", "x' || touch " + proof + " || '",
	} {
		if out := call[Finished](t, s, "execute_command", object{"command": "true", "cwd": attack, "env": object{"A": attack}}); out.ExitCode == 0 {
			t.Errorf("the directory %q was entered", attack)
		}
		out := call[Finished](t, s, "run_script", object{"script": `printf %s "$1"`, "args": []string{attack}, "env": object{"A": attack}})
		if out.Stdout != attack {
			t.Errorf("the argument %q arrived as %q", attack, out.Stdout)
		}
		if _, err := os.Stat(proof); err == nil {
			t.Fatalf("%q ran as a command", attack)
		}
	}
	for name, input := range map[string]object{
		"a name that is a command": {"command": "true", "env": object{"A=1 touch " + proof + " #": "x"}},
		"a name that is an option": {"command": "true", "env": object{"-S": "touch " + proof}},
		"an empty name":            {"command": "true", "env": object{"": "x"}},
		"a NUL in the command":     {"command": "true\x00"},
		"a NUL in the directory":   {"command": "true", "cwd": "/tmp\x00/x"},
		"a NUL in a variable":      {"command": "true", "env": object{"A": "x\x00"}},
		"a command that is long":   {"command": "true", "env": object{"A": strings.Repeat("x", 130<<10)}},
	} {
		e := fails(t, s, sdk.InvalidInput, "execute_command", input)
		if len(e.Violations) == 0 {
			t.Errorf("%s: the error names no field", name)
		}
	}
	if _, err := os.Stat(proof); err == nil {
		t.Error("a name ran as a command")
	}
	if out := call[Finished](t, s, "execute_command", object{"command": "pwd", "cwd": "~"}); out.Stdout != call[Finished](t, s, "execute_command", object{"command": "pwd"}).Stdout {
		t.Errorf("~ is %q", out.Stdout)
	}
}

// The command goes on only when the test has seen its first words.
func TestCommandStreams(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	seen := t.TempDir() + "/seen"
	input, err := json.Marshal(object{"command": `printf 'a\303'; until [ -e ` + seen + ` ]; do sleep 0.05; done; printf '\244b'; echo oops >&2`})
	if err != nil {
		t.Fatal(err)
	}
	stream := openStream(t, s, "execute_command", string(input))
	got := map[string]string{}
	for {
		m, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if m.GetResult() != nil {
			if out := decode[Finished](t, m.GetResult().GetOutput()); out.Stdout != "aäb" || out.Stderr != "oops\n" {
				t.Errorf("the result is %+v", out)
			}
			break
		}
		p := decode[piece](t, m.GetDelta())
		if !utf8.ValidString(p.Data) || strings.ContainsRune(p.Data, utf8.RuneError) {
			t.Errorf("a delta cuts a character: %q", p.Data)
		}
		if got[p.Stream] += p.Data; got["stdout"] == "a" {
			writeLocal(t, nil, seen)
		}
	}
	if diff := cmp.Diff(map[string]string{"stdout": "aäb", "stderr": "oops\n"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestOutputIsBounded(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	out := call[Finished](t, s, "execute_command", object{"command": "head -c 5000000 /dev/zero | tr '\\0' x; head -c 2000000 /dev/zero | tr '\\0' y >&2; exit 7"})
	if len(out.Stdout) != maxOutputBytes || len(out.Stderr) != maxOutputBytes || !out.StdoutTruncated || !out.StderrTruncated || out.ExitCode != 7 {
		t.Errorf("%d and %d bytes, truncated %v and %v, exit code %d", len(out.Stdout), len(out.Stderr), out.StdoutTruncated, out.StderrTruncated, out.ExitCode)
	}
	out = call[Finished](t, s, "execute_command", object{"command": "printf x; yes ä | tr -d '\\n' | head -c 2000000"})
	if !utf8.ValidString(out.Stdout) || len(out.Stdout) < maxOutputBytes-4 {
		t.Errorf("the cut output has %d bytes, valid %v", len(out.Stdout), utf8.ValidString(out.Stdout))
	}
	out = call[Finished](t, s, "execute_command", object{"command": "head -c 1048576 /dev/urandom"}) // as JSON six times that
	if !strings.ContainsRune(out.Stdout, utf8.RuneError) || out.StdoutTruncated {
		t.Error("bytes that are not text are not replaced")
	}
}

func TestTimeoutEndsTheProcess(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	nap := longSleep()
	for name, command := range map[string]string{
		"one that obeys":      "sh -c '" + nap + "; true'",
		"one that does not":   "trap '' TERM; while :; do " + nap + "; done",
		"one with a pipeline": nap + " | cat",
	} {
		t.Run(name, func(t *testing.T) {
			e := fails(t, s, sdk.Timeout, "execute_command", object{"command": command, "timeout": 1})
			if !strings.Contains(e.Message, "was ended on the server") {
				t.Errorf("the error is %q", e.Message)
			}
			gone(t, nap)
		})
	}
}

func TestCancellationEndsTheProcess(t *testing.T) {
	t.Parallel()
	s, nap := newServer(t), longSleep()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := s.harness.Execute(ctx, request("execute_command", object{"command": "touch started; " + nap, "cwd": dir, "timeout": 600}, s.fields))
		done <- err
	}()
	eventually(t, "the command starts", func() bool { _, err := os.Stat(dir + "/started"); return err == nil })
	cancel()
	if err := <-done; err == nil {
		t.Error("the cancelled call succeeded")
	}
	gone(t, nap)
}

// The call's own deadline comes first: the process is ended before the host cuts the connection.
func TestDeadlineEndsTheProcess(t *testing.T) {
	t.Parallel()
	s, nap := newServer(t), longSleep()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	_, err := s.harness.Execute(ctx, request("execute_command", object{"command": nap, "timeout": 600}, s.fields))
	if e := wantKind(t, err, sdk.Timeout); !strings.Contains(e.Message, "was ended on the server") {
		t.Errorf("the error is %q", e.Message)
	}
	gone(t, nap)
}

// Where the server allows one session only, and passes no signal on, an error must not say that the process is gone.
func TestUnconfirmedEndIsSaid(t *testing.T) {
	t.Parallel()
	s, nap := newServer(t, "MaxSessions 1"), longSleep()
	pidFile := t.TempDir() + "/pid"
	e := fails(t, s, sdk.Timeout, "execute_command", object{"command": "trap '' TERM; echo $$ >" + pidFile + "; " + nap + "; true", "timeout": 1})
	if !alive(t, nap) {
		return // OpenSSH has passed the signal on, as it does for users other than root
	}
	if !strings.Contains(e.Message, "may still be running") {
		t.Errorf("the process runs and the error is %q", e.Message)
	}
	if out, err := exec.Command("sh", "-c", "kill -s KILL -- -$(cat "+pidFile+")").CombinedOutput(); err != nil {
		t.Errorf("ending what the test left: %v: %s", err, out)
	}
}

func TestLostConnectionIsUnknownOutcome(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	e := fails(t, s, sdk.OutcomeUnknown, "execute_command", object{"command": "kill -9 $PPID; sleep 1"})
	if e.NotSent {
		t.Error("the error says that nothing was sent")
	}
}

func TestServersThatCannotBeReached(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	_, free, _ := net.SplitHostPort(listener.Addr().String())
	web := answering(t, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\r\nplanted words\r\n"+strings.Repeat("x", 1<<16))
	closing := answering(t, "")
	for name, c := range map[string]struct {
		port string
		kind sdk.Kind
	}{
		"a port that is closed":        {unusedPort(t), sdk.PlatformUnavailable},
		"a server that hangs up":       {closing, sdk.PlatformUnavailable},
		"a server of another protocol": {web, sdk.PlatformError},
	} {
		_, err := s.harness.Execute(t.Context(), request("execute_command", object{"command": "true"}, s.with("port", c.port)))
		e := wantKind(t, err, c.kind)
		if !e.NotSent {
			t.Errorf("%s: the error does not say that nothing was sent", name)
		}
		holdsNone(t, e.Message, "planted")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := s.harness.Execute(ctx, request("execute_command", object{"command": "true"}, s.with("port", free))); err == nil {
		t.Error("a server that says nothing was waited for in vain and that is no error")
	}
}

func TestRunScript(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for name, c := range map[string]struct {
		input object
		want  string
	}{
		"a shell by default":       {object{"script": "#!/bin/sh\nread x; echo \"[$x] $# $1\"\necho end # last", "args": []string{"it's"}}, "[] 1 it's\nend\n"},
		"an option is an argument": {object{"script": `printf '%s.' "$@"`, "args": []string{"-x", "--", "", "a b"}}, "-x.--..a b."},
		"bash":                     {object{"interpreter": "bash", "script": "a=(1 2 3); echo ${#a[@]} $BASH_VERSION | cut -c1"}, "3\n"},
		"perl":                     {object{"interpreter": "perl", "script": `print "$ARGV[0]\n"; print "é";`, "args": []string{"$x"}}, "$x\né"},
		"python":                   {object{"interpreter": "python3", "script": "import sys\nfor a in sys.argv[1:]:\n    print(repr(a))", "args": []string{"-c", "it's\n"}, "cwd": "/"}, "'-c'\n\"it's\\n\"\n"},
		"a here document":          {object{"script": "cat <<'END'\nit's $HOME\nEND"}, "it's $HOME\n"},
	} {
		t.Run(name, func(t *testing.T) {
			out := call[Finished](t, s, "run_script", c.input)
			if out.ExitCode == 127 {
				t.Skip("the interpreter is not installed: " + out.Stderr)
			}
			if out.Stdout != c.want || out.ExitCode != 0 {
				t.Errorf("got %q (%d, %q), want %q", out.Stdout, out.ExitCode, out.Stderr, c.want)
			}
		})
	}
	out := call[Finished](t, s, "run_script", object{"script": "echo before\nif then", "timeout": 5})
	if out.ExitCode == 0 || out.Stdout != "" {
		t.Errorf("a script that is no script ran in part: %+v", out)
	}
	// A program that does not read a long script must not hang the call, nor make it fail.
	if out := call[Finished](t, s, "run_script", object{"script": "exit 4\n" + strings.Repeat("# comment\n", 90000)}); out.ExitCode != 4 {
		t.Errorf("exit code %d", out.ExitCode)
	}
	r := request("run_script", object{"script": "true", "interpreter": "sh -c 'id'"}, s.fields)
	r.AnyInput = true
	_, err := s.harness.Execute(t.Context(), r)
	wantKind(t, err, sdk.InvalidInput)
}

func TestSystemInfo(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	got := call[System](t, s, "system_info", object{})
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if got.System != "Linux" || got.Hostname != name || got.User != s.User || got.UID == nil || *got.UID != int64(os.Getuid()) {
		t.Errorf("got %+v", got)
	}
	if got.CPUs < 1 || got.MemoryBytes < 1<<20 || got.DiskBytes < 1<<20 || got.OS == "" {
		t.Errorf("numbers are missing: %+v", got)
	}
}

func FuzzParseSystem(f *testing.F) {
	f.Add("hostname=x\ncpus=2\nmemory_kib=12\nuid=0\nload=0.5\n")
	f.Add("cpus=-9223372036854775808\ndisk_kib=9223372036854775807\nload=NaN\nuid=\n=\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		s := parseSystem(text)
		if s.CPUs < 0 || s.MemoryBytes < 0 || s.DiskBytes < 0 || s.UptimeSeconds < 0 || !(s.Load >= 0) {
			t.Errorf("%q is read as %+v", text, s)
		}
	})
}

// Whatever the text, the word is one for every shell, and means that text.
func FuzzWord(f *testing.F) {
	for _, seed := range append(oddNames, "", "it's", `\`, `\'`, "!", "a\nb", "$(id)", "`id`", "''", `"`, "-n", "\xff", `\0101`) {
		f.Add(seed)
	}
	octal := regexp.MustCompile(`\\0[0-7]{3}`)
	f.Fuzz(func(t *testing.T, text string) {
		got := word(text)
		inner := got[1 : len(got)-1]
		if got[0] != '\'' || got[len(got)-1] != '\'' || strings.ContainsAny(inner, "'!\n\r") {
			t.Fatalf("%q is written as %q", text, got)
		}
		back := octal.ReplaceAllStringFunc(inner, func(escape string) string {
			n, err := strconv.ParseUint(escape[1:], 8, 8)
			if err != nil {
				t.Fatal(err)
			}
			return string([]byte{byte(n)})
		})
		if back != text {
			t.Errorf("%q is written as %q, which means %q", text, got, back)
		}
	})
}

// The shells that are installed here read the words that every login shell must.
func TestEveryLoginShellReadsWords(t *testing.T) {
	t.Parallel()
	found := 0
	for _, name := range []string{"sh", "dash", "bash", "zsh", "ksh", "fish", "tcsh", "csh"} {
		shell, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		found++
		for _, text := range append(oddNames, "\ntouch pwned\n", `\0101`, "!!", "-n", "", "end\n\n") {
			j, err := place{cwd: "/", env: map[string]string{"A": text}}.program("", []string{`printf "%s|" "$A" "$1"; pwd`, "x", text}, "sh -c")
			if err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(shell, "-c", j.line).Output()
			if want := text + "|" + text + "|/\n"; err != nil || string(out) != want {
				t.Errorf("%s reads %q as %q (%v)", name, text, out, err)
			}
		}
	}
	if found == 0 {
		t.Error("no shell is installed")
	}
}

// longSleep is a command that no other test and no other run has.
func longSleep() string { return "sleep 36" + strconv.FormatUint(rand.Uint64(), 10) }

// gone waits until no process has a word in its command line: the kernel takes a moment after the server has answered.
func gone(t *testing.T, word string) {
	t.Helper()
	eventually(t, "the process is gone", func() bool { return !alive(t, word) })
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never happens that %s", what)
		}
	}
}

// unusedPort answers a port that nothing listens on.
func unusedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

// answering listens on a port, answers each connection with some words and hangs up.
func answering(t *testing.T, words string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte(words))
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}
