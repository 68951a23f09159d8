package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/google/jsonschema-go/jsonschema"
)

// Handler is an operation's function with the schemas of its input and output. [Func] makes it.
type Handler struct {
	input, output *jsonschema.Schema
	err           error
	run           func(context.Context, *Call, []byte) ([]byte, error)
}

// Func makes a Handler of a typed function. The JSON Schema of the input comes from In, a struct: a property is required
// unless its json tag says omitempty, unknown properties are refused. Tags of a field, besides `json` and `jsonschema` (the
// description): `enum:"a,b"`, `default:"1"`, `minimum`, `maximum`, `minLength`, `maxLength`, `minItems`, `maxItems`, `pattern`, `format`.
// The output's schema comes from Out; json.RawMessage, any and map[string]any mean any JSON.
func Func[In, Out any](f func(context.Context, *Call, In) (Out, error)) Handler {
	h := Handler{run: func(ctx context.Context, call *Call, input []byte) ([]byte, error) {
		var in In
		if err := json.Unmarshal(input, &in); err != nil {
			return nil, Invalid("", "it does not fit the operation's schema (%s)", shortJSONError(err))
		}
		out, err := f(ctx, call, in)
		if err != nil {
			return nil, err
		}
		encoded, err := json.Marshal(out)
		if err != nil {
			return nil, Errorf(AdapterBug, "The adapter's answer is not JSON.")
		}
		return encoded, nil
	}}
	h.input, h.err = inputSchema(reflect.TypeFor[In]())
	if h.err == nil {
		h.output, h.err = outputSchema(reflect.TypeFor[Out]())
	}
	return h
}

// Hosted makes a Handler for an operation that the host itself serves, such as those of sandboxes, which its records decide about: the
// adapter declares it, and refuses a call that comes to it all the same.
func Hosted[In, Out any]() Handler {
	return Func(func(_ context.Context, call *Call, _ In) (Out, error) {
		var none Out
		return none, Errorf(InvalidInput, "The host serves %s itself; it is not for the adapter.", call.Operation)
	})
}

// None is the input of an operation that takes nothing, and the output of one that answers nothing.
type None struct{}

// shortJSONError says where decoding failed without quoting the input.
func shortJSONError(err error) string {
	var mistyped *json.UnmarshalTypeError
	if errors.As(err, &mistyped) {
		return fmt.Sprintf("%s must be %s", mistyped.Field, mistyped.Type.Kind())
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Sprintf("not JSON at byte %d", syntax.Offset)
	}
	return "not a JSON object"
}
