package confine

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// MaxBinaryBytes bounds a program.
const MaxBinaryBytes = 512 << 20

// ErrDigest is the error of Seal and SealFrom for content that is not what the digest says.
var ErrDigest = errors.New("the binary does not have the digest that was pinned")

// Seal copies the regular file at path, which is no symbolic link, as SealFrom does.
func Seal(path string, digest [sha256.Size]byte) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("opening binary: %w", &os.PathError{Op: "open", Path: path, Err: err})
	}
	source := os.NewFile(uintptr(fd), path)
	defer func() { _ = source.Close() }()
	info, err := source.Stat()
	if err != nil {
		return nil, fmt.Errorf("opening binary: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("opening binary: %s is no regular file", path)
	}
	return SealFrom(source, digest)
}

// SealFrom copies a program into memory that nobody can change any more, and checks the copy: what has the digest is what will run,
// whatever happens to the source. It fails with ErrDigest, when the program is larger than MaxBinaryBytes, and when the kernel gives no
// executable memory. The caller closes the file.
func SealFrom(source io.Reader, digest [sha256.Size]byte) (*os.File, error) {
	file, err := executableMemory()
	if err != nil {
		return nil, fmt.Errorf("sealing binary: %w", err)
	}
	if err := fill(file, source, digest); err != nil {
		return nil, errors.Join(fmt.Errorf("sealing binary: %w", err), file.Close())
	}
	return file, nil
}

func executableMemory() (*os.File, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate("adapter", flags|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3 all are executable
		fd, err = unix.MemfdCreate("adapter", flags)
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "adapter"), nil
}

func fill(file *os.File, source io.Reader, digest [sha256.Size]byte) error {
	n, err := io.Copy(file, io.LimitReader(source, MaxBinaryBytes+1))
	if err != nil {
		return err
	}
	if n > MaxBinaryBytes {
		return fmt.Errorf("it is larger than %d MiB", MaxBinaryBytes>>20)
	}
	const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	if _, err := unix.FcntlInt(file.Fd(), unix.F_ADD_SEALS, seals); err != nil {
		return err
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, io.NewSectionReader(file, 0, n)); err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(hash.Sum(nil), digest[:]) != 1 {
		return ErrDigest
	}
	return nil
}
