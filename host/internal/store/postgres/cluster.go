package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// cluster is the data directory of the private server. Its methods are for the holder of the lock.
type cluster struct {
	files    layout
	account  account
	binaries Binaries
}

// check answers whether the cluster exists; what exists must be of the binaries' major version and the account's own,
// and is left alone if it is not.
func (c *cluster) check() (exists bool, err error) {
	dir := c.files.cluster()
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(entries) == 0 {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading the data directory: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "PG_VERSION"))
	if err != nil {
		return false, fmt.Errorf("%s is not empty and not a PostgreSQL data directory; it is left alone: %w", dir, err)
	}
	made := strings.TrimSpace(string(text))
	if made != strconv.Itoa(c.binaries.Major) {
		return false, fmt.Errorf("%w: %s was made by PostgreSQL %.20q, the one found here (%s: %s) is %s; the directory is left alone. %s",
			ErrOtherVersion, dir, made, c.binaries.Source, c.binaries.Dir, c.binaries.Version, matching(made))
	}
	info, err := os.Stat(dir)
	if err != nil {
		return false, err
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; int(owner) != c.account.uid {
		return false, fmt.Errorf("%s belongs to uid %d, but the database runs here as %s (uid %d); "+
			"run the host as its owner did, or hand it over with: chown -R %d:%d %s",
			dir, owner, c.account.name, c.account.uid, c.account.uid, c.account.gid, quote(dir))
	}
	return true, c.account.reach(dir) // it may be a symbolic link to another disk
}

// matching says how to run a cluster of the version made.
func matching(made string) string {
	if _, err := strconv.Atoi(made); err == nil {
		for _, place := range distributionPlaces {
			if dir := strings.Replace(place, "*", made, 1); hasBinaries(dir) == nil {
				return "This machine has that version: set PATCHBAY_POSTGRES_BIN=" + dir
			}
		}
	}
	return "Set PATCHBAY_POSTGRES_BIN to binaries of that version, or move the data over with pg_upgrade or pg_dump"
}

// create makes the cluster beside its place and moves it there when it is complete, so that a host killed at any
// moment leaves either all of it or a leftover that the next one removes. Answers the password of the role.
func (c *cluster) create(ctx context.Context) (password string, err error) {
	if err := c.sweepUnfinished(); err != nil {
		return "", fmt.Errorf("removing what an interrupted first start left: %w", err)
	}
	dir, err := os.MkdirTemp(c.files.root, unfinished)
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }() // moved away already when all went well
	if err := c.account.give(dir); err != nil {
		return "", err
	}
	if err := c.initialise(ctx, dir); err != nil {
		return "", err
	}
	password = newPassword()
	if err := c.alone(ctx, dir, "CREATE ROLE "+role+" LOGIN CREATEDB PASSWORD '"+password+"'\n"+
		"CREATE DATABASE "+database+" OWNER "+role+"\n"); err != nil {
		return "", fmt.Errorf("making the database's role: %w", err)
	}
	if err := writePassword(c.files.password(), password); err != nil {
		return "", err
	}
	if err := os.Rename(dir, c.files.cluster()); err != nil {
		return "", fmt.Errorf("putting the new cluster in place: %w", err)
	}
	return password, syncDir(c.files.root)
}

// sweepUnfinished removes what earlier calls of create left.
func (c *cluster) sweepUnfinished() error {
	entries, err := os.ReadDir(c.files.root)
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), unfinished) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(c.files.root, entry.Name())))
		}
	}
	return err
}

// unfinished begins the name of a cluster that is not complete yet.
const unfinished = "postgres.new-"

// initialise runs initdb in the empty dir.
func (c *cluster) initialise(ctx context.Context, dir string) error {
	var failed error
	for _, locale := range locales(c.binaries.Major) {
		args := append([]string{"-D", dir, "-U", "postgres", "-E", "UTF8", "--data-checksums", "--auth=reject", "--no-instructions"}, locale...)
		said, err := c.account.output(ctx, "", c.binaries.Dir, "initdb", args...)
		if err == nil {
			return os.WriteFile(filepath.Join(dir, "pg_hba.conf"), []byte(accessRules), 0o600)
		}
		failed = fmt.Errorf("making the data directory: %w", err)
		if !strings.Contains(said, "locale") {
			break
		}
	}
	return failed
}

// locales lists initdb's arguments for a collation by code point that knows the letters of Unicode, best first. It
// does not change under the indexes when the machine's C library does.
func locales(major int) [][]string {
	if major >= 17 {
		return [][]string{{"--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"}}
	}
	return [][]string{{"--locale=C.UTF-8"}, {"--locale=C"}}
}

// alone runs statements, one a line, on a cluster without a server, past its access rules.
func (c *cluster) alone(ctx context.Context, dir, statements string) error {
	args := []string{"--single", "-D", dir}
	args = append(args, arguments(append([]string{"exit_on_error=on"}, quietLog...))...)
	_, err := c.account.output(ctx, statements, c.binaries.Dir, "postgres", append(args, "postgres")...)
	return err
}

// syncDir waits until a rename in dir is on disk.
func syncDir(dir string) error {
	handle, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(handle.Sync(), handle.Close())
}
