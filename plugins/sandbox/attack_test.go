package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/sdk/sandbox"
)

// usable asserts that a sandbox works after an attack.
func (b *box) usable() {
	b.t.Helper()
	if r := b.sh("echo alive"); r.stdout != "alive\n" {
		b.t.Errorf("the sandbox is not usable afterwards: %+v", r)
	}
}

func TestForkBomb(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		r, err := b.work(sandbox.Open{Start: &sandbox.Command{TimeoutMilliseconds: 30_000, Argv: []string{"python3", "-c", `
import os, time
made = 0
try:
    for _ in range(2000):
        if os.fork() == 0:
            time.sleep(2)
            os._exit(0)
        made += 1
except OSError as e:
    print("stopped", made)
`}}}, nil)
		if err != nil || !strings.HasPrefix(r.stdout, "stopped ") {
			t.Errorf("a fork bomb: %+v, %v", r, err)
		}
		b.usable()
	})
}

func TestMemoryHog(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		b.sh("echo kept > file")
		r, err := b.work(sandbox.Open{Start: &sandbox.Command{Argv: []string{"python3", "-c", "x = bytearray(600*1024*1024); print('got it')"}}}, nil)
		if r.state.ExitCode == 0 && err == nil || strings.Contains(r.stdout, "got it") {
			t.Errorf("more memory than its limit: %+v, %v", r, err)
		}
		if err != nil { // gVisor can end as a whole; its files are kept
			if b.at.Isolation == sandbox.Container {
				t.Fatal(err)
			}
			b.await(sandbox.Stopped)
			if _, err := b.s.Resume(t.Context(), b.at, b.id); err != nil {
				t.Fatal(err)
			}
		}
		if r := b.sh("cat file"); r.stdout != "kept\n" {
			t.Errorf("the file is %q", r.stdout)
		}
		b.usable()
	})
}

func TestDiskFill(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		if r := b.sh("dd if=/dev/zero of=/workspace/big bs=1M count=500 2>&1"); !strings.Contains(r.stdout, "No space left") {
			t.Errorf("filling the disk: %+v", r)
		}
		if stored(place{b.at.Folder, b.id}.path("disk.img")) > limits.DiskBytes {
			t.Error("its disk is larger than its limit")
		}
		b.sh("rm /workspace/big")
		if r := b.sh(`python3 -c '
import os
try:
    for i in range(100000): open("/workspace/f%d" % i, "w").close()
except OSError as e: print(e.errno)
'`); r.stdout != "28\n" {
			t.Errorf("filling the inodes: %+v", r)
		}
		b.sh("find /workspace -name 'f*' -delete")
		b.usable()
	})
}

func TestOutputFlood(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		r, err := b.work(sandbox.Open{Start: &sandbox.Command{MaxOutputBytes: 1 << 20, TimeoutMilliseconds: 60_000,
			Argv: []string{"/bin/sh", "-c", "head -c 50000000 /dev/zero; echo end >&2"}}}, nil)
		if err != nil || len(r.stdout) != 1<<20 || !r.state.StdoutTruncated || r.stderr != "end\n" || r.state.ExitCode != 0 {
			t.Errorf("a flood of output: %d bytes, %+v, %v", len(r.stdout), r.state, err)
		}
		b.usable()
	})
}

func TestZipBomb(t *testing.T) {
	b := newBox(t, sandbox.Container)
	r := b.sh(`python3 -c '
import zipfile, shutil
with zipfile.ZipFile("bomb.zip", "w", zipfile.ZIP_DEFLATED) as z:
    with z.open("zeros", "w") as f:
        for _ in range(400): f.write(bytes(1 << 20))
import os; print(os.path.getsize("bomb.zip") < 1 << 20)
try: zipfile.ZipFile("bomb.zip").extractall("out")
except OSError as e: print(e.errno)
shutil.rmtree("out")
'`)
	if r.stdout != "True\n28\n" {
		t.Errorf("got %+v", r)
	}
	b.usable()
}

