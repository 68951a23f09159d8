package main

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/moby/profiles/seccomp"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// agentPath is where the agent stands in every sandbox.
const agentPath = "/.patchbay/agent"

const (
	cpuPeriod = 100_000 // microseconds
	// spareProcesses are for the agent and its clients, beside the processes that a user may have.
	spareProcesses = 64
	openFiles      = 4096
	// hostName is the same in all: the id is nobody's business.
	hostName = "sandbox"
)

// capabilities are those of a user namespace's root that packages need. None is one over the machine.
var capabilities = []string{"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP",
	"CAP_SYS_CHROOT", "CAP_NET_BIND_SERVICE"}

// writeBundle writes the runtime's config.json.
func (p place) writeBundle(r record, t template, agentFile string) error {
	spec := &specs.Spec{
		Version:  "1.0.2",
		Hostname: hostName,
		Root:     &specs.Root{Path: "rootfs"},
		Process: &specs.Process{
			Args: []string{agentPath, agentArgument}, Env: environment(r), Cwd: "/", NoNewPrivileges: true,
			Capabilities: &specs.LinuxCapabilities{Bounding: capabilities, Effective: capabilities, Permitted: capabilities},
			Rlimits:      []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Hard: openFiles, Soft: openFiles}, {Type: "RLIMIT_CORE"}},
		},
		Mounts: p.mounts(t, agentFile),
		Linux:  p.linux(r),
	}
	if r.Runtime == "runc" {
		var err error
		if spec.Linux.Seccomp, err = seccomp.GetDefaultProfile(spec); err != nil {
			return fmt.Errorf("making its system call filter: %w", err)
		}
	}
	raw, err := json.Marshal(spec)
	if err != nil {
		return fmt.Errorf("encoding its bundle: %w", err)
	}
	return replace(p.path("config.json"), raw)
}

func environment(r record) []string {
	out := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8", "TERM=xterm-256color",
		"PATCHBAY_PROCESSES=" + strconv.FormatUint(uint64(r.Limits.Processes), 10), "GOMAXPROCS=1", "PYTHONPATH=/workspace/.packages/python"}
	for name, value := range r.Env {
		out = append(out, name+"="+value)
	}
	return out
}

func (p place) mounts(t template, agentFile string) []specs.Mount {
	out := []specs.Mount{
		{Destination: "/proc", Type: "proc", Source: "proc"},
		{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=64k"}},
		{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}},
		{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: []string{"nosuid", "noexec", "nodev", "mode=1777", "size=64m"}},
		{Destination: "/tmp", Type: "bind", Source: p.path("disk/tmp"), Options: []string{"bind", "nosuid", "nodev", "rw"}},
		{Destination: agentPath, Type: "bind", Source: agentFile, Options: []string{"bind", "nosuid", "nodev", "ro"}},
	}
	if t.machine {
		out = append(out, specs.Mount{Destination: "/usr", Type: "bind", Source: "/usr", Options: []string{"rbind", "nosuid", "nodev", "ro"}},
			specs.Mount{Destination: "/usr/local", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "nodev", "ro", "mode=755", "size=4k"}})
	}
	return out
}

func (p place) linux(r record) *specs.Linux {
	memory, quota, period := int64(r.Limits.MemoryBytes), int64(r.Limits.MilliCPUs)*cpuPeriod/1000, uint64(cpuPeriod)
	pids := int64(r.Limits.Processes) + spareProcesses
	if r.Runtime == "runsc" {
		pids = 4096 // its own threads on the machine are counted, and one that cannot be had ends the whole sandbox
	}
	out := &specs.Linux{
		CgroupsPath: groupParent + "/" + p.id,
		Namespaces: []specs.LinuxNamespace{{Type: specs.PIDNamespace}, {Type: specs.IPCNamespace}, {Type: specs.UTSNamespace},
			{Type: specs.MountNamespace}, {Type: specs.NetworkNamespace}},
		Resources: &specs.LinuxResources{
			Devices: []specs.LinuxDeviceCgroup{{Allow: false, Access: "rwm"}},
			Memory:  &specs.LinuxMemory{Limit: &memory, Swap: &memory},
			CPU:     &specs.LinuxCPU{Quota: &quota, Period: &period},
			Pids:    &specs.LinuxPids{Limit: &pids},
		},
		MaskedPaths: []string{"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
			"/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap"},
		ReadonlyPaths: []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"},
	}
	if r.Runtime == "runc" {
		ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: firstID, Size: idCount}}
		out.Namespaces = append(out.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
		out.UIDMappings, out.GIDMappings = ids, ids
	}
	return out
}

// placeAgent answers a file with this program, for the sandboxes. One of each build is kept: a parked sandbox needs its own again.
func placeAgent(folder string) (string, error) {
	digest, err := ownDigest()
	if err != nil {
		return "", err
	}
	return copyOnce(folder, "agent-"+digest[:16])
}
