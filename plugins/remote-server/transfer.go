package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"mime"
	"path"

	"github.com/patchbay/patchbay/sdk"
)

// maxFileBytes bounds a file that is uploaded or downloaded.
const maxFileBytes = 4 << 30

// Upload is the input of upload.
type Upload struct {
	Path       string `json:"path" jsonschema:"where to put it: the whole path, with the file's name" minLength:"1" maxLength:"4096"`
	Mode       string `json:"mode,omitempty" jsonschema:"permissions in octal, such as 0644; when missing those of the old file stay, or the server's default is used" pattern:"^(0o?)?[0-7]{3}$"`
	CreateDirs bool   `json:"create_dirs,omitempty" jsonschema:"make the directories above that are missing"`
}

// Uploaded is what an upload left.
type Uploaded struct {
	Written
	SHA256 string `json:"sha256" jsonschema:"of what was written, in hexadecimal"`
}

func upload(ctx context.Context, s *session, in Upload) (Uploaded, error) {
	file, err := s.call.OneFile(ctx)
	if err != nil {
		return Uploaded{}, err
	}
	content := newTally(file, sdk.Errorf(sdk.InvalidInput, "The file that came with the call broke off; nothing was written."))
	size, created, err := s.put(in.Path, in.Mode, in.CreateDirs, content)
	return Uploaded{Written: Written{Path: in.Path, Size: size, Created: created}, SHA256: content.sum()}, err
}

// Download is the input of download.
type Download struct {
	Path string `json:"path" minLength:"1" maxLength:"4096"`
}

// Downloaded describes the file that comes with the answer.
type Downloaded struct {
	Name   string `json:"name"`
	Size   int64  `json:"size" jsonschema:"bytes"`
	SHA256 string `json:"sha256" jsonschema:"in hexadecimal"`
}

func download(ctx context.Context, s *session, in Download) (Downloaded, error) {
	p, err := remotePath("/path", in.Path)
	if err != nil {
		return Downloaded{}, err
	}
	info, err := s.regular(p)
	if err != nil {
		return Downloaded{}, err
	}
	if info.Size() > maxFileBytes {
		return Downloaded{}, sdk.Errorf(sdk.Conflict, "The file is larger than the %d GiB that can be downloaded.", maxFileBytes>>30)
	}
	f, err := s.Open(p)
	if err != nil {
		return Downloaded{}, err
	}
	defer func() { _ = f.Close() }() // it was only read
	content := newTally(f, nil)
	err = s.call.Attach(path.Base(p), mediaType(p), content)
	if err != nil && content.failed != nil {
		err = explainFile(ctx, content.failed) // and not as the failure of whoever takes the file
	}
	return Downloaded{Name: path.Base(p), Size: content.size, SHA256: content.sum()}, err
}

func mediaType(p string) string {
	if t := mime.TypeByExtension(path.Ext(p)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// tally counts and hashes what is read through it, and stops at the bound of a file.
type tally struct {
	from   io.Reader
	hash   hash.Hash
	size   int64
	broken error // stands for a failure of from, where it is set
	failed error // the failure of from
}

func newTally(r io.Reader, broken error) *tally {
	return &tally{from: r, hash: sha256.New(), broken: broken}
}

// Read reads on, and fails beyond the bound.
func (t *tally) Read(p []byte) (int, error) {
	n, err := t.from.Read(p)
	t.hash.Write(p[:n])
	if t.size += int64(n); t.size > maxFileBytes {
		return 0, sdk.Errorf(sdk.Conflict, "The file is larger than the %d GiB that can be sent.", maxFileBytes>>30)
	}
	if err != nil && err != io.EOF {
		if t.failed = err; t.broken != nil {
			return n, t.broken
		}
	}
	return n, err
}

func (t *tally) sum() string { return hex.EncodeToString(t.hash.Sum(nil)) }
