package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// machine is what the figures depend on besides the program.
type machine struct {
	system, processor, commit string
	cores                     int
	sync                      time.Duration // to write 8 KiB durably
}

// describe looks at the machine that a folder is on.
func describe(dir string) machine {
	var name syscall.Utsname
	_ = syscall.Uname(&name) // fails for no valid pointer
	m := machine{cores: runtime.NumCPU(), system: "Linux " + text(name.Release[:]) + ", " + runtime.Version(), processor: processor(), commit: "unknown"}
	if out, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output(); err == nil {
		m.commit = strings.TrimSpace(string(out))
	}
	if d, err := timeSync(dir); err == nil {
		m.sync = d
	}
	return m
}

func text(chars []int8) string {
	var b strings.Builder
	for _, c := range chars {
		if c == 0 {
			break
		}
		b.WriteByte(byte(c))
	}
	return b.String()
}

func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.SplitSeq(string(info), "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// timeSync answers how long the disk takes to keep a page, as the median of some.
func timeSync(dir string) (time.Duration, error) {
	f, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		return 0, err
	}
	page := make([]byte, 8<<10)
	var took []time.Duration
	for i := range 200 {
		if _, err := f.WriteAt(page, int64(i%50)*int64(len(page))); err != nil {
			return 0, fmt.Errorf("writing a page: %w", err)
		}
		began := time.Now()
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			return 0, fmt.Errorf("keeping a page: %w", err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return quantile(took, .5), f.Close()
}
