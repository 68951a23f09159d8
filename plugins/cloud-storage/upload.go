package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/patchbay/patchbay/sdk"
)

// partBytes is how much of a file is sent at a time, and held. Parts but the last must have 5 MiB at least.
const partBytes = 8 << 20

// put stores a file: at once where it is small, else in parts.
func put(ctx context.Context, s *storage, in storing) (known, error) {
	t, err := s.at(in.Bucket, in.Key)
	if err != nil {
		return known{}, err
	}
	f, err := s.call.OneFile(ctx)
	if err != nil {
		return known{}, err
	}
	if in.ContentType == "" && printable(f.MediaType) {
		in.ContentType = f.MediaType
	}
	h, err := in.description.headers()
	if err != nil {
		return known{}, err
	}
	condition := http.Header{}
	if in.OnlyIfAbsent {
		condition.Set("If-None-Match", "*")
	}
	first, last, err := piece(f)
	if err != nil {
		return known{}, err
	}
	if !last {
		return s.putParts(ctx, t, h, condition, first, f)
	}
	for name, values := range condition {
		h[name] = values
	}
	told, err := s.do(ctx, message{method: http.MethodPut, target: t, header: h, body: first}, nil)
	if err != nil {
		return known{}, err
	}
	if told.Get("Etag") == "" {
		return known{}, sdk.Errorf(sdk.PlatformError, "The storage did not say that it has stored the object.")
	}
	return known{Key: in.Key, Size: int64(len(first)), ETag: etag(told.Get("Etag")), VersionID: told.Get("X-Amz-Version-Id"), ContentType: in.ContentType}, nil
}

// piece reads a part, and says whether it is the last.
func piece(r io.Reader) (part []byte, last bool, err error) {
	var held bytes.Buffer
	n, err := io.CopyN(&held, r, partBytes)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return held.Bytes(), n < partBytes, err
}

// part is one that has arrived.
type part struct {
	Number int    `xml:"PartNumber"`
	ETag   string `xml:"ETag"`
}

// putParts stores a file in parts. What fails is taken back, so that nobody pays for parts that belong to nothing.
func (s *storage) putParts(ctx context.Context, t target, h, condition http.Header, first []byte, rest io.Reader) (known, error) {
	var begun struct {
		UploadID string `xml:"UploadId"`
	}
	if _, err := s.do(ctx, message{method: http.MethodPost, target: t, query: url.Values{"uploads": {""}}, header: h}, &begun); err != nil {
		return known{}, err
	}
	if begun.UploadID == "" {
		return known{}, sdk.Errorf(sdk.PlatformError, "The storage did not say which upload it has begun.")
	}
	parts, size, err := s.sendParts(ctx, t, begun.UploadID, first, rest)
	var out known
	if err == nil {
		out, err = s.complete(ctx, t, begun.UploadID, condition, parts)
		out.Size = size
	}
	if err != nil {
		s.abort(ctx, t, begun.UploadID)
		return known{}, err
	}
	return out, nil
}

func (s *storage) sendParts(ctx context.Context, t target, upload string, content []byte, rest io.Reader) (parts []part, size int64, err error) {
	for last := false; ; {
		query := number(len(parts) + 1)
		query.Set("uploadId", upload)
		told, err := s.do(ctx, message{method: http.MethodPut, target: t, query: query, body: content}, nil)
		if err != nil {
			return nil, 0, err
		}
		parts = append(parts, part{Number: len(parts) + 1, ETag: told.Get("Etag")})
		size += int64(len(content))
		if last {
			return parts, size, nil
		}
		if err := s.call.Progress(fmt.Sprintf("%d MiB stored", size>>20), -1); err != nil {
			return nil, 0, err
		}
		if content, last, err = piece(rest); err != nil {
			return nil, 0, err
		}
		if last && len(content) == 0 {
			return parts, size, nil
		}
	}
}

func (s *storage) complete(ctx context.Context, t target, upload string, condition http.Header, parts []part) (known, error) {
	body, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"CompleteMultipartUpload"`
		Parts   []part   `xml:"Part"`
	}{Parts: parts})
	if err != nil {
		return known{}, sdk.Errorf(sdk.AdapterBug, "The adapter's list of parts is not XML.")
	}
	var done struct {
		ETag string `xml:"ETag"`
	}
	told, err := s.do(ctx, message{method: http.MethodPost, target: t, query: url.Values{"uploadId": {upload}}, header: condition, body: body}, &done)
	if err != nil {
		return known{}, err
	}
	if done.ETag == "" {
		return known{}, sdk.Errorf(sdk.PlatformError, "The storage did not say that it has put the parts together.")
	}
	return known{Key: t.key, ETag: etag(done.ETag), VersionID: told.Get("X-Amz-Version-Id")}, nil
}

// abortTime bounds the taking back of an upload, which happens after the call's own time too.
const abortTime = 3 * time.Second

func (s *storage) abort(ctx context.Context, t target, upload string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
	defer cancel()
	_, _ = s.do(ctx, message{method: http.MethodDelete, target: t, query: url.Values{"uploadId": {upload}}}, nil) // the failure that led here is what is told
}
