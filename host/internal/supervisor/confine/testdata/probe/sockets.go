package main

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// passed is the descriptor of the first file that comes along.
const passed = 3

func sockets() map[string]func(args []string) (string, error) {
	list := map[string]func(args []string) (string, error){
		"connect-unix": func(args []string) (string, error) {
			fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			if err != nil {
				return "", err
			}
			return "connected", unix.Connect(fd, &unix.SockaddrUnix{Name: args[0]})
		},
		"socketpair": func([]string) (string, error) {
			fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
			return fmt.Sprint(fds), err
		},
		"datagram-from-pair": func(args []string) (string, error) {
			fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
			if err != nil {
				return "", err
			}
			return "sent", unix.Sendto(fds[0], []byte("x"), 0, &unix.SockaddrUnix{Name: args[0]})
		},
		"fastopen-sendto": func(args []string) (string, error) {
			return "sent", afterReset(func() error { return unix.Sendto(passed, []byte("x"), unix.MSG_FASTOPEN, address(args[0])) })
		},
		"fastopen-sendmsg": func(args []string) (string, error) {
			return "sent", afterReset(func() error { return unix.Sendmsg(passed, []byte("x"), nil, address(args[0]), unix.MSG_FASTOPEN) })
		},
		"fastopen-sendmmsg": func(args []string) (string, error) {
			return "sent", afterReset(func() error { return sendmmsg(passed, unix.MSG_FASTOPEN, args[0]) })
		},
		"fastopen-high-bits": func(args []string) (string, error) {
			return "sent", afterReset(func() error { return sendmmsg(passed, 1<<40|unix.MSG_FASTOPEN, args[0]) })
		},
		"fastopen-disconnect": func([]string) (string, error) {
			var unspecified [16]byte
			_, _, errno := unix.Syscall6(unix.SYS_SENDTO, passed, uintptr(unsafe.Pointer(&unspecified)), 1, unix.MSG_FASTOPEN,
				uintptr(unsafe.Pointer(&unspecified)), 16)
			return "disconnected", nothing(errno)
		},
		"sendto-address": func(args []string) (string, error) {
			return "sent", unix.Sendto(passed, []byte("x"), 0, address(args[0]))
		},
		"reconnect": func(args []string) (string, error) {
			return "connected", afterReset(func() error { return unix.Connect(passed, address(args[0])) })
		},
		"listen-on-passed": func([]string) (string, error) {
			return "listening", afterReset(func() error {
				_ = unix.Connect(passed, &unix.SockaddrInet4{})
				return unix.Listen(passed, 1)
			})
		},
		"source-route": func(args []string) (string, error) {
			to := netip.MustParseAddrPort(args[0]).Addr().As4()
			option := append([]byte{0x83, 7, 4}, to[:]...) // loose source route by one hop
			return "set", unix.SetsockoptString(passed, unix.SOL_IP, unix.IP_OPTIONS, string(append(option, 0)))
		},
		"source-route-high-bits": func([]string) (string, error) {
			var option [8]byte
			_, _, errno := unix.Syscall6(unix.SYS_SETSOCKOPT, passed, 1<<32|unix.SOL_IP, unix.IP_OPTIONS, uintptr(unsafe.Pointer(&option)), 8, 0)
			return "set", nothing(errno)
		},
		"attach-filter": func([]string) (string, error) {
			allow := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0xffff}
			return "attached", unix.SetsockoptSockFprog(passed, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &allow})
		},
		"linger": func([]string) (string, error) {
			return "set", unix.SetsockoptLinger(passed, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: 3600})
		},
		"bind-tcp": func([]string) (string, error) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return "", err
			}
			return listener.Addr().String(), nil
		},
		"dial-tcp": func(args []string) (string, error) {
			conn, err := net.Dial("tcp", args[0])
			if err != nil {
				return "", err
			}
			return conn.RemoteAddr().String(), nil
		},
		"x32-socket": func([]string) (string, error) {
			_, _, errno := unix.RawSyscall(0x40000000|unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, 0)
			return "opened", nothing(errno)
		},
		"int80-socket": func([]string) (string, error) {
			fd := int80(359, unix.AF_INET, unix.SOCK_STREAM, 0) // socket of the 32-bit interface
			if fd < 0 {
				return "", syscall.Errno(-fd)
			}
			return fmt.Sprint("descriptor ", fd), nil
		},
		"high-bits-socket": func([]string) (string, error) {
			fd, _, errno := unix.Syscall(unix.SYS_SOCKET, 1<<32|unix.AF_INET, unix.SOCK_STREAM, 0)
			return fmt.Sprint(fd), nothing(errno)
		},
	}
	for name, s := range map[string][3]int{
		"socket-tcp": {unix.AF_INET, unix.SOCK_STREAM, 0}, "socket-tcp6": {unix.AF_INET6, unix.SOCK_STREAM, 0},
		"socket-udp": {unix.AF_INET, unix.SOCK_DGRAM, 0}, "socket-udp6": {unix.AF_INET6, unix.SOCK_DGRAM, 0},
		"socket-mptcp": {unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP}, "socket-sctp": {unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP},
		"socket-netlink": {unix.AF_NETLINK, unix.SOCK_RAW, 0}, "socket-raw": {unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP},
		"socket-ping": {unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP}, "socket-packet": {unix.AF_PACKET, unix.SOCK_RAW, 0},
		"socket-vsock": {unix.AF_VSOCK, unix.SOCK_STREAM, 0}, "socket-alg": {unix.AF_ALG, unix.SOCK_SEQPACKET, 0},
		"socket-bluetooth":     {unix.AF_BLUETOOTH, unix.SOCK_STREAM, 0},
		"socket-unix-datagram": {unix.AF_UNIX, unix.SOCK_DGRAM, 0}, "socket-unix-seqpacket": {unix.AF_UNIX, unix.SOCK_SEQPACKET, 0},
		"socket-unix-raw": {unix.AF_UNIX, unix.SOCK_RAW, 0},
	} {
		list[name] = func([]string) (string, error) {
			fd, err := unix.Socket(s[0], s[1], s[2])
			return fmt.Sprint("descriptor ", fd), err
		}
	}
	return list
}

