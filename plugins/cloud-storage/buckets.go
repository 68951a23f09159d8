package main

import (
	"context"
	"encoding/xml"
	"errors"
	"net/http"

	"github.com/patchbay/patchbay/sdk"
)

type bucket struct {
	Name      string `json:"name"`
	CreatedAt string `json:"created_at,omitempty"`
}

type buckets struct {
	Items []bucket `json:"items"`
}

type oneBucket struct {
	Bucket string `json:"bucket" pattern:"^[A-Za-z0-9._-]{3,255}$" jsonschema:"the bucket's name"`
}

func bucketOperations() []sdk.Operation {
	return []sdk.Operation{{
		Name: "list_buckets", Effect: sdk.Read, Run: in(func(ctx context.Context, s *storage, _ sdk.None) (buckets, error) { return s.buckets(ctx) }),
		Description: "Lists the buckets of the account. Answers permission_denied for keys of single buckets.",
	}, {
		Name: "create_bucket", Effect: sdk.Idempotent, Run: in(createBucket),
		Description: "Makes a bucket in the integration's region. One that is the account's own already is no failure; a name that anyone else has is refused with conflict.",
	}, {
		Name: "delete_bucket", Effect: sdk.Idempotent, Run: in(deleteBucket), Description: "Deletes a bucket. Refuses one that is not empty.",
	}}
}

func (s *storage) buckets(ctx context.Context) (buckets, error) {
	if !s.pathStyle {
		return buckets{}, sdk.Errorf(sdk.Conflict, "This integration's endpoint is the host of one bucket: it cannot list others.")
	}
	var answer struct {
		XMLName xml.Name
		Buckets struct {
			Bucket []struct {
				Name         string `xml:"Name"`
				CreationDate string `xml:"CreationDate"`
			} `xml:"Bucket"`
		} `xml:"Buckets"`
	}
	if _, err := s.do(ctx, message{method: http.MethodGet}, &answer); err != nil {
		return buckets{}, err
	}
	if answer.XMLName.Local != "ListAllMyBucketsResult" {
		return buckets{}, sdk.Errorf(sdk.PlatformError, "The storage's answer is not the list that was expected.")
	}
	out := buckets{Items: []bucket{}}
	for _, b := range answer.Buckets.Bucket {
		out.Items = append(out.Items, bucket{Name: b.Name, CreatedAt: b.CreationDate})
	}
	return out, nil
}

func createBucket(ctx context.Context, s *storage, in oneBucket) (sdk.Done, error) {
	t, err := s.at(in.Bucket, "")
	if err != nil {
		return sdk.Done{}, err
	}
	m := message{method: http.MethodPut, target: t}
	if s.region != defaultRegion && s.region != "auto" {
		m.body = []byte(`<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>` + s.region + `</LocationConstraint></CreateBucketConfiguration>`)
	}
	_, err = s.do(ctx, m, nil)
	var refused *sdk.Error
	if errors.As(err, &refused) && refused.PlatformCode == "BucketAlreadyOwnedByYou" {
		err = nil
	}
	return sdk.Done{Done: err == nil}, err
}

func deleteBucket(ctx context.Context, s *storage, in oneBucket) (sdk.Done, error) {
	t, err := s.at(in.Bucket, "")
	if err != nil {
		return sdk.Done{}, err
	}
	_, err = s.do(ctx, message{method: http.MethodDelete, target: t}, nil)
	return sdk.Done{Done: err == nil}, err
}
