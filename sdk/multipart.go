package sdk

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
	"strings"
)

// Part is one part of a multipart/form-data body: a value, or a file where Content is set.
type Part struct {
	Name, Value         string
	FileName, MediaType string
	Content             io.Reader
}

// Multipart makes the body of a Request from parts. Files are streamed, not held in memory.
func Multipart(parts ...Part) (body io.Reader, contentType string) {
	return MultipartFrom(func() (Part, error) {
		if len(parts) == 0 {
			return Part{}, io.EOF
		}
		first := parts[0]
		parts = parts[1:]
		return first, nil
	})
}

// MultipartFrom is [Multipart] for parts that are made one after the other, such as the files of a call: next answers each, and
// io.EOF after the last. It is called while the body is read.
func MultipartFrom(next func() (Part, error)) (body io.Reader, contentType string) {
	reader, writer := io.Pipe()
	form := multipart.NewWriter(writer)
	go func() { // ends when the body is read to its end or closed by net/http
		err := writeParts(form, next)
		if err == nil {
			err = form.Close()
		}
		_ = writer.CloseWithError(err) // documented never to fail
	}()
	return reader, form.FormDataContentType()
}

func writeParts(form *multipart.Writer, next func() (Part, error)) error {
	for {
		p, err := next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if p.Content == nil {
			if err := form.WriteField(p.Name, p.Value); err != nil {
				return err
			}
			continue
		}
		header := textproto.MIMEHeader{}
		header.Set("Content-Disposition", fmt.Sprintf(`form-data; name="%s"; filename="%s"`, plainName(p.Name), plainName(p.FileName)))
		header.Set("Content-Type", plainType(p.MediaType))
		w, err := form.CreatePart(header)
		if err != nil {
			return err
		}
		if _, err := io.Copy(w, p.Content); err != nil {
			return err
		}
	}
}

// plainType answers a media type in its usual form; what is none becomes that of any bytes.
func plainType(mediaType string) string {
	kind, parameters, err := mime.ParseMediaType(mediaType)
	if err != nil {
		return anyBytes
	}
	return orString(mime.FormatMediaType(kind, parameters), anyBytes)
}

const anyBytes = "application/octet-stream"

// plainName drops what could break out of a header.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == '"' || r == '\\' || r == 0x7f {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
}
