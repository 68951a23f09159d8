package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is the unit of /proc/PID/stat; Linux fixes it at 100 for programs.
const ticksPerSecond = 100

// process is one line of the process table.
type process struct {
	pid, parent int
	name        string
	cpu         time.Duration // its own and that of children which it has waited for
}

// parseStat reads /proc/PID/stat. The name stands in parentheses and may hold anything, these too.
func parseStat(text string) (process, error) {
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return process{}, errors.New("a line of the process table has no name")
	}
	pid, err := strconv.Atoi(strings.TrimSpace(text[:open]))
	if err != nil {
		return process{}, fmt.Errorf("reading a process number: %w", err)
	}
	fields := strings.Fields(text[end+1:])
	if len(fields) < 15 {
		return process{}, errors.New("a line of the process table is too short")
	}
	p := process{pid: pid, name: text[open+1 : end]}
	if p.parent, err = strconv.Atoi(fields[1]); err != nil {
		return process{}, fmt.Errorf("reading a process number: %w", err)
	}
	for _, field := range fields[11:15] { // utime, stime, cutime, cstime
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return process{}, fmt.Errorf("reading a time: %w", err)
		}
		p.cpu += time.Duration(ticks) * time.Second / ticksPerSecond
	}
	return p, nil
}

// processes answers the process table.
func processes() (map[int]process, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	table := map[int]process{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		p, err := parseStat(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		table[p.pid] = p
	}
	return table, nil
}

// family groups the processes of a host or of the floor.
type family struct {
	root     process
	children []process // plugins or adapters
	database []process // PostgreSQL's
}

// familyOf finds what descends from a process.
func familyOf(root int, table map[int]process) family {
	f := family{root: table[root]}
	for _, p := range table {
		if p.pid == root || !descends(p, root, table) {
			continue
		}
		if strings.HasPrefix(p.name, "postgres") {
			f.database = append(f.database, p)
		} else {
			f.children = append(f.children, p)
		}
	}
	return f
}

func descends(p process, root int, table map[int]process) bool {
	for depth := 0; depth < 100 && p.pid != 0; depth++ {
		if p.parent == root {
			return true
		}
		p = table[p.parent]
	}
	return false
}

// busy answers the time that all programs of the machine have used so far, and what its host took from it.
func busy() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	return parseBusy(string(text))
}

// parseBusy reads the first line of /proc/stat: user, nice, system, idle, waiting for disks, interrupts, soft ones, stolen.
func parseBusy(text string) (time.Duration, error) {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, errors.New("the machine's times have no line cpu")
	}
	var sum time.Duration
	for _, i := range []int{1, 2, 3, 6, 7, 8} {
		ticks, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading a time: %w", err)
		}
		sum += time.Duration(ticks) * time.Second / ticksPerSecond
	}
	return sum, nil
}

func cpuOf(list []process) time.Duration {
	var sum time.Duration
	for _, p := range list {
		sum += p.cpu
	}
	return sum
}

// errNoMemory says that the memory of a process may not be read.
var errNoMemory = errors.New("the host keeps its memory from other processes of its user; run the benchmark as root to measure it")

// pss answers the proportional share of memory of processes, in bytes.
func pss(list []process) (int64, error) {
	var sum int64
	for _, p := range list {
		text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.pid), "smaps_rollup"))
		if errors.Is(err, os.ErrPermission) {
			return 0, errNoMemory
		}
		if err != nil {
			continue // it has ended meanwhile
		}
		n, err := parsePSS(text)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// parsePSS reads the line "Pss:  1234 kB".
func parsePSS(text []byte) (int64, error) {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) == 3 && fields[0] == "Pss:" {
			kib, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				return 0, fmt.Errorf("reading memory: %w", err)
			}
			return kib << 10, nil
		}
	}
	return 0, errors.New("smaps_rollup has no line Pss")
}
