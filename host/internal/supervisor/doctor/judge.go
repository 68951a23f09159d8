package doctor

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/patchbay/patchbay/host/internal/supervisor/doctor/probe"
)

// nothingToRefuse is for what an unconfined program is refused too: it says nothing about confinement.
const nothingToRefuse = "nothing here to refuse"

// judge says how an attempt ended and what stopped it. plain is its result unconfined, other that with another user id; their State is
// empty where it was not tried so.
func judge(a probe.Attempt, confined, plain, other result) Probe {
	p := Probe{Name: a.Name, Expected: Refused, Outcome: Allowed, Detail: confined.Detail}
	if a.Allowed {
		p.Expected = Allowed
	}
	if confined.State == probe.Refused {
		p.Outcome, p.By = Refused, stoppedBy(a, confined, plain, other)
	}
	if p.By == nothingToRefuse && plain.Detail != "" {
		p.Detail = "unconfined: " + plain.Detail
	}
	return p
}

func stoppedBy(a probe.Attempt, confined, plain, other result) string {
	switch {
	case confined.By != "":
		return confined.By
	case confined.signal == syscall.SIGSYS: // nothing else sends it
		return "seccomp"
	case a.Egress:
		return nothingToRefuse // a failure, no decision
	case plain.State == probe.Refused:
		return sameUnconfined(a, plain)
	case a.Filtered && (confined.Errno == unix.EPERM || confined.Errno == unix.ENOSYS):
		return "seccomp" // it decides before anything else does
	case confined.deniedByMode() && other.State == probe.Refused:
		return "own uid" // file permissions are looked at before Landlock is asked
	case confined.Errno == unix.EACCES:
		return "landlock"
	case confined.Errno == unix.EPERM:
		return "no capabilities"
	case limited(confined):
		return "rlimit"
	}
	return "the kernel"
}

// sameUnconfined tells the one protection that does not belong to confinement, and covers unconfined children too, from luck.
func sameUnconfined(a probe.Attempt, plain result) string {
	if a.HostMemory && plain.deniedByMode() && notDumpable() {
		return "host not dumpable"
	}
	return nothingToRefuse
}

// deniedByMode says whether file permissions may have been the reason.
func (r result) deniedByMode() bool { return r.Errno == unix.EACCES }

// limited says whether the kernel counted something. Go's runtime ends a program that gets no more threads or memory.
func limited(r result) bool {
	for _, errno := range []syscall.Errno{unix.ENOMEM, unix.EMFILE, unix.EFBIG, unix.EAGAIN} {
		if errors.Is(r.Errno, errno) {
			return true
		}
	}
	return r.ended || r.signal == syscall.SIGXFSZ
}

// notDumpable says whether this process is as a host is.
func notDumpable() bool {
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	return err == nil && dumpable == 0
}
