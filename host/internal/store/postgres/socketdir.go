package postgres

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
)

// A socket's whole path stays under 100 bytes: the kernel takes 107, some clients less.
const maxSocketDir = 99 - len("/.s.PGSQL.5432")

// elsewhereName is the form of a socket directory that is not under the data directory.
var elsewhereName = regexp.MustCompile(`^patchbay-db-[0-9a-f]{16}$`)

// makeSocketDir makes the private directory of the socket: postgres-run under the data directory, or, when that path
// is too long or holds a comma (which separates hosts in a database URL), one of a random name under the runtime
// directory, /run (root) or /tmp. It is the account's own and 0700. A leftover of an earlier host is removed first.
func makeSocketDir(files layout, who account, runtimeDir string) (string, error) {
	if err := sweepSocketDir(files, who); err != nil {
		return "", fmt.Errorf("removing an old socket directory: %w", err)
	}
	if dir := files.run(); fitsSocket(dir) {
		return dir, makePrivate(dir, who)
	}
	places := []string{"/tmp"}
	if who.other {
		places = []string{"/run", "/tmp"}
	}
	if runtimeDir != "" {
		places = append([]string{runtimeDir}, places...)
	}
	var failed []error
	for _, place := range places {
		dir, err := makeElsewhere(place, files, who)
		if err == nil {
			return dir, nil
		}
		failed = append(failed, err)
	}
	return "", fmt.Errorf("no place for a socket: the path %s is too long or holds a comma, and elsewhere: %w",
		files.run(), errors.Join(failed...))
}

// fitsSocket says whether dir can hold the socket.
func fitsSocket(dir string) bool {
	return filepath.IsAbs(dir) && len(dir) <= maxSocketDir && !strings.Contains(dir, ",")
}

// makeElsewhere makes the directory in place. Its name is written down before it exists, so that no death of the host
// can leave one that the next does not know of.
func makeElsewhere(place string, files layout, who account) (string, error) {
	suffix := make([]byte, 8)
	_, _ = rand.Read(suffix) // never fails: it ends the process instead
	dir := filepath.Join(place, "patchbay-db-"+hex.EncodeToString(suffix))
	if !fitsSocket(dir) {
		return "", fmt.Errorf("%s is too long, too", dir)
	}
	if err := who.reach(place); err != nil {
		return "", err
	}
	if err := os.WriteFile(files.elsewhere(), []byte(dir), 0o600); err != nil {
		return "", err
	}
	return dir, makePrivate(dir, who)
}

// makePrivate makes dir, which must not exist, for who alone.
func makePrivate(dir string, who account) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	return who.give(dir)
}

// sweepSocketDir removes the socket directory of an earlier host, wherever it was. Only a directory of our name that
// belongs to the host or the account is removed.
func sweepSocketDir(files layout, who account) error {
	if err := os.RemoveAll(files.run()); err != nil {
		return err
	}
	text, err := os.ReadFile(files.elsewhere())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	dir := string(text)
	if filepath.IsAbs(dir) && elsewhereName.MatchString(filepath.Base(dir)) {
		info, err := os.Lstat(dir)
		if err == nil && info.IsDir() && ownedBy(info, who.uid, os.Geteuid()) {
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
		}
	}
	return os.Remove(files.elsewhere())
}

func ownedBy(info os.FileInfo, uids ...int) bool {
	for _, uid := range uids {
		if int(info.Sys().(*syscall.Stat_t).Uid) == uid {
			return true
		}
	}
	return false
}
