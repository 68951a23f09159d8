package main

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"github.com/pkg/sftp"

	"github.com/patchbay/patchbay/sdk"
)

// MakeDir is the input of make_dir.
type MakeDir struct {
	Path    string `json:"path" minLength:"1" maxLength:"4096"`
	Mode    string `json:"mode,omitempty" jsonschema:"permissions of a new directory in octal, such as 0755" pattern:"^(0o?)?[0-7]{3}$"`
	Parents bool   `json:"parents,omitempty" jsonschema:"make the directories above that are missing"`
}

// Made is what make_dir left.
type Made struct {
	Path    string `json:"path"`
	Created bool   `json:"created" jsonschema:"false where the directory was there already"`
}

func makeDir(_ context.Context, s *session, in MakeDir) (Made, error) {
	p, err := remotePath("/path", in.Path)
	if err != nil {
		return Made{}, err
	}
	perm, err := permissions(in.Mode)
	if err != nil {
		return Made{}, err
	}
	info, err := s.Stat(p)
	switch {
	case err == nil && info.IsDir():
		return Made{Path: in.Path}, nil
	case err == nil:
		return Made{}, sdk.Errorf(sdk.Conflict, "There is a file at this path.")
	case !errors.Is(err, fs.ErrNotExist):
		return Made{}, err
	}
	create := s.Mkdir
	if in.Parents {
		create = s.MkdirAll
	}
	if err := create(p); err != nil {
		return Made{}, err
	}
	if perm != nil {
		if err := s.Chmod(p, *perm); err != nil {
			return Made{}, err
		}
	}
	return Made{Path: in.Path, Created: true}, nil
}

// Rename is the input of rename.
type Rename struct {
	From      string `json:"from" minLength:"1" maxLength:"4096"`
	To        string `json:"to" jsonschema:"the whole new path, not only a directory" minLength:"1" maxLength:"4096"`
	Overwrite bool   `json:"overwrite,omitempty" jsonschema:"replace a file that is there"`
}

func rename(_ context.Context, s *session, in Rename) (sdk.None, error) {
	from, err := remotePath("/from", in.From)
	if err != nil {
		return sdk.None{}, err
	}
	to, err := remotePath("/to", in.To)
	if err != nil {
		return sdk.None{}, err
	}
	if _, err := s.Lstat(from); err != nil {
		return sdk.None{}, err
	}
	if in.Overwrite {
		return sdk.None{}, s.PosixRename(from, to)
	}
	taken, err := s.exists(to)
	if err != nil {
		return sdk.None{}, err
	}
	if taken {
		return sdk.None{}, sdk.Errorf(sdk.Conflict, "There is something at the new path; set overwrite to replace a file.")
	}
	return sdk.None{}, s.Rename(from, to)
}

// Remove is the input of remove.
type Remove struct {
	Path      string `json:"path" minLength:"1" maxLength:"4096"`
	Recursive bool   `json:"recursive,omitempty" jsonschema:"remove a directory with all that is in it"`
}

// Removed is what remove took away.
type Removed struct {
	Removed int `json:"removed" jsonschema:"how many files, links and directories"`
}

func remove(ctx context.Context, s *session, in Remove) (Removed, error) {
	p, err := remotePath("/path", in.Path)
	if err != nil {
		return Removed{}, err
	}
	info, err := s.Lstat(p)
	if err != nil {
		return Removed{}, err
	}
	if !info.IsDir() {
		return Removed{Removed: 1}, s.Remove(p)
	}
	if err := s.mayRemove(p); err != nil {
		return Removed{}, err
	}
	var out Removed
	if in.Recursive {
		return out, s.removeTree(ctx, p, 0, &out.Removed)
	}
	infos, err := s.entries(ctx, p)
	if err != nil {
		return out, err
	}
	if len(infos) > 0 {
		return out, sdk.Errorf(sdk.Conflict, "The directory is not empty; set recursive to remove it with all that is in it.")
	}
	return Removed{Removed: 1}, s.RemoveDirectory(p)
}

// mayRemove refuses the root, the home directory, and what these lie in: always a mistake.
func (s *session) mayRemove(p string) error {
	real, err := s.RealPath(p)
	if err != nil {
		return err
	}
	home, err := s.RealPath(".")
	if err != nil {
		return err
	}
	for dir := path.Clean(home); ; dir = path.Dir(dir) {
		if dir == path.Clean(real) {
			return sdk.Errorf(sdk.PermissionDenied, "The root and the user's home directory are not removed, nor what they lie in.")
		}
		if dir == "/" || dir == "." {
			return nil
		}
	}
}

// removeTree removes a directory and what is in it. Links are removed and not followed.
func (s *session) removeTree(ctx context.Context, dir string, depth int, count *int) error {
	if depth > maxDepth {
		return sdk.Errorf(sdk.Conflict, "The directories lie deeper in one another than %d; remove the lower ones first.", maxDepth)
	}
	infos, err := s.entries(ctx, dir)
	if err != nil {
		return err
	}
	for _, info := range infos {
		if err := ctx.Err(); err != nil {
			return err
		}
		p := path.Join(dir, info.Name())
		if info.IsDir() {
			err = s.removeTree(ctx, p, depth+1, count)
		} else if err = s.Remove(p); err == nil {
			*count++
		}
		if err != nil {
			return err
		}
	}
	if err := s.RemoveDirectory(dir); err != nil {
		return err
	}
	*count++
	return nil
}

// isFileError says that the server answered, with a no.
func isFileError(err error) bool {
	var status *sftp.StatusError
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.As(err, &status)
}
