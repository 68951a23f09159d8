package confine

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// ShimArgument is the hidden first argument that makes the host's binary a shim.
const ShimArgument = "adapter-shim"

// selfPath is the running binary, whatever became of its file.
const selfPath = "/proc/self/exe"

// bundleName is the CA bundle's name in the private directory.
const bundleName = "ca-certificates.crt"

// Spec says what to run and what it may have.
type Spec struct {
	// Binary is what Seal returned, required. It must stay open until the command has started.
	Binary *os.File
	// Args are the program's arguments, the name first; required, for status displays show the name.
	Args []string
	// PrivateDir is the program's own directory, required, absolute: its working directory, HOME and TMPDIR.
	PrivateDir string
	// SocketDir is where it may create sockets, optional, absolute. It holds nothing else.
	SocketDir string
	// UID and GID are the program's own; 0 keeps the host's, which a host that is root may do only with Containers. The ids must be
	// able to traverse the way to both directories, which become theirs.
	UID, GID int
	// CABundle is a file of PEM certificates, optional. It is copied into PrivateDir, and SSL_CERT_FILE names the copy.
	CABundle string
	// Runtime lists files and directories that an interpreter or a dynamic linker needs, to be read and executed; optional, absolute.
	Runtime []string
	// Rlimits is optional; see there.
	Rlimits Rlimits
	// Containers is for a program of root that runs containers: no Landlock, user id 0 allowed, and of seccomp only the rules on the kernel's
	// own affairs. It gets a network namespace without a way out, which its containers begin in too.
	Containers bool
	// Capabilities are those that a root program with Containers keeps, by number (unix.CAP_SYS_ADMIN, ...).
	Capabilities []int
	// AllowMissing runs the program although the kernel lacks a mechanism, with those that it has.
	AllowMissing bool
}

// Rlimits bound the program's resources; 0 leaves the host's limit. Core dumps and POSIX message queues are always off.
type Rlimits struct {
	// OpenFiles is a number of descriptors.
	OpenFiles uint64
	// Tasks bounds the threads of the user id, which only makes sense when the program has one of its own.
	Tasks uint64
	// DataBytes bounds private memory; a Go program that needs more ends itself.
	DataBytes uint64
	// FileBytes bounds the size of one file.
	FileBytes uint64
}

// order is the Spec as the shim gets it, in one argument.
type order struct {
	Args         []string
	PrivateDir   string
	SocketDir    string
	UID, GID     int
	Runtime      []string
	Rlimits      Rlimits
	Containers   bool
	Capabilities []int
	AllowMissing bool
	BinaryFD     int // the descriptors between 3 and this one are the program's
	ParentPID    int
}

// Command builds a command that runs the program confined. Its environment holds HOME, TMPDIR and SSL_CERT_FILE alone; the caller may
// add to Env, set the standard streams and start it. See Wrap for ExtraFiles and failures.
func Command(spec Spec) (*exec.Cmd, error) {
	cmd := &exec.Cmd{}
	if err := Wrap(cmd, spec); err != nil {
		return nil, err
	}
	return cmd, nil
}

// Wrap turns a command that has not started into one that runs the spec's program confined: Path, Args and Dir are replaced; Env, which
// is never inherited, is added to; ExtraFiles set before are the program's from descriptor 3 on, and none may be added after; the
// process gets a group of its own and dies with the thread that starts it.
//
// It gives the directories to the program's user and copies the CA bundle. It fails when a field of the spec is unusable, when the
// kernel lacks a mechanism that the spec does not excuse, and when the file system does.
func Wrap(cmd *exec.Cmd, spec Spec) error {
	if err := spec.check(); err != nil {
		return fmt.Errorf("confining program: %w", err)
	}
	bundle, err := spec.prepareDirs()
	if err != nil {
		return fmt.Errorf("confining program: %w", err)
	}
	raw, err := json.Marshal(order{
		Args: spec.Args, PrivateDir: spec.PrivateDir, SocketDir: spec.SocketDir, UID: spec.UID, GID: spec.GID,
		Runtime: spec.Runtime, Rlimits: spec.Rlimits, Containers: spec.Containers, Capabilities: spec.Capabilities,
		AllowMissing: spec.AllowMissing, BinaryFD: 3 + len(cmd.ExtraFiles), ParentPID: os.Getpid(),
	})
	if err != nil {
		return fmt.Errorf("confining program: %w", err)
	}
	cmd.Path, cmd.Dir = selfPath, ""
	cmd.Args = []string{spec.Args[0], ShimArgument, string(raw)}
	cmd.Env = append(append([]string{}, cmd.Env...), "HOME="+spec.PrivateDir, "TMPDIR="+spec.PrivateDir)
	if bundle != "" {
		cmd.Env = append(cmd.Env, "SSL_CERT_FILE="+bundle)
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles[:len(cmd.ExtraFiles):len(cmd.ExtraFiles)], spec.Binary)
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	return nil
}

func (s Spec) check() error {
	paths := append([]string{s.PrivateDir}, s.Runtime...)
	if s.SocketDir != "" {
		paths = append(paths, s.SocketDir)
	}
	for _, path := range paths {
		if !filepath.IsAbs(path) || strings.ContainsRune(path, 0) {
			return fmt.Errorf("%q is no absolute path", path)
		}
	}
	root := os.Geteuid() == 0
	switch {
	case s.Binary == nil:
		return errors.New("there is no binary")
	case len(s.Args) == 0:
		return errors.New("there are no arguments")
	case s.UID < 0 || s.GID < 0 || (s.UID == 0) != (s.GID == 0):
		return errors.New("user and group id go together")
	case root && s.UID == 0 && !s.Containers:
		return errors.New("a host that runs as root needs a user id of the program's own")
	case !root && s.UID != 0 && s.UID != os.Geteuid():
		return errors.New("only root can give the program another user id")
	case s.Containers && !root:
		return errors.New("only root runs containers")
	case len(s.Capabilities) > 0 && !s.Containers:
		return errors.New("capabilities are kept only with containers")
	}
	if missing := Probe().Missing; len(missing) > 0 && !s.AllowMissing {
		return fmt.Errorf("this kernel lacks %s", strings.Join(missing, "; "))
	}
	return nil
}

// prepareDirs gives the directories to the program's user, and returns the path of the CA bundle's copy.
func (s Spec) prepareDirs() (bundle string, err error) {
	for _, dir := range []string{s.PrivateDir, s.SocketDir} {
		if dir == "" {
			continue
		}
		info, err := os.Lstat(dir)
		if err != nil {
			return "", fmt.Errorf("looking at the program's directory: %w", err)
		}
		if !info.IsDir() {
			return "", fmt.Errorf("%s is no directory", dir)
		}
		if s.UID == 0 {
			continue
		}
		if err := os.Lchown(dir, s.UID, s.GID); err != nil {
			return "", fmt.Errorf("giving the program its directory: %w", err)
		}
	}
	if s.CABundle == "" {
		return "", nil
	}
	if err := s.copyBundle(); err != nil {
		return "", fmt.Errorf("copying CA bundle: %w", err)
	}
	return filepath.Join(s.PrivateDir, bundleName), nil
}

// copyBundle writes into a directory that the program of an earlier launch could write to, so it follows no link there.
func (s Spec) copyBundle() error {
	content, err := os.ReadFile(s.CABundle)
	if err != nil {
		return err
	}
	dir, err := os.OpenRoot(s.PrivateDir)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	if err := dir.RemoveAll(bundleName); err != nil {
		return err
	}
	file, err := dir.OpenFile(bundleName, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Close())
}
