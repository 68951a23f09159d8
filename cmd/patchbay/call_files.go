package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// downloadPatience is how long a file of an answer may take.
const downloadPatience = time.Hour

// callFile is a file of an answer.
type callFile struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	MediaType string `json:"media_type"`
	Size      int64  `json:"size"`
	URL       string `json:"url"`
}

// attachments are files to send with a call.
type attachments []*os.File

// openFiles opens files to send; an error closes those that were opened.
func openFiles(paths []string) (attachments, error) {
	var out attachments
	for _, path := range paths {
		home, err := os.UserHomeDir()
		if err == nil {
			path = expandHome(path, home)
		}
		f, err := os.Open(path)
		if err != nil {
			out.close()
			return nil, usageError("opening a file to send: %w", err)
		}
		out = append(out, f)
		if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
			out.close()
			return nil, usageError("%s is not a file", path)
		}
	}
	return out, nil
}

func (a attachments) close() {
	for _, f := range a {
		_ = f.Close() // only read
	}
}

// attach makes the body of a request: a form whose first part is the call, and the others the files, read as they are sent.
func (a attachments) attach(r *request, call callBody) error {
	encoded, err := json.Marshal(call)
	if err != nil {
		return errors.New("encoding the request") // the cause could quote the input
	}
	var head bytes.Buffer
	form := multipart.NewWriter(&head)
	var pieces []io.Reader
	// cut moves what the form has written to the pieces.
	cut := func() {
		r.length += int64(head.Len())
		pieces = append(pieces, bytes.NewReader(bytes.Clone(head.Bytes())))
		head.Reset()
	}
	part := func(header textproto.MIMEHeader) error {
		_, err := form.CreatePart(header)
		return err
	}
	if err := part(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="call"`}, "Content-Type": {"application/json"}}); err != nil {
		return fmt.Errorf("making the form: %w", err)
	}
	head.Write(encoded)
	for _, f := range a {
		name := filepath.Base(f.Name())
		kind := firstOf(mime.TypeByExtension(filepath.Ext(name)), "application/octet-stream")
		disposition := mime.FormatMediaType("form-data", map[string]string{"name": "file", "filename": name})
		if err := part(textproto.MIMEHeader{"Content-Disposition": {disposition}, "Content-Type": {kind}}); err != nil {
			return fmt.Errorf("making the form: %w", err)
		}
		info, err := f.Stat()
		if err != nil {
			return fmt.Errorf("reading a file to send: %w", err)
		}
		cut()
		r.length += info.Size()
		pieces = append(pieces, io.LimitReader(f, info.Size()))
	}
	if err := form.Close(); err != nil {
		return fmt.Errorf("making the form: %w", err)
	}
	cut()
	r.body = io.MultiReader(pieces...)
	r.header.Set("Content-Type", form.FormDataContentType())
	return nil
}

// copyFile writes a file of a call to w. It is asked for by its id on the host that answered, not by the link.
func copyFile(ctx context.Context, c *client, call, id string, w io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, downloadPatience)
	defer cancel()
	response, err := c.send(ctx, get(nil, "v1", "calls", call, "files", id))
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // read to its end, or given up
	if _, err := io.Copy(w, response.Body); err != nil {
		return fmt.Errorf("reading a file of the answer: %w", err)
	}
	return nil
}

// saveFile saves a file of a call in a folder and answers its path. The name comes from outside: it can neither leave the folder, nor hide,
// nor replace a file that is there.
func saveFile(ctx context.Context, c *client, call string, f callFile, folder string) (string, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("making the folder for files: %w", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return "", fmt.Errorf("opening the folder for files: %w", err)
	}
	defer func() { _ = root.Close() }() // only a handle
	out, name, err := createNew(root, safeName(f))
	if err != nil {
		return "", fmt.Errorf("saving a file: %w", err)
	}
	err = copyFile(ctx, c, call, f.ID, out)
	if err = errors.Join(err, out.Close()); err != nil {
		_ = root.Remove(name) // a part of a file
		return "", err
	}
	return filepath.Join(folder, name), nil
}

// createNew creates a file, with a number in its name where the name is taken.
func createNew(root *os.Root, name string) (*os.File, string, error) {
	ext := filepath.Ext(name)
	for n := 1; ; n++ {
		candidate := name
		if n > 1 {
			candidate = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ext), n, ext)
		}
		f, err := root.OpenFile(candidate, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, os.ErrExist) && n < 10_000 {
			continue
		}
		return f, candidate, err
	}
}

// safeName makes a foreign file name one of a plain visible file in a folder.
func safeName(f callFile) string {
	return firstOf(plainName(f.Name), plainName(f.ID), "file")
}

// plainName answers the last part of a path without what hides a file, looks like a flag or moves a cursor; "" where nothing is left.
func plainName(path string) string {
	name := strings.ReplaceAll(clean(path), `\`, "/")
	name = strings.TrimLeft(strings.TrimSpace(filepath.Base("/"+name)), ".-/ ")
	runes := []rune(name)
	if len(runes) <= 60 {
		return name
	}
	ext := []rune(filepath.Ext(name))
	if len(ext) > 10 {
		ext = nil
	}
	return string(runes[:60-len(ext)]) + string(ext)
}

// readLarge reads a file that the user named as input of a call.
func readLarge(path string) ([]byte, error) {
	f, err := openFiles([]string{path})
	if err != nil {
		return nil, err
	}
	defer f.close()
	return io.ReadAll(io.LimitReader(f[0], 64<<20))
}
