package main

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
)

const maxName = 60

// snake makes a safe name of any text: lower case letters, digits and underscores, beginning with a letter.
func snake(s string) string {
	var b strings.Builder
	runes := []rune(s)
	for i, r := range runes {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case r >= 'A' && r <= 'Z':
			before := i > 0 && (unicode.IsLower(runes[i-1]) || unicode.IsDigit(runes[i-1]))
			after := i > 0 && i+1 < len(runes) && unicode.IsUpper(runes[i-1]) && unicode.IsLower(runes[i+1])
			if before || after {
				b.WriteByte('_')
			}
			b.WriteRune(unicode.ToLower(r))
		default:
			b.WriteByte('_')
		}
	}
	parts := strings.FieldsFunc(b.String(), func(r rune) bool { return r == '_' })
	name := strings.Join(parts, "_")
	if name != "" && name[0] >= '0' && name[0] <= '9' {
		name = "op_" + name
	}
	return name
}

// operationName names an operation by its id, or by its method and path where it has none.
func operationName(id, method, path string) string {
	name := snake(id)
	if name == "" {
		name = snake(strings.ToLower(method) + "_" + strings.NewReplacer("{", "by_", "}", "").Replace(path))
	}
	if len(name) > maxName {
		name = marked(name, method, path)
	}
	return name
}

// marked makes a name that no other operation has, by a mark that depends on method and path alone.
func marked(name, method, path string) string {
	sum := sha256.Sum256([]byte(method + " " + path))
	return strings.TrimRight(name[:min(len(name), maxName-9)], "_") + "_" + hex.EncodeToString(sum[:4])
}

// propertyKey makes a name that a language model may use for a property.
func propertyKey(name string) string {
	key := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '.' {
			return r
		}
		return '_'
	}, name)
	for strings.Contains(key, "__") {
		key = strings.ReplaceAll(key, "__", "_")
	}
	key = strings.Trim(key, "_")
	if key == "" {
		key = "value"
	}
	return key[:min(len(key), 64)]
}
