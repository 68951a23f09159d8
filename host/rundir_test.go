package host

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// holderVariable makes TestRunDirHolder a process that holds a folder for sockets below the one that it names.
const holderVariable = "PATCHBAY_TEST_RUN_DIR_HOLDER"

// TestRunDirHolder is a host's part in the tests below: it leaves a socket in its folder and lives until it is killed.
func TestRunDirHolder(t *testing.T) {
	data := os.Getenv(holderVariable)
	if data == "" {
		t.Skip("this is a process of other tests")
	}
	dir, _, err := openRunDir(data, "host_holder01")
	if err == nil {
		_, err = net.Listen("unix", filepath.Join(dir, "socket"))
	}
	fmt.Println(dir, err)
	select {}
}

// shortDir is a folder whose path is short enough to have sockets below it.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// hold starts another process that holds a folder below data, and answers the folder.
func hold(t *testing.T, data string) (*exec.Cmd, string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestRunDirHolder$")
	cmd.Env = append(os.Environ(), holderVariable+"="+data)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may be dead already
		_ = cmd.Wait()
	})
	line, _ := bufio.NewReader(out).ReadString('\n') // an error leaves what does not match below
	dir, result, _ := strings.Cut(strings.TrimSpace(line), " ")
	if result != "<nil>" {
		t.Fatalf("the other process says %q", line)
	}
	return cmd, dir
}

// A host that was killed leaves a folder with sockets; the next start removes it, and never one whose host lives.
func TestRunDirSweep(t *testing.T) {
	data := shortDir(t)
	other, theirs := hold(t, data)
	dir, remove, err := openRunDir(data, "host_00000001")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(theirs, "socket")); err != nil {
		t.Errorf("the folder of a living host was swept: %v", err)
	}
	remove()
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the own folder is still there: %v", err)
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait() // killed is what it should be
	if _, err := os.Stat(filepath.Join(theirs, "socket")); err != nil {
		t.Fatalf("there is nothing to sweep, and this shows nothing: %v", err)
	}
	_, remove, err = openRunDir(data, "host_00000002")
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	if _, err := os.Stat(theirs); !os.IsNotExist(err) {
		t.Errorf("the folder of a killed host is still there: %v", err)
	}
}

// Hosts that start at the same time do not sweep each other's new folders.
func TestRunDirsMadeAtOnce(t *testing.T) {
	data := shortDir(t)
	var starting sync.WaitGroup
	for i := range 40 {
		starting.Go(func() {
			dir, remove, err := openRunDir(data, fmt.Sprintf("host_%08d", i))
			if err != nil {
				t.Error(err)
				return
			}
			defer remove()
			if _, err := os.Stat(filepath.Join(dir, "lock")); err != nil {
				t.Errorf("the folder was swept: %v", err)
			}
		})
	}
	starting.Wait()
}

func TestRunDirOfALongPath(t *testing.T) {
	tmp := shortDir(t)
	t.Setenv("TMPDIR", tmp)
	dir, remove, err := openRunDir(filepath.Join(tmp, strings.Repeat("d", maxRunDir)), "host_00000001")
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	if len(dir) > maxRunDir || !strings.HasPrefix(dir, tmp) {
		t.Errorf("the folder is %s", dir)
	}
	long := filepath.Join(tmp, strings.Repeat("t", maxRunDir))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", long)
	if dir, _, err := openRunDir(long, "host_00000001"); err == nil || !strings.Contains(err.Error(), "TMPDIR") {
		t.Errorf("without a short path: %s, %v", dir, err)
	}
}

// In a temporary folder that everyone can write to, another user may have been first.
func TestRunDirOfSomeoneElse(t *testing.T) {
	for name, prepare := range map[string]func(path string) error{
		"open to others": func(path string) error { return os.Mkdir(path, 0o777) },
		"a link":         func(path string) error { return os.Symlink(filepath.Dir(path), path) },
		"a file":         func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"another's": func(path string) error {
			if err := os.Mkdir(path, 0o700); err != nil || os.Geteuid() != 0 {
				return err
			}
			return os.Chown(path, 65534, 65534)
		},
	} {
		if name == "another's" && os.Geteuid() != 0 {
			continue // only root can give a folder away
		}
		tmp := shortDir(t)
		t.Setenv("TMPDIR", tmp)
		path := filepath.Join(tmp, fmt.Sprintf("patchbay-%d", os.Getuid()))
		if err := prepare(path); err != nil {
			t.Fatal(err)
		}
		if name == "open to others" {
			if err := os.Chmod(path, 0o777); err != nil { // whatever the umask
				t.Fatal(err)
			}
		}
		dir, remove, err := openRunDir(filepath.Join(tmp, strings.Repeat("d", maxRunDir)), "host_00000001")
		if err == nil {
			remove()
			t.Errorf("%s: the folder %s is used", name, dir)
		}
	}
}
