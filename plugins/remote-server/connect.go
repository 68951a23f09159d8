package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/patchbay/patchbay/sdk"
)

const (
	// connectTime bounds dialling, the key exchange and signing in.
	connectTime = 20 * time.Second
	// farewell is how long a connection outlives its call, to tell the server to end what it runs.
	farewell = 4 * time.Second
)

// machine is a server that a call is signed in to.
type machine struct {
	*ssh.Client
	login login
	// hostKey is the fingerprint that the server showed.
	hostKey string
	// left is closed when the connection is, so that what watches over it ends.
	left    chan struct{}
	watched chan struct{}
}

// connect signs in for an operation. An integration without a pinned host key is refused.
func connect(ctx context.Context, call *sdk.Call) (*machine, error) {
	l, err := readLogin(call.Credential)
	if err != nil {
		return nil, err
	}
	if l.pin.empty() {
		return nil, &sdk.Error{Kind: sdk.PermissionDenied, NotSent: true,
			Message: "No host key is pinned for this integration, so the server cannot be told from an impostor. Set its host_key to the server's fingerprint (SHA256:...), or leave it empty and connect with the test on, which shows and pins it."}
	}
	return signIn(ctx, call, l)
}

// signIn connects, checks the host key and signs in. Where only a fingerprint is pinned, its key may be of any type taken, so a
// server whose preferred key is another is asked for its other one before it is refused.
func signIn(ctx context.Context, call *sdk.Call, l login) (*machine, error) {
	bounded, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	var first error
	algorithms := l.pin.algorithms()
	for {
		client, seen, err := shake(bounded, call, l, algorithms)
		if err == nil {
			m := &machine{Client: client, login: l, hostKey: ssh.FingerprintSHA256(seen), left: make(chan struct{}), watched: make(chan struct{})}
			go m.watch(ctx)
			return m, nil
		}
		var none *ssh.AlgorithmNegotiationError
		if first != nil && errors.As(err, &none) {
			return nil, first
		}
		if seen == nil || l.pin.allows(seen) {
			return nil, explainHandshake(bounded, err, seen != nil)
		}
		if first == nil {
			first = l.pin.mismatch(seen)
		}
		algorithms = slices.DeleteFunc(algorithms, func(a string) bool { return keyType(a) == seen.Type() })
		if len(algorithms) == 0 {
			return nil, first
		}
	}
}

// shake makes one connection. It answers the key that the server proved to hold, if it came so far.
func shake(ctx context.Context, call *sdk.Call, l login, algorithms []string) (*ssh.Client, ssh.PublicKey, error) {
	conn, err := sdk.Dial(ctx, call, l.address())
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // unblocks the handshake
	defer stop()
	shown := &shownKey{pin: l.pin}
	config := &ssh.ClientConfig{
		User: l.user, Auth: l.methods, ClientVersion: "SSH-2.0-Patchbay", HostKeyAlgorithms: algorithms,
		HostKeyCallback: shown.check,
		Config: ssh.Config{
			KeyExchanges: []string{ssh.KeyExchangeMLKEM768X25519, ssh.KeyExchangeCurve25519, ssh.KeyExchangeECDHP256,
				ssh.KeyExchangeECDHP384, ssh.KeyExchangeECDHP521, ssh.KeyExchangeDH16SHA512},
			Ciphers: []string{ssh.CipherAES256GCM, ssh.CipherAES128GCM, ssh.CipherChaCha20Poly1305},
			MACs:    []string{ssh.HMACSHA512ETM, ssh.HMACSHA256ETM},
		},
	}
	// Channels that the server opens (agent, X11, forwarding) and its requests are refused by the client.
	inner, channels, requests, err := ssh.NewClientConn(conn, l.address(), config)
	key, unsafe := shown.get()
	if err != nil {
		_ = conn.Close() // the handshake's error is the one that tells
		if unsafe != nil {
			return nil, nil, unsafe
		}
		return nil, key, err
	}
	return ssh.NewClient(inner, channels, requests), key, nil
}

// watch closes the connection a little after the call has been given up, for servers that answer nothing any more.
func (m *machine) watch(ctx context.Context) {
	defer close(m.watched)
	select {
	case <-m.left:
		return
	case <-ctx.Done():
	}
	timer := time.NewTimer(farewell)
	defer timer.Stop()
	select {
	case <-m.left:
	case <-timer.C:
		_ = m.Client.Close() // leave waits for what this unblocks
	}
}

// leave closes the connection and waits for what it started. It is called once.
func (m *machine) leave() {
	close(m.left)
	_ = m.Client.Close() // nothing is left to be sent
	_ = m.Wait()         // says how the connection ended, which is known
	<-m.watched
}
