package main

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// place is a part of the inputs of all that is done in a bucket.
type place struct {
	Bucket string `json:"bucket,omitempty" pattern:"^[A-Za-z0-9._-]{1,255}$" jsonschema:"the integration's own when left out"`
}

// object is a part of the inputs of all that is done to one object.
type object struct {
	place
	Key string `json:"key" minLength:"1" maxLength:"1024" jsonschema:"the object's whole name, such as reports/2026/may.pdf"`
}

type versioned struct {
	object
	VersionID string `json:"version_id,omitempty" maxLength:"1024" jsonschema:"an older version, of a bucket that keeps them"`
}

type fetching struct {
	versioned
	Range string `json:"range,omitempty" pattern:"^bytes=([0-9]+-[0-9]*|-[0-9]+)$" jsonschema:"only a part, such as bytes=0-1023"`
}

// description are the properties that an object is stored with.
type description struct {
	ContentType        string            `json:"content_type,omitempty" maxLength:"200" jsonschema:"the file's own when left out"`
	ContentDisposition string            `json:"content_disposition,omitempty" maxLength:"500"`
	ContentEncoding    string            `json:"content_encoding,omitempty" maxLength:"100"`
	CacheControl       string            `json:"cache_control,omitempty" maxLength:"200"`
	StorageClass       string            `json:"storage_class,omitempty" maxLength:"100" jsonschema:"such as STANDARD_IA"`
	Metadata           map[string]string `json:"metadata,omitempty" jsonschema:"texts of yours, in ASCII"`
}

type storing struct {
	object
	description
	OnlyIfAbsent bool `json:"only_if_absent,omitempty" jsonschema:"true to answer conflict where there is an object of this name already"`
}

type copying struct {
	object
	SourceBucket string `json:"source_bucket,omitempty" pattern:"^[A-Za-z0-9._-]{1,255}$" jsonschema:"the same bucket when left out"`
	SourceKey    string `json:"source_key" minLength:"1" maxLength:"1024"`
	Replace      bool   `json:"replace_metadata,omitempty" jsonschema:"true to give the copy what stands here, instead of what the source has"`
	description
}

// known is what storage tells of an object.
type known struct {
	Key          string            `json:"key"`
	Size         int64             `json:"size"`
	ETag         string            `json:"etag,omitempty"`
	ContentType  string            `json:"content_type,omitempty"`
	LastModified string            `json:"last_modified,omitempty"`
	VersionID    string            `json:"version_id,omitempty"`
	StorageClass string            `json:"storage_class,omitempty"`
	Metadata     map[string]string `json:"metadata,omitempty"`
}

// fetched is an object that came as a file.
type fetched struct {
	sdk.Attached
	ETag string `json:"etag,omitempty"`
}

func objectOperations() []sdk.Operation {
	return []sdk.Operation{{
		Name: "list_objects", Effect: sdk.Read, Run: in(func(ctx context.Context, s *storage, in listing) (objects, error) { return s.list(ctx, in) }),
		Description: "Lists the objects of a bucket in the order of their names, all or those below a prefix; with delimiter / as folders. Answers up to 1000 in a page.",
	}, {
		Name: "head_object", Effect: sdk.Read, Run: in(head), Description: "Tells size, type, time and metadata of an object. Answers not_found for one that is not there, or permission_denied where the key may not list the bucket.",
	}, {
		Name: "get_object", Effect: sdk.Read, GivesFiles: true, Run: in(get), Description: "Downloads an object, or a part of it, as a file. Refuses more than 1 GiB, and objects in an archive class that were not restored.",
	}, {
		Name: "put_object", Effect: sdk.Idempotent, TakesFiles: true, Run: in(put),
		Description: "Stores the file that comes with the call, up to 1 GiB, and replaces an object of the same name unless only_if_absent. Over 8 MiB it goes in parts; the object appears when all have arrived.",
	}, {
		Name: "copy_object", Effect: sdk.Idempotent, Run: in(duplicate), Description: "Copies an object within the storage, and replaces one of the same name. Refuses sources over 5 GiB.",
	}, {
		Name: "delete_object", Effect: sdk.Idempotent, Run: in(remove), Description: "Deletes an object, for good unless the bucket keeps versions. Deleting one that is not there is no failure.",
	}}
}

// in makes the function of an operation on a storage.
func in[In, Out any](f func(context.Context, *storage, In) (Out, error)) sdk.Handler {
	return sdk.Func(func(ctx context.Context, call *sdk.Call, in In) (out Out, err error) {
		s, err := storageOf(call)
		if err != nil {
			return out, err
		}
		return f(ctx, s, in)
	})
}

