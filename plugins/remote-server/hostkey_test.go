package main

import (
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

func TestHostKeyIsObservedOnceAndThenPinned(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	account, err := s.harness.Verify(t.Context(), request("", nil, s.with("host_key", "")))
	if err != nil {
		t.Fatal(err)
	}
	if got := account.Observed["host_key"]; got != s.HostKey {
		t.Fatalf("observed %q, the server's key is %s", got, s.HostKey)
	}
	if out := call[Finished](t, s, "execute_command", map[string]any{"command": "echo in"}); out.Stdout != "in\n" {
		t.Errorf("the pinned server answers %q", out.Stdout)
	}

	old := s.HostKey
	s.ChangeHostKey(t)
	e := fails(t, s, sdk.PermissionDenied, "execute_command", map[string]any{"command": "echo in"})
	for _, want := range []string{old, s.HostKey, "has changed", "host key"} {
		if !strings.Contains(e.Message, want) {
			t.Errorf("the error does not say %q: %s", want, e.Message)
		}
	}
	if !e.NotSent {
		t.Error("the error does not say that nothing was sent")
	}
	if _, err := s.harness.Verify(t.Context(), request("", nil, s.fields)); err == nil {
		t.Error("a test of the credential took another key than the pinned one")
	}
	account, err = s.harness.Verify(t.Context(), request("", nil, s.with("host_key", s.HostKey)))
	if err != nil || account.Observed != nil {
		t.Errorf("with the new key pinned: %v, observed %v", err, account.Observed)
	}
}

func TestOperationsNeedAPinnedHostKey(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, op := range s.harness.Platforms[0].GetOperations() {
		input := map[string]any{"command": "true", "script": "true", "path": "/tmp", "from": "/a", "to": "/b", "content": "", "old_string": "a", "new_string": "b"}
		r := request(op.GetName(), input, s.with("host_key", " "))
		r.AnyInput = true
		_, err := s.harness.Execute(t.Context(), r)
		e := wantKind(t, err, sdk.PermissionDenied)
		if !strings.Contains(e.Message, "No host key is pinned") || !e.NotSent {
			t.Errorf("%s: %q", op.GetName(), e.Message)
		}
	}
}

// No credential may reach a server with another key: its log would tell of an attempt to sign in.
func TestChangedHostKeyGetsNoCredential(t *testing.T) {
	t.Parallel()
	s := newServer(t, "LogLevel VERBOSE")
	fields := s.with("host_key", sdktest.NewSSHKey(t, "ed25519", "").Fingerprint)
	_, err := s.harness.Execute(t.Context(), request("execute_command", map[string]any{"command": "true"}, fields))
	wantKind(t, err, sdk.PermissionDenied)
	if log := s.Log(t); strings.Contains(log, "Accepted publickey") || strings.Contains(log, "Failed") {
		t.Errorf("the server saw a sign-in: %s", log)
	}
	if _, err := s.harness.Execute(t.Context(), request("execute_command", map[string]any{"command": "true"}, s.fields)); err != nil {
		t.Fatal(err)
	}
	if log := s.Log(t); !strings.Contains(log, "Accepted publickey") {
		t.Errorf("the log does not tell of sign-ins at all, so that this test proves nothing: %s", log)
	}
}

// A server with several keys may be pinned by any that is taken, as a fingerprint or as a line.
func TestPinnedKeyNeedNotBeThePreferredOne(t *testing.T) {
	t.Parallel()
	rsa := sdktest.NewSSHKey(t, "rsa", "")
	s := newServer(t, "HostKey "+writeKey(t, rsa))
	for name, pinned := range map[string]string{
		"the ed25519 fingerprint": s.HostKey, "the rsa fingerprint": rsa.Fingerprint, "with padding": rsa.Fingerprint + "=", "the rsa line": rsa.Public,
		"the rsa line without a comment": strings.Join(strings.Fields(rsa.Public)[:2], " "),
	} {
		if _, err := s.harness.Verify(t.Context(), request("", nil, s.with("host_key", pinned))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	stranger := sdktest.NewSSHKey(t, "rsa", "")
	for name, pinned := range map[string]string{"another fingerprint": stranger.Fingerprint, "another line": stranger.Public} {
		_, err := s.harness.Verify(t.Context(), request("", nil, s.with("host_key", pinned)))
		if e := wantKind(t, err, sdk.PermissionDenied); !strings.Contains(e.Message, stranger.Fingerprint) {
			t.Errorf("%s: %s", name, e.Message)
		}
	}
}

func TestUnsafeServersAreRefused(t *testing.T) {
	t.Parallel()
	short := sdktest.NewSSHKey(t, "rsa", "", "-b", "1024")
	for name, c := range map[string]struct {
		config []string
		kind   sdk.Kind
		says   string
	}{
		"SHA-1 host signatures":   {[]string{"HostKey " + writeKey(t, sdktest.NewSSHKey(t, "rsa", "")), "HostKeyAlgorithms ssh-rsa"}, sdk.PlatformError, "ssh-rsa"},
		"an ecdsa host key alone": {[]string{"HostKey " + writeKey(t, sdktest.NewSSHKey(t, "ecdsa", "")), "HostKeyAlgorithms ecdsa-sha2-nistp256"}, sdk.PlatformError, "ecdsa-sha2-nistp256"},
		"a short rsa host key":    {[]string{"RequiredRSASize 1024", "HostKey " + writeKey(t, short), "HostKeyAlgorithms rsa-sha2-256"}, sdk.PermissionDenied, "fewer than 2048 bits"},
		"an old key exchange":     {[]string{"KexAlgorithms diffie-hellman-group14-sha1"}, sdk.PlatformError, "diffie-hellman-group14-sha1"},
		"an old cipher":           {[]string{"Ciphers aes128-cbc"}, sdk.PlatformError, "aes128-cbc"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, c.config...)
			_, err := s.harness.Verify(t.Context(), request("", nil, s.with("host_key", "")))
			if e := wantKind(t, err, c.kind); !strings.Contains(e.Message, c.says) || !e.NotSent {
				t.Errorf("the error is %q, want one that says %q", e.Message, c.says)
			}
		})
	}
}

// A server that takes RSA signatures with SHA-1 only gets none.
func TestNoSHA1Signatures(t *testing.T) {
	t.Parallel()
	key := sdktest.NewSSHKey(t, "rsa", "")
	s := newServer(t, "PubkeyAcceptedAlgorithms ssh-rsa", "LogLevel VERBOSE")
	s.Authorize(t, key.Public)
	if _, err := s.harness.Verify(t.Context(), request("", nil, s.with("private_key", key.Private))); err == nil {
		t.Errorf("a signature with SHA-1 was given: %s", s.Log(t))
	}
}

func writeKey(t *testing.T, key sdktest.SSHKey) string {
	t.Helper()
	path := writeLocal(t, []byte(key.Private), t.TempDir(), "key")
	chmod(t, path, 0o600)
	return path
}

func FuzzParsePin(f *testing.F) {
	key := sdktest.NewSSHKey(f, "ed25519", "")
	for _, seed := range []string{"", key.Fingerprint, key.Public, "SHA256:", "ssh-ed25519 AAAA", "SHA256:" + strings.Repeat("A", 43), "md5:aa:bb"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePin(text)
		if err != nil {
			wantKind(t, err, kindOfPin(err))
			return
		}
		if p.empty() != (strings.TrimSpace(text) == "") {
			t.Errorf("%q is pinned as %q", text, p.fingerprint)
		}
		if p.key != nil && ssh.FingerprintSHA256(p.key) != p.fingerprint {
			t.Error("a pin's fingerprint is not its key's")
		}
	})
}

// kindOfPin allows the two kinds that a bad pin may have.
func kindOfPin(err error) sdk.Kind {
	if sdk.KindOf(err) == sdk.PermissionDenied {
		return sdk.PermissionDenied
	}
	return sdk.AuthRevoked
}

func FuzzParsePrivateKey(f *testing.F) {
	for _, kind := range []string{"ed25519", "rsa", "ecdsa"} {
		f.Add(sdktest.NewSSHKey(f, kind, "").Private, "")
	}
	f.Add("-----BEGIN OPENSSH PRIVATE KEY-----\nplanted\n-----END OPENSSH PRIVATE KEY-----", "x")
	f.Fuzz(func(t *testing.T, text, passphrase string) {
		signer, err := parsePrivateKey(text, passphrase)
		if (signer == nil) != (err != nil) {
			t.Fatal("neither a key nor an error")
		}
		if err != nil {
			wantKind(t, err, sdk.AuthRevoked)
		}
	})
}
