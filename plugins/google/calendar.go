package main

import (
	_ "embed"
	"net/http"
	"slices"

	"github.com/patchbay/patchbay/sdk"
)

//go:embed icons/google-calendar.svg
var calendarIcon []byte

const (
	calendarsPath = "/calendar/v3/calendars"
	eventsPath    = calendarsPath + "/{calendar_id}/events"
	eventPath     = eventsPath + "/{event_id}"
)

// calendar is Google Calendar as data.
func calendar() sdk.Platform {
	return sdk.Platform{
		ID: "google-calendar", Name: "Google Calendar", Category: sdk.Productivity, Icon: calendarIcon, Website: "https://developers.google.com/workspace/calendar/api",
		Description: "Reads and changes calendars and events, invites people, and finds free times.",
		BaseURL:     "https://www.googleapis.com", Hosts: []string{identityHost},
		Auth:      []sdk.AuthMethod{oauth("google-calendar", "Google Calendar")},
		Authorize: authorize, Verify: verify, Explain: explain,
		RateLimits: []sdk.RateLimit{{Calls: 600, PerSeconds: 60}},
		Operations: slices.Concat(eventOperations(), calendarOperations()),
	}
}

func eventOperations() []sdk.Operation {
	read, write := scope("calendar.readonly"), scope("calendar")
	return []sdk.Operation{
		{Name: "list_events", Effect: sdk.Read, Scopes: read, Run: sdk.Send[listEventsInput, eventPage](endpoint("", eventsPath)), Description: "Lists the events of a calendar between two times, in pages; each time of a repeating event on its own unless expand is false. Ordered by start where expanded."},
		{Name: "get_event", Effect: sdk.Read, Scopes: read, Run: sdk.Send[eventInput, object](endpoint("", eventPath)), Description: "Answers one event."},
		{Name: "create_event", Effect: sdk.Write, Scopes: write, Run: sdk.Send[createEventInput, object](endpoint(http.MethodPost, eventsPath)), Description: "Makes an event. start and end are both times ({\"dateTime\":\"2026-01-31T09:00:00+01:00\"}, with timeZone for repeating ones) or both dates ({\"date\":\"2026-01-31\"}, the end being the day after the last). Mails invitations only with send_updates."},
		{Name: "update_event", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[updateEventInput, object](endpoint(http.MethodPatch, eventPath)), Description: "Changes the given properties of an event and leaves the others. attendees replaces the whole list. The id of one time of a repeating event changes that one alone."},
		{Name: "delete_event", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[deleteEventInput, sdk.None](endpoint(http.MethodDelete, eventPath)), Description: "Deletes an event; the id of a repeating event deletes all its times. Deleting again answers not_found."},
		{Name: "quick_add_event", Effect: sdk.Write, Scopes: write, Run: sdk.Send[quickAddInput, object](endpoint(http.MethodPost, eventsPath+"/quickAdd")), Description: "Makes an event out of a sentence such as \"Dinner with Ann tomorrow at 7pm\". What Google makes of it stands in the answer: look whether it is what was meant."},
		{Name: "move_event", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[moveEventInput, object](endpoint(http.MethodPost, eventPath+"/move")), Description: "Moves an event to another calendar, whose owner then organises it."},
		{Name: "list_event_instances", Effect: sdk.Read, Scopes: read, Run: sdk.Send[instancesInput, eventPage](endpoint("", eventPath+"/instances")), Description: "Lists the single times of a repeating event, in pages."},
		{Name: "find_free_busy", Effect: sdk.Read, Scopes: read, Run: sdk.Send[freeBusyInput, freeBusy](endpoint(http.MethodPost, "/calendar/v3/freeBusy")), Description: "Answers when calendars are busy between two times, at most three months apart and for up to 50 calendars; what is not in the answer is free. A calendar that may not be seen has errors instead."},
	}
}

func calendarOperations() []sdk.Operation {
	read, write := scope("calendar.readonly"), scope("calendar")
	return []sdk.Operation{
		{Name: "list_calendars", Effect: sdk.Read, Scopes: read, Run: sdk.Send[listCalendarsInput, calendarPage](endpoint("", "/calendar/v3/users/me/calendarList")), Description: "Lists the calendars in the account's list, with their ids, time zones and what the account may do there, in pages."},
		{Name: "get_calendar", Effect: sdk.Read, Scopes: read, Run: sdk.Send[calendarInput, object](endpoint("", calendarsPath+"/{calendar_id}")), Description: "Answers a calendar's name, description and time zone."},
		{Name: "create_calendar", Effect: sdk.Write, Scopes: write, Run: sdk.Send[createCalendarInput, object](endpoint(http.MethodPost, calendarsPath)), Description: "Makes a calendar of the account's own."},
		{Name: "update_calendar", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[updateCalendarInput, object](endpoint(http.MethodPatch, calendarsPath+"/{calendar_id}")), Description: "Renames a calendar or changes its description, place or time zone."},
		{Name: "delete_calendar", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[deletedCalendarInput, sdk.None](endpoint(http.MethodDelete, calendarsPath+"/{calendar_id}")), Description: "Deletes a calendar with all its events for good. The primary one is refused."},
	}
}

type calendarInput struct {
	CalendarID string `json:"calendar_id,omitempty" default:"primary" jsonschema:"of list_calendars, often a mail address; the account's own when left out"`
}

type eventInput struct {
	calendarInput
	EventID string `json:"event_id" minLength:"1"`
}

type span struct {
	From string `json:"from,omitempty" to:"query timeMin" format:"date-time" jsonschema:"events that end after this, such as 2026-01-31T00:00:00Z"`
	Till string `json:"till,omitempty" to:"query timeMax" format:"date-time" jsonschema:"events that begin before this"`
}

