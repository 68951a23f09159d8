package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/patchbay/patchbay/sdk"
)

// maxYear is the last that RFC 3339 can write.
const maxYear = 9999

// usual are the forms in which a time is known without a format. The first that fits counts; none is ambiguous.
var usual = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly,
	time.RFC1123Z, time.RFC1123, time.RFC850, time.ANSIC, "2 January 2006", "January 2, 2006", "2 Jan 2006", "Jan 2, 2006"}

// read reads a time in one of the usual forms; one without a zone is in the given one.
func read(pointer, text string, zone *time.Location) (time.Time, error) {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseFloat(text, 64); err == nil && len(text) > 6 && n > -1e14 && n < 1e15 {
		if n > 1e11 || n < -1e11 {
			return inYears(pointer, time.UnixMilli(int64(n)).In(zone))
		}
		whole := int64(n)
		return inYears(pointer, time.Unix(whole, int64((n-float64(whole))*1e9)).In(zone))
	}
	for _, layout := range usual {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return inYears(pointer, t)
		}
	}
	return time.Time{}, sdk.Invalid(pointer, "it is no time in a form that is known; write it like 2026-05-01T12:00:00Z, or give a format to datetime_parse")
}

func inYears(pointer string, t time.Time) (time.Time, error) {
	if t.Year() < 0 || t.Year() > maxYear {
		return time.Time{}, sdk.Invalid(pointer, "it is beyond the years 0 to %d", maxYear)
	}
	return t, nil
}

// directives are those of a format, in the language of package time.
var directives = map[byte]string{'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'y': "06", 'b': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday",
	'j': "002", 'I': "03", 'p': "PM", 'z': "-0700", 'Z': "MST"}

// write writes a time by a format.
func write(format string, t time.Time) (string, error) {
	var out strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			out.WriteByte(format[i])
			continue
		}
		if i++; i == len(format) {
			return "", sdk.Invalid("/format", "it ends with a single %%")
		}
		switch layout, ok := directives[format[i]]; {
		case ok:
			out.WriteString(t.Format(layout))
		case format[i] == 'f':
			out.WriteString(strings.TrimPrefix(t.Format(".000"), "."))
		case format[i] == 's':
			out.WriteString(strconv.FormatInt(t.Unix(), 10))
		case format[i] == '%':
			out.WriteByte('%')
		default:
			return "", sdk.Invalid("/format", "%%%s is not known", string(rune(format[i])))
		}
	}
	return out.String(), nil
}

// layoutOf makes a layout for reading. Letters and digits outside of directives could be taken for some, so they are refused, but for T and Z.
func layoutOf(format string) (string, error) {
	var out strings.Builder
	for i := 0; i < len(format); i++ {
		c := format[i]
		if c != '%' {
			letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
			if letter && c != 'T' && c != 'Z' {
				return "", sdk.Invalid("/format", "beside directives such as %%Y it may hold signs and blanks alone, and T and Z")
			}
			out.WriteByte(c)
			continue
		}
		if i++; i == len(format) {
			return "", sdk.Invalid("/format", "it ends with a single %%")
		}
		layout, ok := directives[format[i]]
		if !ok {
			return "", sdk.Invalid("/format", "%%%s is not known here", string(rune(format[i])))
		}
		out.WriteString(layout)
	}
	return out.String(), nil
}
