package egress

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
)

// Call is one execution of an operation, as far as dialling is concerned.
type Call struct {
	// DialID is the unguessable id that every dial of the call carries, required: see NewDialID. Only the adapter that runs the
	// call may learn it.
	DialID string
	// CallID and Platform name the call in events and refusals.
	CallID   string
	Platform string
	Rules    Rules
}

// NewDialID makes an id of 192 random bits, in 32 characters.
func NewDialID() string {
	var raw [24]byte
	_, _ = rand.Read(raw[:]) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

// admitted is a call between Admit and Release.
type admitted struct {
	Call
	ctx    context.Context // done when the call is released
	cancel context.CancelFunc

	mu    sync.Mutex
	ended bool
	held  []int // duplicates of integration_only connections, to cut them
}

func newAdmitted(call Call) *admitted {
	ctx, cancel := context.WithCancel(context.Background())
	return &admitted{Call: call, ctx: ctx, cancel: cancel}
}

// hold keeps a duplicate of the connection fd until the call ends. It fails, with nothing kept, when the call has ended or holds
// as many live connections as limit says.
func (c *admitted) hold(fd, limit int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return callEnded()
	}
	if len(c.held) >= limit {
		c.held = dropDead(c.held)
	}
	if len(c.held) >= limit {
		return &refusal{
			reason:  ReasonTooMany,
			message: fmt.Sprintf("the call has %d connections to the integration's host already; close them with shutdown", limit),
		}
	}
	own, err := duplicate(fd)
	if err != nil {
		return err
	}
	c.held = append(c.held, own)
	return nil
}

// dropDead closes the duplicates of connections that are over on both sides, and returns the others.
func dropDead(held []int) []int {
	var live []int
	for _, fd := range held {
		if connectionOver(fd) {
			cut(fd)
			continue
		}
		live = append(live, fd)
	}
	return live
}

// end stops the dials under way and cuts the connections held. After it returns, nothing can be sent on any of them, whoever has
// a descriptor. It may be called more than once.
func (c *admitted) end() {
	c.cancel()
	c.mu.Lock()
	held := c.held
	c.held, c.ended = nil, true
	c.mu.Unlock()
	for _, fd := range held {
		cut(fd)
	}
}

func callEnded() error {
	return &refusal{reason: ReasonUnknownCall, message: "no call with this dial id is running"}
}

var errSessionClosed = errors.New("the egress session is closed")
