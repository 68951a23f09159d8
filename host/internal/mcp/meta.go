package mcp

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/dispatch"
)

// Names of the host's own tools. Operations have an underscore more.
const (
	toolAuthenticate = "authenticate"
	toolCall         = "call_operation"
	toolDescribe     = "describe_operation"
	toolSearch       = "search_operations"
)

// metaTool is a tool of the host itself. Its input is checked as an operation's is.
type metaTool struct {
	operation catalog.Operation
	run       func(s *Server, ctx context.Context, c *caller, req *sdk.CallToolRequest) (*sdk.CallToolResult, error)
}

// metaTools are the host's own tools, sorted by name.
type metaTools []*metaTool

func newMetaTools() (metaTools, error) {
	out := metaTools{
		{run: (*Server).authenticate, operation: catalog.Operation{Name: toolAuthenticate, Title: "Connect an account", Effect: catalog.Idempotent,
			Description: "Makes a link on which the user connects an account of a platform, or connects one again whose authorisation has ended. Give the link " +
				"to the user; it works once. When the user has connected the account, its operations are there.",
			InputSchema: json.RawMessage(`{"type":"object","additionalProperties":false,"properties":{
				"platform":{"type":"string","minLength":1,"maxLength":63,"description":"Id of the platform, such as slack"},
				"integration":{"type":"string","minLength":1,"maxLength":64,"description":"Id of the account to connect again, in place of a platform"},
				"label":{"type":"string","minLength":1,"maxLength":100,"description":"What the new account is to be called"}},
				"oneOf":[{"required":["platform"]},{"required":["integration"]}]}`)}},
		{run: (*Server).callOperation, operation: catalog.Operation{Name: toolCall, Title: "Run an operation", Effect: catalog.Write,
			Description: "Runs an operation that search_operations found, with an input that fits the schema that describe_operation answers.",
			InputSchema: json.RawMessage(`{"type":"object","additionalProperties":false,"required":["name"],"properties":{
				"name":{"type":"string","description":"Name of the operation, as search_operations answers it"},
				"input":{"type":"object","description":"The operation's input"},
				"timeout":{"type":"string","description":"A duration such as 30s; 2m when left out, at most 15m"}}}`)}},
		{run: (*Server).describeOperation, operation: catalog.Operation{Name: toolDescribe, Title: "Describe an operation", Effect: catalog.Read,
			Description: "Answers the schemas of an operation's input and output, and what it does.",
			InputSchema: json.RawMessage(`{"type":"object","additionalProperties":false,"required":["name"],"properties":{
				"name":{"type":"string","description":"Name of the operation, as search_operations answers it"}}}`)}},
		{run: (*Server).searchOperations, operation: catalog.Operation{Name: toolSearch, Title: "Search operations", Effect: catalog.Read,
			Description: "Finds operations of the user's connected accounts by words. Without a query it lists them by name.",
			InputSchema: json.RawMessage(`{"type":"object","additionalProperties":false,"properties":{
				"query":{"type":"string","maxLength":200,"description":"Words such as: send message"},
				"platform":{"type":"string","maxLength":63,"description":"Id of a platform, such as slack"},
				"effect":{"enum":["read","idempotent","write"]},
				"limit":{"type":"integer","minimum":1,"maximum":100,"description":"20 when left out"}}}`)}},
	}
	for _, t := range out {
		if err := t.operation.CheckSchema(); err != nil {
			return nil, fmt.Errorf("compiling the schema of %s: %w", t.operation.Name, err)
		}
	}
	return out, nil
}

// tools answers all that the caller may use.
func (m metaTools) tools(c *caller) []*sdk.Tool {
	var out []*sdk.Tool
	for _, t := range m {
		if t.may(c) {
			out = append(out, &sdk.Tool{Name: t.operation.Name, Title: t.operation.Title, Description: t.operation.Description,
				InputSchema: t.operation.InputSchema, Annotations: annotations(t.operation.Effect)})
		}
	}
	return out
}

// beside answers those that stand beside operations which are tools themselves.
func (m metaTools) beside(c *caller) []*sdk.Tool {
	return slices.DeleteFunc(m.tools(c), func(t *sdk.Tool) bool { return t.Name != toolAuthenticate })
}

// find answers the tool of a name, whether the list holds it or not.
func (m metaTools) find(c *caller, name string) (*metaTool, bool) {
	for _, t := range m {
		if t.operation.Name == name && t.may(c) {
			return t, true
		}
	}
	return nil, false
}

func (t *metaTool) may(c *caller) bool { return t.operation.Name != toolAuthenticate || mayConnect(c) }

// runMeta checks the input of one of the host's own tools and runs it.
func (s *Server) runMeta(ctx context.Context, c *caller, t *metaTool, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
	if len(req.Params.Arguments) == 0 || string(req.Params.Arguments) == "null" {
		req.Params.Arguments = json.RawMessage("{}")
	}
	f := fits(req.Params.Arguments)
	if f == nil {
		f = asFailure(t.operation.CheckInput(req.Params.Arguments))
	}
	if f != nil {
		return s.failed(c, "", "", f), nil
	}
	return t.run(s, ctx, c, req)
}

