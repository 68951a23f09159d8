package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

var page = given{"cursor": "next", "limit": 7}

// with adds properties to an input.
func with(a, b given) given {
	out := given{}
	for _, m := range []given{a, b} {
		for name, value := range m {
			out[name] = value
		}
	}
	return out
}

func TestGmailAgainstItsDescriptions(t *testing.T) {
	const me = "/gmail/v1/users/me/"
	const mail = `{"id":"m1","threadId":"t1","payload":{"headers":[{"name":"From","value":"Ann <ann@example.com>"},{"name":"To","value":"me@example.com, Bob <bob@example.com>"},{"name":"Subject","value":"Hi"},{"name":"Message-ID","value":"<a@b>"}]}}`
	id, labels := given{"id": "m1"}, given{"id": "m1", "add": []string{"STARRED"}, "remove": []string{"UNREAD"}}
	letter := given{"to": []string{"Ann <ann@example.com>"}, "subject": "Grüße", "text": "hi", "html": "<p>hi</p>", "cc": []string{"b@example.com"}}
	against(t, newDescribed(t, "gmail"), "gmail", []scenario{
		{operation: "get_profile", requests: "GET " + me + "profile"},
		{operation: "search_messages", input: with(page, given{"query": "is:unread", "label_ids": []string{"INBOX", "UNREAD"}, "include_spam_trash": true}), requests: "GET " + me + "messages"},
		{operation: "search_messages", input: given{"details": true}, answers: map[string]string{"GET " + me + "messages": `{"messages":[{"id":"m1","threadId":"t1"}]}`}, requests: "GET " + me + "messages GET " + me + "messages/m1"},
		{operation: "get_message", input: id, requests: "GET " + me + "messages/m1"},
		{operation: "list_threads", input: with(page, given{"query": "x", "label_ids": []string{"INBOX"}}), requests: "GET " + me + "threads"},
		{operation: "get_thread", input: id, requests: "GET " + me + "threads/m1"},
		{operation: "get_attachment", input: given{"message_id": "m1", "attachment_id": "a1"}, answers: map[string]string{"GET " + me + "messages/m1/attachments/a1": `{"data":"aGk"}`}, requests: "GET " + me + "messages/m1/attachments/a1"},
		{operation: "modify_labels", input: labels, requests: "POST " + me + "messages/m1/modify"},
		{operation: "modify_thread_labels", input: labels, requests: "POST " + me + "threads/m1/modify"},
		{operation: "batch_modify_labels", input: given{"ids": []string{"a", "b"}, "add": []string{"STARRED"}}, requests: "POST " + me + "messages/batchModify"},
		{operation: "trash_message", input: id, requests: "POST " + me + "messages/m1/trash"},
		{operation: "untrash_message", input: id, requests: "POST " + me + "messages/m1/untrash"},
		{operation: "trash_thread", input: id, requests: "POST " + me + "threads/m1/trash"},
		{operation: "untrash_thread", input: id, requests: "POST " + me + "threads/m1/untrash"},
		{operation: "list_history", input: with(page, given{"start_history_id": "17", "types": []string{"messageAdded", "labelAdded"}, "label_id": "INBOX"}), requests: "GET " + me + "history"},
		{operation: "list_send_as", requests: "GET " + me + "settings/sendAs"},
		{operation: "list_labels", requests: "GET " + me + "labels"},
		{operation: "get_label", input: id, requests: "GET " + me + "labels/m1"},
		{operation: "create_label", input: given{"name": "a/b", "label_list_visibility": "labelShow", "message_list_visibility": "hide"}, requests: "POST " + me + "labels"},
		{operation: "update_label", input: given{"id": "m1", "name": "c"}, requests: "PATCH " + me + "labels/m1"},
		{operation: "delete_label", input: id, requests: "DELETE " + me + "labels/m1"},
		{operation: "send_email", input: letter, requests: "POST " + me + "messages/send"},
		{operation: "send_email", input: with(letter, given{"thread_id": "t1", "in_reply_to": "<a@b>"}), files: []*sdktest.File{{Name: "a.txt", MediaType: "text/plain", Data: []byte("file")}}, requests: "POST /upload" + me + "messages/send"},
		{operation: "reply", input: given{"message_id": "m1", "text": "yes", "all": true}, answers: map[string]string{"GET " + me + "messages/m1": mail, "GET " + me + "profile": `{"emailAddress":"me@example.com"}`},
			requests: "GET " + me + "messages/m1 GET " + me + "profile POST " + me + "messages/send"},
		{operation: "forward", input: given{"message_id": "m1", "to": []string{"c@example.com"}}, answers: map[string]string{"GET " + me + "messages/m1": `{"raw":"U3ViamVjdDogSGkNCg0KaGk="}`}, requests: "GET " + me + "messages/m1 POST /upload" + me + "messages/send"},
		{operation: "create_draft", input: with(letter, given{"thread_id": "t1"}), requests: "POST " + me + "drafts"},
		{operation: "update_draft", input: with(letter, id), requests: "PUT " + me + "drafts/m1"},
		{operation: "list_drafts", input: page, requests: "GET " + me + "drafts"},
		{operation: "get_draft", input: id, requests: "GET " + me + "drafts/m1"},
		{operation: "send_draft", input: id, requests: "POST " + me + "drafts/send"},
		{operation: "delete_draft", input: id, requests: "DELETE " + me + "drafts/m1"},
	})
}

