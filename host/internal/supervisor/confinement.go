package supervisor

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/patchbay/patchbay/host/internal/supervisor/confine"
)

// Confinement says how adapters are kept to themselves by the kernel. Package confine is the mechanism; this is who gets what.
type Confinement struct {
	// AllowMissing starts adapters although this kernel lacks a mechanism, with those that it has.
	AllowMissing bool
	// CABundle is a file of PEM certificates that each adapter gets a copy of; "" where the machine has none.
	CABundle string
}

// What an adapter may use of the machine.
const (
	maxOpenFiles = 4096
	maxTasks     = 512
	maxDataBytes = 1 << 30
	maxFileBytes = 64 << 20
)

// caBundles are where distributions keep the certificates that programs trust, as crypto/x509 has them.
var caBundles = []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem"}

// FindCABundle answers the certificates that the machine trusts: the file that named says, or the distribution's, or "".
func FindCABundle(named string) string {
	for _, path := range append([]string{named}, caBundles...) {
		if info, err := os.Stat(path); path != "" && err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}

// String says what is enforced on this machine, for status displays.
func (c *Confinement) String() string {
	if c == nil {
		return "none"
	}
	report := confine.Probe()
	var parts []string
	if report.LandlockABI > 0 {
		parts = append(parts, fmt.Sprintf("landlock %d", report.LandlockABI))
	}
	if report.Seccomp {
		parts = append(parts, "seccomp")
	}
	if report.ExecutableMemory {
		parts = append(parts, "sealed binary")
	}
	if os.Geteuid() == 0 {
		parts = append(parts, "own uid")
	}
	if len(report.Missing) > 0 {
		return strings.Join(parts, ", ") + "; missing: " + strings.Join(report.Missing, "; ")
	}
	return strings.Join(parts, ", ")
}

// wrap makes the command run its binary confined: a sealed copy whose digest is the one that was taken into service, in a private
// folder beside the socket's. The function that it answers closes the copy, once the command has started or was not.
func (c *Confinement) wrap(cmd *exec.Cmd, spec launchSpec, socketDir string) (func(), error) {
	binary, err := confine.Seal(spec.path, [32]byte(spec.digest))
	if errors.Is(err, confine.ErrDigest) {
		return nil, errors.New("its binary was changed since it was taken into service; restart the host to take the new one")
	}
	if err != nil {
		return nil, fmt.Errorf("sealing its binary: %w", err)
	}
	private := filepath.Join(socketDir, "private")
	if err := os.Mkdir(private, 0o700); err != nil {
		return nil, errors.Join(fmt.Errorf("making its private folder: %w", err), binary.Close())
	}
	limits := confine.Rlimits{OpenFiles: maxOpenFiles, DataBytes: maxDataBytes, FileBytes: maxFileBytes}
	uid := 0
	if os.Geteuid() == 0 {
		if uid, err = freshUID(); err != nil {
			return nil, errors.Join(err, binary.Close())
		}
		limits.Tasks = maxTasks
	}
	err = confine.Wrap(cmd, confine.Spec{Binary: binary, Args: []string{spec.name}, PrivateDir: private, SocketDir: socketDir, UID: uid, GID: uid,
		CABundle: c.CABundle, Rlimits: limits, AllowMissing: c.AllowMissing})
	if err != nil {
		return nil, errors.Join(err, binary.Close())
	}
	return func() { _ = binary.Close() }, nil // the child has its copy
}

// freshUID answers a user id for one launch that nobody else has: a random one out of the upper part of those that this user namespace
// knows, which no account of a distribution uses.
func freshUID() (int, error) {
	raw, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return 0, fmt.Errorf("looking for a user id: %w", err)
	}
	var first, size uint64
	for line := range strings.Lines(string(raw)) {
		var inside, outside, count uint64
		if _, err := fmt.Sscan(line, &inside, &outside, &count); err == nil && count > size {
			first, size = inside, count
		}
	}
	low, width := first+1<<30, uint64(1<<29)
	if size < 1<<31 { // a container with a few user ids: the last eighth of them, but for nobody and nogroup
		width = size / 8
		low = first + size - width - 2
	}
	if width < 1000 {
		return 0, errors.New("this user namespace has too few user ids to give each adapter its own; run the host as an ordinary user")
	}
	var b [8]byte
	_, _ = rand.Read(b[:]) // documented never to fail
	return int(low + binary.BigEndian.Uint64(b[:])%width), nil
}
