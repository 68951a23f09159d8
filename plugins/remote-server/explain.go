package main

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/patchbay/patchbay/sdk"
)

// The words of golang.org/x/crypto/ssh for what has no type there. A server's own words never reach a caller: a hostile one
// could put there what it was sent.
const (
	wordsRefused      = "ssh: unable to authenticate"
	wordsTooMany      = `ssh: disconnect, reason 2: "Too many authentication failures` // OpenSSH's end at MaxAuthTries
	wordsNoMore       = "ssh: disconnect, reason 14:"                                  // RFC 4253, 11.1: no more methods
	wordsNoSignature  = "ssh: no common public key signature algorithm"
	wordsNoVersion    = "ssh: overflow reading version string"
	wordsOtherVersion = "ssh: invalid version"
)

// explainHandshake says why a connection could not be made. keyTaken says that the host key was right, so that what failed is signing in.
func explainHandshake(ctx context.Context, err error, keyTaken bool) error {
	var own *sdk.Error
	if errors.As(err, &own) {
		own.NotSent = true
		return own
	}
	if ctx.Err() != nil {
		return notSent(sdk.Timeout, "The server did not finish signing in within the time given.")
	}
	var none *ssh.AlgorithmNegotiationError
	if errors.As(err, &none) {
		return notSent(sdk.PlatformError, "The server offers no %s that is safe enough; it offers %s, and %s are taken.",
			none.What, listed(none.RequestedAlgorithms), listed(none.SupportedAlgorithms))
	}
	words := strings.TrimPrefix(err.Error(), "ssh: handshake failed: ")
	switch {
	case strings.HasPrefix(words, wordsNoSignature):
		return notSent(sdk.PlatformError, "The server takes RSA keys with SHA-1 only, which is no longer safe. Use an ed25519 key.")
	case keyTaken && (strings.HasPrefix(words, wordsRefused) || strings.HasPrefix(words, wordsTooMany) || strings.HasPrefix(words, wordsNoMore)):
		return notSent(sdk.AuthRevoked, "The server refuses this user's key or password.")
	case strings.HasPrefix(words, wordsNoVersion), strings.HasPrefix(words, wordsOtherVersion):
		return notSent(sdk.PlatformError, "What answers at this port is not an SSH server.")
	}
	return notSent(sdk.PlatformUnavailable, "The server ended the connection before the sign-in was finished.")
}

// explainChannel says why a session could not be opened in a connection.
func explainChannel(ctx context.Context, err error, what string) error {
	var refused *ssh.OpenChannelError
	switch {
	case ctx.Err() != nil:
		return notSent(sdk.Timeout, "The call was given up before the server had answered.")
	case errors.As(err, &refused) && refused.Reason == ssh.ResourceShortage:
		return notSent(sdk.PlatformUnavailable, "The server has no room for another session.")
	case errors.As(err, &refused):
		return notSent(sdk.PermissionDenied, "The server does not let this user %s.", what)
	}
	return notSent(sdk.PlatformUnavailable, "The server ended the connection.")
}

// explainFile gives an error of SFTP its kind. None holds a path or the server's words.
func explainFile(ctx context.Context, err error) error {
	var own *sdk.Error
	var status *sftp.StatusError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &own):
		return own
	case ctx.Err() != nil:
		return sdk.Errorf(sdk.Timeout, "The call was given up before the server had answered.")
	case errors.Is(err, errTooLarge):
		return sdk.Errorf(sdk.PlatformError, "A directory of the server has more entries than can be listed.")
	case errors.Is(err, fs.ErrNotExist):
		return sdk.Errorf(sdk.NotFound, "The server has no such file or directory.")
	case errors.Is(err, fs.ErrPermission):
		return sdk.Errorf(sdk.PermissionDenied, "The server does not let this user do that with this file or directory.")
	case errors.Is(err, syscall.ENOTDIR):
		return sdk.Errorf(sdk.Conflict, "A part of the path is a file and not a directory.")
	case errors.As(err, &status) && status.FxCode() == sftp.ErrSSHFxOpUnsupported:
		return sdk.Errorf(sdk.PlatformError, "The server's SFTP cannot do that.")
	case errors.As(err, &status):
		return sdk.Errorf(sdk.PlatformError, "The server's file system refused, without saying why: the disk may be full, a directory not empty, or a name taken.")
	}
	return connectionLost()
}

func connectionLost() *sdk.Error {
	return sdk.Errorf(sdk.OutcomeUnknown, "The connection to the server was lost; what was asked of it may have been done or not.")
}

func notSent(kind sdk.Kind, format string, args ...any) *sdk.Error {
	e := sdk.Errorf(kind, format, args...)
	e.NotSent = true
	return e
}

// listed joins names that come from the server: few, short, and of the letters that names have.
func listed(names []string) string {
	const most = 12
	var out []string
	for _, name := range names {
		if len(out) == most {
			out = append(out, "others")
			break
		}
		if len(name) <= 64 && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) {
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}
