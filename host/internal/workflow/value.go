package workflow

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

const (
	// maxValue bounds what an expression gives, in bytes, about; maxParts in values.
	maxValue = 8 << 20
	maxParts = 200_000
	maxDepth = 64
)

var errTooLarge = fmt.Errorf("the value is larger than %d MiB or has more than %d parts", maxValue>>20, maxParts)

// decodeJSON reads JSON and keeps the types: a number without a fraction is an integer.
func decodeJSON(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is something behind the JSON value")
	}
	return numbers(v), nil
}

// numbers replaces numbers as they were written by those that expressions compute with.
func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if !strings.ContainsAny(string(v), ".eE") {
			if n, err := v.Int64(); err == nil {
				return n
			}
		}
		f, _ := v.Float64() // too large a number is infinite, which fromCEL refuses
		return f
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = numbers(v[k])
		}
	}
	return v
}

// fromCEL makes a value of Go's JSON types of what an expression gave. A list that was doubled many times is small in CEL, and is refused
// here before it is written out.
func fromCEL(v ref.Val) (any, error) {
	b := budget{bytes: maxValue, parts: maxParts}
	return b.convert(v, 0)
}

type budget struct{ bytes, parts int }

func (b *budget) spend(bytes int) error {
	b.bytes -= bytes
	b.parts--
	if b.bytes < 0 || b.parts < 0 {
		return errTooLarge
	}
	return nil
}

func (b *budget) convert(v ref.Val, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("the value is nested too deeply")
	}
	size := 8
	if s, ok := v.(types.String); ok {
		size = len(s)
	}
	if err := b.spend(size); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case types.Null:
		return nil, nil
	case types.Bool:
		return bool(v), nil
	case types.Int:
		return int64(v), nil
	case types.Uint:
		return uint64(v), nil
	case types.Double:
		if f := float64(v); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f, nil
		}
		return nil, errors.New("JSON has no such number")
	case types.String:
		return string(v), nil
	case types.Timestamp, types.Duration, types.Bytes:
		return b.text(v)
	case traits.Mapper:
		return b.object(v, depth)
	case traits.Lister:
		return b.list(v, depth)
	}
	if types.IsError(v) {
		return nil, errors.New(clip(fmt.Sprint(v)))
	}
	return nil, fmt.Errorf("a %s is no JSON value", v.Type().TypeName())
}

// text writes a time, a duration or bytes as CEL writes them in JSON.
func (b *budget) text(v ref.Val) (any, error) {
	s, ok := v.ConvertToType(types.StringType).(types.String)
	if !ok {
		return nil, fmt.Errorf("this %s is no text", v.Type().TypeName())
	}
	return string(s), b.spend(len(s))
}

func (b *budget) list(l traits.Lister, depth int) (any, error) {
	if n, ok := l.Size().(types.Int); !ok || int64(n) > int64(b.parts) {
		return nil, errTooLarge
	}
	out := []any{}
	for it := l.Iterator(); it.HasNext() == types.True; {
		v, err := b.convert(it.Next(), depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (b *budget) object(m traits.Mapper, depth int) (any, error) {
	out := map[string]any{}
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		name, ok := key.(types.String)
		if !ok {
			return nil, errors.New("a key of a map is no text")
		}
		if err := b.spend(len(name)); err != nil {
			return nil, err
		}
		v, err := b.convert(m.Get(key), depth+1)
		if err != nil {
			return nil, err
		}
		out[string(name)] = v
	}
	return out, nil
}

// inText is how a value stands within a text: a string as it is, null as nothing, all else as JSON.
func inText(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	}
	raw, err := encode(v)
	if err != nil {
		return "", fmt.Errorf("writing a value: %w", err)
	}
	return string(raw), nil
}
