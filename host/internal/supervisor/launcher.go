package supervisor

import (
	"os/exec"
	"runtime"
	"sync"
)

// launcher starts processes from one thread that lives as long as it does: the kernel sends the parent-death signal when the
// thread that started a child ends, not when the process does.
type launcher struct {
	work chan func()
	once sync.Once
	done chan struct{}
}

func newLauncher() *launcher {
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
