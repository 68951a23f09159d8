package probe

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Attempt is one thing to try.
type Attempt struct {
	// Name is kebab-case and unique.
	Name string
	// Allowed says that adapters can do it; otherwise they are refused.
	Allowed bool
	// Filtered says that the seccomp rules are about its first system call.
	Filtered bool
	// Egress says that it asks the host for a connection, so that only a program with an egress socket can try it.
	Egress bool
	// HostMemory says that it is about what the kernel keeps of a process that is not dumpable.
	HostMemory bool
	// OwnUID says that only a program with a user id of its own is refused.
	OwnUID bool

	try func(trial) (gained string, err error)
}

// trial is an attempt in a scene.
type trial struct {
	Scene
	name string
	say  func(Result) error
}

// Attempts lists what there is to try on this architecture, for a program that has a user id of its own or not. Those that end the
// program where they are stopped, or where they are not, stand last.
func Attempts(ownUID bool) []Attempt {
	var list []Attempt
	for _, family := range [][]Attempt{good(), files(), sockets(), kernelSockets(), egress(), processes(), limits(), final()} {
		for _, attempt := range family {
			if !attempt.OwnUID || ownUID {
				list = append(list, attempt)
			}
		}
	}
	return list
}

// nothing makes an error of an errno that may be 0.
func nothing(errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

// opened closes a descriptor that an attempt has gained.
func opened(fd int, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return fmt.Sprint("descriptor ", fd), unix.Close(fd)
}
