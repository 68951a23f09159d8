package main

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

const (
	defaultEntries = 200
	// maxVisited bounds the entries that one page looks at; the next goes on from there.
	maxVisited = 20000
	// maxDepth bounds how deep directories are followed.
	maxDepth = 128
)

// ListFiles is the input of list_files.
type ListFiles struct {
	Path      string `json:"path,omitempty" jsonschema:"directory; the user's home when missing" maxLength:"4096"`
	Recursive bool   `json:"recursive,omitempty" jsonschema:"go into the directories below, but not through symbolic links"`
	Pattern   string `json:"pattern,omitempty" jsonschema:"only names that match, with *, ? and [a-z], such as *.log" maxLength:"256"`
	Limit     int    `json:"limit,omitempty" minimum:"1" maximum:"1000" default:"200"`
	Cursor    string `json:"cursor,omitempty" jsonschema:"next_cursor of the page before" maxLength:"8192"`
}

// Listing is a page of entries.
type Listing struct {
	Entries    []Entry `json:"entries" jsonschema:"sorted by path; a page may be empty and have a next one"`
	NextCursor string  `json:"next_cursor,omitempty" jsonschema:"missing on the last page"`
	Unreadable int     `json:"unreadable,omitempty" jsonschema:"how many directories below could not be read, and were left out"`
}

func listFiles(ctx context.Context, s *session, in ListFiles) (Listing, error) {
	p, err := remotePath("/path", cmp.Or(in.Path, "."))
	if err != nil {
		return Listing{}, err
	}
	after, err := parseCursor(in.Cursor)
	if err != nil {
		return Listing{}, err
	}
	if _, err := path.Match(in.Pattern, ""); err != nil {
		return Listing{}, sdk.Invalid("/pattern", "it is not a pattern: a bracket may be open")
	}
	w := &walk{s: s, root: p, shown: cmp.Or(in.Path, "."), in: in, limit: orInt(in.Limit, defaultEntries), after: after}
	err = w.directory(ctx, nil)
	if err != nil && !errors.Is(err, errPageFull) {
		return Listing{}, err
	}
	w.out.Entries = append([]Entry{}, w.out.Entries...)
	if errors.Is(err, errPageFull) {
		w.out.NextCursor = formatCursor(w.last)
	}
	return w.out, nil
}

// errPageFull ends a walk that has more to show.
var errPageFull = errors.New("the page is full")

// walk goes through directories in the order of their paths, compared name by name, so that a page can begin after any path.
type walk struct {
	s     *session
	root  string
	shown string // root as the caller wrote it
	in    ListFiles
	limit int
	after []string // names of the path that the page begins after

	out     Listing
	visited int
	last    []string
}

// directory visits what is in a directory below root, whose names are below.
func (w *walk) directory(ctx context.Context, below []string) error {
	infos, err := w.s.entries(ctx, path.Join(append([]string{w.root}, below...)...))
	if err != nil {
		if len(below) == 0 || w.s.answer.spent.Load() || ctx.Err() != nil || !isFileError(err) {
			return err
		}
		w.out.Unreadable++
		return nil
	}
	for _, info := range infos {
		names := append(slices.Clone(below), info.Name())
		if slices.Compare(names, w.after) > 0 {
			if err := w.visit(names, info); err != nil {
				return err
			}
		} else if !isPrefix(names, w.after) {
			continue
		}
		if w.in.Recursive && info.IsDir() && len(names) < maxDepth {
			if err := w.directory(ctx, names); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *walk) visit(names []string, info os.FileInfo) error {
	if len(w.out.Entries) >= w.limit || w.visited >= maxVisited {
		return errPageFull
	}
	w.visited++
	w.last = names
	if w.in.Pattern != "" {
		if ok, _ := path.Match(w.in.Pattern, info.Name()); !ok { // the pattern was checked
			return nil
		}
	}
	w.out.Entries = append(w.out.Entries, entryOf(path.Join(append([]string{w.shown}, names...)...), info))
	return nil
}

// entries answers what is in a directory, sorted by name. Names that are none are left out.
func (s *session) entries(ctx context.Context, dir string) ([]os.FileInfo, error) {
	s.answer.left.Store(maxListingBytes)
	infos, err := s.ReadDirContext(ctx, dir)
	if err != nil {
		return nil, err
	}
	infos = slices.DeleteFunc(infos, func(i os.FileInfo) bool {
		n := i.Name()
		return n == "" || n == "." || n == ".." || strings.Contains(n, "/")
	})
	slices.SortFunc(infos, func(a, b os.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
	return infos, nil
}

func isPrefix(names, of []string) bool {
	return len(names) <= len(of) && slices.Equal(names, of[:len(names)])
}

// A cursor is the path that the page before ended with, in base64.
func formatCursor(names []string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Join(names, "/")))
}

func parseCursor(cursor string) ([]string, error) {
	if cursor == "" {
		return nil, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(raw) == 0 || strings.ContainsRune(string(raw), 0) {
		return nil, sdk.Invalid("/cursor", "it is not the next_cursor of a page before")
	}
	return strings.Split(string(raw), "/"), nil
}
