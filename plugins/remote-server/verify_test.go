package main

import (
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

func TestVerifyTakesEveryKindOfKey(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for name, c := range map[string]struct {
		kind, passphrase string
		more             []string
	}{
		"ed25519":                      {kind: "ed25519"},
		"ed25519 with a passphrase":    {kind: "ed25519", passphrase: "correct horse"},
		"rsa":                          {kind: "rsa"},
		"rsa with a passphrase":        {kind: "rsa", passphrase: "correct horse"},
		"rsa in PEM":                   {kind: "rsa", more: []string{"-m", "PEM"}},
		"rsa in PEM with passphrase":   {kind: "rsa", passphrase: "correct horse", more: []string{"-m", "PEM"}},
		"rsa in PKCS #8":               {kind: "rsa", more: []string{"-m", "PKCS8"}},
		"ed25519 with lines of a CRLF": {kind: "ed25519"},
	} {
		t.Run(name, func(t *testing.T) {
			key := sdktest.NewSSHKey(t, c.kind, c.passphrase, c.more...)
			s.Authorize(t, key.Public)
			private := key.Private
			if strings.Contains(name, "CRLF") {
				private = "\r\n " + strings.ReplaceAll(private, "\n", "\r\n")
			}
			account, err := s.harness.Verify(t.Context(), request("", nil, s.with("private_key", private, "passphrase", c.passphrase)))
			if err != nil {
				t.Fatal(err)
			}
			want := sdk.Account{ID: s.User + "@" + net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), Name: s.User + "@" + s.Host}
			if diff := cmp.Diff(want, account); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestVerifyRefusesCredentials(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	stranger := sdktest.NewSSHKey(t, "ed25519", "")
	locked := sdktest.NewSSHKey(t, "ed25519", "sesame-secret")
	lockedPEM := sdktest.NewSSHKey(t, "rsa", "sesame-secret", "-m", "PEM")
	ecdsa := sdktest.NewSSHKey(t, "ecdsa", "")
	short := sdktest.NewSSHKey(t, "rsa", "", "-b", "1024")
	for name, c := range map[string]struct {
		fields map[string]string
		says   string
	}{
		"a key that is not authorised":   {s.with("private_key", stranger.Private), "refuses this user's key"},
		"a user that is not there":       {s.with("username", "nobody-here"), "refuses this user's key"},
		"a password where none is taken": {s.with("private_key", "", "password", "planted-secret"), "refuses this user's key or password"},
		"no passphrase":                  {s.with("private_key", locked.Private), "protected by a passphrase"},
		"a wrong passphrase":             {s.with("private_key", locked.Private, "passphrase", "planted-secret"), "passphrase does not open"},
		"a wrong passphrase of a PEM":    {s.with("private_key", lockedPEM.Private, "passphrase", "planted-secret"), "passphrase does not open"},
		"an ecdsa key":                   {s.with("private_key", ecdsa.Private), "neither ed25519 nor RSA"},
		"a short rsa key":                {s.with("private_key", short.Private), "1024 bits"},
		"a public key":                   {s.with("private_key", stranger.Public), "public key"},
		"half a key":                     {s.with("private_key", stranger.Private[:120]), "whole file"},
		"a key of PuTTY":                 {s.with("private_key", "PuTTY-User-Key-File-3: ssh-ed25519\nplanted-secret"), "PuTTY"},
		"no secret at all":               {s.with("private_key", ""), "neither a private key nor a password"},
		"a port that is none":            {s.with("port", "0"), "1 to 65535"},
		"no host":                        {s.with("host", ""), "no host"},
		"a host key that is none":        {s.with("host_key", "SHA256:short"), "not a whole SHA256 fingerprint"},
		"a host key line with options":   {s.with("host_key", `command="x" `+stranger.Public), "neither a fingerprint"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.harness.Verify(t.Context(), request("", nil, c.fields))
			e := wantKind(t, err, sdk.AuthRevoked)
			if !strings.Contains(e.Message, c.says) {
				t.Errorf("the error is %q, want one that says %q", e.Message, c.says)
			}
			holdsNone(t, e.Message, "planted-secret", "sesame-secret", strings.Split(stranger.Private, "\n")[1])
		})
	}
}

func TestVerifyWithAPassword(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("a password needs a user of its own, which only root can make")
	}
	const name, password = "patchbay-test-user", "planted-pass-9"
	_ = exec.Command("userdel", "-r", name).Run() // left by a run that was killed
	hash, err := exec.Command("openssl", "passwd", "-6", password).Output()
	if err != nil {
		t.Fatalf("hashing a password: %v", err)
	}
	if out, err := exec.Command("useradd", "-m", "-s", "/bin/sh", "-p", strings.TrimSpace(string(hash)), name).CombinedOutput(); err != nil {
		t.Fatalf("making a user: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("userdel", "-r", name).CombinedOutput(); err != nil {
			t.Errorf("removing the user: %v: %s", err, out)
		}
	})
	for how, config := range map[string][]string{
		"password":                 {"PasswordAuthentication yes"},
		"the password alone, once": {"PasswordAuthentication yes", "MaxAuthTries 1"},
	} {
		t.Run(how, func(t *testing.T) {
			s := newServer(t, config...)
			fields := s.with("username", name, "private_key", "", "password", password)
			if _, err := s.harness.Verify(t.Context(), request("", nil, fields)); err != nil {
				t.Error(err)
			}
			fields["password"] = "planted-wrong"
			_, err := s.harness.Verify(t.Context(), request("", nil, fields))
			e := wantKind(t, err, sdk.AuthRevoked)
			holdsNone(t, e.Message, "planted-wrong", password)
		})
	}
	t.Run("a key and then a password", func(t *testing.T) {
		key := sdktest.NewSSHKey(t, "ed25519", "")
		keys := writeLocal(t, []byte(key.Public), "/home", name, "keys") // which the user can read
		s := newServer(t, "PasswordAuthentication yes", "AuthenticationMethods publickey,password", "AuthorizedKeysFile "+keys)
		if _, err := s.harness.Verify(t.Context(), request("", nil, s.with("username", name, "private_key", key.Private, "password", password))); err != nil {
			t.Error(err)
		}
		_, err := s.harness.Verify(t.Context(), request("", nil, s.with("username", name, "private_key", key.Private)))
		wantKind(t, err, sdk.AuthRevoked)
	})
}

func TestVerifyNeedsCommands(t *testing.T) {
	t.Parallel()
	s := newServer(t, "ForceCommand /bin/false")
	_, err := s.harness.Verify(t.Context(), request("", nil, s.fields))
	if e := wantKind(t, err, sdk.PermissionDenied); !strings.Contains(e.Message, "status 1") {
		t.Errorf("the error is %q", e.Message)
	}
}
