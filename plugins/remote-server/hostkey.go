package main

import (
	"bytes"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"github.com/patchbay/patchbay/sdk"
)

const fingerprintPrefix = "SHA256:"

// hostKeyAlgorithms are those taken from a server, in order of preference.
func hostKeyAlgorithms() []string {
	return []string{ssh.KeyAlgoED25519, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
}

// pin is the host key that an integration trusts: none, a fingerprint, or a whole key.
type pin struct {
	fingerprint string
	key         ssh.PublicKey // nil where only the fingerprint is known
}

// parsePin reads "", "SHA256:..." or a public key line such as "ssh-ed25519 AAAA... comment".
func parsePin(text string) (pin, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return pin{}, nil
	}
	if digest, ok := strings.CutPrefix(text, fingerprintPrefix); ok {
		digest = strings.TrimRight(digest, "=")
		if raw, err := base64.RawStdEncoding.DecodeString(digest); err != nil || len(raw) != 32 {
			return pin{}, unusable("The integration's host key is not a whole SHA256 fingerprint.")
		}
		return pin{fingerprint: fingerprintPrefix + digest}, nil
	}
	key, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil || len(options) > 0 || len(bytes.TrimSpace(rest)) > 0 {
		return pin{}, unusable("The integration's host key is neither a fingerprint (SHA256:...) nor one public key line (ssh-ed25519 AAAA...).")
	}
	if err := takenKey(key); err != nil {
		return pin{}, err
	}
	return pin{fingerprint: ssh.FingerprintSHA256(key), key: key}, nil
}

// empty says that no key is pinned yet.
func (p pin) empty() bool { return p.fingerprint == "" }

// algorithms are those to ask the server for: with a whole key those of its type alone.
func (p pin) algorithms() []string {
	if p.key == nil {
		return hostKeyAlgorithms()
	}
	return slices.DeleteFunc(hostKeyAlgorithms(), func(a string) bool { return keyType(a) != p.key.Type() })
}

// allows says whether a key is the pinned one; every key is before one is pinned.
func (p pin) allows(key ssh.PublicKey) bool {
	if p.key != nil {
		return bytes.Equal(p.key.Marshal(), key.Marshal())
	}
	return p.empty() || p.fingerprint == ssh.FingerprintSHA256(key)
}

// mismatch is the refusal of a server whose key is another than the pinned one.
func (p pin) mismatch(key ssh.PublicKey) *sdk.Error {
	e := sdk.Errorf(sdk.PermissionDenied, "The server's host key has changed: %s is pinned, the server shows %s (%s). "+
		"Nothing was sent to it, because another machine may be answering. If the server was reinstalled, compare its fingerprint there "+
		"(ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub) and set it as the integration's host key.",
		p.fingerprint, ssh.FingerprintSHA256(key), key.Type())
	e.NotSent = true
	return e
}

// errPinned ends a key exchange with a server that shows another key; signIn says so in words.
var errPinned = errors.New("another host key is pinned")

// shownKey checks the key that a server proves to hold, and remembers it. A handshake that was cut may still be calling check.
type shownKey struct {
	pin pin

	mu     sync.Mutex
	key    ssh.PublicKey
	unsafe error
}

// check is an ssh.HostKeyCallback.
func (s *shownKey) check(_ string, _ net.Addr, key ssh.PublicKey) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unsafe = takenKey(key); s.unsafe != nil {
		return s.unsafe
	}
	s.key = key
	if !s.pin.allows(key) {
		return errPinned
	}
	return nil
}

// get answers the key, nil where none was shown, and why it was refused if it is not a safe one.
func (s *shownKey) get() (ssh.PublicKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key, s.unsafe
}

// takenKey refuses keys of types and sizes that are not safe.
func takenKey(key ssh.PublicKey) error {
	switch key.Type() {
	case ssh.KeyAlgoED25519:
		return nil
	case ssh.KeyAlgoRSA:
		wrapped, ok := key.(ssh.CryptoPublicKey)
		if !ok {
			break
		}
		if public, ok := wrapped.CryptoPublicKey().(*rsa.PublicKey); ok && public.N.BitLen() >= minRSABits {
			return nil
		}
		return sdk.Errorf(sdk.PermissionDenied, "The server's RSA host key has fewer than %d bits. Give the server an ed25519 host key.", minRSABits)
	}
	return sdk.Errorf(sdk.PermissionDenied, "Only ed25519 and RSA host keys are taken.")
}

// keyType answers the type of the keys that an algorithm signs with.
func keyType(algorithm string) string {
	if algorithm == ssh.KeyAlgoED25519 {
		return ssh.KeyAlgoED25519
	}
	return ssh.KeyAlgoRSA
}
