package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/patchbay/patchbay/sdk/sdktest"
)

var actionPattern = regexp.MustCompile(`/(sendMail|reply|replyAll|forward|createReply|send|move|copy)$`)

// spelt stands before the mock server: the description spells actions /microsoft.graph.sendMail, and their parameters with a capital, where the
// live service and its documentation have /sendMail and small ones. It also holds every body against the description (see graphSchema).
func spelt(t *testing.T, mock string) (base string, took func() []string) {
	t.Helper()
	target, err := url.Parse(mock)
	if err != nil {
		t.Fatal(err)
	}
	proxy, schemas := httputil.NewSingleHostReverseProxy(target), readSchemas(t)
	var mu sync.Mutex
	var objections []string
	base = sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body) // a cut body is no JSON
		r.Body = io.NopCloser(bytes.NewReader(sent))
		mu.Lock()
		objections = append(objections, schemas.check(r.URL.Path, sent)...)
		mu.Unlock()
		if actionPattern.MatchString(r.URL.Path) {
			r.URL.Path = actionPattern.ReplaceAllString(r.URL.Path, "/microsoft.graph.$1")
			body := sent
			var parameters map[string]any
			if len(body) > 0 && json.Unmarshal(body, &parameters) == nil {
				capital := map[string]any{}
				for name, value := range parameters {
					capital[strings.ToUpper(name[:1])+name[1:]] = value
				}
				body, _ = json.Marshal(capital)
			}
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		}
		proxy.ServeHTTP(w, r)
	})
	return base, func() []string {
		mu.Lock()
		defer mu.Unlock()
		out := objections
		objections = nil
		return out
	}
}

// undescribed are the operations whose paths the description does not have; TestUndescribed and attachments_test.go try them.
var undescribed = []string{"get_mailbox_settings", "export_message", "create_subfolder", "respond_to_event", "find_meeting_times", "get_schedule"}

