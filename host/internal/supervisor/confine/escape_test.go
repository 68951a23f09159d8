package confine

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// surroundings are what the hostile program would like to reach. File modes are open, so that it is confinement that refuses.
type surroundings struct {
	secret, victim, dir    string // a readable file, a writable file, the writable directory of both
	stream, datagram       string // unix sockets of others
	address                string // a TCP listener
	streamConns, addrConns net.Listener
}

func newSurroundings(t *testing.T) *surroundings {
	t.Helper()
	s := &surroundings{dir: openDir(t)}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s.secret, s.victim = filepath.Join(s.dir, "secret"), filepath.Join(s.dir, "victim")
	s.stream, s.datagram = filepath.Join(s.dir, "docker.sock"), filepath.Join(s.dir, "log")
	must(os.WriteFile(s.secret, []byte("the key"), 0o644))
	must(os.WriteFile(s.victim, []byte("content"), 0o644))
	must(os.Chmod(s.victim, 0o666))
	must(os.Chmod(s.dir, 0o777))
	var err error
	s.streamConns, err = net.Listen("unix", s.stream)
	must(err)
	datagrams, err := net.ListenPacket("unixgram", s.datagram)
	must(err)
	must(os.Chmod(s.stream, 0o777))
	must(os.Chmod(s.datagram, 0o777))
	s.addrConns, err = net.Listen("tcp", "127.0.0.1:0")
	must(err)
	s.address = s.addrConns.Addr().String()
	t.Cleanup(func() {
		_ = s.streamConns.Close()
		_ = datagrams.Close()
		_ = s.addrConns.Close()
	})
	return s
}

// passedConnection is a connected TCP descriptor as the host passes it; reset says that its peer has reset it.
func passedConnection(t *testing.T, reset bool) *os.File {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	peer, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = peer.Close() })
	if reset {
		if err := peer.(*net.TCPConn).SetLinger(0); err != nil {
			t.Fatal(err)
		}
		if err := peer.Close(); err != nil {
			t.Fatal(err)
		}
	}
	file, err := conn.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

const (
	perm    = "refused: operation not permitted"
	denied  = "refused: permission denied"
	refusal = "refused:" // one or the other, by who is asked first
)

type escape struct {
	attempt string
	args    []string
	want    string // how the confined program's answer begins or what it contains
	plain   string // how that of a plain child begins; empty where it is not tried
	conn    string // "open" or "reset": a connection is passed
}

