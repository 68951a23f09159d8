package confine

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"runtime"
	"unsafe"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Where struct seccomp_data holds things.
const (
	numberOffset   = 0
	archOffset     = 4
	argumentOffset = 16
)

// nativeArch is the architecture whose system calls the rules are about. Its table gives names their numbers.
func nativeArch() (*arch.Info, error) {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		return nil, fmt.Errorf("there are no rules for %s", runtime.GOARCH)
	}
	return arch.GetInfo(runtime.GOARCH)
}

// installFilters restricts the calling thread, and whatever it executes, for good.
func installFilters(o order) error {
	info, err := nativeArch()
	if err != nil {
		return err
	}
	program, err := bpf.Assemble(assemble(info, o.BinaryFD, os.Getpid(), o.Containers))
	if err != nil {
		return err
	}
	raw := make([]unix.SockFilter, len(program))
	for i, in := range program {
		raw[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	fprog := unix.SockFprog{Len: uint16(len(raw)), Filter: &raw[0]}
	_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&fprog)))
	runtime.KeepAlive(raw)
	if errno != 0 {
		return errno
	}
	return nil
}

// assemble writes the filter. Each rule is a block of its own that is skipped for other system calls and always ends in an answer, so
// that the number stays in the accumulator from one block to the next and no rule hides another.
//
//	foreign architecture       kill the process
//	number beyond the table    ENOSYS: the rules cannot know what it does
//	hidden, refused            ENOSYS, EPERM
//	limited                    allowed or EPERM, by its arguments
//	anything else              allowed
func assemble(info *arch.Info, binaryFD, pid int, containers bool) []bpf.Instruction {
	highest := 0
	for _, number := range info.SyscallNames {
		highest = max(highest, number)
	}
	program := []bpf.Instruction{
		bpf.LoadAbsolute{Off: archOffset, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(info.ID), SkipTrue: 1},
		bpf.RetConstant{Val: unix.SECCOMP_RET_KILL_PROCESS},
		bpf.LoadAbsolute{Off: numberOffset, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpGreaterThan, Val: uint32(highest), SkipFalse: 1},
		bpf.RetConstant{Val: fail(unix.ENOSYS)},
	}
	block := func(name string, body []bpf.Instruction) {
		if number, found := info.SyscallNames[name]; found {
			program = append(program, bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(number), SkipFalse: uint8(len(body))})
			program = append(program, body...)
		}
	}
	for _, name := range hidden(containers) {
		block(name, []bpf.Instruction{bpf.RetConstant{Val: fail(unix.ENOSYS)}})
	}
	for _, name := range refused(containers) {
		block(name, []bpf.Instruction{bpf.RetConstant{Val: fail(unix.EPERM)}})
	}
	for _, l := range conditions(pid, binaryFD, containers) {
		block(l.name, l.body())
	}
	return append(program, bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW})
}

func fail(errno unix.Errno) uint32 { return unix.SECCOMP_RET_ERRNO | uint32(errno) }

// body allows the system call where an alternative holds, and refuses it otherwise. It stays below 255 instructions.
func (l limited) body() []bpf.Instruction {
	var body []bpf.Instruction
	for _, checks := range l.alternatives {
		body = append(body, alternative(checks)...)
	}
	body = append(body, bpf.RetConstant{Val: fail(unix.EPERM)})
	if len(body) > math.MaxUint8 {
		panic("the rule on " + l.name + " is too long") // a test assembles every rule
	}
	return body
}

// failed marks a jump to the instruction after the alternative, which is filled in when its length is known.
const failed = math.MaxUint8

func alternative(checks []check) []bpf.Instruction {
	var body []bpf.Instruction
	for _, c := range checks {
		body = append(body, c.instructions()...)
	}
	body = append(body, bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW})
	for i, instruction := range body {
		jump, ok := instruction.(bpf.JumpIf)
		if !ok {
			continue
		}
		if jump.SkipTrue == failed {
			jump.SkipTrue = uint8(len(body) - i - 1)
		}
		if jump.SkipFalse == failed {
			jump.SkipFalse = uint8(len(body) - i - 1)
		}
		body[i] = jump
	}
	return body
}

// instructions fall through to the next check where this one holds.
func (c check) instructions() []bpf.Instruction {
	low, high := argumentHalves(c.argument)
	switch {
	case c.clear != 0:
		return []bpf.Instruction{low, bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: c.clear, SkipTrue: failed}}
	case c.set != 0:
		return []bpf.Instruction{low, bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: c.set, SkipFalse: failed}}
	}
	body := []bpf.Instruction{high, bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipFalse: failed}, low}
	for i, value := range c.oneOf {
		remaining := len(c.oneOf) - i - 1
		jump := bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(value), SkipTrue: uint8(remaining)}
		if remaining == 0 {
			jump.SkipFalse = failed
		}
		body = append(body, jump)
	}
	return body
}

// argumentHalves load the halves of an argument.
func argumentHalves(argument int) (low, high bpf.Instruction) {
	first := uint32(argumentOffset + 8*argument)
	lowOffset, highOffset := first, first+4
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 { // big-endian
		lowOffset, highOffset = highOffset, lowOffset
	}
	return bpf.LoadAbsolute{Off: lowOffset, Size: 4}, bpf.LoadAbsolute{Off: highOffset, Size: 4}
}
