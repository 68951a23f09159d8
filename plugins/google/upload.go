package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// chunk is how much of a file is held in memory and sent in one request: a multiple of 256 KiB, as Google wants it.
const chunk = 8 << 20

// maxTries is how often one piece is sent before the upload is given up.
const maxTries = 4

// resumable sends a file by Google's resumable protocol: a first request with what is to be known of the file answers an address, to
// which the pieces go. A piece that breaks off is sent again from where Google says that it is, so a large file survives a lost connection.
// out is what the last answer holds.
func resumable(ctx context.Context, call *sdk.Call, method, path string, query url.Values, about any, file *sdk.File, out any) error {
	query.Set("uploadType", "resumable")
	header := http.Header{"X-Upload-Content-Type": {mediaType(file)}}
	resp, err := call.Open(ctx, sdk.Request{Method: method, Path: path, Query: query, JSON: about, Header: header})
	if err != nil {
		return err
	}
	_ = resp.Body.Close() // its headers count
	place, err := session(call, resp)
	if err != nil {
		return err
	}
	return (&upload{call: call, place: place, file: file}).run(ctx, out)
}

// session answers where the pieces go: an address on the platform's own hosts alone, so that a false answer leads neither the token nor
// the file elsewhere. The address is a secret: no error names it.
func session(call *sdk.Call, resp *http.Response) (string, error) {
	place, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || place.Host == "" || place.User != nil {
		return "", shapeError("an address to send the file to")
	}
	base, err := url.Parse(call.BaseURL())
	own := err == nil && base.Scheme == place.Scheme && strings.EqualFold(base.Host, place.Host)
	if !own && (call.Replaced() || place.Scheme != "https" || !strings.HasSuffix(strings.ToLower(place.Hostname()), ".googleapis.com")) {
		return "", shapeError("an address of Google's own to send the file to")
	}
	return place.String(), nil
}

// upload is one file under way.
type upload struct {
	call  *sdk.Call
	place string
	file  io.Reader

	sent int64  // bytes that Google has
	held []byte // read of the file and not yet with Google
	last bool   // held is the end of the file
}

func (u *upload) run(ctx context.Context, out any) error {
	for {
		if err := u.fill(); err != nil {
			return err
		}
		answer, done, err := u.piece(ctx)
		if err != nil {
			return err
		}
		if done {
			if err := json.Unmarshal(answer, out); err != nil {
				return shapeError("what it made of the file")
			}
			return nil
		}
		_ = u.call.Progress(fmt.Sprintf("%d MiB sent", u.sent>>20), -1) // for whoever watches
	}
}

// fill reads the next piece. One byte more than that tells whether the piece is the last.
func (u *upload) fill() error {
	if u.last || len(u.held) > chunk {
		return nil
	}
	more := make([]byte, chunk+1-len(u.held))
	n, err := io.ReadFull(u.file, more)
	u.held = append(u.held, more[:n]...)
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		u.last = true
	case err != nil:
		return err
	}
	return nil
}

// piece sends the held bytes and forgets those that Google has.
func (u *upload) piece(ctx context.Context) (answer []byte, done bool, err error) {
	for try := 1; ; try++ {
		n := min(len(u.held), chunk)
		total := "*"
		if u.last && n == len(u.held) {
			total = fmt.Sprint(u.sent + int64(n))
		}
		spread := fmt.Sprintf("bytes %d-%d/%s", u.sent, u.sent+int64(n)-1, total)
		if n == 0 {
			spread = "bytes */" + total
		}
		answer, have, done, err := u.put(ctx, u.held[:n], spread)
		if err == nil && (done || u.advance(have)) {
			return answer, done, nil
		}
		var failed *sdk.Error
		if err == nil || errors.As(err, &failed) && passing(failed) {
			if try < maxTries && ctx.Err() == nil {
				if answer, have, done, err = u.put(ctx, nil, "bytes */*"); err == nil && done {
					return answer, true, nil
				}
				if err == nil && u.advance(have) {
					return nil, false, nil
				}
				continue
			}
			return nil, false, sdk.Errorf(sdk.OutcomeUnknown, "The upload broke off after %d bytes; Google keeps no file of an upload that was not ended, unless its last answer was lost. Look before you send it again.", u.sent)
		}
		return nil, false, err
	}
}

// passing says whether a failure of one piece may pass.
func passing(e *sdk.Error) bool {
	return e.Kind == sdk.PlatformUnavailable || e.Kind == sdk.OutcomeUnknown || e.Kind == sdk.PlatformError
}

// advance forgets what Google has, and says whether that is more than before.
func (u *upload) advance(have int64) bool {
	n := have - u.sent
	if n <= 0 || n > int64(len(u.held)) {
		return false
	}
	u.sent, u.held = have, u.held[n:]
	return true
}

// put sends one piece, or asks how much has come. Status 308 means that more is to come; Range then says what Google has.
func (u *upload) put(ctx context.Context, body []byte, spread string) (answer []byte, have int64, done bool, err error) {
	resp, err := u.call.Open(ctx, sdk.Request{Method: http.MethodPut, Path: u.place, Body: bytes.NewReader(body), Length: int64(len(body)),
		ContentType: "application/octet-stream", Header: http.Header{"Content-Range": {spread}}})
	if err != nil {
		return nil, 0, false, err
	}
	defer func() { _ = resp.Body.Close() }() // read below as far as it counts
	if resp.StatusCode == http.StatusPermanentRedirect {
		if _, err := fmt.Sscanf(resp.Header.Get("Range"), "bytes=0-%d", &have); err != nil {
			return nil, 0, false, nil //nolint:nilerr // no Range: Google has nothing yet
		}
		return nil, have + 1, false, nil
	}
	answer, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, 0, false, sdk.Errorf(sdk.OutcomeUnknown, "Google took the whole file, and its answer broke off.")
	}
	return answer, 0, true, nil
}

// mediaType is a file's type, or that of any bytes.
func mediaType(file *sdk.File) string {
	if file.MediaType == "" {
		return "application/octet-stream"
	}
	return file.MediaType
}

// download attaches the content that a request answers.
func download(ctx context.Context, call *sdk.Call, r sdk.Request, name, kind string) error {
	r.Header = http.Header{"Accept": {"*/*"}}
	resp, err := call.Open(ctx, r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end by Attach
	if kind == "" {
		kind = resp.Header.Get("Content-Type")
	}
	return call.Attach(name, kind, resp.Body)
}
