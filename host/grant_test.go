package host_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aead.dev/minisign"

	"github.com/patchbay/patchbay/host"
)

// probe is a release of the probe for grants.
func probe(t *testing.T, version string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "grantprobe")
	build := exec.Command("go", "build", "-ldflags", "-s -w -X main.version="+version, "-o", path, "./testdata/grantprobe")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// Each grant opens what it names and nothing else, and stays visible; without it, the kernel or the host refuses.
func TestGrants(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	public, secret, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.must("POST", "/v1/adapter-keys", map[string]string{"name": "me", "public_key": public.String()}, nil)
	readable := filepath.Join(dataDir(t), "..", "runtime")
	if err := os.Mkdir(readable, 0o755); err != nil {
		t.Fatal(err)
	}
	inside := filepath.Join(readable, "library")
	if err := os.WriteFile(inside, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	integration := ""
	release := func(version string, grants ...string) {
		t.Helper()
		var pack bytes.Buffer
		if _, err := host.Pack(t.Context(), host.PackConfig{Binaries: []string{probe(t, version)}, Grants: grants,
			Sign: func(m []byte) ([]byte, error) { return minisign.Sign(secret, m), nil }}, &pack); err != nil {
			t.Fatal(err)
		}
		fields := []form{{"pack", pack.String()}}
		for _, g := range grants {
			fields = append(fields, form{"grant", g})
		}
		if status, out := s.install("grantprobe", fields...); status != 201 {
			t.Fatalf("installing %s: %d %v", version, status, out)
		}
		s.must("POST", "/v1/adapters/grantprobe/activate", map[string]any{"version": version}, nil)
		eventually(t, version+" serves", func() bool { return s.confinement(version) != "" })
		if integration == "" {
			var i integrationView
			s.must("POST", "/v1/integrations", map[string]any{"platform": "grantprobe", "label": "x", "auth_method": "bearer", "credential": map[string]string{"token": "t"}}, &i)
			integration = i.ID
		}
	}
	try := func(what, on string) (failed string, uid float64) {
		t.Helper()
		var out answerView
		s.must("POST", "/v1/calls", map[string]any{"integration": integration, "operation": "try", "input": map[string]string{"what": what, "on": on}}, &out)
		failed, _ = out.Output["error"].(string)
		uid, _ = out.Output["uid"].(float64)
		return failed, uid
	}
	refused := func(what, on, why string) {
		t.Helper()
		if failed, _ := try(what, on); !strings.Contains(failed, why) {
			t.Errorf("%s %s: %q, want %q", what, on, failed, why)
		}
	}

	release("1.0.0")
	refused("read", inside, "denied")
	refused("unshare", "", "not permitted")
	refused("connect", "", "not permitted")
	undeclared, _ := try("dial", "127.0.0.1:443")
	if undeclared == "" {
		t.Error("a host that is not declared can be reached")
	}

	release("2.0.0", "runtime:"+readable)
	if failed, _ := try("read", inside); failed != "" {
		t.Errorf("what is granted cannot be read: %s", failed)
	}
	refused("read", "/etc/hostname", "denied")
	if c := s.confinement("2.0.0"); !strings.Contains(c, "may read "+readable) {
		t.Errorf("the status says %q", c)
	}

	release("3.0.0", "egress:*")
	if granted, _ := try("dial", "127.0.0.1:443"); granted == undeclared || granted == "" {
		t.Errorf("with egress:* a loopback address answers %q, without %q", granted, undeclared)
	}
	if other, _ := try("dial", "127.0.0.1:444"); other == "" {
		t.Error("another port than 443 is open")
	}
	refused("read", inside, "denied")

	if os.Getuid() != 0 {
		t.Skip("what the grant containers gives was not tried: only root runs containers")
	}
	release("4.0.0", "containers")
	if failed, uid := try("read", "/etc/hostname"); failed != "" || uid != 0 {
		t.Errorf("with containers: %q as %v", failed, uid)
	}
	if failed, _ := try("unshare", ""); failed != "" {
		t.Errorf("a namespace cannot be made: %s", failed)
	}
	refused("connect", "", "unreachable") // its network has no way out
	if c := s.confinement("4.0.0"); !strings.HasPrefix(c, "privileged: containers") {
		t.Errorf("the status says %q", c)
	}
}

// confinement answers what the probe's status says of a version that serves, or "".
func (c client) confinement(version string) string {
	c.t.Helper()
	var l struct {
		Items []struct {
			Name  string
			Hosts []struct {
				Version, Confinement string
				Swapping             bool
			}
		}
	}
	c.must("GET", "/v1/adapters", nil, &l)
	for _, a := range l.Items {
		if a.Name == "grantprobe" && len(a.Hosts) == 1 && a.Hosts[0].Version == version && !a.Hosts[0].Swapping {
			return a.Hosts[0].Confinement
		}
	}
	return ""
}
