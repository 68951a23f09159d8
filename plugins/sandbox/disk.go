package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// firstID is the user id on the machine that is 0 inside; idCount follow.
const (
	firstID = 200000
	idCount = 65536
)

// makeDisk makes the file system of a sandbox: a sparse file, so that its size is a limit and not a cost.
func (p place) makeDisk(ctx context.Context, size uint64) error {
	f, err := os.OpenFile(p.path("disk.img"), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("making its disk: %w", err)
	}
	if err := errors.Join(f.Truncate(int64(size)), f.Close()); err != nil {
		return fmt.Errorf("making its disk: %w", err)
	}
	// One inode for each 8 KiB: packages are many small files.
	_, err = run(ctx, "mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-m", "0", "-i", "8192", "-E", "lazy_itable_init=1,nodiscard", p.path("disk.img"))
	return err
}

// mount makes the sandbox's file system what its template and its disk give. What is mounted already stays.
func (p place) mount(ctx context.Context, lower []string) error {
	disk, root := p.path("disk"), p.path("rootfs")
	for _, dir := range []string{disk, root} {
		if err := os.MkdirAll(dir, 0o711); err != nil {
			return err
		}
	}
	if !mounted(disk) {
		if _, err := run(ctx, "mount", "-o", "loop,nosuid,nodev,noatime", p.path("disk.img"), disk); err != nil {
			return err
		}
	}
	for _, sub := range []struct {
		name string
		mode os.FileMode
	}{{"up", 0o755}, {"wk", 0o755}, {"tmp", 0o777 | os.ModeSticky}} {
		dir := filepath.Join(disk, sub.name)
		if err := os.Mkdir(dir, 0o700); errors.Is(err, os.ErrExist) {
			continue
		} else if err != nil {
			return err
		}
		if err := errors.Join(os.Chown(dir, firstID, firstID), os.Chmod(dir, sub.mode)); err != nil {
			return err
		}
	}
	if mounted(root) {
		return nil
	}
	options := "lowerdir=" + strings.Join(lower, ":") + ",upperdir=" + filepath.Join(disk, "up") + ",workdir=" + filepath.Join(disk, "wk")
	if err := unix.Mount("overlay", root, "overlay", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		return fmt.Errorf("mounting its file system: %w", err)
	}
	return nil
}

// unmount takes both apart. It fails where something still uses them.
func (p place) unmount(ctx context.Context) error {
	for _, dir := range []string{p.path("rootfs"), p.path("disk")} {
		for mounted(dir) {
			if _, err := run(ctx, "umount", dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// mounted says whether something is mounted at a path.
func mounted(path string) bool {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line)
		if len(fields) > 4 && unescaped.Replace(fields[4]) == path {
			return true
		}
	}
	return false
}

var unescaped = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// stored answers how many bytes of the machine's disk a file or a folder takes.
func stored(path string) uint64 {
	var total uint64
	_ = filepath.WalkDir(path, func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return nil // it has just been removed
		}
		var st unix.Stat_t
		if unix.Lstat(p, &st) == nil {
			total += uint64(st.Blocks) * 512
		}
		return nil
	})
	return total
}
