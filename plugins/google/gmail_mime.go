package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// outgoing is a message that is to be written (RFC 5322) and handed to Gmail.
type outgoing struct {
	content
	to                    []string
	threadID              string
	inReplyTo, references string
	forwarded             []byte
}

// header answers the message's own header lines. Every value is one that cannot break out of its line.
func (o outgoing) header() (string, error) {
	var b strings.Builder
	for _, line := range []struct {
		name, pointer string
		values        []string
	}{{"From", "/from", one(o.From)}, {"To", "/to", o.to}, {"Cc", "/cc", o.Cc}, {"Bcc", "/bcc", o.Bcc}, {"Reply-To", "/reply_to", one(o.ReplyTo)}} {
		addresses, err := addresses(line.pointer, line.values)
		if err != nil {
			return "", err
		}
		if len(addresses) > 0 {
			fmt.Fprintf(&b, "%s: %s\r\n", line.name, strings.Join(addresses, ",\r\n "))
		}
	}
	fmt.Fprintf(&b, "Subject: %s\r\n", mime.QEncoding.Encode("utf-8", oneLine(o.Subject)))
	if o.inReplyTo != "" {
		fmt.Fprintf(&b, "In-Reply-To: %s\r\nReferences: %s\r\n", oneLine(o.inReplyTo), strings.Join(strings.Fields(oneLine(o.references)), "\r\n "))
	}
	b.WriteString("MIME-Version: 1.0\r\n")
	return b.String(), nil
}

func one(s string) []string {
	if none(s) {
		return nil
	}
	return []string{s}
}

// addresses checks addresses and writes each as a header takes it.
func addresses(pointer string, list []string) ([]string, error) {
	out := make([]string, 0, len(list))
	for i, s := range list {
		parsed, err := mail.ParseAddressList(oneLine(s))
		if err != nil {
			return nil, sdk.Invalid(fmt.Sprintf("%s/%d", pointer, i), "it is no mail address such as ann@example.com or Ann <ann@example.com>")
		}
		for _, a := range parsed {
			out = append(out, a.String())
		}
	}
	return out, nil
}

// oneLine makes one line of a text, so that no value adds a header of its own.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// plainHeader decodes a header's encoded words.
func plainHeader(s string) string {
	decoded, err := new(mime.WordDecoder).DecodeHeader(s)
	if err != nil {
		return s
	}
	return decoded
}

// write writes the whole message; next answers the files that are attached, one after the other, and io.EOF.
func (o outgoing) write(w io.Writer, header string, next func() (*sdk.File, error), first *sdk.File) error {
	if _, err := io.WriteString(w, header); err != nil {
		return err
	}
	if first == nil && o.forwarded == nil {
		return o.writeBody(func(h textproto.MIMEHeader) (io.Writer, error) {
			for _, name := range []string{"Content-Type", "Content-Transfer-Encoding"} {
				if h.Get(name) != "" {
					if _, err := fmt.Fprintf(w, "%s: %s\r\n", name, h.Get(name)); err != nil {
						return nil, err
					}
				}
			}
			_, err := io.WriteString(w, "\r\n")
			return w, err
		})
	}
	mixed := multipart.NewWriter(w)
	if _, err := fmt.Fprintf(w, "Content-Type: multipart/mixed; boundary=%s\r\n\r\n", mixed.Boundary()); err != nil {
		return err
	}
	if err := o.writeBody(mixed.CreatePart); err != nil {
		return err
	}
	if o.forwarded != nil {
		part, err := mixed.CreatePart(textproto.MIMEHeader{"Content-Type": {"message/rfc822"}, "Content-Disposition": {`attachment; filename="forwarded.eml"`}})
		if err == nil {
			_, err = part.Write(o.forwarded)
		}
		if err != nil {
			return err
		}
	}
	for file := first; file != nil; {
		if err := attach(mixed, file); err != nil {
			return err
		}
		following, err := next()
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		file = following
	}
	return mixed.Close()
}

// writeBody writes the text, the HTML, or both.
func (o outgoing) writeBody(part func(textproto.MIMEHeader) (io.Writer, error)) error {
	if o.HTML == "" || o.Text == "" {
		kind, text := "text/plain", o.Text
		if o.HTML != "" {
			kind, text = "text/html", o.HTML
		}
		return writeText(part, kind, text)
	}
	var b bytes.Buffer
	both := multipart.NewWriter(&b)
	if err := errors.Join(writeText(both.CreatePart, "text/plain", o.Text), writeText(both.CreatePart, "text/html", o.HTML), both.Close()); err != nil {
		return err
	}
	w, err := part(textproto.MIMEHeader{"Content-Type": {"multipart/alternative; boundary=" + both.Boundary()}})
	if err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}