type operationView struct {
	Name        string `json:"name"`
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
	Effect      string `json:"effect"`
	Platform    string `json:"platform"`
	Account     string `json:"account"`
	Integration string `json:"integration"`
}

func (o offer) view(describe int) operationView {
	return operationView{Name: o.name, Title: o.title(), Description: tidy(o.description(), describe), Effect: string(o.operation.Effect),
		Platform: o.platform.ID, Account: tidy(o.account.Label, maxTitle), Integration: o.account.ID}
}

func (s *Server) searchOperations(ctx context.Context, c *caller, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
	in := struct {
		Query, Platform, Effect string
		Limit                   int
	}{Limit: 20}
	if err := json.Unmarshal(req.Params.Arguments, &in); err != nil {
		return nil, badParams("The arguments cannot be read.")
	}
	offers, err := s.offers(ctx, c, in.Platform)
	if err != nil {
		return nil, err
	}
	offers = slices.DeleteFunc(active(offers), func(o offer) bool { return in.Effect != "" && string(o.operation.Effect) != in.Effect })
	found := rank(offers, in.Query)
	out := struct {
		Operations []operationView `json:"operations"`
		Total      int             `json:"total"`
	}{[]operationView{}, len(found)}
	for _, o := range found[:min(len(found), in.Limit)] {
		out.Operations = append(out.Operations, o.view(300))
	}
	return structured(out)
}

// rank answers the offers that hold words of a query, those with the most first, and words of a name count for more; all where there is no query.
func rank(offers []offer, query string) []offer {
	words := strings.Fields(strings.ToLower(query))
	if len(words) == 0 {
		return offers
	}
	score := map[string]int{}
	for _, o := range offers {
		name := strings.ToLower(o.name)
		text := strings.ToLower(o.title() + " " + o.operation.Description + " " + o.account.Label)
		for _, w := range words {
			switch {
			case strings.Contains(name, w):
				score[o.name] += 3
			case strings.Contains(text, w):
				score[o.name]++
			}
		}
	}
	out := slices.DeleteFunc(slices.Clone(offers), func(o offer) bool { return score[o.name] == 0 })
	slices.SortStableFunc(out, func(a, b offer) int { return score[b.name] - score[a.name] })
	return out
}

func (s *Server) describeOperation(ctx context.Context, c *caller, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
	var in struct{ Name string }
	if err := json.Unmarshal(req.Params.Arguments, &in); err != nil {
		return nil, badParams("The arguments cannot be read.")
	}
	o, ok, err := s.find(ctx, c, in.Name)
	if err != nil {
		return nil, err
	}
	if !ok {
		return s.failed(c, "", "", unknown(in.Name)), nil
	}
	return structured(struct {
		operationView
		InputSchema  json.RawMessage `json:"input_schema"`
		OutputSchema json.RawMessage `json:"output_schema,omitempty"`
		Status       string          `json:"status"`
	}{o.view(maxDescription), inputSchema(o.operation.InputSchema), readable(o.operation.OutputSchema), string(o.account.Status())})
}

func (s *Server) callOperation(ctx context.Context, c *caller, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
	var in struct {
		Name, Timeout string
		Input         json.RawMessage
	}
	if err := json.Unmarshal(req.Params.Arguments, &in); err != nil {
		return nil, badParams("The arguments cannot be read.")
	}
	var timeout time.Duration
	if in.Timeout != "" {
		var err error
		if timeout, err = time.ParseDuration(in.Timeout); err != nil || timeout <= 0 || timeout > dispatch.MaxTimeout {
			return s.failed(c, "", "", &catalog.Failure{Kind: catalog.ValidationFailed, Message: "The timeout cannot be used.",
				Violations: []catalog.Violation{{Pointer: "/timeout", Detail: "must be a duration such as 30s, at most 15m"}}}), nil
		}
	}
	o, ok, err := s.find(ctx, c, in.Name)
	if err != nil {
		return nil, err
	}
	if !ok {
		return s.failed(c, "", "", unknown(in.Name)), nil
	}
	return s.run(ctx, c, o, req, in.Input, timeout)
}

func unknown(name string) *catalog.Failure {
	return &catalog.Failure{Kind: catalog.OperationNotFound,
		Message: fmt.Sprintf("There is no operation %q. %s finds those that there are.", tidy(name, maxName), toolSearch)}
}

// structured makes a result of a value of this package.
func structured(v any) (*sdk.CallToolResult, error) {
	encoded, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding a result: %w", err)
	}
	return &sdk.CallToolResult{StructuredContent: json.RawMessage(encoded), Content: []sdk.Content{&sdk.TextContent{Text: string(encoded)}}}, nil
}
