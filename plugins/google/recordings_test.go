package main

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
	"github.com/patchbay/patchbay/sdk/sdktest/cassette"
)

// recorded answers one exchange of the gspread client with the live service. That client escapes colons, writes True for true, and says
// that it wants no values back, which needs no saying.
func recorded(t *testing.T, file string, number int) cassette.Interaction {
	t.Helper()
	data, err := os.ReadFile(sdktest.Fixture(t, "recordings/gsheets-gspread/tests/cassettes/"+file+".json"))
	if err != nil {
		t.Fatal(err)
	}
	data = bytes.ReplaceAll(bytes.ReplaceAll(data, []byte("=True"), []byte("=true")), []byte("&includeValuesInResponse=False"), nil)
	all, err := cassette.ParseJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	one := all[number]
	address, err := url.Parse(strings.ReplaceAll(one.URL.EscapedPath(), "%3A", ":") + "?" + one.URL.RawQuery)
	if err != nil {
		t.Fatal(err)
	}
	one.URL = address
	return one
}

// idIn answers the long id in a path.
func idIn(path string) string {
	for part := range strings.SplitSeq(path, "/") {
		if id, _, _ := strings.Cut(part, ":"); len(id) > 30 {
			return id
		}
	}
	return ""
}

// The recorded requests are what the adapter sends.
func TestRecordings(t *testing.T) {
	h := sdktest.Start(t, adapter())
	for _, r := range []struct {
		platform, operation string
		input               given
		file                string
		number              int
		answer              string
		kind                sdk.Kind
	}{
		{"google-sheets", "get_spreadsheet", given{}, "CellTest.test_define_named_range", 1, `"title":"Test CellTest test_define_named_range"`, 0},
		{"google-sheets", "get_spreadsheet", given{}, "ClientTest.test_access_private_spreadsheet", 3, ``, sdk.PermissionDenied},
		{"google-sheets", "read_range", given{"range": "'Sheet1'!A1", "values_as": "FORMATTED_VALUE"}, "CellTest.test_equality", 5, `"values":[["test_equality 1"]]`, 0},
		{"google-sheets", "read_range", given{"range": "'Sheet1'!A1:A", "values_as": "FORMATTED_VALUE", "by": "COLUMNS"}, "WorksheetTest.test_delete_cols", 7, `"values":[[`, 0},
		{"google-sheets", "read_range", given{"range": "'Sheet1'!A1:C1000"}, "WorksheetTest.test_range_unbounded", 6, `"values":[`, 0},
		{"google-sheets", "update_range", given{"range": "'Sheet1'!A1", "values": [][]any{{"test_equality 1"}}}, "CellTest.test_equality", 4, `"cells":1`, 0},
		{"google-sheets", "update_range", given{"range": "'Sheet1'!A1:B2", "values": [][]any{{42, 43}, {43, 44}}, "input_option": "RAW"}, "CellTest.test_merge_cells", 4, `"cells":4`, 0},
		{"google-sheets", "append_rows", given{"range": "'Sheet1'", "input_option": "RAW", "values": [][]any{{"test_append_row 1", "test_append_row 2", "test_append_row 3", "test_append_row 4", "test_append_row 5", "test_append_row 6", "test_append_row 7", "test_append_row 8", "test_append_row 9", "test_append_row 10"}}},
			"WorksheetTest.test_append_row", 5, `"rows":1,"cells":10`, 0},
		{"google-sheets", "clear_range", given{"range": "'Sheet1'"}, "WorksheetTest.test_add_protected_range_normal", 3, `"range":"Sheet1!A1`, 0},
		{"google-sheets", "delete_sheet", given{"sheet_id": 1877059582}, "SpreadsheetTest.test_add_del_worksheet", 8, `"replies":[{}]`, 0},
		{"google-sheets", "insert_rows_or_columns", given{"sheet_id": 0, "dimension": "COLUMNS", "start": 1, "end": 3}, "WorksheetTest.test_insert_cols", 7, `"replies":[{}]`, 0},
		{"google-sheets", "delete_rows_or_columns", given{"sheet_id": 0, "dimension": "COLUMNS", "start": 1, "end": 3}, "WorksheetTest.test_delete_cols", 9, `"replies":[{}]`, 0},
		{"google-sheets", "batch_change", given{"requests": []given{{"mergeCells": given{"mergeType": "MERGE_ROWS", "range": given{"startRowIndex": 0, "endRowIndex": 2, "startColumnIndex": 0, "endColumnIndex": 2, "sheetId": 0}}}}}, "CellTest.test_merge_cells", 5, `"replies":[{}]`, 0},
		{"google-drive", "delete_file", given{}, "CellTest.test_define_named_range", 9, `{}`, 0},
	} {
		t.Run(r.operation+" "+r.file, func(t *testing.T) {
			one := recorded(t, r.file, r.number)
			id := "spreadsheet_id"
			if r.platform == "google-drive" {
				id = "file_id"
			}
			q := request(r.platform, cassette.Play(t, one), r.operation, with(r.input, given{id: idIn(one.URL.Path)}))
			if r.kind != 0 {
				if e := sdktest.Failure(t, h, q); e.Kind != r.kind || e.PlatformCode == "" {
					t.Errorf("got kind %d with code %q: %s", e.Kind, e.PlatformCode, e.Message)
				}
				return
			}
			result, err := h.Execute(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(result.Output), r.answer) {
				t.Errorf("want %s in %.2000s", r.answer, result.Output)
			}
		})
	}
}

