package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/patchbay/patchbay/sdk"
)

// message is one request before it is signed.
type message struct {
	method string
	target target
	query  url.Values
	header http.Header
	body   []byte
}

// service is the name that signatures have for it.
const service = "s3"

// signer is Amazon's own. S3 alone wants paths that are escaped once, which they are already.
func signer() *v4.Signer {
	return v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
}

func (s *storage) credentials() aws.Credentials {
	field := s.call.Credential.Field
	return aws.Credentials{AccessKeyID: field("access_key_id"), SecretAccessKey: field("secret_access_key"), SessionToken: field("session_token")}
}

// sign makes the request of a message, with a signature over its method, address, headers and content.
func (s *storage) sign(ctx context.Context, m message) (sdk.Request, error) {
	req, err := s.unsigned(ctx, m)
	if err != nil {
		return sdk.Request{}, err
	}
	sum := sha256.Sum256(m.body)
	hash := hex.EncodeToString(sum[:])
	req.Header.Set("X-Amz-Content-Sha256", hash)
	if err := signer().SignHTTP(ctx, s.credentials(), req, hash, service, s.region, s.now().UTC()); err != nil {
		return sdk.Request{}, sdk.Errorf(sdk.AdapterBug, "The request could not be signed.")
	}
	r := sdk.Request{Method: m.method, Path: req.URL.String(), Header: req.Header, Length: int64(len(m.body))}
	r.Header.Set("Accept", "*/*")
	r.Header.Set("Accept-Encoding", "identity") // an object that is stored compressed is given as it is
	if m.body != nil {
		r.Body = bytes.NewReader(m.body)
	}
	return r, nil
}

// presign makes an address that is good for a time by itself.
func (s *storage) presign(ctx context.Context, m message) (string, error) {
	req, err := s.unsigned(ctx, m)
	if err != nil {
		return "", err
	}
	address, _, err := signer().PresignHTTP(ctx, s.credentials(), req, "UNSIGNED-PAYLOAD", service, s.region, s.now().UTC())
	if err != nil {
		return "", sdk.Errorf(sdk.AdapterBug, "The address could not be signed.")
	}
	return address, nil
}

func (s *storage) unsigned(ctx context.Context, m message) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, m.method, s.address(m.target, m.query), nil)
	if err != nil {
		return nil, sdk.Errorf(sdk.AdapterBug, "The adapter made a request that is not valid.")
	}
	for name, values := range m.header {
		req.Header[name] = values
	}
	req.ContentLength = int64(len(m.body))
	return req, nil
}
