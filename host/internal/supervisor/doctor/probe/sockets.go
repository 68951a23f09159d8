package probe

import (
	"errors"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sockets are the ways to somebody who listens.
func sockets() []Attempt {
	return []Attempt{
		{Name: "connect-other-adapter", Filtered: true, try: func(t trial) (string, error) { return connectUnix(t.Stream) }},
		{Name: "connect-container-engine", Filtered: true, try: func(t trial) (string, error) { return connectUnix(t.Engine) }},
		{Name: "connect-database", Filtered: true, try: func(t trial) (string, error) { return connectUnix(t.Database) }},
		{Name: "dial-tcp", Filtered: true, try: func(t trial) (string, error) {
			return using(unix.AF_INET, unix.SOCK_STREAM, func(fd int) error { return unix.Connect(fd, address(t.TCP)) })
		}},
		{Name: "listen-tcp", Filtered: true, try: func(trial) (string, error) {
			return using(unix.AF_INET, unix.SOCK_STREAM, func(fd int) error {
				return errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), unix.Listen(fd, 1))
			})
		}},
		{Name: "send-udp", Filtered: true, try: func(t trial) (string, error) {
			return using(unix.AF_INET, unix.SOCK_DGRAM, func(fd int) error { return unix.Sendto(fd, []byte("x"), 0, address(t.UDP)) })
		}},
		{Name: "send-unix-datagram", Filtered: true, try: func(t trial) (string, error) {
			return using(unix.AF_UNIX, unix.SOCK_DGRAM, func(fd int) error {
				return unix.Sendto(fd, []byte("x"), 0, &unix.SockaddrUnix{Name: t.Datagram})
			})
		}},
		{Name: "send-from-socketpair", Filtered: true, try: sendFromPair},
		{Name: "fastopen-on-passed-connection", Filtered: true, try: func(t trial) (string, error) {
			return "connected elsewhere", afterReset(ResetFD, func() error {
				return unix.Sendto(ResetFD, []byte("x"), unix.MSG_FASTOPEN, address(t.TCP))
			})
		}},
		{Name: "reconnect-passed-connection", Filtered: true, try: func(t trial) (string, error) {
			return "connected elsewhere", afterReset(SecondResetFD, func() error { return unix.Connect(SecondResetFD, address(t.TCP)) })
		}},
	}
}

// kernelSockets are the ways around those: families and interfaces that a filter on TCP forgets.
func kernelSockets() []Attempt {
	list := []Attempt{{Name: "io-uring", Filtered: true, try: func(trial) (string, error) {
		var parameters [120]byte
		fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&parameters)), 0)
		return opened(int(fd), nothing(errno))
	}}}
	for _, s := range []struct {
		name                  string
		family, kind, carries int
	}{
		{"mptcp-socket", unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP},
		{"ipv6-socket", unix.AF_INET6, unix.SOCK_STREAM, 0},
		{"ping-socket", unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP},
		{"raw-socket", unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP},
		{"packet-socket", unix.AF_PACKET, unix.SOCK_RAW, 0},
		{"netlink-socket", unix.AF_NETLINK, unix.SOCK_RAW, 0},
		{"vsock-socket", unix.AF_VSOCK, unix.SOCK_STREAM, 0},
	} {
		list = append(list, Attempt{Name: s.name, Filtered: true, try: func(trial) (string, error) {
			return opened(unix.Socket(s.family, s.kind, s.carries))
		}})
	}
	return list
}

// using opens a socket for one purpose.
func using(family, kind int, do func(fd int) error) (string, error) {
	fd, err := unix.Socket(family, kind, 0)
	if err != nil {
		return "", err
	}
	defer func() { _ = unix.Close(fd) }()
	return "done", do(fd)
}

func connectUnix(path string) (string, error) {
	return using(unix.AF_UNIX, unix.SOCK_STREAM, func(fd int) error { return unix.Connect(fd, &unix.SockaddrUnix{Name: path}) })
}

func sendFromPair(t trial) (string, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		return "", err
	}
	defer func() {
		_ = unix.Close(fds[0])
		_ = unix.Close(fds[1])
	}()
	return "sent", unix.Sendto(fds[0], []byte("x"), 0, &unix.SockaddrUnix{Name: t.Datagram})
}

// afterReset waits until the peer of the connection has reset it, and tries then. It tries twice: a first attempt to connect may fail
// with the reset, and leave the socket as good as new.
func afterReset(fd int, try func() error) error {
	for {
		var buffer [1]byte
		n, err := unix.Read(fd, buffer[:])
		if err == unix.EAGAIN || err == unix.EINTR {
			if _, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(patience.Milliseconds())); err != nil && err != unix.EINTR {
				return err
			}
			continue
		}
		if n > 0 {
			continue
		}
		if err := try(); !errors.Is(err, unix.ECONNABORTED) {
			return err
		}
		return try()
	}
}

func address(text string) unix.Sockaddr {
	a, err := netip.ParseAddrPort(text)
	if err != nil {
		return &unix.SockaddrInet4{} // nobody listens there
	}
	return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
}
