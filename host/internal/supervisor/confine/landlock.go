package confine

import (
	"os"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// own is what the program may do in its own directories: everything but executing, devices and ioctls.
const own = landlock.AccessFSSet(ll.AccessFSReadFile | ll.AccessFSWriteFile | ll.AccessFSReadDir | ll.AccessFSTruncate |
	ll.AccessFSRemoveDir | ll.AccessFSRemoveFile | ll.AccessFSMakeDir | ll.AccessFSMakeReg | ll.AccessFSMakeSock | ll.AccessFSMakeFifo |
	ll.AccessFSMakeSym)

// socketOnly is what go-plugin's server does in the socket directory: it makes a name with a temporary file, and a socket.
const socketOnly = landlock.AccessFSSet(ll.AccessFSReadFile | ll.AccessFSWriteFile | ll.AccessFSReadDir | ll.AccessFSRemoveFile |
	ll.AccessFSMakeReg | ll.AccessFSMakeSock)

// restrictPaths leaves the program its directories and runtime paths. TCP ports, abstract sockets and signals to the outside are
// restricted too, where the kernel's Landlock knows them; seccomp has its own rules on these.
func restrictPaths(o order) error {
	if o.Containers {
		return nil
	}
	private := landlock.PathAccess(own, o.PrivateDir)
	if landlockABI() >= 2 { // before that, asking for the right to move files between directories would undo all restrictions
		private = private.WithRefer()
	}
	rules := []landlock.Rule{private}
	if o.SocketDir != "" {
		rules = append(rules, landlock.PathAccess(socketOnly, o.SocketDir))
	}
	for _, path := range o.Runtime {
		rule, err := runtimeRule(path)
		if err != nil {
			return err
		}
		rules = append(rules, rule)
	}
	// What of the rules this kernel knows is in force; the shim has checked that it knows enough.
	return landlock.V11.BestEffort().Restrict(rules...)
}

func runtimeRule(path string) (landlock.Rule, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return landlock.RODirs(path), nil
	}
	return landlock.ROFiles(path), nil
}
