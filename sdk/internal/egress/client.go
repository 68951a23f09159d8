//go:build linux

package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// defaultTimeout is how long a dial without a deadline waits; the host does not wait longer either.
const defaultTimeout = 30 * time.Second

// Client asks the host for connections. It is safe for concurrent use.
type Client struct {
	socket socket
	done   chan struct{} // closed when the reader has ended

	mu      sync.Mutex
	waiting map[uint64]chan answer
	lastID  uint64
	broken  error // why no answer comes any more
}

// FromEnvironment takes over the socket that the environment variable PATCHBAY_EGRESS_FD names. It returns nil where that is
// unset: the host does not confine this process. It is called once in a process; it fails when the variable names no socket of the
// right kind.
func FromEnvironment() (*Client, error) {
	text, found := os.LookupEnv(adapterv1.EgressFDVariable)
	if !found {
		return nil, nil
	}
	fd, err := strconv.Atoi(text)
	if err != nil || fd < 0 {
		return nil, fmt.Errorf("reading %s: %q is no descriptor", adapterv1.EgressFDVariable, text)
	}
	client, err := NewClient(fd)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", adapterv1.EgressFDVariable, err)
	}
	return client, nil
}

// NewClient takes over the descriptor of a connected SEQPACKET socket and starts reading from it. Close ends that.
func NewClient(fd int) (*Client, error) {
	s, err := openSocket(fd)
	if err != nil {
		return nil, err
	}
	c := &Client{socket: s, done: make(chan struct{}), waiting: make(map[uint64]chan answer)}
	go c.read()
	return c, nil
}

// Close closes the socket, makes dials under way fail, and waits for the reader.
func (c *Client) Close() error {
	err := c.socket.file.Close()
	<-c.done
	if err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("closing egress socket: %w", err)
	}
	return nil
}

// Dial asks for a connection to host (a name or an address without brackets) for the call that dialID stands for. It fails with a
// *RefusalError where the host says no, and with the context's error when that is done first; a connection that arrives later is
// closed.
func (c *Client) Dial(ctx context.Context, dialID, host string, port int) (net.Conn, Info, error) {
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()
	id, answers, err := c.expect()
	if err != nil {
		return nil, Info{}, err
	}
	deadline, _ := ctx.Deadline()
	message, err := encodeRequest(id, dialID, host, port, time.Until(deadline))
	if err == nil {
		err = c.socket.send(ctx, message)
	}
	if err != nil {
		c.forget(id, answers)
		return nil, Info{}, fmt.Errorf("asking the host for a connection: %w", err)
	}
	select {
	case a := <-answers:
		return a.open()
	case <-ctx.Done():
		c.forget(id, answers)
		return nil, Info{}, fmt.Errorf("waiting for a connection from the host: %w", ctx.Err())
	}
}

// expect registers a dial.
func (c *Client) expect() (uint64, chan answer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return 0, nil, c.broken
	}
	c.lastID++
	answers := make(chan answer, 1)
	c.waiting[c.lastID] = answers
	return c.lastID, answers, nil
}

// forget gives a dial up, and closes its connection if that came just now.
func (c *Client) forget(id uint64, answers chan answer) {
	c.mu.Lock()
	delete(c.waiting, id)
	c.mu.Unlock()
	select {
	case a := <-answers:
		a.discard()
	default: // the reader finds nobody waiting and closes what comes
	}
}

// read hands each answer to its dial until the socket ends.
func (c *Client) read() {
	defer close(c.done)
	buffer := make([]byte, adapterv1.MaxDialMessageBytes)
	for {
		message, fds, err := c.socket.receive(buffer)
		if err != nil {
			c.fail(err)
			return
		}
		id, a := decodeResponse(message, fds)
		c.deliver(id, a)
	}
}

// deliver happens under the lock, so that forget misses no answer.
func (c *Client) deliver(id uint64, a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	answers, found := c.waiting[id]
	if !found {
		a.discard()
		return
	}
	delete(c.waiting, id)
	answers <- a // has room: one answer for each registration
}

// fail ends every dial under way and all later ones.
func (c *Client) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = fmt.Errorf("the host's egress socket is gone: %w", err)
	for id, answers := range c.waiting {
		delete(c.waiting, id)
		answers <- answer{fd: -1, err: c.broken}
	}
}

// answer is what came for one dial: a descriptor, or an error.
type answer struct {
	fd   int // -1 with an error
	err  error
	info Info
}

func (a answer) discard() {
	if a.fd >= 0 {
		_ = syscall.Close(a.fd)
	}
}

// open makes a connection of the descriptor.
func (a answer) open() (net.Conn, Info, error) {
	if a.err != nil {
		return nil, Info{}, a.err
	}
	file := os.NewFile(uintptr(a.fd), "egress connection")
	conn, err := net.FileConn(file)
	closeErr := file.Close() // conn has a descriptor of its own
	if err != nil {
		return nil, Info{}, fmt.Errorf("taking over a connection: %w", err)
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok || closeErr != nil {
		_ = conn.Close()
		return nil, Info{}, fmt.Errorf("taking over a connection: %w", errors.Join(closeErr, errNotTCP))
	}
	if a.info.IntegrationOnly {
		return &integrationConn{TCPConn: tcp}, a.info, nil
	}
	return tcp, a.info, nil
}

// integrationConn is a connection of which the host has a descriptor too, to cut it at the end of the call.
type integrationConn struct{ *net.TCPConn }

// Close ends the connection for the peer as well, which closing the adapter's own descriptor does not.
func (c *integrationConn) Close() error {
	_ = c.CloseWrite() // fails where the peer or the host was first
	_ = c.CloseRead()
	return c.TCPConn.Close()
}