func TestSheetsAgainstItsDescriptions(t *testing.T) {
	const at = "/v4/spreadsheets/s1"
	sheet := given{"spreadsheet_id": "s1", "sheet_id": 7}
	in := func(more given) given { return with(given{"spreadsheet_id": "s1"}, more) }
	values := [][]any{{"a", 1, true, nil}}
	against(t, newDescribed(t, "sheets", "drive"), "google-sheets", []scenario{
		{operation: "list_spreadsheets", input: with(page, given{"name": "Ann's"}), requests: "GET /drive/v3/files"},
		{operation: "create_spreadsheet", input: given{"title": "T", "sheets": []string{"A", "B"}}, requests: "POST /v4/spreadsheets"},
		{operation: "get_spreadsheet", input: in(given{"ranges": []string{"A", "B"}}), requests: "GET " + at},
		{operation: "read_range", input: in(given{"range": "Sheet1!A1:B2", "values_as": "FORMULA", "dates_as": "SERIAL_NUMBER", "by": "COLUMNS"}), requests: "GET " + at + "/values/Sheet1%21A1:B2"},
		{operation: "batch_read", input: in(given{"ranges": []string{"A1", "B2"}}), requests: "GET " + at + "/values:batchGet"},
		{operation: "find_rows", input: in(given{"sheet": "My Sheet", "column": "Name", "value": "Ann"}), answers: map[string]string{"GET " + at + "/values/%27My%20Sheet%27": `{"values":[["Name"],["Ann"]]}`}, requests: "GET " + at + "/values/%27My%20Sheet%27"},
		{operation: "append_rows", input: in(given{"range": "A1", "values": values, "input_option": "RAW", "insert": "INSERT_ROWS"}), requests: "POST " + at + "/values/A1:append"},
		{operation: "update_range", input: in(given{"range": "A1", "values": values, "by": "ROWS"}), requests: "PUT " + at + "/values/A1"},
		{operation: "batch_update", input: in(given{"data": []given{{"range": "A1", "values": values}}}), requests: "POST " + at + "/values:batchUpdate"},
		{operation: "clear_range", input: in(given{"range": "A1"}), requests: "POST " + at + "/values/A1:clear"},
		{operation: "add_sheet", input: in(given{"title": "N", "rows": 5, "columns": 3}), requests: "POST " + at + ":batchUpdate"},
		{operation: "delete_sheet", input: sheet, requests: "POST " + at + ":batchUpdate"},
		{operation: "duplicate_sheet", input: with(sheet, given{"title": "C"}), requests: "POST " + at + ":batchUpdate"},
		{operation: "rename_sheet", input: with(sheet, given{"title": "C"}), requests: "POST " + at + ":batchUpdate"},
		{operation: "insert_rows_or_columns", input: with(sheet, given{"dimension": "ROWS", "start": 1, "end": 3, "inherit_from_before": true}), requests: "POST " + at + ":batchUpdate"},
		{operation: "delete_rows_or_columns", input: with(sheet, given{"dimension": "COLUMNS", "start": 0, "end": 1}), requests: "POST " + at + ":batchUpdate"},
		{operation: "format_range", input: with(sheet, given{"start_row": 0, "end_row": 1, "start_column": 0, "end_column": 2, "format": given{"textFormat": given{"bold": true}}}), requests: "POST " + at + ":batchUpdate"},
		{operation: "batch_change", input: in(given{"requests": []given{{"mergeCells": given{"mergeType": "MERGE_ALL", "range": given{"sheetId": 0}}}}}), requests: "POST " + at + ":batchUpdate"},
	})
}

