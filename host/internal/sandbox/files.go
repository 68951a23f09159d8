package sandbox

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/sandbox/box"
)

const (
	maxRead = 4 << 20
	// maxDownload is what is given with a result of an operation; the route for files has no bound but the disk.
	maxDownload = 64 << 20
	maxListed   = 10000
)

type fileView struct {
	Path       string `json:"path"`
	Kind       string `json:"kind"`
	Size       int64  `json:"size"`
	Mode       string `json:"mode"`
	ModifiedAt string `json:"modified_at"`
	Target     string `json:"target,omitempty"`
}

func fileOf(f *box.File) fileView {
	return fileView{f.Path, f.Kind, f.Size, fmt.Sprintf("%04o", f.Mode&0o7777), time.UnixMilli(f.ModifiedMS).UTC().Format(time.RFC3339), f.Target}
}

type fileInput struct {
	Path       string `json:"path"`
	To         string `json:"to"`
	Recursive  bool   `json:"recursive"`
	Pattern    string `json:"pattern"`
	StartLine  int    `json:"start_line"`
	NumLines   int    `json:"num_lines"`
	MaxKB      int    `json:"max_kb"`
	Content    string `json:"content"`
	Base64     string `json:"content_base64"`
	Mode       string `json:"mode"`
	OldString  string `json:"old_string"`
	NewString  string `json:"new_string"`
	ReplaceAll bool   `json:"replace_all"`
}

// files runs the operations on files.
func (n inner) files(ctx context.Context, c Call) (any, error) {
	in, err := decode[fileInput](c.Input)
	if err != nil {
		return nil, err
	}
	switch c.Operation {
	case "read_file":
		return n.readText(ctx, in)
	case "write_file":
		return n.writeText(ctx, in, []byte(in.Content))
	case "edit_file":
		return n.edit(ctx, in)
	case "list_files":
		return n.list(ctx, in)
	case "make_dir":
		return empty{}, n.file(ctx, box.FileWork{Action: "mkdir", Path: in.Path}, nil)
	case "move":
		return empty{}, n.file(ctx, box.FileWork{Action: "move", Path: in.Path, To: in.To}, nil)
	case "remove":
		return empty{}, n.file(ctx, box.FileWork{Action: "remove", Path: in.Path, Recursive: in.Recursive}, nil)
	case "exists":
		return n.exists(ctx, in.Path)
	case "upload":
		content, err := base64.StdEncoding.DecodeString(in.Base64)
		if err != nil {
			return nil, invalid("/content_base64", "is not base64")
		}
		return n.writeText(ctx, in, content)
	case "download":
		return n.stat(ctx, in.Path)
	}
	return nil, &catalog.Failure{Kind: catalog.OperationNotFound, Message: "Sandboxes have no such operation."}
}

// file does file work without content; each hears the entries.
func (n inner) file(ctx context.Context, w box.FileWork, each func(box.Answer)) error {
	return n.work(ctx, box.Open{File: &w}, nil, func(a box.Answer) error {
		if a.Entry != nil && each != nil {
			each(a)
		}
		return nil
	})
}

func (n inner) stat(ctx context.Context, path string) (out fileView, err error) {
	err = n.file(ctx, box.FileWork{Action: "stat", Path: path}, func(a box.Answer) { out = fileOf(a.Entry) })
	return out, err
}

func (n inner) exists(ctx context.Context, path string) (any, error) {
	type view struct {
		Exists bool      `json:"exists"`
		File   *fileView `json:"file,omitempty"`
	}
	f, err := n.stat(ctx, path)
	var failed *catalog.Failure
	if errors.As(err, &failed) && failed.Kind == catalog.NotFound {
		return view{}, nil
	}
	if err != nil {
		return nil, err
	}
	return view{true, &f}, nil
}

// read answers at most so many bytes of a file, and its size.
func (n inner) read(ctx context.Context, path string, most int64, to io.Writer) (size int64, err error) {
	left := most
	err = n.work(ctx, box.Open{File: &box.FileWork{Action: "read", Path: path, Limit: uint64(most)}}, nil, func(a box.Answer) error {
		if a.Entry != nil {
			size = a.Entry.Size
		}
		data := a.Data[:min(int64(len(a.Data)), left)] // whatever the agent sends
		left -= int64(len(data))
		_, err := to.Write(data)
		return err
	})
	return size, err
}

func (n inner) readText(ctx context.Context, in fileInput) (any, error) {
	most := int64(min(or(in.MaxKB, 256), maxRead>>10)) << 10
	whole := most
	if in.StartLine > 1 || in.NumLines > 0 {
		whole = maxRead
	}
	var content strings.Builder
	size, err := n.read(ctx, in.Path, whole, &content)
	if err != nil {
		return nil, err
	}
	text, truncated := content.String(), size > whole
	if in.StartLine > 1 || in.NumLines > 0 {
		text, truncated = linesOf(text, max(in.StartLine, 1), in.NumLines, truncated)
	}
	if int64(len(text)) > most {
		text, truncated = text[:most], true
	}
	return struct {
		Content   string `json:"content"`
		Size      int64  `json:"size"`
		Truncated bool   `json:"truncated"`
	}{strings.ToValidUTF8(text, "\uFFFD"), size, truncated}, nil
}

