package main

import (
	"context"
	"net/http"

	"github.com/patchbay/patchbay/sdk"
)

func eventOperations() []sdk.Operation {
	calendars := []string{"Calendars.ReadWrite"}
	const event = "/me/events/{event_id}"
	return []sdk.Operation{
		{Name: "list_calendars", Effect: sdk.Read, Scopes: calendars, Run: sdk.Func(listCalendars), Description: "Lists the account's calendars, in pages."},
		{Name: "list_events", Effect: sdk.Read, Scopes: calendars, Run: sdk.Func(listEvents), Description: "Lists the events of a calendar between two times, each time of a repeating event on its own, by start, in pages."},
		{Name: "get_event", Effect: sdk.Read, Scopes: calendars, Run: sdk.Func(getEvent), Description: "Answers one event with its whole text, as plain text."},
		{Name: "create_event", Effect: sdk.Write, Scopes: calendars, Run: sdk.Func(createEvent), Description: "Makes an event, and invites its attendees by mail at once. Times are such as 2026-01-31T09:00:00 with time_zone; an all-day event begins and ends at midnight, the end being the day after the last."},
		{Name: "update_event", Effect: sdk.Idempotent, Scopes: calendars, Run: sdk.Func(updateEvent), Description: "Changes what is given of an event and tells its attendees. attendees replaces the whole list. The id of one time of a repeating event changes that one alone."},
		{Name: "delete_event", Effect: sdk.Idempotent, Scopes: calendars, Run: sdk.Send[eventInput, sdk.None](endpoint(http.MethodDelete, event)), Description: "Deletes an event; attendees of an own one are told that it is cancelled."},
		{Name: "respond_to_event", Effect: sdk.Idempotent, Scopes: calendars, Run: sdk.Func(respond), Description: "Accepts, tentatively accepts or declines an invitation, and tells its organiser unless notify is false. Own events are refused."},
		{Name: "find_meeting_times", Effect: sdk.Read, Scopes: calendars, Run: sdk.Func(findTimes), Description: "Proposes times at which people can meet, by their calendars and working hours, within a span. Works with work and school accounts alone."},
		{Name: "get_schedule", Effect: sdk.Read, Scopes: calendars, Run: sdk.Func(getSchedule), Description: "Answers when people or rooms are free and busy between two times, for up to 20 addresses. Works with work and school accounts alone."},
	}
}

type eventInput struct {
	EventID string `json:"event_id" minLength:"1"`
}

type zoned struct {
	TimeZone string `json:"time_zone,omitempty" pattern:"^[A-Za-z0-9 ._/+()-]{1,100}$" jsonschema:"such as Europe/Berlin or Pacific Standard Time; UTC when left out"`
}

// at writes a time as Graph has it.
func (z zoned) at(time string) map[string]string {
	zone := z.TimeZone
	if zone == "" {
		zone = "UTC"
	}
	return map[string]string{"dateTime": time, "timeZone": zone}
}

func listCalendars(ctx context.Context, call *sdk.Call, in paged) (page, error) {
	return in.list(ctx, call, "/me/calendars", nil)
}

type listEventsInput struct {
	CalendarID string `json:"calendar_id,omitempty" jsonschema:"of list_calendars; the default calendar when left out"`
	From       string `json:"from" format:"date-time" jsonschema:"such as 2026-01-31T00:00:00Z"`
	Till       string `json:"till" format:"date-time"`
	zoned
	paged
}

func listEvents(ctx context.Context, call *sdk.Call, in listEventsInput) (page, error) {
	const fields = "id,subject,bodyPreview,start,end,location,isAllDay,isCancelled,isOnlineMeeting,onlineMeeting,organizer,attendees,showAs,sensitivity,importance,categories,responseStatus,seriesMasterId,type,webLink"
	return in.list(ctx, call, below("calendars", in.CalendarID, "/me/calendarView", "/calendarView"), prefer(true, in.TimeZone),
		"startDateTime", in.From, "endDateTime", in.Till, "$select", fields, "$orderby", "start/dateTime")
}

type getEventInput struct {
	eventInput
	zoned
}

