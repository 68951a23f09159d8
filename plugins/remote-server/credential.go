package main

import (
	"errors"
	"net"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/patchbay/patchbay/sdk"
)

// login is a credential, read.
type login struct {
	host, port, user string
	methods          []ssh.AuthMethod
	pin              pin
}

// readLogin reads the fields of a credential. What is wrong with one is AuthRevoked: only its owner can put it right.
func readLogin(c sdk.Credential) (login, error) {
	l := login{host: strings.TrimSpace(c.Field("host")), port: strings.TrimSpace(c.Field("port")), user: c.Field("username")}
	if l.port == "" {
		l.port = "22"
	}
	if l.host == "" || l.user == "" || strings.ContainsFunc(l.user, isControl) {
		return login{}, unusable("The integration names no host or no user.")
	}
	if n, err := strconv.ParseUint(l.port, 10, 16); err != nil || n == 0 {
		return login{}, unusable("The integration's port is not a number from 1 to 65535.")
	}
	var err error
	if l.pin, err = parsePin(c.Field("host_key")); err != nil {
		return login{}, err
	}
	l.methods, err = authMethods(c)
	return l, err
}

// address is what is dialled: the host allows exactly what the fields say.
func (l login) address() string { return net.JoinHostPort(l.host, l.port) }

// authMethods are the ways to sign in that a credential allows: the key first. A server may ask for both in turn.
func authMethods(c sdk.Credential) ([]ssh.AuthMethod, error) {
	var methods []ssh.AuthMethod
	if key := c.Field("private_key"); strings.TrimSpace(key) != "" {
		signer, err := parsePrivateKey(key, c.Field("passphrase"))
		if err != nil {
			return nil, err
		}
		methods = append(methods, ssh.PublicKeys(signer))
	}
	if password := c.Field("password"); password != "" {
		methods = append(methods, ssh.Password(password), ssh.KeyboardInteractive(answerWith(password)))
	}
	if len(methods) == 0 {
		return nil, unusable("The integration has neither a private key nor a password.")
	}
	return methods, nil
}

// answerWith answers the one question of a server that asks for the password in a dialogue, and no other.
func answerWith(password string) ssh.KeyboardInteractiveChallenge {
	asked := 0
	return func(_, _ string, questions []string, echo []bool) ([]string, error) {
		if len(questions) == 0 {
			return nil, nil
		}
		asked++
		if asked > 1 || len(questions) > 1 || echo[0] {
			return nil, errors.New("the server asks for more than the password")
		}
		return []string{password}, nil
	}
}

func unusable(format string, args ...any) *sdk.Error {
	e := sdk.Errorf(sdk.AuthRevoked, format, args...)
	e.NotSent = true
	return e
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
