package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// spared is a program that prints what a host and those that it starts run with.
func spared() {
	spareWakeups()
	slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	var signal int
	_, _, errno := unix.RawSyscall(unix.SYS_PRCTL, unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&signal)), 0)
	_, left := os.LookupEnv(executed)
	fmt.Println(slack, err, signal, errno, os.Getpid(), left, os.Args[1:])
}

func TestSpareWakeupsExecutesTheProgramOnce(t *testing.T) {
	runtime.LockOSThread() // the thread that starts a program must outlive it
	defer runtime.UnlockOSThread()
	for _, variable := range []string{"", executed + "=1", executed + "=" + fmt.Sprint(os.Getpid())} {
		cmd := exec.Command("spared", "an argument")
		cmd.Env = append(os.Environ(), variable)
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintln(timerSlack, nil, int(syscall.SIGKILL), syscall.Errno(0), cmd.Process.Pid, false, []string{"an argument"}); string(out) != want {
			t.Errorf("with %q it printed %q, want %q", variable, out, want)
		}
	}
}
