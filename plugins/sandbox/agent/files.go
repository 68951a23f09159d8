package agent

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/patchbay/patchbay/sdk/sandbox"
)

const (
	chunk      = 128 << 10
	maxEntries = 10000
)

var errStop = errors.New("enough")

// fileWork reaches files as the sandbox's own programs do: a path leads nowhere that they could not go.
func fileWork(w sandbox.FileWork, in io.Reader, out *Writer) error {
	if w.Path == "" {
		return errInvalid
	}
	name := inside(w.Path)
	if err := doFile(w, name, in, out); err != nil {
		return err
	}
	return out.Write(sandbox.Answer{Done: true})
}

func doFile(w sandbox.FileWork, name string, in io.Reader, out *Writer) error {
	switch w.Action {
	case sandbox.ReadFile:
		return readFile(w, name, out)
	case sandbox.WriteFile:
		return writeFile(w, name, in)
	case sandbox.ListFiles:
		return listFiles(w, name, out)
	case sandbox.StatFile:
		info, err := os.Lstat(name)
		if err != nil {
			return err
		}
		return out.Write(sandbox.Answer{Entry: entryOf(name, info)})
	case sandbox.MakeFolder:
		return os.MkdirAll(name, 0o755)
	case sandbox.MoveFile:
		if w.To == "" {
			return errInvalid
		}
		return os.Rename(name, inside(w.To))
	case sandbox.RemoveFile:
		if _, err := os.Lstat(name); err != nil {
			return err
		}
		if w.Recursive {
			return os.RemoveAll(name)
		}
		return os.Remove(name)
	}
	return errInvalid
}

// inside makes a path absolute: relative ones begin at the workspace.
func inside(p string) string {
	if !path.IsAbs(p) {
		p = path.Join(Workspace, p)
	}
	return path.Clean(p)
}

func readFile(w sandbox.FileWork, name string, out *Writer) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errInvalid // a pipe or a device would be waited for without end
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := out.Write(sandbox.Answer{Entry: entryOf(name, info)}); err != nil {
		return nil
	}
	left := int64(w.Limit)
	if left <= 0 {
		left = 1 << 62
	}
	buffer := make([]byte, chunk)
	r := io.LimitReader(io.NewSectionReader(f, int64(w.Offset), 1<<62), left)
	for {
		n, err := r.Read(buffer)
		if n > 0 && out.Write(sandbox.Answer{Data: buffer[:n]}) != nil {
			return nil
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// writeFile replaces a file as a whole: a reader sees the old content or the new.
func writeFile(w sandbox.FileWork, name string, in io.Reader) error {
	mode := os.FileMode(w.Mode) & 0o7777
	if mode == 0 {
		mode = 0o644
	}
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target // a link stays one
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".patchbay-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone after the rename
	if err := receive(f, in); err != nil {
		_ = f.Close()
		return err
	}
	if err := errors.Join(f.Chmod(mode), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

func receive(f io.Writer, in io.Reader) error {
	for {
		var feed sandbox.Feed
		if err := Read(in, &feed); err != nil {
			return errors.New("the content broke off")
		}
		if len(feed.Data) > 0 {
			if _, err := f.Write(feed.Data); err != nil {
				return err
			}
		}
		if feed.End {
			return nil
		}
	}
}

func listFiles(w sandbox.FileWork, name string, out *Writer) error {
	limit := int(w.Limit)
	if limit <= 0 || limit > maxEntries {
		limit = maxEntries
	}
	if _, err := filepath.Match(w.Pattern, ""); err != nil {
		return errInvalid
	}
	if info, err := os.Stat(name); err != nil {
		return err
	} else if !info.IsDir() {
		return errInvalid
	}
	count := 0
	err := filepath.WalkDir(name, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && p == name:
			return err
		case err != nil || p == name:
			return nil // what cannot be read is left out
		}
		matches, _ := filepath.Match(w.Pattern, d.Name()) // was valid above
		if w.Pattern == "" || matches {
			info, err := d.Info()
			if err != nil {
				return nil // it has just been removed
			}
			if count++; count > limit {
				return errStop
			}
			if err := out.Write(sandbox.Answer{Entry: entryOf(p, info)}); err != nil {
				return err
			}
		}
		if d.IsDir() && !w.Recursive {
			return fs.SkipDir
		}
		return nil
	})
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}

func entryOf(name string, info fs.FileInfo) *sandbox.FileEntry {
	e := &sandbox.FileEntry{Path: name, Kind: sandbox.KindOther, Size: uint64(info.Size()), Mode: uint32(info.Mode().Perm()), Modified: info.ModTime().UnixMilli()}
	switch {
	case info.Mode().IsRegular():
		e.Kind = sandbox.KindFile
	case info.IsDir():
		e.Kind = sandbox.KindFolder
	case info.Mode()&fs.ModeSymlink != 0:
		e.Kind = sandbox.KindLink
		e.Target, _ = os.Readlink(name) // it has just been replaced
	}
	return e
}

func modified(e fs.DirEntry) time.Time {
	info, err := e.Info()
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
