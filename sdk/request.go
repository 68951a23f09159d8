package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strings"
)

// Request is one HTTP request to the platform, as data.
type Request struct {
	// Method is GET when empty, POST when there is a body.
	Method string
	// Path is joined to the base URL; one that begins with https:// (or http://) is a whole URL. Make it with [Path] where it
	// holds values.
	Path  string
	Query url.Values
	// JSON, Form or Body: at most one. JSON is marshalled, Form is sent as application/x-www-form-urlencoded, Body is sent as it
	// is with ContentType.
	JSON        any
	Form        url.Values
	Body        io.Reader
	ContentType string
	// Length of Body in bytes, where it is known.
	Length int64
	Header http.Header
}

// noValue stands in a path where a value is empty. No address can hold it.
const noValue = "\x00"

// Path makes a path from a format with %s verbs; each value is escaped, so that none can change the path's shape. A request with an
// empty value in its path fails as InvalidInput: it would name something else, such as all of a collection instead of one.
func Path(format string, values ...string) string {
	escaped := make([]any, len(values))
	for i, v := range values {
		escaped[i] = url.PathEscape(v)
		switch v {
		case "":
			escaped[i] = noValue
		case ".", "..":
			escaped[i] = strings.ReplaceAll(v, ".", "%2E")
		}
	}
	return fmt.Sprintf(format, escaped...)
}

// Query makes query parameters from names and values in turn. Zero values ("", 0, false, nil, empty lists) are left out; a list
// gives the parameter several times.
func Query(pairs ...any) url.Values {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, value := fmt.Sprint(pairs[i]), reflect.ValueOf(pairs[i+1])
		if value.Kind() == reflect.Pointer && !value.IsNil() {
			q.Add(name, fmt.Sprint(value.Elem().Interface()))
			continue
		}
		if !value.IsValid() || value.IsZero() {
			continue
		}
		if value.Kind() == reflect.Slice {
			for j := range value.Len() {
				q.Add(name, fmt.Sprint(value.Index(j).Interface()))
			}
			continue
		}
		q.Set(name, fmt.Sprint(value.Interface()))
	}
	return q
}

// Do sends a request and decodes the answer into out: a pointer to what the JSON has, a *[]byte for the bytes themselves, or
// nil for nothing. An answer larger than 16 MiB is refused.
func (c *Call) Do(ctx context.Context, r Request, out any) error {
	return c.DoLarge(ctx, r, maxJSONBytes, out)
}

// DoLarge is [Call.Do] for answers of at most limit bytes, such as those that hold files in base64.
func (c *Call) DoLarge(ctx context.Context, r Request, limit int64, out any) error {
	resp, err := c.Open(ctx, r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end below
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return bodyError(ctx, err)
	}
	if int64(len(body)) > limit {
		return Errorf(PlatformError, "The platform's answer is larger than %d MiB.", limit>>20)
	}
	if c.platform.ExplainSuccess && c.platform.Explain != nil && isJSON(resp.Header, body) {
		if e := c.platform.Explain(resp.StatusCode, resp.Header, body); e != nil {
			s := signer{call: c}
			return s.complete(e, resp)
		}
	}
	if err := decode(resp, body, out); err != nil {
		if ctx.Err() != nil { // the platform may have ended a cut answer in good order
			return Errorf(Timeout, "The platform did not answer in time.")
		}
		return err
	}
	return nil
}

// decode fills out from an answer's body.
func decode(resp *http.Response, body []byte, out any) error {
	switch target := out.(type) {
	case nil:
		return nil
	case *[]byte:
		*target = body
		return nil
	}
	if len(bytes.TrimSpace(body)) == 0 {
		if resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusAccepted {
			return nil
		}
		return Errorf(PlatformError, "The platform's answer is empty.")
	}
	if err := json.Unmarshal(body, out); err != nil {
		kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		return Errorf(PlatformError, "The platform's answer is not the JSON that was expected (its type is %q).", kind)
	}
	return nil
}

// isJSON says whether an answer is meant to be JSON. Some platforms send objects as plain text.
func isJSON(h http.Header, body []byte) bool {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return kind == "" || kind == "application/json" || strings.HasSuffix(kind, "+json") || bytes.HasPrefix(bytes.TrimSpace(body), []byte("{"))
}

// Open sends a request and answers the response, whose body the caller closes. Failing statuses are errors.
func (c *Call) Open(ctx context.Context, r Request) (*http.Response, error) {
	req, err := c.newRequest(ctx, r)
	if err != nil {
		if body, ok := r.Body.(io.Closer); ok {
			_ = body.Close() // as net/http does with a body that it sends
		}
		return nil, err
	}
	resp, err := HTTP(c).Do(req)
	if err != nil {
		return nil, bodyError(ctx, err)
	}
	return resp, nil
}

func (c *Call) newRequest(ctx context.Context, r Request) (*http.Request, error) {
	body, kind, err := encodeBody(r)
	if err != nil {
		return nil, err
	}
	method := r.Method
	if method == "" {
		method = http.MethodGet
		if body != nil {
			method = http.MethodPost
		}
	}
	address := c.address(r)
	if strings.Contains(address, noValue) {
		return nil, Invalid("", "a value that names what the call is about is empty")
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, Errorf(AdapterBug, "The adapter made a request that is not valid.")
	}
	for name, values := range r.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", "application/json")
	}
	if r.Length > 0 {
		req.ContentLength = r.Length
	}
	return req, nil
}

// address joins the base URL, the path and the query.
func (c *Call) address(r Request) string {
	address := r.Path
	if !strings.HasPrefix(address, "https://") && !strings.HasPrefix(address, "http://") {
		if address != "" && !strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "?") {
			address = "/" + address // it would go on with the host's name
		}
		address = c.BaseURL() + address
	}
	if len(r.Query) == 0 {
		return address
	}
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	return address + separator + r.Query.Encode()
}

func encodeBody(r Request) (io.Reader, string, error) {
	switch {
	case r.JSON != nil:
		encoded, err := json.Marshal(r.JSON)
		if err != nil {
			return nil, "", Errorf(AdapterBug, "The adapter's request is not JSON.")
		}
		return bytes.NewReader(encoded), "application/json", nil
	case r.Form != nil:
		return strings.NewReader(r.Form.Encode()), "application/x-www-form-urlencoded", nil
	case r.Body != nil:
		return r.Body, r.ContentType, nil
	}
	return nil, "", nil
}

// bodyError gives an error of net/http or of reading a body its kind, without the URL that net/http puts in the text.
func bodyError(ctx context.Context, err error) error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	if ctx.Err() != nil {
		return Errorf(Timeout, "The platform did not answer in time.")
	}
	return Errorf(OutcomeUnknown, "The platform's answer broke off.")
}