func TestDriveAgainstItsDescriptions(t *testing.T) {
	const at = "/drive/v3/files"
	file := given{"file_id": "f1"}
	against(t, newDescribed(t, "drive"), "google-drive", []scenario{
		{operation: "list_files", input: with(page, given{"folder_id": "root", "trashed": true}), requests: "GET " + at},
		{operation: "search_files", input: given{"name": "a", "mime_type": "application/pdf", "owner": "ann@example.com", "query": "starred = true"}, requests: "GET " + at},
		{operation: "search_files", input: given{"text": "it's"}, requests: "GET " + at},
		{operation: "get_file", input: file, requests: "GET " + at + "/f1"},
		{operation: "download_file", input: file, answers: map[string]string{"GET " + at + "/f1": `{"name":"a","mimeType":"application/vnd.google-apps.document"}`}, requests: "GET " + at + "/f1 GET " + at + "/f1/export"},
		{operation: "download_file", input: file, answers: map[string]string{"GET " + at + "/f1": `{"name":"a","mimeType":"text/plain"}`}, requests: "GET " + at + "/f1 GET " + at + "/f1"},
		{operation: "update_file", input: with(file, given{"name": "b", "starred": false, "trashed": true}), requests: "PATCH " + at + "/f1"},
		{operation: "create_folder", input: given{"name": "F", "parent_id": "p1"}, requests: "POST " + at},
		{operation: "move_file", input: with(file, given{"parent_id": "p2"}), answers: map[string]string{"GET " + at + "/f1": `{"parents":["p1"]}`}, requests: "GET " + at + "/f1 PATCH " + at + "/f1"},
		{operation: "copy_file", input: with(file, given{"name": "c", "parent_id": "p1"}), requests: "POST " + at + "/f1/copy"},
		{operation: "delete_file", input: file, requests: "DELETE " + at + "/f1"},
		{operation: "get_storage", requests: "GET /drive/v3/about"},
		{operation: "list_shared_drives", input: page, requests: "GET /drive/v3/drives"},
		{operation: "share_file", input: with(file, given{"type": "user", "role": "writer", "email": "b@example.com", "notify": false}), requests: "POST " + at + "/f1/permissions"},
		{operation: "list_permissions", input: with(file, page), requests: "GET " + at + "/f1/permissions"},
		{operation: "unshare_file", input: with(file, given{"permission_id": "p"}), requests: "DELETE " + at + "/f1/permissions/p"},
	}, "upload_file", "update_file_content") // TestResumable
}

