package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// gcPercent lets the heap grow to five times what is in use before it is collected: of what a call needs, nothing stays.
	gcPercent = 400
	// timerSlack is by how many nanoseconds the kernel may put a timer off, to serve several at once.
	timerSlack = 1_000_000
	// executed holds the number of the process that has executed itself.
	executed = "PATCHBAY_EXECUTED"
)

// init runs on the first thread, and main stays on it.
func init() { runtime.LockOSThread() }

// spareCollections makes garbage collections rarer, unless the operator has set GOGC.
func spareCollections() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// spareWakeups gives this process and those that it starts a slack for their timers. While a Go program is busy, a thread of its runtime
// wakes up every few dozen microseconds to watch it, which costs a tenth of the CPU of a host and its adapters. A thread has the slack of
// the one that started it, and that one runs since before main: so the program executes itself once more, under the same process number.
// It does so on its first thread, to which a parent-death signal belongs. Where it cannot be done the program goes on as it is.
func spareWakeups() {
	self := strconv.Itoa(os.Getpid())
	again := os.Getenv(executed) == self
	_ = os.Unsetenv(executed) // fails for no name such as this
	if slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0); again || err != nil || slack >= timerSlack {
		return
	}
	if unix.Prctl(unix.PR_SET_TIMERSLACK, timerSlack, 0, 0, 0) != nil {
		return
	}
	if program, err := os.Executable(); err == nil { // by its path, which gives the process its name
		_ = syscall.Exec(program, os.Args, append(os.Environ(), executed+"="+self)) // it only returns when it fails
	}
}
