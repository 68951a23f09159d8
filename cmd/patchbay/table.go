package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"
)

// table prints rows under a header, for people.
func (c *console) table(header []string, rows [][]string) {
	w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
	for _, row := range append([][]string{header}, rows...) {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = orDash(clean(cell))
		}
		_, _ = fmt.Fprintln(w, strings.TrimRight(strings.Join(cells, "\t"), "\t")) // as in say
	}
	_ = w.Flush() // as in say
}

// pairs prints names with their values, leaving out those without one.
func (c *console) pairs(pairs ...string) {
	w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			_, _ = fmt.Fprintf(w, "%s\t%s\n", clean(pairs[i]), clean(pairs[i+1])) // as in say
		}
	}
	_ = w.Flush() // as in say
}

// clean makes foreign text fit for a terminal: no control characters, which could move the cursor or rewrite what stands there.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// cleanLines does the same and keeps the lines.
func cleanLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(clean(lines[i]), " ")
	}
	return strings.Join(lines, "\n")
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// cut shortens text to at most n characters.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// date says a time in the local zone, as short as it can be understood.
func (c *console) date(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	then, now := t.In(c.local), c.now().In(c.local)
	switch {
	case then.Year() == now.Year() && then.YearDay() == now.YearDay():
		return then.Format("15:04:05")
	case then.Year() == now.Year():
		return then.Format("2 Jan 15:04")
	}
	return then.Format("2 Jan 2006")
}

// millis says a duration given in milliseconds.
func millis(ms float64) string {
	switch {
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 10_000:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f s", ms/1000)
}

// size says a number of bytes.
func size(n int64) string {
	units := []string{"B", "kB", "MB", "GB"}
	v, i := float64(n), 0
	for v >= 1000 && i < len(units)-1 {
		v, i = v/1000, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}