func TestAgainstDescription(t *testing.T) {
	d := sdktest.Describe(t, sdktest.Description{File: sdktest.Fixture(t, "specs/outlook-graph-slice.json")})
	// A path within a property is none of the orders that the description enumerates; and it wants @odata.type in each body, which the
	// documentation has nowhere. TestDescriptionObjects shows that the rest of such a body is checked all the same.
	d.Ignore("start/dateTime", "Missing required property: @odata.type")
	base, ofBodies := spelt(t, d.URL)
	h := sdktest.Start(t, adapter())
	type in = given
	with := func(a, b in) in {
		out := in{}
		for _, m := range []in{a, b} {
			for name, value := range m {
				out[name] = value
			}
		}
		return out
	}
	message, event, contact := in{"message_id": "m1"}, in{"event_id": "e1"}, in{"contact_id": "c1"}
	letter := in{"subject": "S", "text": "hi", "to": []string{"Ann <ann@example.com>"}, "cc": []string{"b@example.com"}, "bcc": []string{"c@example.com"}, "reply_to": []string{"d@example.com"}, "importance": "high"}
	file := []*sdktest.File{{Name: "a.txt", MediaType: "text/plain", Data: []byte("file")}}
	meeting := in{"subject": "S", "html": "<p>x</p>", "location": "L", "attendees": []string{"b@example.com"}, "optional_attendees": []string{"c@example.com"}, "is_online_meeting": true, "show_as": "busy", "reminder_minutes": 10, "categories": []string{"Red"},
		"recurrence": in{"pattern": in{"type": "weekly", "interval": 1, "daysOfWeek": []string{"monday"}}, "range": in{"type": "noEnd", "startDate": "2026-01-31"}}, "time_zone": "Europe/Berlin", "start": "2026-01-31T09:00:00", "end": "2026-01-31T10:00:00"}
	person := in{"given_name": "Ann", "surname": "Lee", "display_name": "Ann Lee", "emails": []string{"Ann <ann@example.com>"}, "mobile_phone": "1", "business_phones": []string{"2"}, "company_name": "C", "job_title": "J", "notes": "N"}
	tried := slices.Clone(undescribed)
	for _, s := range []struct {
		operation string
		input     in
		files     []*sdktest.File
		requests  string
	}{
		{"get_me", in{}, nil, "GET /me"},
		{"list_messages", in{"from": "o'neil@example.com", "since": "2026-01-01T00:00:00Z", "unread": true, "filter": "importance eq 'high'", "limit": 5}, nil, "GET /me/messages"},
		{"list_messages", in{"folder_id": "inbox"}, nil, "GET /me/mailFolders/inbox/messages"},
		{"search_messages", in{"query": `from:ann "exact words"`}, nil, "GET /me/messages"},
		{"get_message", with(message, in{"html": true}), nil, "GET /me/messages/m1"},
		{"list_folders", in{}, nil, "GET /me/mailFolders"},
		{"send_email", letter, nil, "POST /me/microsoft.graph.sendMail"},
		{"send_email", letter, file, "POST /me/microsoft.graph.sendMail"},
		{"reply", with(message, in{"text": "yes"}), nil, "POST /me/messages/m1/microsoft.graph.reply"},
		{"reply_all", with(message, in{"text": "yes"}), nil, "POST /me/messages/m1/microsoft.graph.replyAll"},
		{"forward", with(message, in{"to": []string{"b@example.com"}, "text": "look"}), nil, "POST /me/messages/m1/microsoft.graph.forward"},
		{"create_draft", letter, file, "POST /me/messages"},
		{"create_reply_draft", with(message, in{"text": "yes"}), nil, "POST /me/messages/m1/microsoft.graph.createReply"},
		{"update_draft", with(message, letter), nil, "PATCH /me/messages/m1"},
		{"send_draft", message, nil, "POST /me/messages/m1/microsoft.graph.send"},
		{"mark_read", with(message, in{"read": false}), nil, "PATCH /me/messages/m1"},
		{"flag_message", with(message, in{"status": "flagged"}), nil, "PATCH /me/messages/m1"},
		{"categorize_message", with(message, in{"categories": []string{"Red"}}), nil, "PATCH /me/messages/m1"},
		{"move_message", with(message, in{"folder_id": "archive"}), nil, "POST /me/messages/m1/microsoft.graph.move"},
		{"copy_message", with(message, in{"folder_id": "archive"}), nil, "POST /me/messages/m1/microsoft.graph.copy"},
		{"delete_message", message, nil, "DELETE /me/messages/m1"},
		{"create_folder", in{"name": "F"}, nil, "POST /me/mailFolders"},
		{"rename_folder", in{"folder_id": "f1", "name": "G"}, nil, "PATCH /me/mailFolders/f1"},
		{"delete_folder", in{"folder_id": "f1"}, nil, "DELETE /me/mailFolders/f1"},
		{"list_attachments", message, nil, "GET /me/messages/m1/attachments"},
		{"add_attachment", message, file, "POST /me/messages/m1/attachments"},
		{"delete_attachment", with(message, in{"attachment_id": "a1"}), nil, "DELETE /me/messages/m1/attachments/a1"},
		{"list_calendars", in{}, nil, "GET /me/calendars"},
		{"list_events", in{"from": "2026-01-01T00:00:00Z", "till": "2026-02-01T00:00:00Z", "time_zone": "Europe/Berlin"}, nil, "GET /me/calendarView"},
		{"get_event", event, nil, "GET /me/events/e1"},
		{"create_event", meeting, nil, "POST /me/events"},
		{"update_event", with(event, in{"text": "x", "is_all_day": false}), nil, "PATCH /me/events/e1"},
		{"delete_event", event, nil, "DELETE /me/events/e1"},
		{"list_contacts", in{"query": "ann"}, nil, "GET /me/contacts"},
		{"list_contacts", in{}, nil, "GET /me/contacts"},
		{"get_contact", contact, nil, "GET /me/contacts/c1"},
		{"create_contact", person, nil, "POST /me/contacts"},
		{"update_contact", with(contact, person), nil, "PATCH /me/contacts/c1"},
		{"delete_contact", contact, nil, "DELETE /me/contacts/c1"},
	} {
		tried = append(tried, s.operation)
		t.Run(s.operation, func(t *testing.T) {
			r := request(base, s.operation, s.input)
			r.Files = s.files
			if _, err := h.Execute(t.Context(), r); err != nil {
				t.Error(err)
			}
			requests, objections := d.Took()
			sdktest.Equal(t, "objections", append(objections, ofBodies()...), []string(nil))
			sdktest.Equal(t, "requests", strings.Join(requests, " "), s.requests)
		})
	}
	tried = append(tried, "get_attachment") // attachments_test.go: the description has no content
	for _, op := range h.Platforms[0].GetOperations() {
		if !slices.Contains(tried, op.GetName()) {
			t.Errorf("%s is tried by nothing", op.GetName())
		}
	}
}