// What the live service answered is read with its pages and counts.
func TestYouTubeSamples(t *testing.T) {
	h := sdktest.Start(t, adapter())
	for _, s := range []struct {
		operation string
		input     given
		file      string
		answer    []string
	}{
		{"search", given{"query": "surfing"}, "search/search_by_keywords_p2", []string{`"videoId":"-2IlD-x8wvY"`, `"total":1000000,"next_cursor":"CDIQAA"`}},
		{"list_playlists", given{"channel_id": "UC_x5XG1OV2P6uZZ5FSM9Ttw"}, "playlists/playlists_paged_1", []string{`"total":422,"next_cursor":"CAoQAA"`}},
		{"list_playlist_items", given{"playlist_id": "PL1"}, "playlist_items/playlist_items_paged_1", []string{`"next_cursor":"`}},
		{"list_subscriptions", given{}, "subscriptions/subscriptions_by_mine_p1", []string{`"next_cursor":"`, `"youtube#subscription"`}},
		{"list_subscriptions", given{"channel_id": "UC1"}, "subscriptions/subscriptions_by_channel_p2", []string{`"youtube#subscription"`}},
		{"get_videos", given{"ids": []string{"a"}}, "videos/videos_info_single", []string{`"youtube#video"`}},
		{"list_comments", given{"video_id": "v"}, "comment_threads/comment_threads_by_channel", []string{`"youtube#commentThread"`}},
		{"list_replies", given{"comment_id": "c"}, "comments/comments_by_parent_paged_2", []string{`"youtube#comment"`}},
		{"list_captions", given{"video_id": "v"}, "captions/captions_filter_by_id", []string{`"youtube#caption"`}},
		{"list_video_categories", given{}, "categories/video_category_by_region", []string{`"youtube#videoCategory"`}},
		{"create_playlist", given{"title": "T"}, "playlists/insert_response", []string{`"youtube#playlist"`}},
	} {
		t.Run(s.file, func(t *testing.T) {
			sample, err := os.ReadFile(sdktest.Fixture(t, "recordings/youtube/testdata/apidata/"+s.file+".json"))
			if err != nil {
				t.Fatal(err)
			}
			base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(sample) })
			result, err := h.Execute(t.Context(), request("youtube", base, s.operation, s.input))
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range s.answer {
				if !strings.Contains(string(result.Output), want) {
					t.Errorf("want %s in %.1500s", want, result.Output)
				}
			}
		})
	}
	refused, err := os.ReadFile(sdktest.Fixture(t, "recordings/youtube/testdata/apidata/error_permission_resp.json"))
	if err != nil {
		t.Fatal(err)
	}
	base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write(refused)
	})
	if e := sdktest.Failure(t, h, request("youtube", base, "my_channel", given{})); e.Kind != sdk.PermissionDenied || !strings.Contains(e.Message, "does not have permission") {
		t.Errorf("got kind %d, %s", e.Kind, e.Message)
	}
}

func TestVerify(t *testing.T) {
	h := sdktest.Start(t, adapter())
	base := sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		answer := map[string]string{
			"/v1/userinfo":                `{"sub":"117","email":"ann@example.com"}`,
			"/youtube/v3/channels":        `{"items":[{"id":"UC1","snippet":{"title":"Ann's videos"}}]}`,
			"/youtube/v3/videoCategories": `{}`,
			"/customsearch/v1":            `{"context":{"title":"My sites"}}`,
		}[r.URL.Path]
		if r.Header.Get("Authorization") != "Bearer "+secret && r.Header.Get("X-Goog-Api-Key") != secret || strings.Contains(r.URL.RawQuery, "planted") {
			w.WriteHeader(http.StatusUnauthorized)
		}
		_, _ = io.WriteString(w, answer) // the test sees when it does not arrive
	})
	for _, p := range []string{"gmail", "google-sheets", "google-drive", "google-calendar", "google"} {
		account, err := h.Verify(t.Context(), request(p, base, "", nil))
		if err != nil {
			t.Errorf("%s: %v", p, err)
		}
		sdktest.Equal(t, p, account, sdk.Account{ID: "117", Name: "ann@example.com"})
	}
	for name, test := range map[string]struct {
		r    sdktest.Request
		want sdk.Account
	}{
		"a channel":    {request("youtube", base, "", nil), sdk.Account{ID: "UC1", Name: "Ann's videos"}},
		"YouTube, key": {byKey("youtube", base, "", nil), sdk.Account{ID: "API key ending in 7f3a", Name: "API key ending in 7f3a"}},
		"search":       {byKey("google", base, "", nil), sdk.Account{ID: "cx1", Name: "My sites (API key ending in 7f3a)"}},
	} {
		account, err := h.Verify(t.Context(), test.r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		sdktest.Equal(t, name, account, test.want)
	}
}
