package supervisor

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
)

// launcher starts processes from one thread that lives as long as it does: the kernel sends the parent-death signal when the
// thread that started a child ends, not when the process does.
type launcher struct {
	work chan func()
	once sync.Once
	done chan struct{}
}

func newLauncher() *launcher {
	keepInherited()
	l := &launcher{work: make(chan func()), done: make(chan struct{})}
	go func() {
		defer close(l.done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		for f := range l.work {
			f()
		}
	}()
	return l
}

// start starts a command on the launcher's thread. It must not be called after close.
func (l *launcher) start(cmd *exec.Cmd) error {
	result := make(chan error, 1)
	l.work <- func() { result <- cmd.Start() }
	return <-result
}

// close ends the thread, and with it every process that it started and that still lives.
func (l *launcher) close() {
	l.once.Do(func() { close(l.work) })
	<-l.done
}

// keepInherited keeps from children what the host itself has inherited from whoever started it: a shell's redirections, a service
// manager's sockets. What Go opens is kept from them already.
func keepInherited() {
	const dir = "/proc/self/fd"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // without /proc nothing was promised
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
}
