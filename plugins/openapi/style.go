package main

import (
	"encoding/json"
	"net/url"
	"strings"
)

// plain writes a value as text: what is no plain value as JSON.
func plain(v any) string {
	switch v := v.(type) {
	case object, []any:
		encoded, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		return string(encoded)
	case nil:
		return ""
	default:
		return text(v)
	}
}

// member is a part of a value that is no plain one.
type member struct{ name, value string }

func members(v any) (out []member, isObject, plainValue bool) {
	switch v := v.(type) {
	case object:
		for _, key := range keys(v) {
			out = append(out, member{key, plain(v[key])})
		}
		return out, true, false
	case []any:
		for _, item := range v {
			out = append(out, member{"", plain(item)})
		}
		return out, false, false
	}
	return nil, false, true
}

// write writes a value in a path (RFC 6570 as OpenAPI has it: simple, label, matrix). Each part is escaped, so that none changes the path.
func (p parameter) write(v any) string {
	if p.JSON {
		return url.PathEscape(plain(v))
	}
	prefix, separator := "", ","
	switch p.Style {
	case "label":
		prefix, separator = ".", map[bool]string{true: ".", false: ","}[p.Explode]
	case "matrix":
		prefix, separator = ";"+pathPart(p.Name)+"=", map[bool]string{true: ";" + pathPart(p.Name) + "=", false: ","}[p.Explode]
	}
	parts, isObject, plainValue := members(v)
	if plainValue {
		if value := plain(v); value != "" {
			return prefix + pathPart(value)
		}
		return ""
	}
	if isObject && p.Explode && p.Style == "matrix" {
		prefix, separator = ";", ";"
	}
	var written []string
	for _, m := range parts {
		switch {
		case !isObject:
			written = append(written, pathPart(m.value))
		case p.Explode:
			written = append(written, pathPart(m.name)+"="+pathPart(m.value))
		default:
			written = append(written, pathPart(m.name), pathPart(m.value))
		}
	}
	if len(written) == 0 {
		return ""
	}
	return prefix + strings.Join(written, separator)
}

// pathPart escapes a value for a path; dots alone would lead elsewhere.
func pathPart(s string) string {
	if s == "." || s == ".." {
		return strings.ReplaceAll(s, ".", "%2E")
	}
	return url.PathEscape(s)
}

// pairs writes a value as parts of a query: form, spaceDelimited, pipeDelimited and deepObject.
func (p parameter) pairs(v any) []string {
	escape := url.QueryEscape
	if p.Reserved {
		escape = reserved
	}
	name := url.QueryEscape(p.Name)
	if p.JSON {
		return []string{name + "=" + escape(plain(v))}
	}
	if p.Style == "deepObject" {
		return deep(name, v, escape)
	}
	parts, isObject, plainValue := members(v)
	switch {
	case plainValue:
		return []string{name + "=" + escape(plain(v))}
	case p.Explode && isObject:
		var out []string
		for _, m := range parts {
			out = append(out, escape(m.name)+"="+escape(m.value))
		}
		return out
	case p.Explode:
		var out []string
		for _, m := range parts {
			out = append(out, name+"="+escape(m.value))
		}
		return out
	}
	separator := map[string]string{"spaceDelimited": "%20", "pipeDelimited": "%7C", "tabDelimited": "%09"}[p.Style]
	var written []string
	for _, m := range parts {
		if isObject {
			written = append(written, escape(m.name))
		}
		written = append(written, escape(m.value))
	}
	if len(written) == 0 {
		return nil
	}
	return []string{name + "=" + strings.Join(written, or(separator, ","))}
}

// deep writes a value with its members in brackets, at any depth.
func deep(name string, v any, escape func(string) string) []string {
	var out []string
	switch v := v.(type) {
	case object:
		for _, key := range keys(v) {
			out = append(out, deep(name+"%5B"+url.QueryEscape(key)+"%5D", v[key], escape)...)
		}
	case []any:
		for _, item := range v {
			out = append(out, deep(name+"%5B%5D", item, escape)...)
		}
	default:
		out = append(out, name+"="+escape(plain(v)))
	}
	return out
}

// reserved escapes a value but for :/?@!$'()*,; which an allowReserved parameter keeps. What would end the value or begin another one is
// escaped all the same.
func reserved(s string) string {
	escaped := url.QueryEscape(s)
	return strings.NewReplacer("%3A", ":", "%2F", "/", "%3F", "?", "%40", "@", "%21", "!", "%24", "$", "%27", "'", "%28", "(", "%29", ")",
		"%2A", "*", "%2C", ",", "%3B", ";").Replace(escaped)
}

// plainHeader writes a value for a header or a cookie.
func plainHeader(p parameter, v any) string {
	parts, isObject, plainValue := members(v)
	if plainValue || p.JSON {
		return plain(v)
	}
	var written []string
	for _, m := range parts {
		switch {
		case !isObject:
			written = append(written, m.value)
		case p.Explode:
			written = append(written, m.name+"="+m.value)
		default:
			written = append(written, m.name, m.value)
		}
	}
	return strings.Join(written, ",")
}
