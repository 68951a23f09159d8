package main

import (
	"testing"

	"github.com/patchbay/patchbay/sdk/sandbox"
)

func TestLife(t *testing.T) {
	b := newBox(t, sandbox.Container)
	if r := b.sh("echo hello; echo oops >&2; exit 7"); r.stdout != "hello\n" || r.stderr != "oops\n" || r.state.ExitCode != 7 {
		t.Errorf("got %+v", r)
	}
	t.Log(b.sh("id; pwd; ls -la / /workspace; python3 -c 'print(1)'; node -e 'console.log(2)'; cat /proc/self/status | grep -E 'Seccomp|Cap|NoNew'; ps aux; df -h; ip a; mount").stdout)
}