func TestCalendarAgainstItsDescriptions(t *testing.T) {
	const at = "/calendar/v3/calendars"
	const events = at + "/primary/events"
	event := given{"event_id": "e1"}
	start, end := given{"dateTime": "2026-01-31T09:00:00+01:00", "timeZone": "Europe/Berlin"}, given{"dateTime": "2026-01-31T10:00:00+01:00"}
	body := given{"summary": "S", "description": "D", "location": "L", "attendees": []given{{"email": "b@example.com"}}, "recurrence": []string{"RRULE:FREQ=DAILY;COUNT=2"}, "reminders": given{"useDefault": false, "overrides": []given{{"method": "popup", "minutes": 10}}},
		"visibility": "private", "transparency": "opaque", "color_id": "3", "conference_data": given{"createRequest": given{"requestId": "r"}}, "conference_data_version": 1, "send_updates": "all"}
	times := given{"from": "2026-01-01T00:00:00Z", "till": "2026-02-01T00:00:00Z"}
	against(t, newDescribed(t, "calendar"), "google-calendar", []scenario{
		{operation: "list_events", input: with(with(page, times), given{"query": "x", "order_by": "startTime", "show_deleted": true, "updated_after": "2026-01-01T00:00:00Z", "time_zone": "Europe/Berlin"}), requests: "GET " + events},
		{operation: "list_events", input: given{"calendar_id": "a/b@example.com", "sync_token": "s", "expand": false}, requests: "GET " + at + "/a%2Fb@example.com/events"},
		{operation: "get_event", input: event, requests: "GET " + events + "/e1"},
		{operation: "create_event", input: with(body, given{"start": start, "end": end}), requests: "POST " + events},
		{operation: "update_event", input: with(event, body), requests: "PATCH " + events + "/e1"},
		{operation: "delete_event", input: with(event, given{"send_updates": "none"}), requests: "DELETE " + events + "/e1"},
		{operation: "quick_add_event", input: given{"text": "Lunch tomorrow"}, requests: "POST " + events + "/quickAdd"},
		{operation: "move_event", input: with(event, given{"to_calendar_id": "c2"}), requests: "POST " + events + "/e1/move"},
		{operation: "list_event_instances", input: with(with(event, page), times), requests: "GET " + events + "/e1/instances"},
		{operation: "find_free_busy", input: with(times, given{"calendars": []given{{"id": "a@example.com"}}, "time_zone": "UTC"}), requests: "POST /calendar/v3/freeBusy"},
		{operation: "list_calendars", input: with(page, given{"show_hidden": true}), requests: "GET /calendar/v3/users/me/calendarList"},
		{operation: "get_calendar", requests: "GET " + at + "/primary"},
		{operation: "create_calendar", input: given{"summary": "S", "description": "D", "location": "L", "time_zone": "UTC"}, requests: "POST " + at},
		{operation: "update_calendar", input: given{"calendar_id": "c1", "summary": "S"}, requests: "PATCH " + at + "/c1"},
		{operation: "delete_calendar", input: given{"calendar_id": "c1"}, requests: "DELETE " + at + "/c1"},
	})
}

func TestYouTubeAgainstItsDescriptions(t *testing.T) {
	against(t, newDescribed(t, "youtube"), "youtube", youtubeScenarios(), "upload_video") // TestResumable
}

