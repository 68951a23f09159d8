package doctor

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/patchbay/patchbay/host/internal/supervisor/confine"
)

// self is the running binary, whatever became of its file.
const self = "/proc/self/exe"

// sealProgram makes the copy that is run. It fails for a program that needs a dynamic linker, which a confined one does not get.
func sealProgram(path string) (*os.File, error) {
	if path == "" {
		path = self
	}
	source, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the probe: %w", err)
	}
	defer func() { _ = source.Close() }() // only read
	static, err := isStatic(source)
	if err != nil {
		return nil, fmt.Errorf("reading the probe: %w", err)
	}
	if !static {
		return nil, errors.New("this program is linked dynamically, and confined it cannot load the libraries that it needs: " +
			"build it with CGO_ENABLED=0, as scripts/build does")
	}
	hash := sha256.New()
	size, err := io.Copy(hash, source)
	if err != nil {
		return nil, fmt.Errorf("reading the probe: %w", err)
	}
	return confine.SealFrom(io.NewSectionReader(source, 0, size), [sha256.Size]byte(hash.Sum(nil)))
}

// isStatic says whether a program asks for no interpreter.
func isStatic(source io.ReaderAt) (bool, error) {
	program, err := elf.NewFile(source)
	if err != nil {
		return false, err
	}
	for _, segment := range program.Progs {
		if segment.Type == elf.PT_INTERP {
			return false, nil
		}
	}
	return true, nil
}

// tryBinary tries what nobody confined has a hand in: to run something else than was checked. The control is the same with memory that
// is not sealed, and with the right digest.
func tryBinary(binary *os.File) []Probe {
	change := Probe{Name: "change-checked-program", Expected: Refused, Outcome: Refused, By: "sealed memfd"}
	if err := overwrite(int(binary.Fd())); err == nil {
		change.Outcome, change.By, change.Detail = Allowed, "", "written"
	} else {
		change.Detail = err.Error()
		if !writableUnsealed() {
			change.By = nothingToRefuse
		}
	}
	replace := Probe{Name: "run-replaced-program", Expected: Refused, Outcome: Refused, By: "pinned digest"}
	file, err := confine.SealFrom(strings.NewReader("another program"), sha256.Sum256([]byte("the program")))
	switch {
	case err == nil:
		replace.Outcome, replace.By, replace.Detail = Allowed, "", "accepted"
		_ = file.Close() // sealed memory: nothing to lose
	case !errors.Is(err, confine.ErrDigest):
		replace.By, replace.Detail = nothingToRefuse, err.Error()
	default:
		replace.Detail = confine.ErrDigest.Error()
	}
	return []Probe{change, replace}
}

// overwrite writes what is there already, so that a success does no harm.
func overwrite(fd int) error {
	head := make([]byte, 4)
	if _, err := unix.Pread(fd, head, 0); err != nil {
		return err
	}
	_, err := unix.Pwrite(fd, head, 0)
	return err
}

func writableUnsealed() bool {
	fd, err := unix.MemfdCreate("doctor", unix.MFD_CLOEXEC)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Close(fd) }()
	_, err = unix.Write(fd, bytes.Repeat([]byte("x"), 8))
	return err == nil && overwrite(fd) == nil
}
