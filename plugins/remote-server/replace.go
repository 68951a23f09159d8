package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"github.com/pkg/sftp"

	"github.com/patchbay/patchbay/sdk"
)

// Extensions of OpenSSH's SFTP (PROTOCOL, section 4).
const (
	extensionRename = "posix-rename@openssh.com"
	extensionSync   = "fsync@openssh.com"
)

// replacement is a file that is being written. Until commit the old content stands, where the server allows that: the new one is
// written beside it and then takes its place. Where the directory takes no other file, or the owner could not be kept, the file
// is written in place.
type replacement struct {
	*sftp.File
	s       *session
	target  string
	temp    string // "" while writing in place
	created bool   // there was no file before
	old     os.FileInfo
}

// replace begins to write a file with permissions, or, where they are nil, with those that the file has or the server gives.
func (s *session) replace(p string, perm *os.FileMode) (*replacement, error) {
	r := &replacement{s: s, target: p}
	info, err := s.Stat(p)
	switch {
	case err == nil:
		if err := mustBeRegular(info); err != nil {
			return nil, err
		}
		r.old = info
		if perm == nil {
			old := info.Mode().Perm()
			perm = &old
		}
	case errors.Is(err, fs.ErrNotExist):
		r.created = true
	default:
		return nil, err
	}
	if err := r.open(); err != nil {
		return nil, err
	}
	if perm != nil {
		if err := r.Chmod(*perm); err != nil {
			r.abandon()
			return nil, err
		}
	}
	return r, nil
}

// open opens the file beside the target, or the target itself.
func (r *replacement) open() error {
	beside, err := r.resolve()
	if err != nil {
		return err
	}
	if beside {
		err := r.openBeside()
		if err == nil || !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	r.temp = ""
	r.File, err = r.s.OpenFile(r.target, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	return err
}

// resolve follows a link to the file that it stands for, which is what changes, and says whether that one can be replaced.
func (r *replacement) resolve() (bool, error) {
	if _, ok := r.s.HasExtension(extensionRename); !ok {
		return false, nil
	}
	info, err := r.s.Lstat(r.target)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		return err == nil, err
	}
	if r.created {
		return false, nil // the link leads nowhere: writing makes what it names
	}
	if r.target, err = r.s.RealPath(r.target); err != nil {
		return false, err
	}
	return true, nil
}

func (r *replacement) openBeside() error {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails: crypto/rand ends the program instead
	r.temp = path.Join(path.Dir(r.target), ".patchbay-"+hex.EncodeToString(random[:])+".tmp")
	var err error
	if r.File, err = r.s.OpenFile(r.temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL); err != nil {
		return err
	}
	if err := r.keepOwner(); err != nil {
		r.abandon()
		return fs.ErrPermission
	}
	return nil
}

// keepOwner gives the new file the owner and group of the old one.
func (r *replacement) keepOwner() error {
	if r.old == nil {
		return nil
	}
	info, err := r.File.Stat()
	if err != nil {
		return err
	}
	old, oldOK := r.old.Sys().(*sftp.FileStat)
	now, nowOK := info.Sys().(*sftp.FileStat)
	if !oldOK || !nowOK || (old.UID == now.UID && old.GID == now.GID) {
		return nil
	}
	return r.Chown(int(old.UID), int(old.GID))
}

// commit puts the new content in place.
func (r *replacement) commit() error {
	if _, ok := r.s.HasExtension(extensionSync); ok {
		if err := r.Sync(); err != nil {
			r.abandon()
			return fmt.Errorf("writing through to the disk: %w", err)
		}
	}
	if err := r.Close(); err != nil {
		r.abandon()
		return fmt.Errorf("closing the file: %w", err)
	}
	if r.temp == "" {
		return nil
	}
	if err := r.s.PosixRename(r.temp, r.target); err != nil {
		_ = r.s.Remove(r.temp) // the rename's error is the one that tells
		return fmt.Errorf("putting the file in its place: %w", err)
	}
	return nil
}

// abandon leaves the target as it was, unless it is written in place.
func (r *replacement) abandon() {
	_ = r.Close() // nothing of it is kept
	if r.temp != "" {
		_ = r.s.Remove(r.temp) // the error that led here is the one that tells
	}
}

// unchanged fails where a file is no longer the one that was read.
func (s *session) unchanged(p string, read os.FileInfo) error {
	now, err := s.Stat(p)
	if err != nil {
		return err
	}
	if now.Size() != read.Size() || !now.ModTime().Equal(read.ModTime()) {
		return sdk.Errorf(sdk.Conflict, "The file was changed by somebody else meanwhile; nothing was written. Read it again.")
	}
	return nil
}
