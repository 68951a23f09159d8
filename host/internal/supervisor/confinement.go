package supervisor

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/patchbay/patchbay/host/internal/release"
	"github.com/patchbay/patchbay/host/internal/supervisor/confine"
)

// Confinement says how adapters are kept to themselves by the kernel. Package confine is the mechanism; this is who gets what.
type Confinement struct {
	// AllowMissing starts adapters although this kernel lacks a mechanism, with those that it has.
	AllowMissing bool
	// CABundle is a file of PEM certificates that each adapter gets a copy of; "" where the machine has none.
	CABundle string
}

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

// of says what is enforced for a release with these grants.
func (c *Confinement) of(grants release.Grants) string {
	if c == nil {
		return "none"
	}
	if grants.Has(release.GrantContainers) {
		return "privileged: containers (root with some capabilities, in a network namespace without a way out; seccomp against the kernel's own affairs alone, no landlock)"
	}
	if paths := grants.Runtime(); len(paths) > 0 {
		return c.String() + "; may read " + strings.Join(paths, ", ")
	}
	return c.String()
}

// capabilitiesOf answers the capabilities that a program which runs containers keeps, where the host is root.
func capabilitiesOf(containers bool) []int {
	if !containers || os.Geteuid() != 0 {
		return nil
	}
	return []int{unix.CAP_SYS_ADMIN, unix.CAP_SETUID, unix.CAP_SETGID, unix.CAP_SETPCAP, unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_FOWNER,
		unix.CAP_FSETID, unix.CAP_SETFCAP, unix.CAP_NET_BIND_SERVICE, unix.CAP_SYS_PTRACE,
		unix.CAP_MKNOD, unix.CAP_KILL, unix.CAP_NET_ADMIN, unix.CAP_SYS_CHROOT, unix.CAP_SYS_RESOURCE}
}

// wrap makes the command run its binary confined: a sealed copy whose digest is the one that was taken into service, in a private
// folder beside the socket's. The function that it answers closes the copy, once the command has started or was not.
func (c *Confinement) wrap(cmd *exec.Cmd, spec launchSpec, socketDir string) (func(), error) {
	binary, err := confine.Seal(spec.path, spec.digest)
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
	uid := 0
	containers := spec.grants.Has(release.GrantContainers)
	limits := confine.AdapterRlimits(os.Geteuid() == 0 && !containers)
	if containers {
		limits = confine.Rlimits{} // its containers inherit them, and have bounds of their own
	}
	if os.Geteuid() == 0 && !containers {
		if uid, err = confine.FreshUID(); err != nil {
			return nil, errors.Join(err, binary.Close())
		}
	}
	err = confine.Wrap(cmd, confine.Spec{Binary: binary, Args: []string{spec.name}, PrivateDir: private, SocketDir: socketDir, UID: uid, GID: uid,
		CABundle: c.CABundle, Rlimits: limits, AllowMissing: c.AllowMissing, Runtime: spec.grants.Runtime(),
		Containers: containers, Capabilities: capabilitiesOf(containers)})
	if err != nil {
		return nil, errors.Join(err, binary.Close())
	}
	return func() { _ = binary.Close() }, nil // the child has its copy
}
