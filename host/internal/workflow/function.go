package workflow

import (
	"bytes"
	"encoding/json"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// maxText bounds what one function makes.
const maxText = 1 << 20

// functions are those that expressions have beside CEL's own.
func functions() []cel.EnvOption {
	text := func(name string, f func(string) string) cel.EnvOption {
		return cel.Function(name, cel.MemberOverload("string_"+name, []*cel.Type{cel.StringType}, cel.StringType,
			cel.UnaryBinding(func(v ref.Val) ref.Val { return bounded(f(string(v.(types.String)))) })))
	}
	return []cel.EnvOption{
		text("lower", strings.ToLower), text("upper", strings.ToUpper), text("trim", strings.TrimSpace),
		cel.Function("split", cel.MemberOverload("string_split", []*cel.Type{cel.StringType, cel.StringType}, cel.ListType(cel.StringType),
			cel.BinaryBinding(split))),
		cel.Function("join", cel.MemberOverload("list_join", []*cel.Type{cel.ListType(cel.DynType), cel.StringType}, cel.StringType, cel.BinaryBinding(join))),
		cel.Function("json", cel.Overload("json_dyn", []*cel.Type{cel.DynType}, cel.StringType, cel.UnaryBinding(toJSON))),
		cel.Function("parse_json", cel.Overload("parse_json_string", []*cel.Type{cel.StringType}, cel.DynType, cel.UnaryBinding(parseJSON))),
	}
}

func bounded(s string) ref.Val {
	if len(s) > maxText {
		return types.NewErr("the text would be larger than 1 MiB")
	}
	return types.String(s)
}

func split(text, separator ref.Val) ref.Val {
	s, sep := string(text.(types.String)), string(separator.(types.String))
	if strings.Count(s, sep) > maxItems {
		return types.NewErr("the list would have more than %d items", maxItems)
	}
	return types.NewStringList(types.DefaultTypeAdapter, strings.Split(s, sep))
}

func join(list, separator ref.Val) ref.Val {
	var b strings.Builder
	sep := string(separator.(types.String))
	for it, n := list.(traits.Lister).Iterator(), 0; it.HasNext() == types.True; n++ {
		if n > 0 {
			b.WriteString(sep)
		}
		part, err := fromCEL(it.Next())
		if err != nil {
			return types.NewErrFromString(err.Error())
		}
		word, err := inText(part)
		if err != nil {
			return types.NewErrFromString(err.Error())
		}
		b.WriteString(word)
		if b.Len() > maxText {
			break
		}
	}
	return bounded(b.String())
}

func toJSON(v ref.Val) ref.Val {
	value, err := fromCEL(v)
	if err != nil {
		return types.NewErrFromString(err.Error())
	}
	raw, err := encode(value)
	if err != nil {
		return types.NewErrFromString(err.Error())
	}
	return bounded(string(raw))
}

func parseJSON(v ref.Val) ref.Val {
	value, err := decodeJSON([]byte(string(v.(types.String))))
	if err != nil {
		return types.NewErr("the text is not JSON")
	}
	return types.DefaultTypeAdapter.NativeToValue(value)
}

// encode writes JSON as people do: < stays <.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