type listEventsInput struct {
	calendarInput
	span
	Query       string `json:"query,omitempty" to:"query q" jsonschema:"words in the title, description, place or attendees"`
	Expand      bool   `json:"expand,omitempty" to:"query singleEvents" default:"true" jsonschema:"answer each time of a repeating event"`
	OrderBy     string `json:"order_by,omitempty" enum:"startTime,updated" jsonschema:"startTime only where expanded"`
	ShowDeleted bool   `json:"show_deleted,omitempty"`
	UpdatedMin  string `json:"updated_after,omitempty" to:"query updatedMin" format:"date-time"`
	TimeZone    string `json:"time_zone,omitempty" jsonschema:"of the answer, such as Europe/Berlin"`
	SyncToken   string `json:"sync_token,omitempty" jsonschema:"of an earlier answer: only what changed since; it goes with no other filter, and too old a one answers not_found"`
	Limit       int    `json:"limit,omitempty" to:"query maxResults" minimum:"1" maximum:"2500" default:"100"`
	paged
}

type eventPage struct {
	Events     []object `json:"events" from:"items"`
	TimeZone   string   `json:"time_zone,omitempty"`
	NextCursor string   `json:"next_cursor,omitempty" from:"nextPageToken"`
	SyncToken  string   `json:"sync_token,omitempty" from:"nextSyncToken" jsonschema:"on the last page"`
}

type sending struct {
	SendUpdates string `json:"send_updates,omitempty" to:"query" enum:"all,externalOnly,none" jsonschema:"who gets a mail; nobody when left out"`
}

// eventBody is what an event has that people change.
type eventBody struct {
	Summary      string   `json:"summary,omitempty" maxLength:"1024" jsonschema:"the title"`
	Description  string   `json:"description,omitempty" maxLength:"8192" jsonschema:"may hold simple HTML"`
	Location     string   `json:"location,omitempty" maxLength:"1024"`
	Attendees    []object `json:"attendees,omitempty" maxItems:"200" jsonschema:"each {\"email\":\"ann@example.com\"}, with optional true for those who need not come"`
	Recurrence   []string `json:"recurrence,omitempty" jsonschema:"RRULE, EXRULE, RDATE or EXDATE lines, such as RRULE:FREQ=WEEKLY;COUNT=10"`
	Reminders    object   `json:"reminders,omitempty" jsonschema:"{\"useDefault\":false,\"overrides\":[{\"method\":\"popup\",\"minutes\":10}]}"`
	Visibility   string   `json:"visibility,omitempty" enum:"default,public,private,confidential"`
	Transparency string   `json:"transparency,omitempty" enum:"opaque,transparent" jsonschema:"transparent does not make the time busy"`
	ColorID      string   `json:"color_id,omitempty" pattern:"^[0-9]{1,2}$"`
	Conference   object   `json:"conference_data,omitempty" jsonschema:"with createRequest {requestId} and conference_data_version 1 Google makes a Meet link"`
	Version      int      `json:"conference_data_version,omitempty" to:"query conferenceDataVersion" minimum:"0" maximum:"1"`
	sending
}

type createEventInput struct {
	calendarInput
	Start object `json:"start"`
	End   object `json:"end"`
	eventBody
}

type updateEventInput struct {
	eventInput
	Start object `json:"start,omitempty"`
	End   object `json:"end,omitempty"`
	eventBody
}

type deleteEventInput struct {
	eventInput
	sending
}

type quickAddInput struct {
	calendarInput
	Text string `json:"text" to:"query" minLength:"1"`
	sending
}

type moveEventInput struct {
	eventInput
	To string `json:"to_calendar_id" to:"query destination" minLength:"1"`
	sending
}

type instancesInput struct {
	eventInput
	span
	Limit int `json:"limit,omitempty" to:"query maxResults" minimum:"1" maximum:"2500" default:"100"`
	paged
}

type idOnly struct {
	ID string `json:"id"`
}

type freeBusyInput struct {
	From      string   `json:"from" to:"body timeMin" format:"date-time"`
	Till      string   `json:"till" to:"body timeMax" format:"date-time"`
	Calendars []idOnly `json:"calendars" to:"body items" minItems:"1" maxItems:"50" jsonschema:"each {\"id\":\"ann@example.com\"}"`
	TimeZone  string   `json:"time_zone,omitempty"`
}

type freeBusy struct {
	Calendars map[string]object `json:"calendars" jsonschema:"by id: busy is a list of times, errors why there is none"`
}

type listCalendarsInput struct {
	ShowHidden bool `json:"show_hidden,omitempty"`
	Limit      int  `json:"limit,omitempty" to:"query maxResults" minimum:"1" maximum:"250" default:"100"`
	paged
}

type calendarPage struct {
	Calendars  []object `json:"calendars" from:"items"`
	NextCursor string   `json:"next_cursor,omitempty" from:"nextPageToken"`
}

type calendarBody struct {
	Description string `json:"description,omitempty"`
	Location    string `json:"location,omitempty"`
	TimeZone    string `json:"time_zone,omitempty" jsonschema:"such as Europe/Berlin"`
}

type createCalendarInput struct {
	Summary string `json:"summary" minLength:"1" jsonschema:"its name"`
	calendarBody
}

type updateCalendarInput struct {
	CalendarID string `json:"calendar_id" minLength:"1"`
	Summary    string `json:"summary,omitempty" jsonschema:"its name"`
	calendarBody
}

type deletedCalendarInput struct {
	CalendarID string `json:"calendar_id" minLength:"1"`
}