func getEvent(ctx context.Context, call *sdk.Call, in getEventInput) (object, error) {
	var out object
	return out, call.Do(ctx, sdk.Request{Path: sdk.Path("/me/events/%s", in.EventID), Header: prefer(true, in.TimeZone)}, &out)
}

// eventBody is what people change of an event.
type eventBody struct {
	Subject    string   `json:"subject,omitempty" maxLength:"255"`
	Text       string   `json:"text,omitempty" maxLength:"1000000"`
	HTML       string   `json:"html,omitempty" maxLength:"1000000" jsonschema:"instead of the text"`
	Location   string   `json:"location,omitempty" maxLength:"255"`
	Attendees  []string `json:"attendees,omitempty" maxItems:"500" jsonschema:"addresses of those who have to come"`
	Optional   []string `json:"optional_attendees,omitempty" maxItems:"500"`
	AllDay     *bool    `json:"is_all_day,omitempty"`
	Online     *bool    `json:"is_online_meeting,omitempty" jsonschema:"with a link to Teams or Skype, where the account has one"`
	ShowAs     string   `json:"show_as,omitempty" enum:"free,tentative,busy,oof,workingElsewhere"`
	Reminder   *int     `json:"reminder_minutes,omitempty" minimum:"0"`
	Categories []string `json:"categories,omitempty" maxItems:"25"`
	Recurrence object   `json:"recurrence,omitempty" jsonschema:"Graph's: {\"pattern\":{\"type\":\"weekly\",\"interval\":1,\"daysOfWeek\":[\"monday\"]},\"range\":{\"type\":\"noEnd\",\"startDate\":\"2026-01-31\"}}"`
	zoned
}

// event writes what is given as Graph has it.
func (in eventBody) event(start, end string) (map[string]any, error) {
	e := map[string]any{}
	for name, value := range map[string]string{"subject": in.Subject, "showAs": in.ShowAs} {
		if value != "" {
			e[name] = value
		}
	}
	switch {
	case in.HTML != "":
		e["body"] = map[string]string{"contentType": "html", "content": in.HTML}
	case in.Text != "":
		e["body"] = map[string]string{"contentType": "text", "content": in.Text}
	}
	if start != "" {
		e["start"] = in.at(start)
	}
	if end != "" {
		e["end"] = in.at(end)
	}
	if in.Location != "" {
		e["location"] = map[string]string{"displayName": in.Location}
	}
	for name, value := range map[string]*bool{"isAllDay": in.AllDay, "isOnlineMeeting": in.Online} {
		if value != nil {
			e[name] = *value
		}
	}
	if in.Reminder != nil {
		e["reminderMinutesBeforeStart"] = *in.Reminder
	}
	if in.Categories != nil {
		e["categories"] = in.Categories
	}
	if in.Recurrence != nil {
		e["recurrence"] = in.Recurrence
	}
	people, err := in.people()
	if people != nil {
		e["attendees"] = people
	}
	return e, err
}

// people are the attendees as Graph has them.
func (in eventBody) people() ([]any, error) {
	required, err := recipients("/attendees", in.Attendees)
	if err != nil {
		return nil, err
	}
	optional, err := recipients("/optional_attendees", in.Optional)
	if err != nil {
		return nil, err
	}
	for kind, list := range map[string][]any{"required": required, "optional": optional} {
		for _, one := range list {
			one.(map[string]any)["type"] = kind
		}
	}
	return append(required, optional...), nil
}

type createEventInput struct {
	CalendarID string `json:"calendar_id,omitempty" jsonschema:"the default calendar when left out"`
	Start      string `json:"start" minLength:"10" maxLength:"40"`
	End        string `json:"end" minLength:"10" maxLength:"40"`
	eventBody
}

func createEvent(ctx context.Context, call *sdk.Call, in createEventInput) (object, error) {
	e, err := in.event(in.Start, in.End)
	if err != nil {
		return nil, err
	}
	var out object
	return out, call.Do(ctx, sdk.Request{Path: below("calendars", in.CalendarID, "/me/events", "/events"), JSON: e}, &out)
}

