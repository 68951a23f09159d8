package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/sdk/sdktest"
)

// programs answers the built programs: those of scripts/build, or fresh ones.
func programs(t *testing.T) string {
	t.Helper()
	if bin := os.Getenv("PATCHBAY_TEST_BIN"); bin != "" {
		return bin
	}
	bin := t.TempDir()
	for target, pkg := range map[string]string{"patchbay": ".", "adapters/slack": "../../plugins/slack", "adapters/remote-server": "../../plugins/remote-server"} {
		build := exec.Command("go", "build", "-o", filepath.Join(bin, target), pkg)
		build.Env = append(os.Environ(), "CGO_ENABLED=0") // a confined program loads no libraries
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("building %s: %v\n%s", target, err, out)
		}
	}
	return bin
}

// liveHost is `patchbay serve` in a process of its own.
type liveHost struct {
	t                     *testing.T
	bin, data, url, token string
}

// serveHost starts one on a free port; flags of serve may be added.
func serveHost(t *testing.T, flags ...string) *liveHost {
	t.Helper()
	parent, err := os.MkdirTemp("", "pb-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(parent, 0o711); err != nil { // the database's own user passes it
		t.Fatal(err)
	}
	h := &liveHost{t: t, bin: programs(t), data: filepath.Join(parent, "data")}
	cmd := exec.Command(filepath.Join(h.bin, "patchbay"), append([]string{"serve", "--listen", "127.0.0.1:0"}, flags...)...)
	cmd.Env = append(os.Environ(), "PATCHBAY_DATA="+h.data)
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the host ended with %v", err)
		}
		if t.Failed() {
			t.Logf("the host's log:\n%s", log.String())
		}
		_ = os.RemoveAll(parent)
	})
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	if err != nil || !strings.Contains(first, "is ready at ") {
		t.Fatalf("the host said %q: %v\n%s", first, err, log.String())
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }() // ends with the process
	_, url, _ := strings.Cut(strings.TrimSpace(first), "is ready at ")
	h.url = url
	token, err := os.ReadFile(filepath.Join(h.data, "operator.token"))
	if err != nil {
		t.Fatal(err)
	}
	h.token = strings.TrimSpace(string(token))
	return h
}

// cli runs a command as a user types it, and answers what it printed and its exit status.
func (h *liveHost) cli(args ...string) (stdout, stderr string, status int) {
	h.t.Helper()
	cmd := exec.Command(filepath.Join(h.bin, "patchbay"), args...)
	cmd.Env = append(os.Environ(), "PATCHBAY_DATA="+h.data, "PATCHBAY_URL=", "PATCHBAY_TOKEN=")
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		h.t.Fatal(err)
	}
	return out.String(), problems.String(), cmd.ProcessState.ExitCode()
}

func (h *liveHost) mustCLI(args ...string) string {
	h.t.Helper()
	out, problems, status := h.cli(args...)
	if status != 0 {
		h.t.Fatalf("patchbay %s ended with %d: %s%s", strings.Join(args, " "), status, out, problems)
	}
	return out
}

// post sends a request over REST.
func (h *liveHost) post(path, kind string, body io.Reader, accept string) (int, []byte) {
	h.t.Helper()
	req, err := http.NewRequest(http.MethodPost, h.url+path, body)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+h.token)
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Accept", accept)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return resp.StatusCode, raw
}

// A remote server is connected and used as the README says: on the command line and over REST, with files and streams.
func TestRemoteServerFromTheCommandLine(t *testing.T) {
	sshd := sdktest.SSHD(t)
	h := serveHost(t)
	key := filepath.Join(t.TempDir(), "id_ed25519")
	if err := os.WriteFile(key, []byte(sshd.PrivateKey), 0o600); err != nil {
		t.Fatal(err)
	}
	connect := []string{"connect", "remote-server", "--label", "here", "--field", "host=" + sshd.Host, "--field", fmt.Sprint("port=", sshd.Port),
		"--field", "username=" + sshd.User, "--field-file", "private_key=" + key}

	_, problems, status := h.cli(connect...)
	if want := "patchbay platform set remote-server --allow-private-network"; status != 1 || !strings.Contains(problems, want) {
		t.Fatalf("a loopback host ends with %d and %q, which should name %q", status, problems, want)
	}
	h.mustCLI("platform", "set", "remote-server", "--allow-private-network")
	h.mustCLI(connect...)

	var output struct {
		Stdout   string
		ExitCode int `json:"exit_code"`
	}
	raw := h.mustCLI("call", "remote-server.execute_command", "--input", `{"command":"uname -a"}`)
	if err := json.Unmarshal([]byte(raw), &output); err != nil || !strings.Contains(output.Stdout, "Linux") || output.ExitCode != 0 {
		t.Fatalf("the call printed %q: %v", raw, err)
	}

	h.confined(t, "remote-server")
	var list struct {
		Items []struct {
			ID     string
			Fields map[string]string
		}
	}
	if err := json.Unmarshal([]byte(h.mustCLI("integrations", "--json")), &list); err != nil || len(list.Items) != 1 {
		t.Fatalf("the integrations are %+v: %v", list, err)
	}
	integration := list.Items[0]
	if integration.Fields["host_key"] != sshd.HostKey {
		t.Errorf("the pinned host key is %q, want %q", integration.Fields["host_key"], sshd.HostKey)
	}
	t.Run("stream", func(t *testing.T) {
		body := fmt.Sprintf(`{"integration":%q,"operation":"execute_command","input":{"command":"echo one; echo two"}}`, integration.ID)
		status, raw := h.post("/v1/calls", "application/json", strings.NewReader(body), "text/event-stream")
		if text := string(raw); status != 200 || !strings.Contains(text, "event: delta\n") || !strings.Contains(text, "event: result\n") || !strings.Contains(text, "one") {
			t.Errorf("the stream is %d %s", status, raw)
		}
	})
	t.Run("files", func(t *testing.T) { h.files(t, integration.ID) })
	t.Run("another user", func(t *testing.T) {
		var user struct{ ID string }
		if err := json.Unmarshal([]byte(h.mustCLI("user", "create", "ann", "--json")), &user); err != nil {
			t.Fatal(err)
		}
		var token struct{ Token string }
		if err := json.Unmarshal([]byte(h.mustCLI("token", "create", "ci", "--user", user.ID, "--json")), &token); err != nil {
			t.Fatal(err)
		}
		other := *h
		other.token = token.Token
		body := fmt.Sprintf(`{"integration":%q,"operation":"execute_command","input":{"command":"id"}}`, integration.ID)
		status, raw := other.post("/v1/calls", "application/json", strings.NewReader(body), "")
		if status != 404 || !strings.Contains(string(raw), "integration_not_found") {
			t.Errorf("another user's token answers %d %s", status, raw)
		}
	})
	t.Run("changed host key", func(t *testing.T) {
		sshd.ChangeHostKey(t)
		_, problems, status := h.cli("call", "remote-server.execute_command", "--input", `{"command":"id"}`)
		if status != 1 || !strings.Contains(problems, sshd.HostKey) && !strings.Contains(problems, integration.Fields["host_key"]) {
			t.Errorf("a server with another key ends with %d: %s", status, problems)
		}
	})
}

