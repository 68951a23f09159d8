package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
	"github.com/patchbay/patchbay/sdk/sdktest/cassette"
)

func recorded(t *testing.T, file string, number int) cassette.Interaction {
	t.Helper()
	all, err := cassette.Read(sdktest.Fixture(t, "recordings/notion/tests/cassettes/test_"+file+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return all[number]
}

// idIn answers the first long id in a path.
func idIn(path string) string {
	for part := range strings.SplitSeq(path, "/") {
		if len(part) == 36 {
			return part
		}
	}
	return ""
}

func text(s string) []given { return []given{{"text": given{"content": s}}} }

func typed(s string) []given { return []given{{"type": "text", "text": given{"content": s}}} }

// recording is one call whose request must be the recorded one. at names the input's property that has the id of the recorded path.
type recording struct {
	operation string
	input     given
	at        string
	file      string
	number    int
	answer    string
}

func recordings() []recording {
	titled := func(title string) given { return given{"title": text(title)} }
	return []recording{
		{"get_me", given{}, "", "users_me", 0, `"name":"notion-sdk-py"`},
		{"list_users", given{}, "", "users_list", 0, `"results":[{`},
		{"get_user", given{}, "user_id", "users_retrieve", 1, `"id":"7775f3a3`},
		{"search", given{"query": "393abc1e-edcd-81cd-8d54-d46164cfb59f", "direction": "descending"}, "", "search", 1, `"results":[`},
		{"create_page", given{"parent_page_id": "393abc1eedcd80f3813be205934558c6", "properties": titled("Test Page"), "children": []given{}}, "", "pages_create", 0, `"object":"page"`},
		{"create_page", given{"parent_page_id": "393abc1e-edcd-81ce-b962-fc10c1cbd323", "properties": titled("Target Parent")}, "", "move_pages", 1, `"object":"page"`},
		{"get_page", given{}, "page_id", "is_full_page_or_data_source", 3, `"object":"page"`},
		{"get_page_property", given{"property_id": "title"}, "page_id", "pages_properties_retrieve", 1, `"object":"list"`},
		{"get_page_markdown", given{}, "page_id", "pages_retrieve_markdown", 1, `{"markdown":"","truncated":false,"unknown_block_ids":[]}`},
		{"move_page", given{"parent_page_id": "393abc1e-edcd-8165-8d21-cc32a3d05895"}, "page_id", "move_pages", 3, `"object":"page"`},
		{"get_block", given{}, "block_id", "blocks_retrieve", 2, `"object":"block"`},
		{"list_block_children", given{"limit": 2}, "block_id", "iterate_paginated_api", 2, `"next_cursor":"393abc1e-edcd-817b-900d-c75ec8d2f272"`},
		{"list_block_children", given{"limit": 2, "cursor": "393abc1e-edcd-81d2-b73d-feaa29f12025"}, "block_id", "iterate_paginated_api", 4, `"results":[{`},
		{"append_block_children", given{"children": []given{{"paragraph": given{"rich_text": text("I'm a paragraph.")}}}}, "block_id", "blocks_children_create", 1, `"results":[{`},
		{"update_block", given{"content": given{"paragraph": given{"rich_text": []given{{"text": given{"content": "I'm an updated paragraph."}, "annotations": given{"bold": true, "color": "red_background"}}}}}}, "block_id", "blocks_update", 2, `updated paragraph`},
		{"update_block", given{"archived": false}, "block_id", "blocks_delete", 4, `"object":"block"`},
		{"delete_block", given{}, "block_id", "blocks_delete", 2, `"in_trash":true`},
		{"get_database", given{}, "database_id", "is_full_database", 2, `"object":"database"`},
		{"create_database", given{"parent": given{"type": "page_id", "page_id": "393abc1e-edcd-81e8-95dc-ec52a3110c68"}, "title": typed("Test Database")}, "", "databases_create", 1, `"data_sources":[{`},
		{"create_data_source", given{"database_id": "e8a73c8a-58db-4ab7-b0d2-690d24025a01", "properties": given{"Name": given{"title": given{}}}, "title": typed("Test DataSource")}, "", "data_sources_create", 2, `"object":"data_source"`},
		{"get_data_source", given{}, "data_source_id", "data_sources_retrieve", 3, `"object":"data_source"`},
		{"update_data_source", given{"title": typed("Updated DataSource")}, "data_source_id", "data_sources_update", 3, `Updated DataSource`},
		{"update_data_source", given{"archived": true}, "data_source_id", "data_sources_update", 4, `"object":"data_source"`},
		{"list_data_source_templates", given{}, "data_source_id", "collect_data_source_templates", 3, `"templates":[`},
		{"create_comment", given{"page_id": "393abc1e-edcd-817b-81a7-f1fcafdcd00b", "rich_text": text("This is a test comment.")}, "", "comments_create", 1, `"object":"comment"`},
		{"list_comments", given{"block_id": "393abc1e-edcd-8137-bc49-ee507c3c70c6"}, "", "comments_list", 2, `"object":"comment"`},
		{"delete_comment", given{}, "comment_id", "comments_delete", 2, `"object":"comment"`},
		{"import_file", given{"filename": "test_file.pdf", "url": "https://www.w3.org/WAI/ER/tests/xhtml/testfiles/resources/pdf/dummy.pdf"}, "", "file_uploads_create_external", 0, `"status":"pending"`},
		{"list_file_uploads", given{}, "", "file_uploads_list", 0, `"status":"uploaded"`},
		{"list_file_uploads", given{"status": "pending"}, "", "file_uploads_list_with_status_filter", 2, `"status":"pending"`},
	}
}

func TestRecordings(t *testing.T) {
	h := sdktest.Start(t, adapter())
	for _, r := range recordings() {
		t.Run(r.operation+" "+r.file, func(t *testing.T) {
			one := recorded(t, r.file, r.number)
			if got := one.Header.Get("Notion-Version"); got != apiVersion {
				t.Fatalf("it was recorded with version %s", got)
			}
			if r.at != "" {
				r.input[r.at] = idIn(one.URL.Path)
			}
			result, err := h.Execute(t.Context(), request(cassette.Play(t, one), r.operation, r.input))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(result.Output), r.answer) {
				t.Errorf("want %s in %.2000s", r.answer, result.Output)
			}
		})
	}
	t.Run("upload_file", func(t *testing.T) {
		r := request(cassette.Play(t, recorded(t, "file_uploads_send", 0), recorded(t, "file_uploads_send", 1)), "upload_file", given{})
		r.Files = []*sdktest.File{{Name: "test_file_small.txt", MediaType: "text/plain", Data: []byte("This is test file content")}}
		result, err := h.Execute(t.Context(), r)
		if err != nil || !strings.Contains(string(result.Output), `"status":"uploaded"`) {
			t.Errorf("got %s, %v", result.Output, err)
		}
	})
	t.Run("refusals", func(t *testing.T) {
		one := recorded(t, "api_response_error", 1)
		if e := sdktest.Failure(t, h, request(cassette.Play(t, one), "list_users", given{})); e.Kind != sdk.AuthRevoked {
			t.Errorf("an internal token: got kind %d", e.Kind)
		}
		if e := sdktest.Failure(t, h, bySignIn(cassette.Play(t, one), "list_users", given{})); e.Kind != sdk.AuthExpired {
			t.Errorf("an access token: got kind %d", e.Kind)
		}
	})
}

func TestVerify(t *testing.T) {
	h := sdktest.Start(t, adapter())
	account, err := h.Verify(t.Context(), request(cassette.Play(t, recorded(t, "users_me", 0)), "", nil))
	sdktest.Equal(t, "a bot", account, sdk.Account{ID: "7775f3a3-893f-43fa-b625-460c61094c78", Name: "notion-sdk-py (notion-sdk-py)"})
	if err != nil {
		t.Error(err)
	}
	base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"id":"b1","name":"Patchbay","type":"bot","bot":{"owner":{"type":"user","user":{"name":"Ann"}},"workspace_name":"Acme"}}`)
	})
	account, err = h.Verify(t.Context(), bySignIn(base, "", nil))
	sdktest.Equal(t, "a person's", account, sdk.Account{ID: "b1", Name: "Ann (Acme)"})
	if err != nil {
		t.Error(err)
	}
}

// undescribed are the operations whose paths Notion's description does not have; recordings or doubles try them.
var undescribed = []string{"create_database", "update_database", "delete_comment", "upload_file", "import_file", "get_file_upload", "list_file_uploads"}

func TestAgainstDescription(t *testing.T) {
	d := sdktest.Describe(t, sdktest.Description{File: sdktest.Fixture(t, "specs/notion.json")})
	// The description calls the children of a new page texts, its icon and cover too, wants a page as a data source's parent and a type where a page moves, and knows of no
	// discussion; recordings of the live service and the documentation have it otherwise.
	d.Ignore("POST /v1/pages: Expected type string", "POST /v1/comments: ", "POST /v1/data_sources: Missing required property: page_id", "/move: Missing required property: type")
	h := sdktest.Start(t, adapter())
	type in = given
	const page, person = "393abc1e-edcd-8117-ada1-000ba9eaa118", "7775f3a3-893f-43fa-b625-460c61094c78"
	id, block, source := in{"page_id": page}, in{"block_id": "b1"}, in{"data_source_id": "d1"}
	emoji := in{"type": "emoji", "emoji": "x"}
	paragraph := []in{{"type": "paragraph", "paragraph": in{"rich_text": []in{{"type": "text", "text": in{"content": "hi"}}}}}}
	with := func(a, b in) in {
		out := in{}
		for _, m := range []in{a, b} {
			for name, value := range m {
				out[name] = value
			}
		}
		return out
	}
	paging := in{"cursor": "c", "limit": 5}
	tried := slices.Clone(undescribed)
	for _, s := range []struct {
		operation string
		input     in
		requests  string
	}{
		{"search", in{"query": "x", "kind": "data_source", "direction": "ascending", "cursor": "c", "limit": 5}, "POST /v1/search"},
		{"get_page", with(id, in{"filter_properties": []string{"title"}}), "GET /v1/pages/" + page},
		{"get_page_property", with(with(id, paging), in{"property_id": "title"}), "GET /v1/pages/" + page + "/properties/title"},
		{"get_page_markdown", with(id, in{"include_transcript": true}), "GET /v1/pages/" + page + "/markdown"},
		{"create_page", in{"parent_page_id": page, "properties": in{}, "children": paragraph, "icon": emoji}, "POST /v1/pages"},
		{"update_page", with(id, in{"properties": in{"Done": in{"checkbox": true}}, "icon": in{"emoji": "x"}, "cover": in{"type": "external", "external": in{"url": "https://example.com/a.png"}}}), "PATCH /v1/pages/" + page},
		{"update_page_markdown", with(id, in{"content": "# Hi", "allow_deleting_content": true}), "PATCH /v1/pages/" + page + "/markdown"},
		{"update_page_markdown", with(id, in{"replacements": []in{{"old": "a", "new": "b", "replace_all": true}}}), "PATCH /v1/pages/" + page + "/markdown"},
		{"trash_page", id, "PATCH /v1/pages/" + page},
		{"restore_page", id, "PATCH /v1/pages/" + page},
		{"move_page", with(id, in{"parent_page_id": page}), "POST /v1/pages/" + page + "/move"},
		{"get_block", block, "GET /v1/blocks/b1"},
		{"list_block_children", with(block, paging), "GET /v1/blocks/b1/children"},
		{"append_block_children", with(block, in{"children": paragraph, "after": "b2"}), "PATCH /v1/blocks/b1/children"},
		{"update_block", with(block, in{"archived": true}), "PATCH /v1/blocks/b1"},
		{"delete_block", block, "DELETE /v1/blocks/b1"},
		{"get_database", in{"database_id": "d1"}, "GET /v1/databases/d1"},
		{"get_data_source", source, "GET /v1/data_sources/d1"},
		{"create_data_source", in{"database_id": "d1", "properties": in{"Name": in{"title": in{}}}}, "POST /v1/data_sources"},
		{"update_data_source", with(source, in{"properties": in{"Old": nil}}), "PATCH /v1/data_sources/d1"},
		{"query_data_source", with(source, in{"filter": in{"property": "Done", "checkbox": in{"equals": false}}, "sorts": []in{{"property": "Due", "direction": "ascending"}}, "filter_properties": []string{"title"}, "in_trash": true, "cursor": "c", "limit": 5}), "POST /v1/data_sources/d1/query"},
		{"list_data_source_templates", with(source, paging), "GET /v1/data_sources/d1/templates"},
		{"list_comments", with(block, paging), "GET /v1/comments"},
		{"create_comment", in{"discussion_id": "d1", "rich_text": text("hi")}, "POST /v1/comments"},
		{"get_me", in{}, "GET /v1/users/me"},
		{"list_users", paging, "GET /v1/users"},
		{"get_user", in{"user_id": person}, "GET /v1/users/" + person},
	} {
		tried = append(tried, s.operation)
		t.Run(s.operation, func(t *testing.T) {
			if _, err := h.Execute(t.Context(), request(d.URL, s.operation, s.input)); err != nil {
				t.Error(err)
			}
			requests, objections := d.Took()
			sdktest.Equal(t, "objections", objections, []string(nil))
			sdktest.Equal(t, "requests", strings.Join(requests, " "), s.requests)
		})
	}
	for _, op := range h.Platforms[0].GetOperations() {
		if !slices.Contains(tried, op.GetName()) {
			t.Errorf("%s is tried by nothing", op.GetName())
		}
	}
}

// What neither a description nor a recording has, by Notion's documentation.
func TestUndescribed(t *testing.T) {
	var sent string
	base := sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // a cut body shows in the comparison
		sent = r.Method + " " + r.URL.RequestURI() + " " + string(body)
		_, _ = io.WriteString(w, `{"id":"x"}`) // the test sees when it does not arrive
	})
	h := sdktest.Start(t, adapter())
	for _, s := range []struct {
		operation string
		input     given
		sent      string
	}{
		{"update_database", given{"database_id": "d1", "in_trash": true, "is_inline": false}, `PATCH /v1/databases/d1 {"in_trash":true,"is_inline":false}`},
		{"create_database", given{"parent": given{"type": "page_id", "page_id": "p1"}, "properties": given{"Name": given{"title": given{}}}}, `POST /v1/databases {"initial_data_source":{"properties":{"Name":{"title":{}}}},"parent":{"page_id":"p1","type":"page_id"}}`},
		{"create_page", given{"parent_data_source_id": "d1", "properties": given{"Name": given{"title": text("T")}}}, `POST /v1/pages {"parent":{"data_source_id":"d1","type":"data_source_id"},"properties":{"Name":{"title":[{"text":{"content":"T"}}]}}}`},
		{"move_page", given{"page_id": "p1", "parent_data_source_id": "d1"}, `POST /v1/pages/p1/move {"parent":{"data_source_id":"d1","type":"data_source_id"}}`},
		{"get_file_upload", given{"file_upload_id": "f1"}, `GET /v1/file_uploads/f1 `},
		{"create_comment", given{"block_id": "b1", "rich_text": text("hi")}, `POST /v1/comments {"parent":{"block_id":"b1"},"rich_text":[{"text":{"content":"hi"}}]}`},
	} {
		if _, err := h.Execute(t.Context(), request(base, s.operation, s.input)); err != nil {
			t.Errorf("%s: %v", s.operation, err)
		}
		sdktest.Equal(t, s.operation, sent, s.sent)
	}
}

// A large file goes in parts of 10 MiB, and is complete only when all of it came.
func TestUploadParts(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), (2*partSize+500)/16)
	h := sdktest.Start(t, adapter())
	for name, test := range map[string]struct {
		size    int64
		pointer string
	}{"exact": {int64(len(content)), ""}, "smaller": {int64(len(content)) + 1, "/size"}, "larger": {int64(len(content)) - 1, "/size"}} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			var steps []string
			base := sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
				step := strings.TrimPrefix(r.URL.Path, "/v1/file_uploads")
				if strings.HasSuffix(step, "/send") {
					file, _, err := r.FormFile("file")
					if err == nil {
						_, err = got.ReadFrom(file)
					}
					if err != nil {
						t.Error(err)
					}
					step += " " + r.FormValue("part_number")
				} else {
					body, _ := io.ReadAll(r.Body) // a cut body shows in the comparison
					step += " " + string(body)
				}
				steps = append(steps, step)
				_, _ = io.WriteString(w, `{"id":"f1","status":"uploaded"}`) // the test sees when it does not arrive
			})
			r := request(base, "upload_file", given{"size": test.size})
			r.Stream, r.Files = true, []*sdktest.File{{Name: "a.bin", Data: content}}
			if test.pointer != "" {
				if e := sdktest.Failure(t, h, r); e.Kind != sdk.InvalidInput || e.Violations[0].Pointer != test.pointer || strings.Contains(strings.Join(steps, " "), "complete") {
					t.Errorf("got %v after %q", e, steps)
				}
				return
			}
			if _, err := h.Execute(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			sdktest.Equal(t, "steps", steps, []string{fmt.Sprintf(` {"content_type":"application/octet-stream","filename":"a.bin","mode":"multi_part","number_of_parts":%d}`, 3), "/f1/send 1", "/f1/send 2", "/f1/send 3", "/f1/complete {}"})
			if sha256.Sum256(got.Bytes()) != sha256.Sum256(content) {
				t.Errorf("%d bytes arrived, or others", got.Len())
			}
		})
	}
	r := request("http://127.0.0.1:1", "upload_file", given{})
	r.Stream, r.Files = true, []*sdktest.File{{Name: "a.bin", Data: bytes.Repeat([]byte("x"), maxSingle+1)}}
	if e := sdktest.Failure(t, h, r); e.Kind != sdk.InvalidInput || e.Violations[0].Pointer != "/size" {
		t.Errorf("a large file without its size: got %v", e)
	}
}

func TestRefusals(t *testing.T) {
	h := sdktest.Start(t, adapter())
	for code, test := range map[string]struct {
		status int
		kind   sdk.Kind
	}{
		"validation_error": {400, sdk.InvalidInput}, "restricted_resource": {403, sdk.PermissionDenied}, "object_not_found": {404, sdk.NotFound}, "conflict_error": {409, sdk.Conflict},
		"rate_limited": {429, sdk.RateLimited}, "internal_server_error": {500, sdk.PlatformError}, "service_unavailable": {503, sdk.PlatformUnavailable}, "brand_new": {400, sdk.InvalidInput},
	} {
		base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3")
			w.WriteHeader(test.status)
			_, _ = fmt.Fprintf(w, `{"object":"error","status":%d,"code":%q,"message":"It was %s.","request_id":"r1"}`, test.status, code, secret)
		})
		e := sdktest.Failure(t, h, request(base, "get_me", given{}))
		if e.Kind != test.kind || e.PlatformCode != code || e.PlatformRequestID != "r1" || code == "rate_limited" && e.RetryAfter.Seconds() != 3 {
			t.Errorf("%s: got kind %d, %+v", code, e.Kind, e)
		}
	}
	for operation, input := range map[string]given{
		"create_page":          {"properties": given{}},
		"move_page":            {"page_id": "p", "parent_page_id": "a", "parent_data_source_id": "b"},
		"create_comment":       {"rich_text": text("x")},
		"update_page_markdown": {"page_id": "p"},
	} {
		if e := sdktest.Failure(t, h, request("http://127.0.0.1:1", operation, input)); e.Kind != sdk.InvalidInput {
			t.Errorf("%s: got kind %d", operation, e.Kind)
		}
	}
}

func FuzzExplain(f *testing.F) {
	f.Add(404, []byte(`{"code":"object_not_found","message":"m"}`))
	f.Fuzz(func(_ *testing.T, status int, body []byte) {
		_ = explain(status, http.Header{}, body) // it must not panic
	})
}
