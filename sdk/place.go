package sdk

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
)

// placePattern finds the properties in a path: {id}, or {+name}, whose slashes part the path.
var placePattern = regexp.MustCompile(`\{(\+?)([a-zA-Z0-9_]+)\}`)

// placesIn answers the properties that a path names.
func placesIn(path string) (names []string) {
	for _, place := range placePattern.FindAllStringSubmatch(path, -1) {
		names = append(names, place[2])
	}
	return names
}

// fillPath puts values in their places, escaped. A place without a value makes a path that is refused (see [Path]).
func fillPath(path string, values Object) string {
	return placePattern.ReplaceAllStringFunc(path, func(place string) string {
		name, keepsSlashes := strings.CutPrefix(strings.Trim(place, "{}"), "+")
		parts := []string{plain(values[name])}
		if keepsSlashes {
			parts = strings.Split(parts[0], "/")
		}
		for i, part := range parts {
			parts[i] = Path("%s", part)
		}
		return strings.Join(parts, "/")
	})
}

// setQuery gives a parameter its value: a list gives it several times, null not at all.
func setQuery(q url.Values, name string, value json.RawMessage) {
	delete(q, name)
	var list []json.RawMessage
	switch {
	case IsNull(value):
	case json.Unmarshal(value, &list) == nil:
		for _, one := range list {
			q.Add(name, plain(one))
		}
	default:
		q.Set(name, plain(value))
	}
}

// plain answers a JSON value as it stands in an address or a form: a string without its quotes, nothing for null, anything else as it is written.
func plain(value json.RawMessage) string {
	switch {
	case IsNull(value):
		return ""
	case value[0] == '"':
		return Text(value)
	}
	return string(value)
}