type updateEventInput struct {
	eventInput
	Start string `json:"start,omitempty" maxLength:"40"`
	End   string `json:"end,omitempty" maxLength:"40"`
	eventBody
}

func updateEvent(ctx context.Context, call *sdk.Call, in updateEventInput) (object, error) {
	e, err := in.event(in.Start, in.End)
	if err != nil {
		return nil, err
	}
	var out object
	return out, call.Do(ctx, sdk.Request{Method: http.MethodPatch, Path: sdk.Path("/me/events/%s", in.EventID), JSON: e}, &out)
}

type respondInput struct {
	eventInput
	Response string `json:"response" enum:"accept,tentatively_accept,decline"`
	Text     string `json:"text,omitempty" maxLength:"10000"`
	Notify   *bool  `json:"notify,omitempty"`
}

func respond(ctx context.Context, call *sdk.Call, in respondInput) (sdk.None, error) {
	action := map[string]string{"tentatively_accept": "tentativelyAccept"}[in.Response]
	if action == "" {
		action = in.Response
	}
	return sdk.None{}, call.Do(ctx, sdk.Request{Path: sdk.Path("/me/events/%s/%s", in.EventID, action), JSON: map[string]any{"comment": in.Text, "sendResponse": in.Notify == nil || *in.Notify}}, nil)
}

type span struct {
	From string `json:"from" minLength:"10" maxLength:"40" jsonschema:"such as 2026-01-31T09:00:00"`
	Till string `json:"till" minLength:"10" maxLength:"40"`
	zoned
}

type findTimesInput struct {
	span
	Attendees []string `json:"attendees,omitempty" maxItems:"100" jsonschema:"addresses; the account itself always counts"`
	Minutes   int      `json:"minutes,omitempty" minimum:"5" maximum:"1440" default:"30"`
	Limit     int      `json:"limit,omitempty" minimum:"1" maximum:"40" default:"10"`
}

type proposals struct {
	Times []object `json:"times"`
	Why   string   `json:"why_none,omitempty" jsonschema:"where there are no times"`
}

func findTimes(ctx context.Context, call *sdk.Call, in findTimesInput) (proposals, error) {
	if in.Minutes == 0 {
		in.Minutes = 30
	}
	if in.Limit == 0 {
		in.Limit = 10
	}
	people, err := eventBody{Attendees: in.Attendees}.people()
	if err != nil {
		return proposals{}, err
	}
	body := map[string]any{"meetingDuration": isoMinutes(in.Minutes), "maxCandidates": in.Limit, "returnSuggestionReasons": true,
		"timeConstraint": map[string]any{"timeSlots": []any{map[string]any{"start": in.at(in.From), "end": in.at(in.Till)}}}}
	if people != nil {
		body["attendees"] = people
	}
	var answer struct {
		Times []object `json:"meetingTimeSuggestions"`
		Why   string   `json:"emptySuggestionsReason"`
	}
	if err := call.Do(ctx, sdk.Request{Path: "/me/findMeetingTimes", JSON: body, Header: prefer(false, in.TimeZone)}, &answer); err != nil {
		return proposals{}, err
	}
	if answer.Times == nil {
		answer.Times = []object{}
	}
	return proposals{Times: answer.Times, Why: answer.Why}, nil
}

type getScheduleInput struct {
	span
	Addresses []string `json:"addresses" minItems:"1" maxItems:"20"`
	Interval  int      `json:"interval_minutes,omitempty" minimum:"5" maximum:"1440" default:"30"`
}

type schedules struct {
	Schedules []object `json:"schedules"`
}

func getSchedule(ctx context.Context, call *sdk.Call, in getScheduleInput) (schedules, error) {
	if in.Interval == 0 {
		in.Interval = 30
	}
	answer := struct {
		Value []object `json:"value"`
	}{Value: []object{}}
	err := call.Do(ctx, sdk.Request{Path: "/me/calendar/getSchedule", Header: prefer(false, in.TimeZone), JSON: map[string]any{"schedules": in.Addresses,
		"startTime": in.at(in.From), "endTime": in.at(in.Till), "availabilityViewInterval": in.Interval}}, &answer)
	return schedules{Schedules: answer.Value}, err
}