func head(ctx context.Context, s *storage, in versioned) (known, error) {
	t, err := s.at(in.Bucket, in.Key)
	if err != nil {
		return known{}, err
	}
	resp, err := s.open(ctx, message{method: http.MethodHead, target: t, query: sdk.Query("versionId", in.VersionID)})
	if err != nil {
		return known{}, err
	}
	_ = resp.Body.Close() // it is empty
	h := resp.Header
	out := known{Key: in.Key, Size: max(0, resp.ContentLength), ETag: etag(h.Get("Etag")), ContentType: h.Get("Content-Type"), LastModified: h.Get("Last-Modified"),
		VersionID: h.Get("X-Amz-Version-Id"), StorageClass: h.Get("X-Amz-Storage-Class")}
	for name, values := range h {
		if name, ok := strings.CutPrefix(name, "X-Amz-Meta-"); ok {
			if out.Metadata == nil {
				out.Metadata = map[string]string{}
			}
			out.Metadata[strings.ToLower(name)] = strings.ToValidUTF8(values[0], "\uFFFD")
		}
	}
	return out, nil
}

// etag answers an entity tag without its quotes.
func etag(value string) string { return strings.Trim(value, `"`) }

func get(ctx context.Context, s *storage, in fetching) (fetched, error) {
	t, err := s.at(in.Bucket, in.Key)
	if err != nil {
		return fetched{}, err
	}
	m := message{method: http.MethodGet, target: t, query: sdk.Query("versionId", in.VersionID)}
	if in.Range != "" {
		m.header = http.Header{"Range": {in.Range}}
	}
	r, err := s.sign(ctx, m)
	if err != nil {
		return fetched{}, err
	}
	file, err := s.call.Download(ctx, r, path.Base(in.Key), "")
	return fetched{Attached: file}, err
}

// headers are those that an object is stored with.
func (d description) headers() (http.Header, error) {
	h := http.Header{}
	for name, value := range map[string]string{"Content-Type": d.ContentType, "Content-Disposition": d.ContentDisposition, "Content-Encoding": d.ContentEncoding,
		"Cache-Control": d.CacheControl, "X-Amz-Storage-Class": d.StorageClass} {
		if value == "" {
			continue
		}
		if !printable(value) {
			return nil, sdk.Invalid("", "%s holds a character that is not printable ASCII", name)
		}
		h.Set(name, value)
	}
	for name, value := range d.Metadata {
		if !isToken(name) || !printable(value) {
			return nil, sdk.Invalid("/metadata/"+sdk.Pointer(name), "a name is of letters, digits and hyphens, and its text of printable ASCII")
		}
		h.Set("X-Amz-Meta-"+name, strings.TrimSpace(value))
	}
	return h, nil
}

func printable(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

func isToken(name string) bool {
	return name != "" && strings.IndexFunc(name, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-'
	}) < 0
}

func duplicate(ctx context.Context, s *storage, in copying) (known, error) {
	t, err := s.at(in.Bucket, in.Key)
	if err != nil {
		return known{}, err
	}
	if in.SourceBucket == "" {
		in.SourceBucket = t.bucket
	}
	h, err := in.description.headers()
	switch {
	case err != nil:
		return known{}, err
	case in.Replace:
		h.Set("X-Amz-Metadata-Directive", "REPLACE")
	case len(h) > 0:
		return known{}, sdk.Invalid("/replace_metadata", "it must be true for the copy to have other properties than its source")
	}
	h.Set("X-Amz-Copy-Source", "/"+escape(in.SourceBucket, false)+"/"+escape(in.SourceKey, true))
	var answer struct {
		ETag         string `xml:"ETag"`
		LastModified string `xml:"LastModified"`
	}
	told, err := s.do(ctx, message{method: http.MethodPut, target: t, header: h}, &answer)
	if err != nil {
		return known{}, err
	}
	if answer.ETag == "" {
		return known{}, sdk.Errorf(sdk.PlatformError, "The storage did not say that it has copied the object.")
	}
	return known{Key: in.Key, ETag: etag(answer.ETag), LastModified: answer.LastModified, VersionID: told.Get("X-Amz-Version-Id")}, nil
}

func remove(ctx context.Context, s *storage, in versioned) (sdk.Done, error) {
	t, err := s.at(in.Bucket, in.Key)
	if err != nil {
		return sdk.Done{}, err
	}
	_, err = s.do(ctx, message{method: http.MethodDelete, target: t, query: sdk.Query("versionId", in.VersionID)}, nil)
	return sdk.Done{Done: err == nil}, err
}

// number makes the text of a query's number.
func number(n int) url.Values { return url.Values{"partNumber": {strconv.Itoa(n)}} }
