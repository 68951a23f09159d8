package sdktest

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// sshdTries bounds how often a start is repeated because another program took the port first.
const sshdTries = 5

// SSHServer is a real sshd on loopback, which lives as long as its test. It serves the user who runs the test, with SFTP.
type SSHServer struct {
	Host string
	Port int
	// User may sign in with PrivateKey, an ed25519 key in PEM form without a passphrase.
	User       string
	PrivateKey string
	// HostKey is the fingerprint of the server's ed25519 key, as in SHA256:...
	HostKey string

	dir     string
	config  []string
	command *exec.Cmd
	exited  chan struct{} // closed when command has ended
}

// SSHD starts an sshd on a free port of 127.0.0.1 and waits until it answers. Lines of config stand before its own
// sshd_config(5), so that they win. The test is skipped where openssh-server is not installed.
func SSHD(t testing.TB, config ...string) *SSHServer {
	t.Helper()
	if sshdPath() == "" {
		t.Skip("sshd is not installed (Debian: apt-get install openssh-server)")
	}
	self, err := user.Current()
	if err != nil {
		t.Fatalf("finding the user who runs the test: %v", err)
	}
	if os.Geteuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // sshd refuses to start as root without it
			t.Fatalf("making the directory that sshd separates privileges in: %v", err)
		}
	}
	s := &SSHServer{Host: "127.0.0.1", User: self.Username, dir: t.TempDir(), config: config}
	key := NewSSHKey(t, "ed25519", "")
	s.PrivateKey = key.Private
	s.Authorize(t, key.Public)
	s.makeHostKey(t)
	s.start(t)
	t.Cleanup(s.stop)
	return s
}

// SSHKey is a key pair in the forms that OpenSSH writes.
type SSHKey struct {
	// Private is a PEM block, Public a line of authorized_keys, Fingerprint SHA256:...
	Private, Public, Fingerprint string
}

// NewSSHKey makes a key with ssh-keygen: "ed25519", "rsa", "ecdsa", and what else it knows. An empty passphrase means none; more
// are options of ssh-keygen, such as "-b", "1024".
func NewSSHKey(t testing.TB, kind, passphrase string, more ...string) SSHKey {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	args := append([]string{"-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", file}, more...)
	if out, err := exec.Command("ssh-keygen", args...).CombinedOutput(); err != nil {
		t.Fatalf("making a key: %v: %s", err, out)
	}
	return readSSHKey(t, file)
}

func readSSHKey(t testing.TB, file string) SSHKey {
	t.Helper()
	private, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("reading a private key: %v", err)
	}
	public, err := os.ReadFile(file + ".pub")
	if err != nil {
		t.Fatalf("reading a public key: %v", err)
	}
	listed, err := exec.Command("ssh-keygen", "-l", "-E", "sha256", "-f", file+".pub").Output()
	if err != nil {
		t.Fatalf("asking for a fingerprint: %v", err)
	}
	words := strings.Fields(string(listed))
	if len(words) < 2 {
		t.Fatalf("ssh-keygen printed no fingerprint: %q", listed)
	}
	return SSHKey{Private: string(private), Public: strings.TrimSpace(string(public)), Fingerprint: words[1]}
}

// Authorize lets one more public key sign in.
func (s *SSHServer) Authorize(t testing.TB, publicKey string) {
	t.Helper()
	f, err := os.OpenFile(s.file("authorized_keys"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatalf("authorising a key: %v", err)
	}
	_, err = f.WriteString(publicKey + "\n")
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatalf("authorising a key: %v", err)
	}
}

// Log answers what the server has logged so far.
func (s *SSHServer) Log(t testing.TB) string {
	t.Helper()
	log, err := os.ReadFile(s.file("log"))
	if err != nil {
		t.Fatalf("reading the server's log: %v", err)
	}
	return string(log)
}

// ChangeHostKey restarts the server on its port with another key, as after a reinstallation or with an impostor in between.
func (s *SSHServer) ChangeHostKey(t testing.TB) {
	t.Helper()
	s.stop()
	s.makeHostKey(t)
	if err := s.launch(); err != nil {
		t.Fatalf("starting sshd again: %v", err)
	}
}

func (s *SSHServer) makeHostKey(t testing.TB) {
	t.Helper()
	key := NewSSHKey(t, "ed25519", "")
	if err := os.WriteFile(s.file("host_key"), []byte(key.Private), 0o600); err != nil {
		t.Fatalf("writing a host key: %v", err)
	}
	s.HostKey = key.Fingerprint
}

// start launches sshd on a free port; another program may take the port in between, so it tries several.
func (s *SSHServer) start(t testing.TB) {
	t.Helper()
	var err error
	for range sshdTries {
		s.Port = freePort(t)
		if err = s.launch(); err == nil {
			return
		}
	}
	t.Fatalf("starting sshd: %v", err)
}

func (s *SSHServer) launch() error {
	lines := append([]string{}, s.config...)
	lines = append(lines,
		"Port "+strconv.Itoa(s.Port), "ListenAddress "+s.Host, "HostKey "+s.file("host_key"),
		"AuthorizedKeysFile "+s.file("authorized_keys"), "StrictModes no", "PidFile none", "UsePAM no", "UseDNS no",
		"PasswordAuthentication no", "KbdInteractiveAuthentication no", "PermitRootLogin yes", "MaxStartups 100")
	if !slices.ContainsFunc(s.config, func(line string) bool { return strings.HasPrefix(line, "Subsystem ") }) {
		lines = append(lines, "Subsystem sftp internal-sftp") // which no line may define twice
	}
	if err := os.WriteFile(s.file("sshd_config"), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return fmt.Errorf("writing sshd_config: %w", err)
	}
	args := []string{"-f", s.file("sshd_config")}
	// From OpenSSH 9.8 on a client whose sign-ins failed is kept out for a while; older ones do not know the option.
	if more := append(args, "-o", "PerSourcePenalties=no"); exec.Command(sshdPath(), append(more, "-t")...).Run() == nil {
		args = more
	}
	s.command = exec.Command(sshdPath(), append(args, "-D", "-E", s.file("log"))...)
	if err := s.command.Start(); err != nil {
		return err
	}
	s.exited = make(chan struct{})
	go func() {
		defer close(s.exited)
		_ = s.command.Wait() // killed is what it should be
	}()
	if err := s.await(); err != nil {
		s.stop()
		log, _ := os.ReadFile(s.file("log")) // what is missing is named by err
		return fmt.Errorf("%w; its log: %s", err, log)
	}
	return nil
}

// await returns when the server greets, which a program that took the port before it would not do.
func (s *SSHServer) await() error {
	deadline := time.Now().Add(20 * time.Second)
	for {
		err := s.greeted()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		select {
		case <-s.exited:
			return errors.New("it ended at once")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (s *SSHServer) greeted() error {
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // nothing was sent
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(line, "SSH-2.0-OpenSSH") {
		return fmt.Errorf("another program has the port")
	}
	return nil
}

// stop ends the daemon. Connections that are open live until their client leaves.
func (s *SSHServer) stop() {
	_ = s.command.Process.Kill() // it may have ended already
	<-s.exited
}

func (s *SSHServer) file(name string) string { return filepath.Join(s.dir, name) }

// sshdPath answers where sshd is, or "". It must be started by its whole path, and is in no ordinary user's PATH.
func sshdPath() string {
	for _, path := range []string{"/usr/sbin/sshd", "/usr/local/sbin/sshd"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	path, err := exec.LookPath("sshd")
	if err != nil {
		return ""
	}
	return path
}
