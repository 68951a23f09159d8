package main

import (
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Bounds of keys.
const (
	minRSABits = 2048
	maxRSABits = 16384
	// maxKeyBytes is more than the largest RSA key needs.
	maxKeyBytes = 32 << 10
)

// parsePrivateKey reads a private key in one of the forms that OpenSSH writes. Errors hold nothing of it.
func parsePrivateKey(text, passphrase string) (ssh.Signer, error) {
	if len(text) > maxKeyBytes {
		return nil, unusable("The private key is larger than any key that is taken.")
	}
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")) + "\n" // as pasted on any system
	raw, err := ssh.ParseRawPrivateKey([]byte(text))
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		if passphrase == "" {
			return nil, unusable("The private key is protected by a passphrase, and the integration has none.")
		}
		raw, err = ssh.ParseRawPrivateKeyWithPassphrase([]byte(text), []byte(passphrase))
	}
	switch {
	case errors.Is(err, x509.IncorrectPasswordError):
		return nil, unusable("The passphrase does not open the private key.")
	case err != nil:
		return nil, unusable("%s", unreadableKey(text))
	}
	return signerOf(raw)
}

// unreadableKey guesses why a key cannot be read, by its first line.
func unreadableKey(text string) string {
	switch {
	case strings.HasPrefix(text, "PuTTY-User-Key-File"):
		return "The private key is in PuTTY's form. Export it in OpenSSH form (PuTTYgen: Conversions, Export OpenSSH key)."
	case strings.HasPrefix(text, "ssh-"):
		return "The private key field holds a public key."
	case strings.HasPrefix(text, "-----BEGIN ENCRYPTED PRIVATE KEY"):
		return "The private key is an encrypted PKCS #8 key. Convert it with: ssh-keygen -p -f FILE"
	}
	return "The private key cannot be read. Paste the whole file, from its BEGIN line to its END line."
}

// signerOf takes ed25519, and RSA with SHA-2 alone: a server that insists on SHA-1 gets no signature.
func signerOf(raw any) (ssh.Signer, error) {
	switch key := raw.(type) {
	case ed25519.PrivateKey, *ed25519.PrivateKey:
		signer, err := ssh.NewSignerFromKey(key)
		if err != nil {
			return nil, unusable("The private key cannot be used.")
		}
		return signer, nil
	case *rsa.PrivateKey:
		return rsaSigner(key)
	}
	return nil, unusable("The private key is neither ed25519 nor RSA. Make one with: ssh-keygen -t ed25519")
}

func rsaSigner(key *rsa.PrivateKey) (ssh.Signer, error) {
	if bits := key.N.BitLen(); bits < minRSABits || bits > maxRSABits {
		return nil, unusable("The private key is an RSA key of %d bits; from %d to %d are taken.", bits, minRSABits, maxRSABits)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		return nil, unusable("The private key cannot be used.")
	}
	algorithms, ok := signer.(ssh.AlgorithmSigner)
	if !ok {
		return nil, unusable("The private key cannot be used.")
	}
	sha2, err := ssh.NewSignerWithAlgorithms(algorithms, []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256})
	if err != nil {
		return nil, unusable("The private key cannot be used.")
	}
	return sha2, nil
}