// What the description does not have, by Microsoft's documentation.
func TestUndescribed(t *testing.T) {
	var sent string
	var preferred []string
	base := sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // a cut body shows in the comparison
		sent, preferred = r.Method+" "+r.URL.RequestURI()+" "+string(body), r.Header.Values("Prefer")
		_, _ = io.WriteString(w, `{"value":[{"scheduleId":"a"}],"meetingTimeSuggestions":[{"confidence":100}],"emptySuggestionsReason":""}`)
	})
	h := sdktest.Start(t, adapter())
	for _, s := range []struct {
		operation    string
		input        given
		sent, output string
	}{
		{"get_mailbox_settings", given{}, `GET /me/mailboxSettings `, ``},
		{"create_subfolder", given{"parent_id": "f1", "name": "F"}, `POST /me/mailFolders/f1/childFolders {"displayName":"F"}`, ``},
		{"list_folders", given{"parent_id": "f1"}, `GET /me/mailFolders/f1/childFolders?%24top=25 `, ``},
		{"create_reply_draft", given{"message_id": "m1", "as": "forward"}, `POST /me/messages/m1/createForward {"comment":""}`, ``},
		{"create_event", given{"calendar_id": "k1", "start": "2026-01-31T09:00:00", "end": "2026-01-31T10:00:00"}, `POST /me/calendars/k1/events {"end":{"dateTime":"2026-01-31T10:00:00","timeZone":"UTC"},"start":{"dateTime":"2026-01-31T09:00:00","timeZone":"UTC"}}`, ``},
		{"respond_to_event", given{"event_id": "e1", "response": "tentatively_accept", "notify": false}, `POST /me/events/e1/tentativelyAccept {"comment":"","sendResponse":false}`, `{}`},
		{"find_meeting_times", given{"from": "2026-01-31T09:00:00", "till": "2026-01-31T17:00:00", "attendees": []string{"b@example.com"}, "minutes": 90},
			`POST /me/findMeetingTimes {"attendees":[{"emailAddress":{"address":"b@example.com"},"type":"required"}],"maxCandidates":10,"meetingDuration":"PT90M","returnSuggestionReasons":true,"timeConstraint":{"timeSlots":[{"end":{"dateTime":"2026-01-31T17:00:00","timeZone":"UTC"},"start":{"dateTime":"2026-01-31T09:00:00","timeZone":"UTC"}}]}}`, `{"times":[{"confidence":100}]}`},
		{"get_schedule", given{"from": "2026-01-31T09:00:00", "till": "2026-01-31T17:00:00", "addresses": []string{"a@example.com"}, "time_zone": "Europe/Berlin"},
			`POST /me/calendar/getSchedule {"availabilityViewInterval":30,"endTime":{"dateTime":"2026-01-31T17:00:00","timeZone":"Europe/Berlin"},"schedules":["a@example.com"],"startTime":{"dateTime":"2026-01-31T09:00:00","timeZone":"Europe/Berlin"}}`, `{"schedules":[{"scheduleId":"a"}]}`},
	} {
		result, err := h.Execute(t.Context(), request(base, s.operation, s.input))
		if err != nil {
			t.Errorf("%s: %v", s.operation, err)
		}
		sdktest.Equal(t, s.operation, sent, s.sent)
		if s.output != "" {
			sdktest.Equal(t, s.operation+": output", string(result.Output), s.output)
		}
	}
	sdktest.Equal(t, "preferences", preferred, []string{`outlook.timezone="Europe/Berlin"`, `IdType="ImmutableId"`})
}

// The description objects to what else is wrong with a body; otherwise its silence would mean nothing.
func TestDescriptionObjects(t *testing.T) {
	d := sdktest.Describe(t, sdktest.Description{File: sdktest.Fixture(t, "specs/outlook-graph-slice.json")})
	for path, want := range map[string]string{"/me/messages?colour=red": "colour", "/me/events": "subject", "/me/contacts": "emailAddresses"} {
		resp, err := http.Post(d.URL+path, "application/json", strings.NewReader(`{"subject":5,"emailAddresses":"x","toRecipients":[{"emailAddress":{"address":7}}]}`))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close() // what was noted counts
		if _, objections := d.Took(); !strings.Contains(strings.Join(objections, "\n"), want) {
			t.Errorf("%s: want an objection to %s, got %q", path, want, objections)
		}
	}
}
