package main

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// secret is planted as the token: it may appear in the Authorization header and nowhere else.
const secret = "pat.planted-secret-7f3a"

type given = map[string]any

// request is a call with the planted token.
func request(base, operation string, input any) sdktest.Request {
	return sdktest.Request{Platform: "airtable", Operation: operation, Input: input, Method: sdk.MethodBearer,
		Fields: map[string]string{"token": secret}, BaseURL: base}
}

func TestManifest(t *testing.T) {
	h := sdktest.Start(t, adapter())
	h.Declared(t, nil, nil)
	p := h.Platforms[0]
	o := p.GetAuthMethods()[0].GetOauth2()
	if o.GetNoPkce() || o.GetClientAuthentication() != "basic" {
		t.Error("Airtable requires PKCE, and Basic of clients with a secret")
	}
}

// documented is one call as Airtable's documentation has it: what must be sent, what it answers, and what comes of that.
type documented struct {
	operation      string
	input          given
	request, body  string
	answer, output string
}

func documentedCalls() []documented {
	in := func(more given) given {
		out := given{"base_id": "app1", "table": "My Table"}
		for name, value := range more {
			out[name] = value
		}
		return out
	}
	base := func(more given) given {
		more["base_id"] = "app1"
		return more
	}
	const table, rec = "/v0/app1/My%20Table", "/v0/app1/My%20Table/rec1"
	one := `{"records":[{"id":"rec1","createdTime":"2026-01-01T00:00:00.000Z","fields":{"N":12345678901234567}}]}`
	list := `{"records":[{"createdTime":"2026-01-01T00:00:00.000Z","fields":{"N":12345678901234567},"id":"rec1"}]`
	return []documented{
		{"list_records", in(given{"fields": []string{"A"}, "formula": "{A}=1", "view": "V", "sort": []given{{"field": "A", "direction": "desc"}}, "max_records": 5, "limit": 2, "cursor": "itr1/rec1", "cell_format": "string", "time_zone": "UTC", "user_locale": "en", "return_fields_by_field_id": true}),
			"POST " + table + "/listRecords", `{"cellFormat":"string","fields":["A"],"filterByFormula":"{A}=1","maxRecords":5,"offset":"itr1/rec1","pageSize":2,"returnFieldsByFieldId":true,"sort":[{"field":"A","direction":"desc"}],"timeZone":"UTC","userLocale":"en","view":"V"}`,
			one[:len(one)-1] + `,"offset":"itr1/rec2"}`, list + `,"next_cursor":"itr1/rec2"}`},
		{"list_records", in(given{}), "POST " + table + "/listRecords", `{}`, `{"records":[]}`, `{"records":[]}`},
		{"search_records", in(given{"field": "Name", "text": `a "b\`}), "POST " + table + "/listRecords", `{"filterByFormula":"FIND(LOWER(\"a \\\"b\\\\\"),LOWER({Name}\u0026\"\"))","pageSize":25}`, one, list + `}`},
		{"search_records", in(given{"field": "Name", "text": "a", "exact": true, "limit": 3, "cursor": "c"}), "POST " + table + "/listRecords", `{"filterByFormula":"{Name}\u0026\"\"=\"a\"","offset":"c","pageSize":3}`, `{}`, `{"records":[]}`},
		{"get_record", in(given{"record_id": "rec1", "return_fields_by_field_id": true}), "GET " + rec + "?returnFieldsByFieldId=true", ``, `{"id":"rec1","createdTime":"t","fields":{"A":1}}`, `{"id":"rec1","created_time":"t","fields":{"A":1}}`},
		{"create_records", in(given{"records": []given{{"fields": given{"A": 1}}}, "typecast": true}), "POST " + table, `{"records":[{"fields":{"A":1}}],"typecast":true}`, one, list + `}`},
		{"update_records", in(given{"records": []given{{"id": "rec1", "fields": given{"A": nil}}}}), "PATCH " + table, `{"records":[{"fields":{"A":null},"id":"rec1"}]}`, one, list + `}`},
		{"replace_records", in(given{"records": []given{{"id": "rec1", "fields": given{}}}}), "PUT " + table, `{"records":[{"fields":{},"id":"rec1"}]}`, one, list + `}`},
		{"upsert_records", in(given{"records": []given{{"fields": given{"A": 1}}}, "merge_on": []string{"A"}}), "PATCH " + table, `{"performUpsert":{"fieldsToMergeOn":["A"]},"records":[{"fields":{"A":1}}]}`,
			`{"createdRecords":["rec1"],"updatedRecords":[],"records":[]}`, `{"records":[],"created_records":["rec1"],"updated_records":[]}`},
		{"delete_records", in(given{"record_ids": []string{"rec1", "rec2"}}), "DELETE " + table + "?records%5B%5D=rec1&records%5B%5D=rec2", ``, `{"records":[{"id":"rec1","deleted":true}]}`, `{"records":[{"deleted":true,"id":"rec1"}]}`},
		{"list_bases", given{"cursor": "c"}, "GET /v0/meta/bases?offset=c", ``, `{"bases":[{"id":"app1"}],"offset":"d"}`, `{"bases":[{"id":"app1"}],"next_cursor":"d"}`},
		{"get_base_schema", base(given{}), "GET /v0/meta/bases/app1/tables", ``, `{"tables":[{"id":"tbl1"}]}`, `{"tables":[{"id":"tbl1"}]}`},
		{"create_base", given{"workspace_id": "wsp1", "name": "B", "tables": []given{{"name": "T", "fields": []given{{"name": "N", "type": "singleLineText"}}}}}, "POST /v0/meta/bases", `{"name":"B","tables":[{"fields":[{"name":"N","type":"singleLineText"}],"name":"T"}],"workspaceId":"wsp1"}`, `{"id":"app2","tables":[]}`, `{"id":"app2","tables":[]}`},
		{"create_table", base(given{"name": "T", "description": "D", "fields": []given{{"name": "N", "type": "singleLineText"}}}), "POST /v0/meta/bases/app1/tables", `{"description":"D","fields":[{"name":"N","type":"singleLineText"}],"name":"T"}`, `{"id":"tbl1"}`, `{"id":"tbl1"}`},
		{"update_table", base(given{"table_id": "tbl1", "name": "T"}), "PATCH /v0/meta/bases/app1/tables/tbl1", `{"name":"T"}`, `{"id":"tbl1"}`, `{"id":"tbl1"}`},
		{"create_field", base(given{"table_id": "tbl1", "name": "S", "type": "singleSelect", "options": given{"choices": []given{{"name": "Open"}}}}), "POST /v0/meta/bases/app1/tables/tbl1/fields", `{"name":"S","options":{"choices":[{"name":"Open"}]},"type":"singleSelect"}`, `{"id":"fld1"}`, `{"id":"fld1"}`},
		{"update_field", base(given{"table_id": "tbl1", "field_id": "fld1", "description": "D"}), "PATCH /v0/meta/bases/app1/tables/tbl1/fields/fld1", `{"description":"D"}`, `{"id":"fld1"}`, `{"id":"fld1"}`},
		{"list_comments", in(given{"record_id": "rec1", "limit": 2, "cursor": "c"}), "GET " + rec + "/comments?offset=c&pageSize=2", ``, `{"comments":[{"id":"com1"}],"offset":null}`, `{"comments":[{"id":"com1"}]}`},
		{"create_comment", in(given{"record_id": "rec1", "text": "hi", "parent_comment_id": "com0"}), "POST " + rec + "/comments", `{"parentCommentId":"com0","text":"hi"}`, `{"id":"com1"}`, `{"id":"com1"}`},
		{"update_comment", in(given{"record_id": "rec1", "comment_id": "com1", "text": "ho"}), "PATCH " + rec + "/comments/com1", `{"text":"ho"}`, `{"id":"com1"}`, `{"id":"com1"}`},
		{"delete_comment", in(given{"record_id": "rec1", "comment_id": "com1"}), "DELETE " + rec + "/comments/com1", ``, `{"id":"com1","deleted":true}`, `{"deleted":true,"id":"com1"}`},
		{"list_webhooks", base(given{}), "GET /v0/bases/app1/webhooks", ``, `{"webhooks":[{"id":"ach1"}]}`, `{"webhooks":[{"id":"ach1"}]}`},
		{"create_webhook", base(given{"notification_url": "https://example.com/x", "specification": given{"options": given{}}}), "POST /v0/bases/app1/webhooks", `{"notificationUrl":"https://example.com/x","specification":{"options":{}}}`, `{"id":"ach1"}`, `{"id":"ach1"}`},
		{"list_webhook_payloads", base(given{"webhook_id": "ach1", "cursor": "3", "limit": 5}), "GET /v0/bases/app1/webhooks/ach1/payloads?cursor=3&limit=5", ``, `{"payloads":[{"baseTransactionNumber":4}],"cursor":4,"mightHaveMore":true,"payloadFormat":"v0"}`, `{"payloads":[{"baseTransactionNumber":4}],"more":true,"next_cursor":"4"}`},
		{"refresh_webhook", base(given{"webhook_id": "ach1"}), "POST /v0/bases/app1/webhooks/ach1/refresh", ``, `{"expirationTime":"t"}`, `{"expirationTime":"t"}`},
		{"delete_webhook", base(given{"webhook_id": "ach1"}), "DELETE /v0/bases/app1/webhooks/ach1", ``, ``, `{}`},
	}
}

func TestDocumentedCalls(t *testing.T) {
	h := sdktest.Start(t, adapter())
	tried := []string{"upload_attachment", "download_attachment"} // TestAttachments
	for _, call := range documentedCalls() {
		tried = append(tried, call.operation)
		t.Run(call.operation, func(t *testing.T) {
			var line, body, authorization string
			base := sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
				content, _ := io.ReadAll(r.Body) // a cut body shows in the comparison
				line, body, authorization = r.Method+" "+r.URL.RequestURI(), string(content), r.Header.Get("Authorization")
				_, _ = io.WriteString(w, call.answer) // the test sees when it does not arrive
			})
			result, err := h.Execute(t.Context(), request(base, call.operation, call.input))
			if err != nil {
				t.Fatal(err)
			}
			sdktest.Equal(t, "request", []string{line, sorted(t, body), authorization}, []string{call.request, sorted(t, call.body), "Bearer " + secret})
			sdktest.Equal(t, "output", string(result.Output), call.output)
		})
	}
	for _, op := range h.Platforms[0].GetOperations() {
		if !slices.Contains(tried, op.GetName()) {
			t.Errorf("%s is tried by nothing", op.GetName())
		}
	}
}

// sorted writes JSON with its properties in the order of their names.
func sorted(t *testing.T, body string) string {
	t.Helper()
	if body == "" {
		return ""
	}
	var value any
	if err := json.Unmarshal([]byte(body), &value); err != nil {
		t.Errorf("the body is no JSON: %v", err)
	}
	again, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(again)
}

func TestAttachments(t *testing.T) {
	h := sdktest.Start(t, adapter())
	var authorization, uploaded string
	address := ""
	base := sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/uploadAttachment"):
			content, _ := io.ReadAll(r.Body) // a cut body shows in the comparison
			uploaded = r.URL.Path + " " + string(content)
			_, _ = io.WriteString(w, `{"id":"rec1","createdTime":"t","fields":{"fld1":[{"id":"att1"}]}}`)
		case strings.HasPrefix(r.URL.Path, "/v0/app1"):
			_ = json.NewEncoder(w).Encode(given{"id": "rec1", "fields": given{"Name": "x", "Files": []given{{"id": "att0"}, {"id": "att1", "filename": "a.pdf", "type": "application/pdf", "size": 7, "url": address}}}})
		default:
			authorization = r.Header.Get("Authorization")
			_, _ = io.WriteString(w, "content")
		}
	})
	r := request(base, "upload_attachment", given{"base_id": "app1", "record_id": "rec1", "field": "My Files"})
	r.Files = []*sdktest.File{{Name: "a.txt", MediaType: "text/plain", Data: []byte("Hello world")}}
	result, err := h.Execute(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	sdktest.Equal(t, "upload", uploaded, `/v0/app1/rec1/My Files/uploadAttachment {"contentType":"text/plain","file":"SGVsbG8gd29ybGQ=","filename":"a.txt"}`)
	sdktest.Equal(t, "output", string(result.Output), `{"id":"rec1","created_time":"t","fields":{"fld1":[{"id":"att1"}]}}`)
	r.Stream, r.Files = true, []*sdktest.File{{Name: "a", Data: make([]byte, maxUpload+1)}}
	if e := sdktest.Failure(t, h, r); e.Kind != sdk.InvalidInput {
		t.Errorf("a file of more than 5 MB: got kind %d", e.Kind)
	}

	input := given{"base_id": "app1", "table": "T", "record_id": "rec1", "attachment_id": "att1"}
	address, authorization = base+"/planted-address", "none yet"
	result, err = h.Execute(t.Context(), request(base, "download_attachment", input))
	if err != nil || len(result.Files) != 1 || string(result.Files[0].GetData()) != "content" || result.Files[0].GetName() != "a.pdf" {
		t.Fatalf("got %v, %v", result.Files, err)
	}
	sdktest.Equal(t, "authorization", authorization, "") // the address is the permission
	stranger := sdktest.Serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the stranger was asked") })
	for _, elsewhere := range []string{stranger + "/planted", "https://evil.example/planted", "https://u@v5.airtableusercontent.com/planted", "::"} {
		address = elsewhere
		if e := sdktest.Failure(t, h, request(base, "download_attachment", input)); e.Kind != sdk.PlatformError {
			t.Errorf("%s: got kind %d", elsewhere, e.Kind)
		}
	}
	input["attachment_id"] = "att9"
	if e := sdktest.Failure(t, h, request(base, "download_attachment", input)); e.Kind != sdk.NotFound {
		t.Errorf("no such attachment: got kind %d", e.Kind)
	}
}

func TestVerify(t *testing.T) {
	h := sdktest.Start(t, adapter())
	answer := `{"id":"usr1","email":"ann@example.com","scopes":["data.records:read"]}`
	base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })
	account, err := h.Verify(t.Context(), request(base, "", nil))
	if err != nil {
		t.Fatal(err)
	}
	sdktest.Equal(t, "by sign-in", account, sdk.Account{ID: "usr1", Name: "ann@example.com", Scopes: []string{"data.records:read"}})
	answer = `{"id":"usr1"}`
	if account, err = h.Verify(t.Context(), request(base, "", nil)); err != nil {
		t.Fatal(err)
	}
	sdktest.Equal(t, "by token", account, sdk.Account{ID: "usr1", Name: "Airtable user usr1"})
}

// Refusals become kinds, in each of the forms that Airtable has.
func TestRefusals(t *testing.T) {
	tests := map[string]struct {
		status int
		body   string
		kind   sdk.Kind
		code   string
		wait   time.Duration
	}{
		"an object":   {422, `{"error":{"type":"UNKNOWN_FIELD_NAME","message":"Unknown field name: \"` + secret + `\""}}`, sdk.InvalidInput, "UNKNOWN_FIELD_NAME", 0},
		"a code":      {404, `{"error":"NOT_FOUND"}`, sdk.NotFound, "NOT_FOUND", 0},
		"a list":      {403, `{"errors":[{"error":"INVALID_PERMISSIONS","message":"no"}]}`, sdk.PermissionDenied, "INVALID_PERMISSIONS", 0},
		"perhaps":     {403, `{"error":{"type":"INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND","message":"no"}}`, sdk.NotFound, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND", 0},
		"the cursor":  {422, `{"error":{"type":"LIST_RECORDS_ITERATOR_NOT_AVAILABLE"}}`, sdk.InvalidInput, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE", 0},
		"a formula":   {422, `{"error":{"type":"INVALID_FILTER_BY_FORMULA","message":"bad"}}`, sdk.InvalidInput, "INVALID_FILTER_BY_FORMULA", 0},
		"too many":    {429, `{"errors":[{"error":"RATE_LIMIT_REACHED","message":"slow"}]}`, sdk.RateLimited, "RATE_LIMIT_REACHED", 30 * time.Second},
		"the month's": {429, `{"errors":[{"error":"PUBLIC_API_BILLING_LIMIT_EXCEEDED"}]}`, sdk.RateLimited, "PUBLIC_API_BILLING_LIMIT_EXCEEDED", 30 * time.Second},
		"the token":   {401, `{"error":{"type":"AUTHENTICATION_REQUIRED","message":"Authentication required"}}`, sdk.AuthRevoked, "", 0},
		"broken":      {500, `{"error":{"type":"SERVER_ERROR"}}`, sdk.PlatformError, "SERVER_ERROR", 0},
		"HTML":        {503, `<html>`, sdk.PlatformUnavailable, "", 0},
	}
	h := sdktest.Start(t, adapter())
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body) // the test sees when it does not arrive
			})
			e := sdktest.Failure(t, h, request(base, "list_bases", given{}))
			if e.Kind != test.kind || e.PlatformCode != test.code || e.RetryAfter != test.wait {
				t.Errorf("got kind %d, code %q, wait %s: %s", e.Kind, e.PlatformCode, e.RetryAfter, e.Message)
			}
		})
	}
	r := request(sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }), "list_bases", given{})
	r.Method, r.Fields = sdk.MethodOAuth2, map[string]string{"access_token": secret}
	if e := sdktest.Failure(t, h, r); e.Kind != sdk.AuthExpired {
		t.Errorf("an access token: got kind %d", e.Kind)
	}
	for operation, input := range map[string]given{
		"list_records":   {"base_id": "app1", "table": "t", "cell_format": "string"},
		"search_records": {"base_id": "app1", "table": "t", "field": "a}&{b", "text": "x"},
	} {
		r := request("http://127.0.0.1:1", operation, input)
		r.AnyInput = true
		if e := sdktest.Failure(t, h, r); e.Kind != sdk.InvalidInput {
			t.Errorf("%s: got kind %d", operation, e.Kind)
		}
	}
}

func FuzzExplain(f *testing.F) {
	f.Add(422, []byte(`{"error":{"type":"X","message":"m"},"errors":[{"error":"Y"}]}`))
	f.Fuzz(func(_ *testing.T, status int, body []byte) {
		_ = explain(status, http.Header{}, body) // it must not panic
	})
}

// The README lists every operation with its effect and scopes.
func TestReadmeListsOperations(t *testing.T) {
	sdktest.Start(t, adapter()).Readme(t, sdktest.ReadmeRows{Scopes: true})
}
