package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/patchbay/patchbay/sdk"
)

const (
	defaultLines   = 2000
	defaultReadKiB = 256
	// readAhead is how much of a file is asked for at a time, in parallel requests.
	readAhead = 256 << 10
)

// ReadFile is the input of read_file.
type ReadFile struct {
	Path      string `json:"path" minLength:"1" maxLength:"4096"`
	StartLine int    `json:"start_line,omitempty" jsonschema:"first line to read; the first of the file is 1" minimum:"1" default:"1"`
	NumLines  int    `json:"num_lines,omitempty" jsonschema:"how many lines at most" minimum:"1" maximum:"100000" default:"2000"`
	MaxKB     int    `json:"max_kb,omitempty" jsonschema:"how much text at most, in KiB" minimum:"1" maximum:"1024" default:"256"`
}

// FileText is a part of a file.
type FileText struct {
	Content   string `json:"content"`
	StartLine int    `json:"start_line"`
	NumLines  int    `json:"num_lines" jsonschema:"lines given, a last one that is cut included"`
	NextLine  int    `json:"next_line,omitempty" jsonschema:"start_line to go on with; missing at the end of the file"`
	LineCut   bool   `json:"line_cut,omitempty" jsonschema:"true where the last line given is longer than max_kb allows and is cut"`
	Size      int64  `json:"size" jsonschema:"bytes of the whole file"`
}

func readFile(_ context.Context, s *session, in ReadFile) (FileText, error) {
	p, err := remotePath("/path", in.Path)
	if err != nil {
		return FileText{}, err
	}
	info, err := s.regular(p)
	if err != nil {
		return FileText{}, err
	}
	f, err := s.Open(p)
	if err != nil {
		return FileText{}, err
	}
	defer func() { _ = f.Close() }() // it was only read
	out, err := readLines(bufio.NewReaderSize(f, readAhead), orInt(in.StartLine, 1), orInt(in.NumLines, defaultLines), orInt(in.MaxKB, defaultReadKiB)<<10)
	if err != nil {
		return FileText{}, err
	}
	if !isText(out.Content) {
		return FileText{}, sdk.Errorf(sdk.Conflict, "The file is not UTF-8 text. Use download for it.")
	}
	out.Size = info.Size()
	return out, nil
}

// readLines reads lines from start on, as many as both bounds allow. A line that alone passes the bound of bytes is cut.
func readLines(r *bufio.Reader, start, lines, maxBytes int) (FileText, error) {
	out := FileText{StartLine: start}
	for range start - 1 {
		if _, more, err := nextLine(r, nil, 0); err != nil || !more {
			return out, err // the file ends before
		}
	}
	var text strings.Builder
	for out.NumLines < lines {
		room := maxBytes - text.Len()
		if _, err := r.Peek(1); errors.Is(err, io.EOF) {
			out.Content = text.String()
			return out, nil
		}
		if out.NumLines > 0 && !fits(r, room) {
			break
		}
		cut, _, err := nextLine(r, &text, room)
		if err != nil {
			return FileText{}, err
		}
		out.NumLines++
		if cut {
			content := text.String()
			out.Content, out.LineCut, out.NextLine = content[:wholeRunes([]byte(content))], true, start+out.NumLines
			return out, nil
		}
	}
	out.Content = text.String()
	_, err := r.Peek(1)
	switch {
	case err == nil:
		out.NextLine = start + out.NumLines
	case !errors.Is(err, io.EOF):
		return FileText{}, err
	}
	return out, nil
}

// fits says whether the next line certainly has room. Only one that is longer than what the reader holds ahead may be misjudged,
// and then it comes first with the next call.
func fits(r *bufio.Reader, room int) bool {
	if room <= 0 {
		return false
	}
	ahead, err := r.Peek(min(room, r.Size()))
	return strings.IndexByte(string(ahead), '\n') >= 0 || err != nil
}

// nextLine reads a line to its end, or, where it is written to something, until room bytes are written: then it is cut. It says
// too whether the line ended with a line feed, so that another may follow.
func nextLine(r *bufio.Reader, to *strings.Builder, room int) (cut, more bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if to != nil {
			take := min(len(part), room)
			to.Write(part[:take])
			if room -= take; take < len(part) {
				return true, true, nil
			}
		}
		switch {
		case err == nil:
			return false, true, nil
		case errors.Is(err, io.EOF):
			return false, false, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return false, false, err
		}
	}
}

// isText says whether a language model or a person can read it.
func isText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

func orInt(n, fallback int) int {
	if n <= 0 {
		return fallback
	}
	return n
}
