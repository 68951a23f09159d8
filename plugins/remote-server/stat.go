package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/pkg/sftp"

	"github.com/patchbay/patchbay/sdk"
)

// Entry is what is known of a file or directory.
type Entry struct {
	Path     string `json:"path"`
	Type     string `json:"type" enum:"file,directory,symlink,other"`
	Size     int64  `json:"size" jsonschema:"bytes"`
	Mode     string `json:"mode" jsonschema:"permissions in octal, such as 0644"`
	UID      uint32 `json:"uid"`
	GID      uint32 `json:"gid"`
	Modified string `json:"modified" jsonschema:"RFC 3339, UTC"`
	Target   string `json:"target,omitempty" jsonschema:"where a symbolic link points to"`
}

func entryOf(p string, info os.FileInfo) Entry {
	e := Entry{Path: p, Type: typeOf(info.Mode()), Size: info.Size(), Mode: octal(info.Mode()), Modified: info.ModTime().UTC().Format(time.RFC3339)}
	if st, ok := info.Sys().(*sftp.FileStat); ok {
		e.UID, e.GID = st.UID, st.GID
	}
	return e
}

func typeOf(m os.FileMode) string {
	switch {
	case m.IsRegular():
		return "file"
	case m.IsDir():
		return "directory"
	case m&os.ModeSymlink != 0:
		return "symlink"
	}
	return "other"
}

// octal writes permissions as chmod takes them, with setuid, setgid and sticky.
func octal(m os.FileMode) string {
	bits := uint32(m.Perm())
	for flag, bit := range map[os.FileMode]uint32{os.ModeSetuid: 0o4000, os.ModeSetgid: 0o2000, os.ModeSticky: 0o1000} {
		if m&flag != 0 {
			bits |= bit
		}
	}
	return fmt.Sprintf("%04o", bits)
}

// permissions reads an input's mode, nil when there is none.
func permissions(mode string) (*os.FileMode, error) {
	if mode == "" {
		return nil, nil
	}
	bits, err := strconv.ParseUint(strings.TrimPrefix(mode, "0o"), 8, 32)
	if err != nil || bits > 0o777 {
		return nil, sdk.Invalid("/mode", "permissions are three octal digits, such as 0644 or 755")
	}
	perm := os.FileMode(bits)
	return &perm, nil
}

// StatInput is the input of stat.
type StatInput struct {
	Path   string `json:"path" minLength:"1" maxLength:"4096"`
	Follow bool   `json:"follow,omitempty" jsonschema:"describe what a symbolic link points to, and not the link"`
}

func stat(_ context.Context, s *session, in StatInput) (Entry, error) {
	p, err := remotePath("/path", in.Path)
	if err != nil {
		return Entry{}, err
	}
	look := s.Lstat
	if in.Follow {
		look = s.Stat
	}
	info, err := look(p)
	if err != nil {
		return Entry{}, err
	}
	e := entryOf(in.Path, info)
	if e.Type == "symlink" {
		e.Target, err = s.ReadLink(p)
	}
	return e, err
}

// regular answers what is known of a file, following links, and refuses all that is no regular file: reading a pipe or a device
// may never end.
func (s *session) regular(p string) (os.FileInfo, error) {
	info, err := s.Stat(p)
	if err != nil {
		return nil, err
	}
	return info, mustBeRegular(info)
}

func mustBeRegular(info os.FileInfo) error {
	switch {
	case info.Mode().IsRegular():
		return nil
	case info.IsDir():
		return sdk.Errorf(sdk.Conflict, "The path is a directory and not a file.")
	}
	return sdk.Errorf(sdk.Conflict, "The path is a device, a pipe or a socket and not a file.")
}

// exists says whether there is anything at a path, a link that leads nowhere included.
func (s *session) exists(p string) (bool, error) {
	_, err := s.Lstat(p)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