// linesOf cuts lines out of a text; count 0 means all.
func linesOf(text string, first, count int, truncated bool) (string, bool) {
	lines := strings.SplitAfter(text, "\n")
	lines = lines[min(first-1, len(lines)):]
	if count > 0 && count < len(lines) {
		return strings.Join(lines[:count], ""), truncated || strings.Join(lines[count:], "") != ""
	}
	return strings.Join(lines, ""), truncated
}

// write replaces a file.
func (n inner) write(ctx context.Context, path string, mode uint32, content io.Reader) error {
	feed := make(chan box.Feed)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	var readErr error
	go func() {
		defer close(done)
		readErr = feedAll(ctx, content, feed)
	}()
	err := n.work(ctx, box.Open{File: &box.FileWork{Action: "write", Path: path, Mode: mode}}, feed, func(box.Answer) error { return nil })
	cancel()
	<-done
	if readErr != nil {
		return &catalog.Failure{Kind: catalog.InvalidInput, Message: "The content could not be read to its end."}
	}
	return err
}

// feedAll sends a content and its end; one that breaks off is not ended, so that the file is left as it was.
func feedAll(ctx context.Context, content io.Reader, feed chan<- box.Feed) error {
	defer close(feed)
	buffer := make([]byte, feedBytes)
	for {
		k, err := io.ReadFull(content, buffer)
		if k > 0 {
			select {
			case feed <- box.Feed{Data: append([]byte{}, buffer[:k]...)}:
			case <-ctx.Done():
				return nil
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			select {
			case feed <- box.Feed{End: true}:
			case <-ctx.Done():
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (n inner) writeText(ctx context.Context, in fileInput, content []byte) (any, error) {
	var mode uint64
	if in.Mode != "" {
		var err error
		if mode, err = strconv.ParseUint(in.Mode, 8, 12); err != nil {
			return nil, invalid("/mode", "is no mode in octal")
		}
	}
	if err := n.write(ctx, in.Path, uint32(mode), strings.NewReader(string(content))); err != nil {
		return nil, err
	}
	return n.stat(ctx, in.Path)
}

func (n inner) edit(ctx context.Context, in fileInput) (any, error) {
	var content strings.Builder
	var mode uint32
	if err := n.file(ctx, box.FileWork{Action: "stat", Path: in.Path}, func(a box.Answer) { mode = a.Entry.Mode }); err != nil {
		return nil, err
	}
	size, err := n.read(ctx, in.Path, maxRead, &content)
	if err != nil {
		return nil, err
	}
	count := strings.Count(content.String(), in.OldString)
	switch {
	case size > maxRead:
		return nil, invalid("/path", fmt.Sprintf("is larger than %d MiB", maxRead>>20))
	case in.OldString == "" || count == 0:
		return nil, invalid("/old_string", "is not in the file")
	case count > 1 && !in.ReplaceAll:
		return nil, invalid("/old_string", fmt.Sprintf("is in the file %d times; set replace_all, or give more of what is around it", count))
	}
	edited := strings.ReplaceAll(content.String(), in.OldString, in.NewString)
	return struct {
		Replacements int `json:"replacements"`
	}{count}, n.write(ctx, in.Path, mode, strings.NewReader(edited))
}

func (n inner) list(ctx context.Context, in fileInput) (any, error) {
	out := struct {
		Items     []fileView `json:"items"`
		Truncated bool       `json:"truncated"`
	}{Items: []fileView{}}
	err := n.file(ctx, box.FileWork{Action: "list", Path: or(in.Path, "/workspace"), Recursive: in.Recursive, Pattern: in.Pattern, Limit: maxListed}, func(a box.Answer) {
		if len(out.Items) < maxListed {
			out.Items = append(out.Items, fileOf(a.Entry))
		}
	})
	out.Truncated = len(out.Items) == maxListed
	return out, err
}

// ReadTo writes a file of a running sandbox out; start hears its size first.
func (s *Service) ReadTo(ctx context.Context, user, ref, path string, start func(size int64) error, to io.Writer) error {
	n, err := s.innerOf(ctx, user, ref)
	if err != nil {
		return err
	}
	defer s.touch(ref)()
	return n.work(ctx, box.Open{File: &box.FileWork{Action: "read", Path: path}}, nil, func(a box.Answer) error {
		if a.Entry != nil {
			return start(a.Entry.Size)
		}
		_, err := to.Write(a.Data)
		return err
	})
}

// WriteFrom replaces a file of a running sandbox.
func (s *Service) WriteFrom(ctx context.Context, user, ref, path string, mode uint32, content io.Reader) error {
	n, err := s.innerOf(ctx, user, ref)
	if err != nil {
		return err
	}
	defer s.touch(ref)()
	return n.write(ctx, path, mode, content)
}

func (s *Service) innerOf(ctx context.Context, user, ref string) (inner, error) {
	if _, err := s.running(ctx, user, ref); err != nil {
		return inner{}, err
	}
	v, err := s.Settings(ctx)
	return inner{s, s.place(v), ref}, err
}
