package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// account is who runs the database: the host's own user, or, when the host is root, one that is not.
type account struct {
	name     string
	uid, gid int
	other    bool // not the host's own user: children change to it
}

// findAccount answers the account that runs the database, and makes the user if the host is root and it is missing.
func findAccount(ctx context.Context, name string) (account, error) {
	if os.Geteuid() != 0 {
		return account{name: "uid " + strconv.Itoa(os.Geteuid()), uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	known, err := user.Lookup(name)
	if unknown := (user.UnknownUserError)(""); errors.As(err, &unknown) {
		if err = addUser(ctx, name); err == nil {
			known, err = user.Lookup(name)
		}
	}
	if err != nil {
		return account{}, fmt.Errorf("finding the database's user %s (PostgreSQL refuses to run as root): %w", name, err)
	}
	uid, err := strconv.Atoi(known.Uid)
	if err != nil {
		return account{}, fmt.Errorf("reading the uid of %s: %w", name, err)
	}
	gid, err := strconv.Atoi(known.Gid)
	if err != nil {
		return account{}, fmt.Errorf("reading the gid of %s: %w", name, err)
	}
	if uid == 0 {
		return account{}, fmt.Errorf("the database's user %s is root, as which PostgreSQL refuses to run; name another", name)
	}
	return account{name: name, uid: uid, gid: gid, other: true}, nil
}

// addUser makes a system user that owns nothing and cannot log in.
func addUser(ctx context.Context, name string) error {
	const fix = "make it by hand: useradd --system --user-group --no-create-home --shell /usr/sbin/nologin "
	path, err := exec.LookPath("useradd")
	if err != nil {
		path = "/usr/sbin/useradd" // root's PATH may lack sbin
	}
	out, err := exec.CommandContext(ctx, path, "--system", "--user-group", "--no-create-home",
		"--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", name).CombinedOutput()
	const exists = 9
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == exists {
		return nil // another host made it just now
	}
	if err != nil {
		return fmt.Errorf("adding it: %w: %s (%s)", err, strings.TrimSpace(string(out)), fix+name)
	}
	return nil
}

// attributes makes a child run as the account, in a session of its own (a Ctrl-C at the terminal is the host's to
// handle), and get sig when the thread that started it ends. The runtime sets the signal after it has changed the
// user, which would clear it.
func (a account) attributes(sig syscall.Signal) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true, Pdeathsig: sig}
	if a.other {
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attr
}

// give makes path, which the host has just made, the account's own.
func (a account) give(path string) error {
	if !a.other {
		return nil
	}
	return os.Lchown(path, a.uid, a.gid)
}
