package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// text answers a value as text: a string as it is, a number or truth value as it is written, "" for the rest.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}

func list(v any) []any { l, _ := v.([]any); return l }

func obj(v any) object { o, _ := v.(object); return o }

// truth says whether a value is true, also as text.
func truth(v any) bool { return text(v) == "true" }

// texts answers the strings of a list.
func texts(v any) []string {
	var out []string
	for _, item := range list(v) {
		if s := text(item); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// keys answers the keys of an object, sorted.
func keys[T any](o map[string]T) []string { return slices.Sorted(maps.Keys(o)) }

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func unescape(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

// cutText shortens a text to at most n bytes.
func cutText(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) > n {
		return strings.ToValidUTF8(s[:n-3], "") + "…"
	}
	return s
}
