package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority makes a private certificate authority and a certificate of its for 127.0.0.1, and answers their PEM files.
func authority(t *testing.T) (ca, cert, key string) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "private"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: root.NotBefore, NotAfter: root.NotAfter, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	keys := [2]*ecdsa.PrivateKey{}
	for i := range keys {
		var err error
		if keys[i], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, keys[0].Public(), keys[0])
	if err != nil {
		t.Fatal(err)
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, root, keys[1].Public(), keys[0])
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(keys[1])
	if err != nil {
		t.Fatal(err)
	}
	return write("ca.pem", "CERTIFICATE", rootDER), write("cert.pem", "CERTIFICATE", leafDER), write("key.pem", "PRIVATE KEY", keyDER)
}

// The command line works against a host that speaks TLS under a private authority: by login, which keeps the authority, by flag and by
// variable; without the authority nothing is sent.
func TestCommandLineOverTLS(t *testing.T) {
	ca, cert, key := authority(t)
	h := serveHost(t, "--tls-cert", cert, "--tls-key", key)
	if !strings.HasPrefix(h.url, "https://127.0.0.1:") {
		t.Fatalf("the host is at %s", h.url)
	}
	home := t.TempDir()
	elsewhere := func(input string, env []string, args ...string) (string, int) {
		cmd := exec.Command(filepath.Join(h.bin, "patchbay"), args...)
		cmd.Dir, cmd.Stdin = home, strings.NewReader(input)
		cmd.Env = append([]string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}, env...)
		out, err := cmd.CombinedOutput()
		if err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	if out, status := elsewhere(h.token, nil, "login", h.url, "--token-stdin"); status != 3 || !strings.Contains(out, "--ca-file") || strings.Contains(out, h.token) {
		t.Errorf("a login without the authority ends with %d: %s", status, out)
	}
	if out, status := elsewhere(h.token, nil, "login", h.url, "--token-stdin", "--ca", cert+"x"); status != 2 {
		t.Errorf("a login with no authority in the file ends with %d: %s", status, out)
	}
	if out, status := elsewhere(h.token, nil, "login", h.url, "--token-stdin", "--ca", ca); status != 0 || !strings.Contains(out, "Signed in to "+h.url) {
		t.Fatalf("a login with the authority ends with %d: %s", status, out)
	}
	var who me
	out, status := elsewhere("", nil, "me", "--json")
	if err := json.Unmarshal([]byte(out), &who); status != 0 || err != nil || who.Role != "operator" {
		t.Errorf("after the login `me` ends with %d: %s", status, out)
	}
	if out, status := elsewhere("", nil, "platforms"); status != 0 || !strings.Contains(out, "slack") {
		t.Errorf("after the login `platforms` ends with %d: %s", status, out)
	}
	if out, status := elsewhere("", nil, "logout"); status != 0 {
		t.Fatalf("logging out ends with %d: %s", status, out)
	}
	for _, variable := range []string{"PATCHBAY_CA", "PATCHBAY_CA_FILE"} {
		if out, status := elsewhere("", []string{"PATCHBAY_URL=" + h.url, "PATCHBAY_TOKEN=" + h.token, variable + "=" + ca}, "me"); status != 0 || !strings.Contains(out, "operator") {
			t.Errorf("with %s `me` ends with %d: %s", variable, status, out)
		}
	}
	if out, problems, status := h.cli("me", "--ca-file", ca); status != 0 || !strings.Contains(out, h.url) {
		t.Errorf("on the host's machine `me` ends with %d: %s%s", status, out, problems)
	}
}
