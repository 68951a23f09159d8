package main

import (
	"bufio"
	"context"
	"io"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// maxEditBytes bounds a file that is edited.
const maxEditBytes = 4 << 20

// WriteFile is the input of write_file.
type WriteFile struct {
	Path       string `json:"path" minLength:"1" maxLength:"4096"`
	Content    string `json:"content" jsonschema:"the whole new text" maxLength:"4194304"`
	Mode       string `json:"mode,omitempty" jsonschema:"permissions in octal, such as 0644; when missing those of the old file stay, or the server's default is used" pattern:"^(0o?)?[0-7]{3}$"`
	CreateDirs bool   `json:"create_dirs,omitempty" jsonschema:"make the directories above that are missing"`
}

// Written is what writing left.
type Written struct {
	Path    string `json:"path"`
	Size    int64  `json:"size" jsonschema:"bytes"`
	Created bool   `json:"created" jsonschema:"true where there was no file before"`
}

func writeFile(_ context.Context, s *session, in WriteFile) (Written, error) {
	size, created, err := s.put(in.Path, in.Mode, in.CreateDirs, strings.NewReader(in.Content))
	return Written{Path: in.Path, Size: size, Created: created}, err
}

// writeRequests is how many writes of 32 KiB are under way at a time.
const writeRequests = 16

// put replaces a file by what r holds.
func (s *session) put(at, mode string, createDirs bool, r io.Reader) (size int64, created bool, err error) {
	p, err := remotePath("/path", at)
	if err != nil {
		return 0, false, err
	}
	perm, err := permissions(mode)
	if err != nil {
		return 0, false, err
	}
	if err := s.parent(p, createDirs); err != nil {
		return 0, false, err
	}
	file, err := s.replace(p, perm)
	if err != nil {
		return 0, false, err
	}
	size, err = file.ReadFromWithConcurrency(r, writeRequests)
	if err != nil {
		file.abandon()
		return 0, false, err
	}
	return size, file.created, file.commit()
}

// EditFile is the input of edit_file.
type EditFile struct {
	Path       string `json:"path" minLength:"1" maxLength:"4096"`
	OldString  string `json:"old_string" jsonschema:"the text to replace, exactly as it stands, white space included" minLength:"1"`
	NewString  string `json:"new_string" jsonschema:"the text to put there"`
	ReplaceAll bool   `json:"replace_all,omitempty" jsonschema:"replace every occurrence; otherwise there must be exactly one"`
}

// Edited is what editing left.
type Edited struct {
	Path         string `json:"path"`
	Replacements int    `json:"replacements"`
	Size         int64  `json:"size" jsonschema:"bytes of the new file"`
}

func editFile(_ context.Context, s *session, in EditFile) (Edited, error) {
	p, err := remotePath("/path", in.Path)
	if err != nil {
		return Edited{}, err
	}
	info, err := s.regular(p)
	if err != nil {
		return Edited{}, err
	}
	text, err := s.wholeText(p)
	if err != nil {
		return Edited{}, err
	}
	changed, count, err := replaceText(text, in)
	if err != nil {
		return Edited{}, err
	}
	if err := s.unchanged(p, info); err != nil { // before it is opened, for where it is written in place
		return Edited{}, err
	}
	file, err := s.replace(p, nil)
	if err != nil {
		return Edited{}, err
	}
	size, err := file.ReadFromWithConcurrency(strings.NewReader(changed), writeRequests)
	if err == nil && file.temp != "" {
		err = s.unchanged(p, info)
	}
	if err != nil {
		file.abandon()
		return Edited{}, err
	}
	return Edited{Path: in.Path, Replacements: count, Size: size}, file.commit()
}

// wholeText reads a text file that is small enough to be edited.
func (s *session) wholeText(p string) (string, error) {
	f, err := s.Open(p)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // it was only read
	content, err := io.ReadAll(io.LimitReader(bufio.NewReaderSize(f, readAhead), maxEditBytes+1))
	if err != nil {
		return "", err
	}
	if len(content) > maxEditBytes {
		return "", sdk.Errorf(sdk.Conflict, "The file is larger than the %d MiB that can be edited.", maxEditBytes>>20)
	}
	if !isText(string(content)) {
		return "", sdk.Errorf(sdk.Conflict, "The file is not UTF-8 text and cannot be edited.")
	}
	return string(content), nil
}

// replaceText makes the new text and counts what was replaced.
func replaceText(text string, in EditFile) (string, int, error) {
	if in.OldString == "" || in.OldString == in.NewString {
		return "", 0, sdk.Invalid("/old_string", "it must be some text that differs from new_string")
	}
	count := strings.Count(text, in.OldString)
	switch {
	case count == 0:
		return "", 0, sdk.Invalid("/old_string", "the file does not hold this text; read it again and copy it exactly")
	case count > 1 && !in.ReplaceAll:
		return "", 0, sdk.Invalid("/old_string", "the file holds this text %d times; give more of what is around it, or set replace_all", count)
	}
	if grown := len(text) + count*(len(in.NewString)-len(in.OldString)); grown > 4*maxEditBytes {
		return "", 0, sdk.Invalid("/new_string", "the file would become larger than %d MiB", 4*maxEditBytes>>20)
	}
	return strings.ReplaceAll(text, in.OldString, in.NewString), count, nil
}
