package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/patchbay/patchbay/sdk"
)

// systemTime bounds the script of system_info.
const systemTime = 20 * time.Second

// systemScript prints name=value lines; what a system does not have is left out. POSIX shell, for Linux, BSD and macOS.
const systemScript = `say() { if [ -n "$2" ]; then printf '%s=%s\n' "$1" "$2"; fi; }
say hostname "$(uname -n 2>/dev/null)"
say system "$(uname -s 2>/dev/null)"
say kernel "$(uname -r 2>/dev/null)"
say architecture "$(uname -m 2>/dev/null)"
say os "$( . /etc/os-release 2>/dev/null && printf %s "$PRETTY_NAME" )"
say cpus "$(getconf _NPROCESSORS_ONLN 2>/dev/null)"
say memory_kib "$(awk '/^MemTotal:/ {print $2}' /proc/meminfo 2>/dev/null)"
say memory_available_kib "$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo 2>/dev/null)"
say uptime "$(awk '{print int($1)}' /proc/uptime 2>/dev/null)"
say load "$(awk '{print $1}' /proc/loadavg 2>/dev/null)"
say disk_kib "$(df -Pk / 2>/dev/null | awk 'NR==2 {print $2}')"
say disk_available_kib "$(df -Pk / 2>/dev/null | awk 'NR==2 {print $4}')"
say user "$(id -un 2>/dev/null)"
say uid "$(id -u 2>/dev/null)"
say shell "$SHELL"
say home "$HOME"
`

// System is what a server is.
type System struct {
	Hostname             string  `json:"hostname,omitempty"`
	System               string  `json:"system,omitempty" jsonschema:"such as Linux"`
	OS                   string  `json:"os,omitempty" jsonschema:"the distribution and its version"`
	Kernel               string  `json:"kernel,omitempty"`
	Architecture         string  `json:"architecture,omitempty"`
	CPUs                 int64   `json:"cpus,omitempty"`
	MemoryBytes          int64   `json:"memory_bytes,omitempty"`
	MemoryAvailableBytes int64   `json:"memory_available_bytes,omitempty"`
	DiskBytes            int64   `json:"disk_bytes,omitempty" jsonschema:"of the root file system"`
	DiskAvailableBytes   int64   `json:"disk_available_bytes,omitempty"`
	UptimeSeconds        int64   `json:"uptime_seconds,omitempty"`
	Load                 float64 `json:"load,omitempty" jsonschema:"over the last minute"`
	User                 string  `json:"user,omitempty"`
	UID                  *int64  `json:"uid,omitempty"`
	Shell                string  `json:"shell,omitempty"`
	Home                 string  `json:"home,omitempty"`
}

func systemInfo(ctx context.Context, call *sdk.Call, _ sdk.None) (System, error) {
	j, err := place{}.program("", nil, "sh -s")
	if err != nil {
		return System{}, err
	}
	j.stdin, j.limit = systemScript, systemTime
	m, err := connect(ctx, call)
	if err != nil {
		return System{}, err
	}
	defer m.leave()
	done, err := m.run(ctx, j)
	if err != nil {
		return System{}, err
	}
	if done.ExitCode != 0 {
		return System{}, sdk.Errorf(sdk.PlatformError, "The server has no POSIX shell that tells about it (status %d).", done.ExitCode)
	}
	return parseSystem(done.Stdout), nil
}

// parseSystem reads name=value lines. Lines that it does not know, and numbers that are none, are left out.
func parseSystem(text string) System {
	values := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "="); ok && len(value) <= 4096 {
			values[name] = value
		}
	}
	s := System{Hostname: values["hostname"], System: values["system"], OS: values["os"], Kernel: values["kernel"],
		Architecture: values["architecture"], User: values["user"], Shell: values["shell"], Home: values["home"],
		CPUs: whole(values["cpus"]), MemoryBytes: kibibytes(values["memory_kib"]), MemoryAvailableBytes: kibibytes(values["memory_available_kib"]),
		DiskBytes: kibibytes(values["disk_kib"]), DiskAvailableBytes: kibibytes(values["disk_available_kib"]), UptimeSeconds: whole(values["uptime"])}
	if load, err := strconv.ParseFloat(values["load"], 64); err == nil && load >= 0 && load < 1e6 {
		s.Load = load
	}
	if uid, err := strconv.ParseInt(values["uid"], 10, 64); err == nil {
		s.UID = &uid
	}
	return s
}

// whole answers a number that is not negative, or 0.
func whole(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return max(n, 0)
}

func kibibytes(text string) int64 {
	n := whole(text)
	if n > 1<<50 {
		return 0
	}
	return n << 10
}
