package main

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/patchbay/patchbay/sdk"
)

const defaultRegion = "us-east-1"

// maxAnswer bounds an answer that is read into memory.
const maxAnswer = 16 << 20

// storage is where one call's requests go, and how they are signed.
type storage struct {
	call *sdk.Call
	// origin is scheme and host.
	origin, region, bucket string
	// pathStyle is false where the host is the bucket's own.
	pathStyle bool
	now       func() time.Time
}

// storageOf reads a credential. The operator's base URL, where there is one, stands in the place of every endpoint.
func storageOf(call *sdk.Call) (*storage, error) {
	field := call.Credential.Field
	s := &storage{call: call, region: field("region"), bucket: field("bucket"), pathStyle: field("path_style") != "false", now: time.Now}
	if s.region == "" {
		s.region = defaultRegion
	}
	switch {
	case call.Replaced():
		base, err := url.Parse(call.BaseURL())
		if err != nil {
			return nil, sdk.Errorf(sdk.InvalidInput, "The operator's base URL cannot be read.")
		}
		s.origin = base.Scheme + "://" + base.Host
	case field("endpoint") == "":
		return nil, sdk.Invalid("", "the integration has no endpoint, and the operator has set no base URL")
	default:
		s.origin = "https://" + field("endpoint")
		if port := field("port"); port != "" && port != "443" {
			s.origin += ":" + port
		}
	}
	if !s.pathStyle && s.bucket == "" {
		return nil, sdk.Invalid("", "an integration whose endpoint is the bucket's own host (path_style false) has to name the bucket")
	}
	return s, nil
}

// name says for people which storage it is.
func (s *storage) name() string {
	host := strings.TrimPrefix(strings.TrimPrefix(s.origin, "https://"), "http://")
	if s.bucket != "" && s.pathStyle {
		return s.bucket + " at " + host
	}
	return host
}

// target is what one request is about.
type target struct{ bucket, key string }

// at names a bucket, or the integration's own where none is given, and in it a key.
func (s *storage) at(bucket, key string) (target, error) {
	switch {
	case bucket == "":
		bucket = s.bucket
	case !s.pathStyle && bucket != s.bucket:
		return target{}, sdk.Invalid("/bucket", "this integration reaches the bucket %s alone", s.bucket)
	}
	if bucket == "" {
		return target{}, sdk.Invalid("/bucket", "name a bucket: the integration has none of its own")
	}
	for segment := range strings.SplitSeq(key, "/") {
		if segment == "." || segment == ".." {
			return target{}, sdk.Invalid("/key", "a part of a key cannot be . or ..")
		}
	}
	return target{bucket, key}, nil
}

// address answers the URL of a target.
func (s *storage) address(t target, query url.Values) string {
	path := "/"
	if t.bucket != "" && s.pathStyle {
		path += escape(t.bucket, false)
	}
	if t.key != "" {
		path = strings.TrimSuffix(path, "/") + "/" + escape(t.key, true)
	}
	if len(query) > 0 {
		path += "?" + strings.ReplaceAll(query.Encode(), "+", "%20")
	}
	return s.origin + path
}

// escape is strict, as signatures want it: all but letters, digits and - . _ ~ is written in hexadecimal.
func escape(text string, keepSlashes bool) string {
	const digits = "0123456789ABCDEF"
	var out strings.Builder
	for i := range len(text) {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0, c == '/' && keepSlashes:
			out.WriteByte(c)
		default:
			out.WriteByte('%')
			out.WriteByte(digits[c>>4])
			out.WriteByte(digits[c&15])
		}
	}
	return out.String()
}

// open sends a signed request and answers the response, whose body the caller closes. An answer that is neither a success nor a
// failure is a failure: it would lead to another region's host.
func (s *storage) open(ctx context.Context, m message) (*http.Response, error) {
	r, err := s.sign(ctx, m)
	if err != nil {
		return nil, err
	}
	resp, err := s.call.Open(ctx, r)
	if err == nil && resp.StatusCode >= http.StatusMultipleChoices {
		_ = resp.Body.Close() // nothing in it counts
		return nil, sdk.Errorf(sdk.InvalidInput, "The storage sends the request elsewhere (status %d): the region or the endpoint is another one for this bucket.", resp.StatusCode)
	}
	return resp, err
}

// do sends a signed request and reads the XML of the answer into out, which is nil where it does not matter. Some answers are a failure in
// spite of their status.
func (s *storage) do(ctx context.Context, m message, out any) (http.Header, error) {
	header, body, err := s.read(ctx, m)
	if err != nil {
		return nil, err
	}
	if e := explain(http.StatusOK, header, body); e != nil {
		return nil, e
	}
	if out == nil {
		return header, nil
	}
	if err := xml.Unmarshal(body, out); err != nil {
		return nil, sdk.Errorf(sdk.PlatformError, "The storage's answer is not the XML that was expected.")
	}
	return header, nil
}

// read sends a request and reads the whole answer.
func (s *storage) read(ctx context.Context, m message) (http.Header, []byte, error) {
	resp, err := s.open(ctx, m)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end below
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	var own *sdk.Error
	switch {
	case errors.As(err, &own):
		return nil, nil, own
	case err != nil && ctx.Err() != nil:
		return nil, nil, sdk.Errorf(sdk.Timeout, "The storage did not answer in time.")
	case err != nil:
		return nil, nil, sdk.Errorf(sdk.OutcomeUnknown, "The storage's answer broke off.")
	case len(body) > maxAnswer:
		return nil, nil, sdk.Errorf(sdk.PlatformError, "The storage's answer is larger than %d MiB.", maxAnswer>>20)
	}
	return resp.Header, body, nil
}
