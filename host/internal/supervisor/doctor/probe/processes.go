package probe

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

func processes() []Attempt {
	return []Attempt{
		{Name: "signal-host", Filtered: true, try: func(t trial) (string, error) { return "sent", unix.Kill(t.Host, 0) }},
		{Name: "copy-process-descriptor", Filtered: true, try: copyDescriptor},
		{Name: "read-process-memory", Filtered: true, try: readMemory},
		{Name: "trace-process", Filtered: true, try: func(t trial) (string, error) { return "attached", trace(t.Bystander) }},
		{Name: "outlive-host", Filtered: true, try: func(trial) (string, error) {
			return "cleared", unix.Prctl(unix.PR_SET_PDEATHSIG, 0, 0, 0, 0)
		}},
		{Name: "become-root", try: func(trial) (string, error) { return "root", syscall.Setresuid(0, 0, 0) }},
		{Name: "make-namespace", Filtered: true, try: makeNamespace},
		{Name: "read-keyring", Filtered: true, try: func(trial) (string, error) {
			id, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_USER_KEYRING, true)
			return fmt.Sprint("keyring ", id), err
		}},
		{Name: "start-process", Filtered: true, try: startProcess},
	}
}

func copyDescriptor(t trial) (string, error) {
	process, err := unix.PidfdOpen(t.Bystander, 0)
	if err != nil {
		return "", err
	}
	defer func() { _ = unix.Close(process) }()
	return opened(unix.PidfdGetfd(process, 0, 0))
}

// readMemory reads where nothing may be: what matters is whether that is for the program to find out.
func readMemory(t trial) (string, error) {
	var buffer [8]byte
	local := []unix.Iovec{{Base: &buffer[0], Len: uint64(len(buffer))}}
	n, err := unix.ProcessVMReadv(t.Bystander, local, []unix.RemoteIovec{{Base: 0x400000, Len: len(buffer)}}, 0)
	if errors.Is(err, unix.EFAULT) {
		return "no refusal", nil
	}
	return fmt.Sprint(n, " bytes"), err
}

// trace attaches to a process without stopping it. The kernel detaches with the end of the thread.
func trace(pid int) error { return inThread(func() error { return unix.PtraceSeize(pid) }) }

// inThread runs something in a thread that ends with it, and takes its state along.
func inThread(do func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked
		done <- do()
	}()
	return <-done
}

// makeNamespace tries it as root can, and then as every user can on most machines: in a process of its own.
func makeNamespace(t trial) (string, error) {
	if err := inThread(func() error { return unix.Unshare(unix.CLONE_NEWUTS) }); !errors.Is(err, unix.EPERM) {
		return "made", err
	}
	return start(t, &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER})
}

func startProcess(t trial) (string, error) { return start(t, nil) }

func start(t trial, attributes *syscall.SysProcAttr) (string, error) {
	process, err := os.StartProcess("/proc/self/exe", []string{"probe", Argument, say, t.name}, &os.ProcAttr{Sys: attributes})
	if err != nil {
		return "", err
	}
	_, err = process.Wait()
	return "started", err
}

// limits are what the program may have too much of.
func limits() []Attempt {
	return []Attempt{
		{Name: "take-memory", try: takeMemory},
		{Name: "open-many-files", try: openFiles},
		{Name: "write-large-file", try: writeFile},
	}
}

// takeMemory asks for memory and does not use it, which the kernel counts all the same.
func takeMemory(t trial) (string, error) {
	memory, err := unix.Mmap(-1, 0, int(t.MemoryBytes), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return "", err
	}
	return fmt.Sprint(t.MemoryBytes>>20, " MiB"), unix.Munmap(memory)
}

func openFiles(t trial) (string, error) {
	var open []int
	defer func() {
		for _, fd := range open {
			_ = unix.Close(fd)
		}
	}()
	for range t.Files {
		fd, err := unix.Dup(0)
		if err != nil {
			return "", fmt.Errorf("after %d: %w", len(open), err)
		}
		open = append(open, fd)
	}
	return fmt.Sprint(len(open), " descriptors"), nil
}

// writeFile writes the last byte of a large file, which takes no room.
func writeFile(t trial) (string, error) {
	const name = "large"
	file, err := os.Create(name)
	if err != nil {
		return "", err
	}
	_, err = file.WriteAt([]byte("x"), t.FileBytes)
	return fmt.Sprint(t.FileBytes>>20, " MiB"), errors.Join(err, file.Close(), os.Remove(name))
}

// final are attempts that may be the program's last.
func final() []Attempt {
	list := []Attempt{
		{Name: "start-many-threads", OwnUID: true, try: startThreads},
		{Name: "execute-program", Filtered: true, try: func(t trial) (string, error) {
			return "", unix.Exec(t.Program, []string{"probe", Argument, say, t.name}, nil)
		}},
		{Name: "execute-by-descriptor", try: executeDescriptor},
	}
	if hasInt80 {
		list = append(list, Attempt{Name: "int80-socket", Filtered: true, try: func(trial) (string, error) {
			const socketOf32Bits = 359
			fd := int80(socketOf32Bits, unix.AF_INET, unix.SOCK_STREAM, 0)
			if fd < 0 {
				return "", unix.Errno(-fd)
			}
			return opened(int(fd), nil)
		}})
	}
	return list
}

// startThreads goes on until the kernel stops it; the Go runtime then ends the program.
func startThreads(t trial) (string, error) {
	started, end := make(chan struct{}), make(chan struct{})
	defer close(end)
	for range t.Threads {
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			started <- struct{}{}
			<-end
		}()
	}
	for range t.Threads {
		<-started
	}
	return fmt.Sprint(t.Threads, " threads"), nil
}

// executeDescriptor puts another program where the filters expect the program's own binary.
func executeDescriptor(t trial) (string, error) {
	fd, err := unix.Open(t.Program, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	if fd != t.BinaryFD {
		err = unix.Dup3(fd, t.BinaryFD, unix.O_CLOEXEC)
	}
	if err != nil {
		return "", err
	}
	var arguments []*byte
	for _, argument := range []string{"probe", Argument, say, t.name} {
		pointer, err := unix.BytePtrFromString(argument)
		if err != nil {
			return "", err
		}
		arguments = append(arguments, pointer)
	}
	var empty byte
	arguments, environment := append(arguments, nil), []*byte{nil}
	_, _, errno := unix.RawSyscall6(unix.SYS_EXECVEAT, uintptr(t.BinaryFD), uintptr(unsafe.Pointer(&empty)),
		uintptr(unsafe.Pointer(&arguments[0])), uintptr(unsafe.Pointer(&environment[0])), unix.AT_EMPTY_PATH, 0)
	runtime.KeepAlive(arguments)
	runtime.KeepAlive(environment)
	return "", errno
}

// allowTracing lets any process of the same user look into this one, where the kernel (Yama) allows only parents.
func allowTracing() {
	const setTracer, anybody = 0x59616d61, ^uintptr(0)
	_, _, _ = unix.Syscall(unix.SYS_PRCTL, setTracer, anybody, 0) // kernels without Yama do not know it
}