func escapes(s *surroundings) []escape {
	const allowed = "allowed:"
	forRoot := allowed // what takes a capability even of a plain child
	if os.Geteuid() != 0 {
		forRoot = ""
	}
	list := []escape{
		{"host-environ", nil, refusal, allowed, ""},
		{"host-memory", nil, refusal, allowed, ""},
		{"host-descriptors", nil, refusal, allowed, ""},
		{"read-file", []string{s.secret}, denied, "allowed:", ""},
		{"read-file", []string{"/etc/passwd"}, denied, allowed, ""},
		{"read-file", []string{"/proc/self/environ"}, denied, allowed, ""},
		{"write-file", []string{s.dir}, denied, allowed, ""},
		{"write-file", []string{"/tmp"}, denied, "", ""},
		{"write-file", []string{"/dev/shm"}, denied, "", ""},
		{"truncate-file", []string{s.victim}, perm, allowed, ""},
		{"remove-file", []string{s.victim}, denied, "", ""},
		{"chmod-file", []string{s.victim}, perm, allowed, ""},
		{"touch-file", []string{s.victim}, perm, allowed, ""},
		{"xattr-file", []string{s.victim}, perm, "", ""},
		{"watch-file", []string{s.secret}, perm, allowed, ""},
		{"link-out", []string{s.secret}, denied, allowed, ""},
		{"rename-in", []string{s.victim}, refusal, "", ""},
		{"list-root", nil, denied, allowed, ""},
		{"device", nil, refusal, "", ""},

		{"connect-unix", []string{s.stream}, perm, allowed, ""},
		{"socketpair", nil, perm, allowed, ""},
		{"datagram-from-pair", []string{s.datagram}, perm, allowed, ""},
		{"sendto-address", []string{s.address}, perm, allowed, "open"},
		{"fastopen-sendto", []string{s.address}, perm, allowed, "reset"},
		{"fastopen-sendmsg", []string{s.address}, perm, allowed, "reset"},
		{"fastopen-sendmmsg", []string{s.address}, perm, allowed, "reset"},
		{"fastopen-high-bits", []string{s.address}, perm, allowed, "reset"},
		{"fastopen-disconnect", nil, perm, "", "open"},
		{"reconnect", []string{s.address}, perm, allowed, "reset"},
		{"listen-on-passed", nil, refusal, allowed, "reset"},
		{"source-route", []string{s.address}, perm, forRoot, "open"},
		{"source-route-high-bits", nil, perm, allowed, "open"},
		{"attach-filter", nil, perm, forRoot, "open"},
		{"linger", nil, perm, allowed, "open"},
		{"bind-tcp", nil, perm, allowed, ""},
		{"dial-tcp", []string{s.address}, perm, allowed, ""},
		{"x32-socket", nil, "refused: function not implemented", "", ""},
		{"int80-socket", nil, "killed: bad system call", "", ""},
		{"high-bits-socket", nil, perm, allowed, ""},
		{"socket-tcp", nil, perm, allowed, ""}, {"socket-tcp6", nil, perm, allowed, ""},
		{"socket-udp", nil, perm, allowed, ""}, {"socket-udp6", nil, perm, allowed, ""},
		{"socket-netlink", nil, perm, allowed, ""},
		{"socket-unix-datagram", nil, perm, allowed, ""}, {"socket-unix-seqpacket", nil, perm, allowed, ""},

		{"kill-host", nil, perm, allowed, ""},
		{"tgkill-host", nil, perm, allowed, ""},
		{"tkill-host", nil, perm, allowed, ""},
		{"queue-signal-host", nil, perm, allowed, ""},
		{"pidfd-host", nil, perm, allowed, ""},
		{"limit-host", nil, perm, allowed, ""},
		{"signal-by-ioctl", nil, perm, allowed, "open"},
		{"outlive-host", nil, perm, allowed, ""},
		{"outlive-high", nil, perm, allowed, ""},
		{"clone3", nil, "refused: function not implemented", allowed, ""},
		{"execute", []string{"/bin/true"}, perm, "", ""},
		{"execute-child", []string{"/bin/true"}, perm, allowed, ""},
		{"unknown-call", nil, "refused: function not implemented", "", ""},
	}
	for _, attempt := range []string{
		"socket-mptcp", "socket-sctp", "socket-raw", "socket-ping", "socket-packet", "socket-vsock", "socket-alg", "socket-bluetooth",
		"socket-unix-raw", "kill-group", "kill-everybody", "signal-by-fcntl", "slow-host", "pin-host", "trace-host", "read-host",
		"leave-group", "own-session", "fork", "execute-own", "execute-memory", "become-root", "namespace", "clone-newuser",
		"io-uring", "io-uring-enter", "io-uring-register", "bpf", "perf", "keyctl", "add-key", "mount", "umount", "pivot-root", "chroot",
		"setns", "open-tree", "fsopen", "userfaultfd", "pidfd-getfd", "shmget", "msgget", "mq-open", "kcmp", "process-madvise", "personality",
	} {
		list = append(list, escape{attempt: attempt, want: perm})
	}
	return list
}

// TestEscapes runs every attempt confined, and those that do no harm also as a plain child, where they have to succeed: an attempt that
// fails anyway proves nothing.
func TestEscapes(t *testing.T) {
	s := newSurroundings(t)
	for _, e := range escapes(s) {
		t.Run(strings.Join(append([]string{e.attempt}, e.args...), " "), func(t *testing.T) {
			prepare := func() *program {
				p := newProgram(t, append([]string{e.attempt}, e.args...)...)
				if e.conn != "" {
					p.files = []*os.File{passedConnection(t, e.conn == "reset")}
				}
				return p
			}
			if got := prepare().run(t); !strings.HasPrefix(got, e.want) && !strings.HasSuffix(got, strings.TrimPrefix(e.want, "refused")) {
				t.Errorf("confined: %q, want %q", got, e.want)
			}
			if e.plain == "" {
				return
			}
			if got := prepare().runPlain(t); !strings.HasPrefix(got, e.plain) {
				t.Errorf("as a plain child: %q, want %q", got, e.plain)
			}
		})
	}
}