func youtubeScenarios() []scenario {
	channel := map[string]string{"GET /youtube/v3/channels": `{"items":[{"contentDetails":{"relatedPlaylists":{"uploads":"UU1"}}}]}`}
	body := given{"description": "D", "tags": []string{"a"}, "category_id": "22", "privacy": "unlisted", "made_for_kids": false}
	const v3 = "/youtube/v3/"
	return []scenario{
		{operation: "search", input: with(page, given{"query": "cats", "type": "video", "order": "date", "channel_id": "UC1", "published_after": "2026-01-01T00:00:00Z", "published_before": "2026-02-01T00:00:00Z", "region_code": "DE",
			"relevance_language": "de", "video_duration": "short", "video_caption": "closedCaption", "event_type": "completed", "safe_search": "strict"}), key: true, requests: "GET " + v3 + "search"},
		{operation: "get_videos", input: given{"ids": []string{"a", "b"}, "parts": []string{"id", "status"}}, requests: "GET " + v3 + "videos"},
		{operation: "list_popular_videos", input: with(page, given{"region_code": "DE", "category_id": "10"}), key: true, requests: "GET " + v3 + "videos"},
		{operation: "get_channel", input: given{"handle": "@GoogleDevelopers"}, requests: "GET " + v3 + "channels"},
		{operation: "get_channel", input: given{"id": "UC1"}, key: true, requests: "GET " + v3 + "channels"},
		{operation: "my_channel", requests: "GET " + v3 + "channels"},
		{operation: "channel_uploads", input: with(page, given{"channel_id": "UC1"}), answers: channel, requests: "GET " + v3 + "channels GET " + v3 + "playlistItems"},
		{operation: "channel_uploads", kind: sdk.NotFound, requests: "GET " + v3 + "channels"},
		{operation: "list_subscriptions", input: page, requests: "GET " + v3 + "subscriptions"},
		{operation: "subscribe", input: given{"channel_id": "UC1"}, requests: "POST " + v3 + "subscriptions"},
		{operation: "unsubscribe", input: given{"id": "s1"}, requests: "DELETE " + v3 + "subscriptions"},
		{operation: "list_captions", input: given{"video_id": "v1"}, requests: "GET " + v3 + "captions"},
		{operation: "download_captions", input: given{"id": "c1", "translate_to": "de"}, requests: "GET " + v3 + "captions/c1"},
		{operation: "list_video_categories", key: true, requests: "GET " + v3 + "videoCategories"},
		{operation: "list_playlists", input: page, requests: "GET " + v3 + "playlists"},
		{operation: "list_playlist_items", input: with(page, given{"playlist_id": "PL1"}), requests: "GET " + v3 + "playlistItems"},
		{operation: "create_playlist", input: given{"title": "T", "description": "D"}, requests: "POST " + v3 + "playlists"},
		{operation: "update_playlist", input: given{"id": "PL1", "title": "T", "privacy": "public"}, requests: "PUT " + v3 + "playlists"},
		{operation: "delete_playlist", input: given{"id": "PL1"}, requests: "DELETE " + v3 + "playlists"},
		{operation: "add_to_playlist", input: given{"playlist_id": "PL1", "video_id": "v1", "position": 0}, requests: "POST " + v3 + "playlistItems"},
		{operation: "remove_from_playlist", input: given{"id": "i1"}, requests: "DELETE " + v3 + "playlistItems"},
		{operation: "list_comments", input: with(page, given{"video_id": "v1", "query": "x"}), requests: "GET " + v3 + "commentThreads"},
		{operation: "list_replies", input: with(page, given{"comment_id": "c1"}), requests: "GET " + v3 + "comments"},
		{operation: "add_comment", input: given{"video_id": "v1", "text": "hi"}, requests: "POST " + v3 + "commentThreads"},
		{operation: "reply_to_comment", input: given{"comment_id": "c1", "text": "hi"}, requests: "POST " + v3 + "comments"},
		{operation: "update_comment", input: given{"id": "c1", "text": "hi"}, requests: "PUT " + v3 + "comments"},
		{operation: "delete_comment", input: given{"id": "c1"}, requests: "DELETE " + v3 + "comments"},
		{operation: "moderate_comments", input: given{"ids": []string{"c1", "c2"}, "status": "rejected", "ban_author": true}, requests: "POST " + v3 + "comments/setModerationStatus"},
		{operation: "update_video", input: with(body, given{"id": "v1", "title": "T"}), answers: map[string]string{"GET " + v3 + "videos": `{"items":[{"id":"v1","snippet":{"title":"old","publishedAt":"x"},"status":{"privacyStatus":"private","uploadStatus":"x"}}]}`},
			requests: "GET " + v3 + "videos PUT " + v3 + "videos"},
		{operation: "delete_video", input: given{"id": "v1"}, requests: "DELETE " + v3 + "videos"},
		{operation: "set_thumbnail", input: given{"video_id": "v1"}, files: []*sdktest.File{{Name: "a.png", MediaType: "image/png", Data: []byte("png")}}, requests: "POST /upload" + v3 + "thumbnails/set"},
		{operation: "rate_video", input: given{"id": "v1", "rating": "like"}, requests: "POST " + v3 + "videos/rate"},
	}
}

func TestGoogleAgainstItsDescriptions(t *testing.T) {
	against(t, newDescribed(t, "customsearch", "docs", "people", "tasks", "drive"), "google", googleScenarios())
}

