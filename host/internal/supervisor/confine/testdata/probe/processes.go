package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

func processes() map[string]func(args []string) (string, error) {
	host := os.Getppid()
	raw := func(trap, a, b, c uintptr) (string, error) {
		r, _, errno := unix.RawSyscall6(trap, a, b, c, 0, 0, 0)
		return fmt.Sprint(r), nothing(errno)
	}
	return map[string]func(args []string) (string, error){
		"kill-host":         func([]string) (string, error) { return "sent", unix.Kill(host, unix.SIGCONT) },
		"kill-group":        func([]string) (string, error) { return "sent", unix.Kill(0, 0) },
		"kill-everybody":    func([]string) (string, error) { return "sent", unix.Kill(-1, unix.SIGCONT) },
		"tgkill-host":       func([]string) (string, error) { return "sent", unix.Tgkill(host, host, unix.SIGCONT) },
		"tkill-host":        func([]string) (string, error) { return raw(unix.SYS_TKILL, uintptr(host), uintptr(unix.SIGCONT), 0) },
		"pidfd-host":        func([]string) (string, error) { return raw(unix.SYS_PIDFD_OPEN, uintptr(host), 0, 0) },
		"queue-signal-host": func([]string) (string, error) { return queueSignal(host) },
		"signal-by-fcntl": func([]string) (string, error) {
			_, err := unix.FcntlInt(0, unix.F_SETOWN, host)
			return "owner set", err
		},
		"signal-by-ioctl": func([]string) (string, error) {
			const fiosetown = 0x8901
			return "owner set", unix.IoctlSetPointerInt(passed, fiosetown, host)
		},
		"limit-host": func([]string) (string, error) {
			var now unix.Rlimit
			return "read", unix.Prlimit(host, unix.RLIMIT_NOFILE, nil, &now)
		},
		"slow-host":    func([]string) (string, error) { return "set", unix.Setpriority(unix.PRIO_PROCESS, host, 19) },
		"pin-host":     func([]string) (string, error) { return "set", unix.SchedSetaffinity(host, &unix.CPUSet{1}) },
		"trace-host":   func([]string) (string, error) { return "attached", unix.PtraceSeize(host) },
		"read-host":    func([]string) (string, error) { return readMemory(host) },
		"outlive-host": func([]string) (string, error) { return "cleared", unix.Prctl(unix.PR_SET_PDEATHSIG, 0, 0, 0, 0) },
		"outlive-high": func([]string) (string, error) { return raw(unix.SYS_PRCTL, 1<<32|unix.PR_SET_PDEATHSIG, 0, 0) },
		"leave-group":  func([]string) (string, error) { return "left", unix.Setpgid(0, unix.Getpgrp()) },
		"own-session":  func([]string) (string, error) { return raw(unix.SYS_SETSID, 0, 0, 0) },
		"fork":         func([]string) (string, error) { return raw(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0) },
		"clone3":       func([]string) (string, error) { return clone3() },
		"execute":      func(args []string) (string, error) { return "executed", unix.Exec(args[0], args, nil) },
		"execute-child": func(args []string) (string, error) {
			cmd := exec.Command(args[0], args[1:]...)
			cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
			return "executed", cmd.Run()
		},
		"execute-own": func([]string) (string, error) { return executeOwn() },
		"execute-memory": func([]string) (string, error) {
			fd, err := unix.MemfdCreate("x", 0)
			if err != nil {
				return "", err
			}
			if _, err := unix.Write(fd, []byte("#!/bin/sh\n")); err != nil {
				return "", err
			}
			return "executed", unix.Exec("/proc/self/fd/"+strconv.Itoa(fd), []string{"x"}, nil)
		},
		"thread-bomb": func([]string) (string, error) { return threadBomb() },
		"fill-memory": func([]string) (string, error) { return fillMemory() },
		"fill-file":   func([]string) (string, error) { return fillFile() },
		"many-files":  func([]string) (string, error) { return manyFiles() },
		"become-root": func([]string) (string, error) { return "root", syscall.Setresuid(0, 0, 0) },
		"namespace":   func([]string) (string, error) { return "made", unix.Unshare(unix.CLONE_NEWUSER) },
		"clone-newuser": func([]string) (string, error) {
			return raw(unix.SYS_CLONE, unix.CLONE_NEWUSER|uintptr(unix.SIGCHLD), 0, 0)
		},
	}
}

func queueSignal(pid int) (string, error) {
	info := [128]byte{8: 0xff, 9: 0xff, 10: 0xff, 11: 0xff} // si_code SI_QUEUE
	_, _, errno := unix.Syscall(unix.SYS_RT_SIGQUEUEINFO, uintptr(pid), uintptr(unix.SIGCONT), uintptr(unsafe.Pointer(&info)))
	return "sent", nothing(errno)
}

func readMemory(pid int) (string, error) {
	var buffer [8]byte
	local := []unix.Iovec{{Base: &buffer[0], Len: 8}}
	n, err := unix.ProcessVMReadv(pid, local, []unix.RemoteIovec{{Base: 0x400000, Len: 8}}, 0)
	if err == unix.EFAULT {
		return "no page there, but no refusal", nil
	}
	return fmt.Sprint(n), err
}

func clone3() (string, error) {
	arguments := [11]uint64{4: uint64(unix.SIGCHLD)}
	pid, _, errno := unix.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&arguments)), unsafe.Sizeof(arguments), 0)
	if pid == 0 && errno == 0 {
		unix.Exit(0)
	}
	return fmt.Sprint(pid), nothing(errno)
}

func executeOwn() (string, error) {
	if err := os.WriteFile("tool", []byte("#!/bin/sh\nexit 0\n"), 0o700); err != nil {
		return "", err
	}
	return "executed", unix.Exec("tool", []string{"tool"}, nil)
}

// threadBomb starts threads until the kernel stops it; the Go runtime then ends the program.
func threadBomb() (string, error) {
	for range 2000 {
		go func() {
			runtime.LockOSThread()
			_ = unix.Pause()
		}()
	}
	runtime.Gosched()
	hold := make(chan struct{})
	<-hold
	return "", errNothing
}

// fillMemory takes 4 GiB, or as much as it gets before the runtime ends the program.
func fillMemory() (string, error) {
	var kept [][]byte
	for range 64 {
		block := make([]byte, 64<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		kept = append(kept, block)
	}
	return fmt.Sprint(len(kept)*64, " MiB"), nil
}

func fillFile() (string, error) {
	file, err := os.Create("large")
	if err != nil {
		return "", err
	}
	for range 64 {
		if _, err := file.Write(make([]byte, 1<<20)); err != nil {
			return "", err
		}
	}
	return "64 MiB", nil
}

func manyFiles() (string, error) {
	for i := range 5000 {
		if _, err := unix.Dup(0); err != nil {
			return "", fmt.Errorf("after %d: %w", i, err)
		}
	}
	return "5000", nil
}
