package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// sendBufferBytes is asked of the kernel, which doubles it, for the host's end of the socketpair. A message with a descriptor
// takes three quarters of a KiB there until the adapter receives it, so about ten descriptors can lie unreceived; then the host
// waits.
const sendBufferBytes = 4 << 10

// socketpair makes the two ends. The adapter's end blocks, as an inherited descriptor usually does.
func socketpair() (*net.UnixConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("making egress socketpair: %w", err)
	}
	adapterEnd := os.NewFile(uintptr(fds[1]), "egress")
	if err := unix.SetsockoptInt(fds[0], unix.SOL_SOCKET, unix.SO_SNDBUF, sendBufferBytes); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("bounding egress socket: %w", err), unix.Close(fds[0]), adapterEnd.Close())
	}
	file := os.NewFile(uintptr(fds[0]), "egress")
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("opening egress socket: %w", err), file.Close(), adapterEnd.Close())
	}
	if err := file.Close(); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("opening egress socket: %w", err), conn.Close(), adapterEnd.Close())
	}
	return conn.(*net.UnixConn), adapterEnd, nil
}

// receive reads one message. There is no room for ancillary data, so the kernel itself discards descriptors that come along, and
// tells so.
func receive(conn *net.UnixConn, buffer []byte) (message []byte, spoilt error, err error) {
	n, _, flags, _, err := conn.ReadMsgUnix(buffer, nil)
	switch {
	case err != nil:
		return nil, nil, err
	case flags&unix.MSG_TRUNC != 0:
		return nil, errors.New("the message is too long"), nil
	case flags&unix.MSG_CTRUNC != 0:
		return buffer[:n], errors.New("the message carries descriptors or other ancillary data"), nil
	}
	return buffer[:n], nil, nil
}

// outbox sends answers one at a time, each with its own patience.
type outbox struct {
	conn *net.UnixConn
	turn chan struct{} // holds one token while somebody sends
}

func newOutbox(conn *net.UnixConn) outbox { return outbox{conn: conn, turn: make(chan struct{}, 1)} }

// send passes message, with the descriptor fd unless it is negative, and waits until ctx is done for the adapter to make room.
func (o outbox) send(ctx context.Context, message []byte, fd int) error {
	select {
	case o.turn <- struct{}{}:
		defer func() { <-o.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	deadline, _ := ctx.Deadline() // the zero time waits for ever
	if err := o.conn.SetWriteDeadline(deadline); err != nil {
		return fmt.Errorf("sending dial response: %w", err)
	}
	unblocked := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = o.conn.SetWriteDeadline(time.Unix(1, 0)) // fails only when closed, which unblocks too
		close(unblocked)
	})
	defer func() {
		if !stop() {
			<-unblocked
		}
	}()
	var rights []byte
	if fd >= 0 {
		rights = unix.UnixRights(fd)
	}
	if _, _, err := o.conn.WriteMsgUnix(message, rights, nil); err != nil {
		return fmt.Errorf("sending dial response: %w", err)
	}
	return nil
}

// duplicate gives another descriptor of the same socket.
func duplicate(fd int) (int, error) {
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("duplicating descriptor: %w", err)
	}
	return own, nil
}

// detach takes the socket out of conn, which it closes: a descriptor that the Go runtime does not watch. It does not block.
func detach(conn net.Conn) (fd int, err error) {
	defer func() { _ = conn.Close() }() // the socket lives on in fd
	raw, ok := conn.(syscall.Conn)
	if !ok {
		return -1, errors.New("taking descriptor: the connection has none")
	}
	control, err := raw.SyscallConn()
	if err != nil {
		return -1, fmt.Errorf("taking descriptor: %w", err)
	}
	fd = -1
	if controlErr := control.Control(func(socket uintptr) {
		if err = settle(int(socket)); err == nil {
			fd, err = duplicate(int(socket))
		}
	}); controlErr != nil {
		return -1, fmt.Errorf("taking descriptor: %w", controlErr)
	}
	return fd, err
}

// settle makes a socket stay with its peer. After a connect that did not block, the kernel takes the socket for connecting still until
// somebody asks again; if the peer resets it before that, its holder can connect it anew, to anybody. This asks again.
func settle(fd int) error {
	peer, err := unix.Getpeername(fd)
	if err != nil {
		return fmt.Errorf("settling connection: %w", err)
	}
	if err := unix.Connect(fd, peer); err != nil && !errors.Is(err, unix.EISCONN) {
		return fmt.Errorf("settling connection: %w", err)
	}
	return nil
}

// cut ends the connection for everybody who has a descriptor of it, and closes this one. What was written already is still
// delivered. The linger is reset because the adapter could have set one, to make this close wait.
func cut(fd int) {
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{})
	_ = unix.Shutdown(fd, unix.SHUT_RDWR) // fails where the connection is over already
	_ = unix.Close(fd)
}

// connectionOver reports whether the TCP connection is closed on both sides.
func connectionOver(fd int) bool {
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	return err != nil || info.State == unix.BPF_TCP_CLOSE
}

// release closes the host's own copy of a connection that was passed on, or that nobody gets. The linger is reset as in cut: the
// adapter could have set one and closed its copy by now.
func release(fd int) {
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{})
	_ = unix.Close(fd)
}
