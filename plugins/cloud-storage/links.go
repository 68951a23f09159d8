package main

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/patchbay/patchbay/sdk"
)

// defaultExpiry is how long an address is good when the caller does not say, in seconds.
const defaultExpiry = 900

type lasting struct {
	ExpiresIn int `json:"expires_in,omitempty" minimum:"1" maximum:"604800" jsonschema:"seconds; 900 when left out, a week at most"`
}

type readLink struct {
	versioned
	lasting
	Disposition string `json:"content_disposition,omitempty" maxLength:"500" jsonschema:"how browsers treat it, such as attachment; filename=may.pdf"`
}

type writeLink struct {
	object
	lasting
	ContentType string `json:"content_type,omitempty" maxLength:"200" jsonschema:"which the upload must then send as its Content-Type"`
}

type link struct {
	URL       string `json:"url" jsonschema:"whoever has it may use it until it ends: treat it as a secret"`
	Method    string `json:"method"`
	ExpiresAt string `json:"expires_at"`
}

func linkOperations() []sdk.Operation {
	return []sdk.Operation{{
		Name: "presign_get", Effect: sdk.Read, Run: in(func(ctx context.Context, s *storage, in readLink) (link, error) {
			m := message{method: http.MethodGet, query: sdk.Query("versionId", in.VersionID, "response-content-disposition", in.Disposition)}
			return s.link(ctx, m, in.object, in.ExpiresIn)
		}),
		Description: "Makes an address by which anyone can download an object for a time, without asking the storage: whether the object is there, or the key may read it, shows when it is used.",
	}, {
		Name: "presign_put", Effect: sdk.Read, Run: in(func(ctx context.Context, s *storage, in writeLink) (link, error) {
			m := message{method: http.MethodPut, header: http.Header{}}
			if in.ContentType != "" {
				if !printable(in.ContentType) {
					return link{}, sdk.Invalid("/content_type", "it must be of printable ASCII")
				}
				m.header.Set("Content-Type", in.ContentType)
			}
			return s.link(ctx, m, in.object, in.ExpiresIn)
		}),
		Description: "Makes an address by which anyone can upload an object of this name for a time, by PUT, without asking the storage. It limits neither the size nor how often.",
	}}
}

func (s *storage) link(ctx context.Context, m message, o object, expiresIn int) (link, error) {
	t, err := s.at(o.Bucket, o.Key)
	if err != nil {
		return link{}, err
	}
	if expiresIn == 0 {
		expiresIn = defaultExpiry
	}
	if m.query == nil {
		m.query = sdk.Query()
	}
	m.target = t
	m.query.Set("X-Amz-Expires", strconv.Itoa(expiresIn))
	address, err := s.presign(ctx, m)
	if err != nil {
		return link{}, err
	}
	end := s.now().Add(time.Duration(expiresIn) * time.Second)
	return link{URL: address, Method: m.method, ExpiresAt: end.UTC().Format(time.RFC3339)}, nil
}