func writeText(part func(textproto.MIMEHeader) (io.Writer, error), kind, text string) error {
	w, err := part(textproto.MIMEHeader{"Content-Type": {kind + "; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"}})
	if err != nil {
		return err
	}
	q := quotedprintable.NewWriter(w)
	if _, err := io.WriteString(q, text); err != nil {
		return err
	}
	return q.Close()
}

// attach writes a file in base64, in lines of 76 characters.
func attach(mixed *multipart.Writer, file *sdk.File) error {
	name := oneLine(file.Name)
	if name == "" {
		name = "attachment"
	}
	kind, _, err := mime.ParseMediaType(file.MediaType)
	if err != nil {
		kind = "application/octet-stream"
	}
	part, err := mixed.CreatePart(textproto.MIMEHeader{"Content-Type": {kind}, "Content-Transfer-Encoding": {"base64"},
		"Content-Disposition": {mime.FormatMediaType("attachment", map[string]string{"filename": name})}})
	if err != nil {
		return err
	}
	encoder := base64.NewEncoder(base64.StdEncoding, &lines{w: part})
	if _, err := io.Copy(encoder, file); err != nil {
		return err
	}
	return encoder.Close()
}

// lines breaks what is written into lines of 76 bytes.
type lines struct {
	w   io.Writer
	col int
}

func (l *lines) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := min(len(rest), 76-l.col)
		if _, err := l.w.Write(rest[:n]); err != nil {
			return 0, err
		}
		rest = rest[n:]
		if l.col += n; l.col == 76 {
			if _, err := io.WriteString(l.w, "\r\n"); err != nil {
				return 0, err
			}
			l.col = 0
		}
	}
	return len(p), nil
}

// deliver hands the message to Gmail: a small one within JSON; one with files in a request of two parts, streamed. wrapper is the
// property of the JSON that the message stands in, or "" where the message is all of it.
func (o outgoing) deliver(ctx context.Context, call *sdk.Call, method, path, wrapper string, out any) error {
	header, err := o.header()
	if err != nil {
		return err
	}
	first, err := call.NextFile(ctx)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	about := map[string]any{}
	if o.threadID != "" {
		about["threadId"] = o.threadID
	}
	wrapped := func() any {
		if wrapper == "" {
			return about
		}
		return map[string]any{wrapper: about}
	}
	if first == nil && o.forwarded == nil {
		var b bytes.Buffer
		if err := o.write(&b, header, nil, nil); err != nil {
			return err
		}
		about["raw"] = base64.URLEncoding.EncodeToString(b.Bytes())
		return call.Do(ctx, sdk.Request{Method: method, Path: "/gmail/v1/users/me/" + path, JSON: wrapped()}, out)
	}
	reader, writer := io.Pipe()
	related := multipart.NewWriter(writer)
	done := make(chan struct{})
	go func() { // ends when the request was read to its end or closed
		defer close(done)
		err := writeRelated(related, wrapped(), func(w io.Writer) error {
			return o.write(w, header, func() (*sdk.File, error) { return call.NextFile(ctx) }, first)
		})
		_ = writer.CloseWithError(err) // documented never to fail
	}()
	err = call.Do(ctx, sdk.Request{Method: method, Path: "/upload/gmail/v1/users/me/" + path, Query: sdk.Query("uploadType", "multipart"),
		Body: reader, ContentType: "multipart/related; boundary=" + related.Boundary()}, out)
	_ = reader.CloseWithError(io.ErrClosedPipe) // the writer ends although nobody read all
	<-done
	return err
}

// writeRelated writes the two parts of an upload: what is to be known, and the message.
func writeRelated(w *multipart.Writer, about any, write func(io.Writer) error) error {
	part, err := w.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/json; charset=UTF-8"}})
	if err != nil {
		return err
	}
	if err := json.NewEncoder(part).Encode(about); err != nil {
		return err
	}
	if part, err = w.CreatePart(textproto.MIMEHeader{"Content-Type": {"message/rfc822"}}); err != nil {
		return err
	}
	if err := write(part); err != nil {
		return err
	}
	return w.Close()
}
