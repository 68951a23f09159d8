package main

import (
	"context"
	"net/http"
	"net/url"

	"github.com/patchbay/patchbay/sdk"
)

type listing struct {
	place
	Prefix    string `json:"prefix,omitempty" maxLength:"1024" jsonschema:"only names that begin with this, such as reports/"`
	Delimiter string `json:"delimiter,omitempty" maxLength:"10" jsonschema:"/ to see what is directly below the prefix alone, and folders as prefixes"`
	Limit     int    `json:"limit,omitempty" minimum:"1" maximum:"1000" jsonschema:"how many at most; 1000 when left out"`
	Cursor    string `json:"cursor,omitempty" maxLength:"4096" jsonschema:"next_cursor of the page before"`
}

// objects is a page of a bucket's objects.
type objects struct {
	Items      []known  `json:"items"`
	Prefixes   []string `json:"prefixes,omitempty" jsonschema:"the folders, where a delimiter was given"`
	NextCursor string   `json:"next_cursor,omitempty" jsonschema:"for the next page; absent on the last one"`
}

// listed is S3's answer. Names are escaped as in addresses, so that any can stand in XML.
type listed struct {
	IsTruncated bool   `xml:"IsTruncated"`
	Next        string `xml:"NextContinuationToken"`
	Name        string `xml:"Name"`
	Contents    []struct {
		Key          string `xml:"Key"`
		LastModified string `xml:"LastModified"`
		ETag         string `xml:"ETag"`
		Size         int64  `xml:"Size"`
		StorageClass string `xml:"StorageClass"`
	} `xml:"Contents"`
	CommonPrefixes []struct {
		Prefix string `xml:"Prefix"`
	} `xml:"CommonPrefixes"`
}

func (s *storage) list(ctx context.Context, in listing) (objects, error) {
	t, err := s.at(in.Bucket, "")
	if err != nil {
		return objects{}, err
	}
	query := sdk.Query("list-type", 2, "encoding-type", "url", "prefix", in.Prefix, "delimiter", in.Delimiter, "max-keys", in.Limit, "continuation-token", in.Cursor)
	var answer listed
	if _, err := s.do(ctx, message{method: http.MethodGet, target: t, query: query}, &answer); err != nil {
		return objects{}, err
	}
	if answer.Name == "" {
		return objects{}, sdk.Errorf(sdk.PlatformError, "The storage's answer is not the list that was expected.")
	}
	out := objects{Items: []known{}}
	for _, c := range answer.Contents {
		out.Items = append(out.Items, known{Key: plain(c.Key), Size: c.Size, ETag: etag(c.ETag), LastModified: c.LastModified, StorageClass: c.StorageClass})
	}
	for _, p := range answer.CommonPrefixes {
		out.Prefixes = append(out.Prefixes, plain(p.Prefix))
	}
	if answer.IsTruncated {
		out.NextCursor = answer.Next
	}
	return out, nil
}

// plain takes the escapes out of a name.
func plain(name string) string {
	if text, err := url.QueryUnescape(name); err == nil {
		return text
	}
	return name
}