// TestSeesNothingOfTheMachine looks around as an attacker does.
func TestSeesNothingOfTheMachine(t *testing.T) {
	secret := filepath.Join(folder(t), "secret-of-the-machine")
	if err := os.WriteFile(secret, []byte("s3cret"), 0o644); err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, b *box) {
		for what, script := range map[string]string{
			"a file of the machine":       "cat " + secret,
			"the password file":           "grep -v -e nobody -e ^root -e ^user /etc/passwd",
			"shadow":                      "cat /etc/shadow",
			"through /proc":               "cat /proc/1/root" + secret + " /proc/self/root" + secret,
			"the disk of the machine":     "head -c 1 /dev/vda /dev/sda /dev/loop0",
			"making a device":             "mknod /workspace/disk b 254 0 && head -c 1 /workspace/disk",
			"mounting":                    "mkdir -p m && mount -t tmpfs none m",
			"changing the kernel":         "echo 1 > /proc/sys/kernel/sysrq || echo b > /proc/sysrq-trigger",
			"a namespace of its own":      "unshare -m true",
			"another process's namespace": "nsenter -t 1 -m cat " + secret,
			"writing to /usr":             "touch /usr/bin/evil",
			"the metadata address":        "python3 -c 'import socket; socket.create_connection((\"169.254.169.254\", 80), 2)'",
			"the internet":                "python3 -c 'import socket; socket.create_connection((\"1.1.1.1\", 443), 2)'",
			"another interface":           "ls /sys/class/net /proc/sys/net/ipv4/conf 2>/dev/null | grep -v -e ^lo -e all -e default -e : -e '^$'",
			"control groups":              "find /sys/fs/cgroup -name cgroup.procs 2>/dev/null | grep .",
			"keys of the kernel":          "cat /proc/keys | grep .",
			"the agent's program":         "echo x > /.patchbay/agent",
		} {
			if r := b.sh(script); r.state.ExitCode == 0 || strings.Contains(r.stdout, "s3cret") {
				t.Errorf("%s: %+v", what, r)
			}
		}
		if r := b.sh("ps -e -o args= | grep -c -e patchbay-db -e 'go test' -e runc"); strings.TrimSpace(r.stdout) != "0" {
			// grep's own command line holds the words, and so does its shell's.
			if n := strings.TrimSpace(r.stdout); n != "2" && n != "1" {
				t.Errorf("it sees processes of the machine: %q", n)
			}
		}
		b.usable()
	})
}

// TestKillingEverything ends all processes that a sandbox's root can: the first one too in gVisor, which loses the memory then and keeps the files.
func TestKillingEverything(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		b.sh("echo kept > file")
		_, _ = b.work(sandbox.Open{Start: &sandbox.Command{Argv: []string{"/bin/sh", "-c", "kill -9 1; kill -9 -1"}}}, nil) // it kills its own client too
		strong := b.at.Isolation == sandbox.RequireStrong
		if strong {
			b.await(sandbox.Stopped)
		}
		if memory, err := b.s.Resume(t.Context(), b.at, b.id); err != nil || memory == strong {
			t.Fatalf("resuming: %v, memory: %v", err, memory)
		}
		if r := b.sh("cat file"); r.stdout != "kept\n" {
			t.Errorf("the file is %q", r.stdout)
		}
		b.usable()
	})
}

// TestPathsStayInside reaches for files of the machine by the file work of the agent.
func TestPathsStayInside(t *testing.T) {
	secret := filepath.Join(folder(t), "secret-of-the-machine")
	if err := os.WriteFile(secret, []byte("s3cret"), 0o644); err != nil {
		t.Fatal(err)
	}
	b := newBox(t, sandbox.Container)
	b.sh("ln -s " + secret + " direct; ln -s / root; ln -s " + filepath.Dir(secret) + " dir; mkfifo pipe")
	for _, path := range []string{secret, "../../../.." + secret, "direct", "root" + secret, "dir/secret-of-the-machine", "/proc/1/root" + secret, "/proc/self/cwd/../.." + secret, "pipe", "/dev/zero"} {
		r, err := b.work(sandbox.Open{File: &sandbox.FileWork{Action: sandbox.ReadFile, Path: path}}, func(a sandbox.Answer) {
			if strings.Contains(string(a.Data), "s3cret") {
				t.Errorf("%s reads the machine's file", path)
			}
		})
		if err != nil || r.failure == nil {
			t.Errorf("reading %s: %+v, %v", path, r, err)
		}
	}
	for _, path := range []string{secret, "../../.." + secret, "root" + secret, "dir/secret-of-the-machine"} {
		_ = b.s.Work(t.Context(), b.at, b.id, sandbox.Open{File: &sandbox.FileWork{Action: sandbox.WriteFile, Path: path}},
			&testStream{feeds: []sandbox.Feed{{Data: []byte("overwritten")}, {End: true}}, answer: func(sandbox.Answer) {}})
		if raw, err := os.ReadFile(secret); err != nil || string(raw) != "s3cret" {
			t.Fatalf("writing %s changed the machine's file: %q, %v", path, raw, err)
		}
	}
	b.usable()
}

// TestOthers looks for another sandbox.
func TestOthers(t *testing.T) {
	first := newBox(t, sandbox.Container)
	first.background("exec -a find-me-if-you-can sleep 1000 || sleep 1000")
	first.sh("echo private > /tmp/private; echo private > /workspace/private")
	second := &box{t: t, s: first.s, at: first.at, id: "sbx_other"}
	if _, err := second.s.Create(t.Context(), second.at, sandbox.New{ID: second.id, Template: machineTemplate, Limits: limits}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := second.s.Destroy(t.Context(), second.at, second.id); err != nil {
			t.Error(err)
		}
	}()
	if r := second.sh("find / -xdev -name private 2>/dev/null; find /tmp -name private; ps -e -o args= | grep 'sleep 100[0]'"); r.stdout != "" {
		t.Errorf("it sees the other one: %q", r.stdout)
	}
	// The agent of the other one listens in another network.
	if r := second.sh(`python3 -c '
import socket
print(len([l for l in open("/proc/net/unix") if "patchbay-agent" in l and "00010000" in l]))'`); r.stdout != "1\n" {
		t.Errorf("it sees other agents: %q %q", r.stdout, r.stderr)
	}
}