func googleScenarios() []scenario {
	const document, tasks = "/v1/documents/d1", "/tasks/v1/lists/@default/tasks"
	doc := given{"document_id": "d1"}
	return []scenario{
		{operation: "web_search", key: true, input: given{"query": "cats", "limit": 5, "cursor": "11", "country": "de", "language": "lang_de", "site": "example.com", "within": "d7", "exact_terms": "a", "exclude_terms": "b", "file_type": "pdf", "images": true, "safe": "active"}, requests: "GET /customsearch/v1"},
		{operation: "web_search", input: given{"query": "cats"}, kind: sdk.PermissionDenied},
		{operation: "list_documents", input: page, requests: "GET /drive/v3/files"},
		{operation: "get_document", input: doc, requests: "GET " + document},
		{operation: "create_document", input: given{"title": "T", "text": "hi"}, answers: map[string]string{"POST /v1/documents": `{"documentId":"d1"}`}, requests: "POST /v1/documents POST " + document + ":batchUpdate"},
		{operation: "append_text", input: with(doc, given{"text": "hi"}), requests: "POST " + document + ":batchUpdate"},
		{operation: "replace_text", input: with(doc, given{"find": "a", "replace": "", "match_case": true}), requests: "POST " + document + ":batchUpdate"},
		{operation: "batch_update_document", input: with(doc, given{"requests": []given{{"insertText": given{"text": "x", "location": given{"index": 1}}}}}), requests: "POST " + document + ":batchUpdate"},
		{operation: "search_contacts", input: given{"query": "ann", "limit": 5}, requests: "GET /v1/people:searchContacts"},
		{operation: "search_other_contacts", input: given{"query": "ann"}, requests: "GET /v1/otherContacts:search"},
		{operation: "list_contacts", input: with(page, given{"sort": "FIRST_NAME_ASCENDING"}), requests: "GET /v1/people/me/connections"},
		{operation: "get_contact", input: given{"resource_name": "people/c1"}, requests: "GET /v1/people/c1"},
		{operation: "create_contact", input: given{"given_name": "Ann", "emails": []string{"a@example.com"}, "phones": []string{"1"}, "company": "C", "job_title": "J", "notes": "N"}, requests: "POST /v1/people:createContact"},
		{operation: "delete_contact", input: given{"resource_name": "people/c1"}, requests: "DELETE /v1/people/c1:deleteContact"},
		{operation: "list_task_lists", input: page, requests: "GET /tasks/v1/users/@me/lists"},
		{operation: "create_task_list", input: given{"title": "T"}, requests: "POST /tasks/v1/users/@me/lists"},
		{operation: "delete_task_list", input: given{"list_id": "l1"}, requests: "DELETE /tasks/v1/users/@me/lists/l1"},
		{operation: "list_tasks", input: with(page, given{"show_completed": false, "show_hidden": true, "due_after": "2026-01-01T00:00:00Z", "due_before": "2026-02-01T00:00:00Z"}), requests: "GET " + tasks},
		{operation: "create_task", input: given{"title": "T", "notes": "N", "due": "2026-01-31T00:00:00Z", "parent": "p", "previous": "q"}, requests: "POST " + tasks},
		{operation: "update_task", input: given{"task_id": "t1", "status": "completed"}, requests: "PATCH " + tasks + "/t1"},
		{operation: "delete_task", input: given{"task_id": "t1"}, requests: "DELETE " + tasks + "/t1"},
	}
}

// What belongs to an account is refused with a key before anything is sent: Google's refusal of it would be taken for an expired sign-in.
func TestKeysAreRefused(t *testing.T) {
	h := sdktest.Start(t, adapter())
	public := []string{"search", "get_videos", "list_popular_videos", "get_channel", "list_video_categories", "list_playlist_items", "list_comments", "list_replies", "web_search"}
	for platform, scenarios := range map[string][]scenario{"youtube": append(youtubeScenarios(), scenario{operation: "upload_video", input: given{"title": "T"}}), "google": googleScenarios()} {
		for _, s := range scenarios {
			if s.input == nil {
				s.input = given{}
			}
			if slices.Contains(public, s.operation) || s.input["channel_id"] != nil && s.operation == "channel_uploads" {
				continue
			}
			e := sdktest.Failure(t, h, byKey(platform, "http://127.0.0.1:1", s.operation, s.input))
			if e.Kind != sdk.PermissionDenied || !e.NotSent || !strings.Contains(e.Message, "Sign in with Google") {
				t.Errorf("%s.%s: got kind %d, %s", platform, s.operation, e.Kind, e.Message)
			}
		}
	}
}

// The peers object to what is wrong; otherwise their silence would mean nothing.
func TestDescriptionsObject(t *testing.T) {
	d := newDescribed(t, "sheets")
	for _, bad := range []string{"/v4/spreadsheets/s1/values/A1:append?colour=red", "/v4/spreadsheets/s1/nothing"} {
		resp, err := http.Post(d.URL+bad, "application/json", strings.NewReader(`{"values":"text","shape":1}`))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close() // what was noted counts
	}
	all := strings.Join(d.found(), "\n")
	for _, want := range []string{"no parameter colour", "no property shape", "is no array", "(query.colour)", "is no method"} {
		if !strings.Contains(all, want) {
			t.Errorf("want an objection with %q, got\n%s", want, all)
		}
	}
}
