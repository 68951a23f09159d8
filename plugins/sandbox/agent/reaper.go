package agent

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// reaper waits for all children, those that were left by others too. As the first process of the sandbox it gets all orphans.
type reaper struct {
	mu      sync.Mutex
	waiting map[int]func(syscall.WaitStatus)
}

func newReaper() *reaper { return &reaper{waiting: map[int]func(syscall.WaitStatus){}} }

// start runs a program and calls ended with how it ended, once.
func (r *reaper) start(argv []string, attr *os.ProcAttr, path string, ended func(syscall.WaitStatus)) (int, error) {
	r.mu.Lock() // so that its end is not seen before it is known
	defer r.mu.Unlock()
	p, err := os.StartProcess(path, argv, attr)
	if err != nil {
		return 0, err
	}
	pid := p.Pid
	r.waiting[pid] = ended
	_ = p.Release() // the reaper waits for it by number
	return pid, nil
}

// run reaps for ever.
func (r *reaper) run() {
	died := make(chan os.Signal, 64)
	signal.Notify(died, syscall.SIGCHLD)
	for {
		r.reap()
		<-died
	}
}

func (r *reaper) reap() {
	for {
		r.mu.Lock()
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		ended := r.waiting[pid]
		delete(r.waiting, pid)
		r.mu.Unlock()
		if pid <= 0 || err != nil {
			return
		}
		if ended != nil {
			go ended(status) // it waits for the rest of the output
		}
	}
}
