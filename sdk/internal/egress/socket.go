//go:build linux

package egress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// controlBytes has room for more descriptors than the one that an answer carries.
const controlBytes = 64

// socket is the inherited SEQPACKET socket, watched by the Go runtime, so that waiting blocks no thread.
type socket struct {
	file *os.File
	raw  syscall.RawConn
	turn chan struct{} // holds one token while somebody sends
}

// openSocket takes fd over: it is not inherited further, and does not block.
func openSocket(fd int) (socket, error) {
	kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
	if err != nil {
		return socket{}, fmt.Errorf("opening egress socket: descriptor %d: %w", fd, err)
	}
	if kind != syscall.SOCK_SEQPACKET {
		return socket{}, fmt.Errorf("opening egress socket: descriptor %d is no SEQPACKET socket", fd)
	}
	syscall.CloseOnExec(fd)
	if err := syscall.SetNonblock(fd, true); err != nil {
		return socket{}, fmt.Errorf("opening egress socket: %w", err)
	}
	file := os.NewFile(uintptr(fd), "egress")
	raw, err := file.SyscallConn()
	if err != nil {
		return socket{}, errors.Join(fmt.Errorf("opening egress socket: %w", err), file.Close())
	}
	return socket{file: file, raw: raw, turn: make(chan struct{}, 1)}, nil
}

// send passes one message to the host, and waits for room until ctx is done.
func (s socket) send(ctx context.Context, message []byte) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := s.file.SetWriteDeadline(time.Time{}); err != nil {
		return fmt.Errorf("sending to the host: %w", err)
	}
	unblocked := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = s.file.SetWriteDeadline(time.Unix(1, 0)) // fails only when closed, which unblocks too
		close(unblocked)
	})
	defer func() {
		if !stop() {
			<-unblocked
		}
	}()
	var sendErr error
	err := s.raw.Write(func(fd uintptr) bool {
		_, sendErr = retry(func() (int, error) {
			return syscall.SendmsgN(int(fd), message, nil, nil, syscall.MSG_NOSIGNAL)
		})
		return !errors.Is(sendErr, syscall.EAGAIN)
	})
	if err == nil {
		err = sendErr
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("sending to the host: %w", err)
	}
	return nil
}

// receive waits for one message and the descriptors that come with it. The end of the socket is io.EOF.
func (s socket) receive(buffer []byte) (message []byte, fds []int, err error) {
	control := make([]byte, controlBytes)
	var n, controlLength int
	var recvErr error
	err = s.raw.Read(func(fd uintptr) bool {
		n, recvErr = retry(func() (int, error) {
			var n int
			var err error
			n, controlLength, _, _, err = syscall.Recvmsg(int(fd), buffer, control, syscall.MSG_CMSG_CLOEXEC)
			return n, err
		})
		return !errors.Is(recvErr, syscall.EAGAIN)
	})
	switch {
	case err != nil:
		return nil, nil, err
	case recvErr != nil:
		return nil, nil, fmt.Errorf("receiving from the host: %w", recvErr)
	}
	fds = descriptors(control[:controlLength])
	if n == 0 && len(fds) == 0 {
		return nil, nil, io.EOF
	}
	return buffer[:n], fds, nil
}

// descriptors lists what a control message carries. They are close-on-exec already.
func descriptors(control []byte) []int {
	var fds []int
	messages, err := syscall.ParseSocketControlMessage(control)
	if err != nil {
		return nil
	}
	for i := range messages {
		if rights, err := syscall.ParseUnixRights(&messages[i]); err == nil {
			fds = append(fds, rights...)
		}
	}
	return fds
}

// retry repeats a system call that a signal interrupted.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}
