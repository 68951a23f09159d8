package main

import (
	"context"
	"strings"
	"time"
	_ "time/tzdata" // a confined adapter can read no zones of the machine

	"github.com/patchbay/patchbay/sdk"
)

// zoned is a part of the inputs that may name a time zone.
type zoned struct {
	TimeZone string `json:"timezone,omitempty" maxLength:"64" jsonschema:"such as Europe/Berlin or UTC; UTC when left out"`
}

// location answers the zone. The machine's own is none that a caller may know.
func (z zoned) location() (*time.Location, error) {
	if z.TimeZone == "" {
		return time.UTC, nil
	}
	zone, err := time.LoadLocation(z.TimeZone)
	if err != nil || strings.EqualFold(z.TimeZone, "local") {
		return nil, sdk.Invalid("/timezone", "there is no such time zone; give a name such as Europe/Berlin")
	}
	return zone, nil
}

// timed is a part of the inputs that give a time.
type timed struct {
	Time string `json:"time" minLength:"1" maxLength:"100" jsonschema:"such as 2026-05-01T12:00:00Z, 2026-05-01 12:00:00, 2026-05-01, or a Unix time in seconds or milliseconds"`
	zoned
}

// moment is a time in all its forms.
type moment struct {
	ISO           string `json:"iso" jsonschema:"by RFC 3339, in the time zone"`
	UTC           string `json:"utc"`
	Unix          int64  `json:"unix" jsonschema:"seconds since 1970"`
	UnixMS        int64  `json:"unix_ms" jsonschema:"milliseconds since 1970"`
	TimeZone      string `json:"timezone"`
	OffsetSeconds int    `json:"offset_seconds" jsonschema:"of the time zone from UTC, at that time"`
	Weekday       string `json:"weekday"`
	DayOfYear     int    `json:"day_of_year"`
	ISOWeek       int    `json:"iso_week"`
}

func momentOf(t time.Time) moment {
	_, offset := t.Zone()
	_, week := t.ISOWeek()
	return moment{ISO: t.Format(time.RFC3339Nano), UTC: t.UTC().Format(time.RFC3339Nano), Unix: t.Unix(), UnixMS: t.UnixMilli(), TimeZone: t.Location().String(),
		OffsetSeconds: offset, Weekday: t.Weekday().String(), DayOfYear: t.YearDay(), ISOWeek: week}
}

type formatting struct {
	timed
	Format string `json:"format" minLength:"1" maxLength:"200" jsonschema:"with %Y %m %d %H %M %S %y %b %B %a %A %j %I %p %f (milliseconds) %z %Z %s (Unix time) %%"`
}

type parsing struct {
	timed
	Format string `json:"format,omitempty" maxLength:"200" jsonschema:"how the text is written, as in datetime_format; the usual forms are known without it"`
}

type adding struct {
	timed
	Years   int     `json:"years,omitempty" minimum:"-9999" maximum:"9999"`
	Months  int     `json:"months,omitempty" minimum:"-99999" maximum:"99999" jsonschema:"a day that the month does not have becomes its last"`
	Days    int     `json:"days,omitempty" minimum:"-9999999" maximum:"9999999" jsonschema:"of the calendar: the hour stays, whatever the clocks do"`
	Hours   float64 `json:"hours,omitempty" minimum:"-1000000" maximum:"1000000"`
	Minutes float64 `json:"minutes,omitempty" minimum:"-60000000" maximum:"60000000"`
	Seconds float64 `json:"seconds,omitempty" minimum:"-3600000000" maximum:"3600000000"`
}

type spanning struct {
	From string `json:"from" minLength:"1" maxLength:"100" jsonschema:"a time, as in the other operations"`
	To   string `json:"to" minLength:"1" maxLength:"100"`
	zoned
}

type span struct {
	Seconds float64 `json:"seconds" jsonschema:"from the first to the second; negative where the second is earlier"`
	Minutes float64 `json:"minutes"`
	Hours   float64 `json:"hours"`
	Days    float64 `json:"days" jsonschema:"of 24 hours"`
}

type written struct {
	Text string `json:"text"`
}

func timeOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "datetime_now", Effect: sdk.Read, Description: "Tells the time now, in a time zone.", Run: sdk.Func(func(_ context.Context, _ *sdk.Call, in zoned) (moment, error) {
			zone, err := in.location()
			if err != nil {
				return moment{}, err
			}
			return momentOf(time.Now().In(zone)), nil
		})},
		{Name: "datetime_parse", Effect: sdk.Read, Run: sdk.Func(parse), Description: "Reads a time that is written in one of the usual forms or in a given one. Refuses what is ambiguous, such as 01/02/2026 without a format."},
		{Name: "datetime_format", Effect: sdk.Read, Run: sdk.Func(format), Description: "Writes a time in a form of your choice, in English."},
		{Name: "datetime_add", Effect: sdk.Read, Run: sdk.Func(add), Description: "Adds years, months, days, hours, minutes and seconds to a time, or takes them away; years, months and days by the calendar of the time zone."},
		{Name: "datetime_diff", Effect: sdk.Read, Run: sdk.Func(diff), Description: "Tells how long it is from one time to another."},
		{Name: "datetime_convert_timezone", Effect: sdk.Read, Description: "Tells a time in another time zone. A time without an offset is taken as UTC: give the offset to be sure.",
			Run: sdk.Func(func(_ context.Context, _ *sdk.Call, in timed) (moment, error) {
				zone, err := in.location()
				if err != nil {
					return moment{}, err
				}
				t, err := read("/time", in.Time, time.UTC)
				return momentOf(t.In(zone)), err
			})},
	}
}

func (in timed) read() (time.Time, error) {
	zone, err := in.location()
	if err != nil {
		return time.Time{}, err
	}
	t, err := read("/time", in.Time, zone)
	return t.In(zone), err
}

func parse(_ context.Context, _ *sdk.Call, in parsing) (moment, error) {
	if in.Format == "" {
		t, err := in.read()
		return momentOf(t), err
	}
	zone, err := in.location()
	if err != nil {
		return moment{}, err
	}
	layout, err := layoutOf(in.Format)
	if err != nil {
		return moment{}, err
	}
	t, err := time.ParseInLocation(layout, in.Time, zone)
	if err != nil || t.Year() < 0 || t.Year() > maxYear {
		return moment{}, sdk.Invalid("/time", "it is not written in the format")
	}
	return momentOf(t.In(zone)), nil
}

func format(_ context.Context, _ *sdk.Call, in formatting) (written, error) {
	t, err := in.read()
	if err != nil {
		return written{}, err
	}
	text, err := write(in.Format, t)
	return written{text}, err
}

func diff(_ context.Context, _ *sdk.Call, in spanning) (span, error) {
	zone, err := in.location()
	if err != nil {
		return span{}, err
	}
	from, err := read("/from", in.From, zone)
	if err != nil {
		return span{}, err
	}
	to, err := read("/to", in.To, zone)
	if err != nil {
		return span{}, err
	}
	// time.Duration holds no more than 292 years.
	seconds := float64(to.Unix()-from.Unix()) + float64(to.Nanosecond()-from.Nanosecond())/1e9
	return span{Seconds: seconds, Minutes: seconds / 60, Hours: seconds / 3600, Days: seconds / 86400}, nil
}

func add(_ context.Context, _ *sdk.Call, in adding) (moment, error) {
	t, err := in.read()
	if err != nil {
		return moment{}, err
	}
	year, month, day := t.Date()
	first := time.Date(year+in.Years, month+time.Month(in.Months), 1, 0, 0, 0, 0, t.Location())
	last := first.AddDate(0, 1, -1).Day()
	hour, minute, second := t.Clock()
	t = time.Date(first.Year(), first.Month(), min(day, last)+in.Days, hour, minute, second, t.Nanosecond(), t.Location())
	for _, seconds := range []float64{in.Hours * 3600, in.Minutes * 60, in.Seconds} {
		t = t.Add(time.Duration(seconds * float64(time.Second))) // one after the other: all at once may be more than a duration holds
	}
	if t.Year() < 0 || t.Year() > maxYear {
		return moment{}, sdk.Invalid("", "the result is beyond the years 0 to %d", maxYear)
	}
	return momentOf(t), nil
}