// files sends a file of several chunks there and back.
func (h *liveHost) files(t *testing.T, integration string) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 300_000) // 4.8 MB: past the inline limit, several sealed chunks
	remote := filepath.Join(t.TempDir(), "there")
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	if err := w.WriteField("call", fmt.Sprintf(`{"integration":%q,"operation":"upload","input":{"path":%q}}`, integration, remote)); err != nil {
		t.Fatal(err)
	}
	part, err := w.CreateFormFile("file", "there")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if status, raw := h.post("/v1/calls", w.FormDataContentType(), &form, ""); status != 200 {
		t.Fatalf("the upload answers %d %s", status, raw)
	}
	if got, err := os.ReadFile(remote); err != nil || !bytes.Equal(got, content) {
		t.Fatalf("the file there has %d bytes, want %d: %v", len(got), len(content), err)
	}
	body := fmt.Sprintf(`{"integration":%q,"operation":"download","input":{"path":%q}}`, integration, remote)
	status, raw := h.post("/v1/calls", "application/json", strings.NewReader(body), "")
	var answer struct {
		Files []struct {
			URL  string
			Size int64
		}
	}
	if err := json.Unmarshal(raw, &answer); err != nil || status != 200 || len(answer.Files) != 1 {
		t.Fatalf("the download answers %d %s: %v", status, raw, err)
	}
	fetch := func(url string) (int, []byte) {
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		got, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, got
	}
	if status, got := fetch(answer.Files[0].URL); status != 200 || !bytes.Equal(got, content) {
		t.Errorf("the link answers %d with %d bytes", status, len(got))
	}
	if status, _ := fetch(strings.Replace(answer.Files[0].URL, "signature=", "signature=x", 1)); status != 403 {
		t.Errorf("a forged link answers %d", status)
	}
	plain, _, _ := strings.Cut(answer.Files[0].URL, "?")
	if status, _ := fetch(plain); status != 401 {
		t.Errorf("a file without link or token answers %d", status)
	}
}

// confined checks that the kernel holds the adapter that runs, by what it says of the process.
func (h *liveHost) confined(t *testing.T, adapter string) {
	t.Helper()
	var list struct {
		Items []struct {
			Name  string
			Hosts []struct {
				PID         int
				Confinement string
			}
		}
	}
	if err := json.Unmarshal([]byte(h.mustCLI("adapter", "list", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	for _, a := range list.Items {
		if a.Name != adapter || len(a.Hosts) != 1 || a.Hosts[0].PID == 0 {
			continue
		}
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", a.Hosts[0].PID))
		if err != nil {
			t.Fatal(err)
		}
		status := strings.ReplaceAll(string(raw), "\t", "")
		for _, want := range []string{"\nSeccomp:2\n", "\nNoNewPrivs:1\n", "\nCapEff:0000000000000000\n"} {
			if !strings.Contains(status, want) {
				t.Errorf("the kernel does not say %q of the adapter: %s", strings.TrimSpace(want), status)
			}
		}
		if os.Geteuid() == 0 && strings.Contains(status, "\nUid:0") {
			t.Error("the adapter runs as root")
		}
		if !strings.Contains(a.Hosts[0].Confinement, "seccomp") {
			t.Errorf("the confinement is told as %q", a.Hosts[0].Confinement)
		}
		return
	}
	t.Errorf("adapter %s does not run: %+v", adapter, list.Items)
}