// afterReset waits until the peer of the passed connection has reset it, and tries then. It tries twice: a first attempt to connect may
// fail with the reset, and leave the socket as good as new.
func afterReset(try func() error) error {
	var buffer [1]byte
	for {
		n, err := unix.Read(passed, buffer[:])
		if err == unix.EAGAIN || err == unix.EINTR {
			poll := []unix.PollFd{{Fd: passed, Events: unix.POLLIN}}
			_, _ = unix.Poll(poll, -1)
			continue
		}
		if n > 0 {
			continue
		}
		if err := try(); err != unix.ECONNABORTED {
			return err
		}
		return try()
	}
}

func address(text string) unix.Sockaddr {
	a := netip.MustParseAddrPort(text)
	return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
}

// sendmmsg sends one message with an address by the call of that name.
func sendmmsg(fd int, flags uintptr, to string) error {
	a := netip.MustParseAddrPort(to)
	name := unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: a.Addr().As4(), Port: a.Port()<<8 | a.Port()>>8}
	payload := bytes.Repeat([]byte("x"), 4)
	vector := unix.Iovec{Base: &payload[0], Len: uint64(len(payload))}
	message := struct {
		header unix.Msghdr
		sent   uint32
		_      uint32
	}{header: unix.Msghdr{Name: (*byte)(unsafe.Pointer(&name)), Namelen: unix.SizeofSockaddrInet4, Iov: &vector, Iovlen: 1}}
	_, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&message)), 1, flags, 0, 0)
	return nothing(errno)
}

// nothing makes an error of an errno that may be 0.
func nothing(errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}
