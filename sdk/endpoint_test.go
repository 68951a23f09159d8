package sdk_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

type paged struct {
	Cursor string `json:"cursor,omitempty" to:"query pageToken"`
	Limit  int    `json:"limit,omitempty" to:"query maxResults" default:"25"`
}

type videoInput struct {
	ID      string         `json:"id"`
	Title   string         `json:"title,omitempty" to:"body snippet.title"`
	Tags    []string       `json:"tags,omitempty" to:"body snippet.tags"`
	Part    []string       `json:"part,omitempty" to:"query" join:","`
	Label   []string       `json:"label_ids,omitempty" to:"query"`
	IsKids  bool           `json:"is_kids,omitempty"`
	Further map[string]any `json:"further,omitempty" to:"body ."`
	paged
}

func (in videoInput) Validate() error {
	if in.Title == "refused" {
		return sdk.Invalid("/title", "it is refused")
	}
	return nil
}

type videoPage struct {
	Items      []map[string]any `json:"items"`
	Total      int              `json:"total_count,omitempty" from:"pageInfo.totalResults"`
	NextCursor string           `json:"next_cursor,omitempty" from:"nextPageToken"`
	WhoMade    string           `json:"who_made,omitempty"`
}

func endpointAdapter(endpoint sdk.Endpoint, run sdk.Handler) sdk.Adapter {
	return sdk.Adapter{Name: "a", Version: "1.0.0", Platforms: []sdk.Platform{{ID: "p", Name: "P", Category: sdk.Tools, Description: "d",
		BaseURL: "https://p.example", Hosts: []string{endpoint.Host}, Auth: []sdk.AuthMethod{sdk.APIKey("h")},
		Operations: []sdk.Operation{{Name: "go", Description: "d", Effect: sdk.Write, Run: run}}}}}
}

// sent runs an endpoint and answers the request as text with the output.
func sent(t *testing.T, endpoint sdk.Endpoint, run sdk.Handler, input any, answer string) (request, output string, err error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // a cut body shows in the comparison
		request = strings.TrimSpace(r.Method + " " + r.URL.RequestURI() + " " + string(body))
		if answer == "" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		_, _ = io.WriteString(w, answer) // the test sees when it does not arrive
	}))
	t.Cleanup(server.Close)
	if endpoint.Host == "" {
		endpoint.Host = "other.example"
	}
	result, err := sdktest.Start(t, endpointAdapter(endpoint, run)).Execute(t.Context(), sdktest.Request{Platform: "p", Operation: "go", Input: input,
		Method: sdk.MethodAPIKey, Fields: map[string]string{"api_key": "k"}, BaseURL: server.URL + "/base"})
	return request, string(result.Output), err
}

func TestSend(t *testing.T) {
	type in = map[string]any
	post := sdk.Endpoint{Method: http.MethodPost, Path: "/videos/{id}", CamelCase: true}
	get := sdk.Endpoint{Path: "/videos/{+id}", Host: "other.example", Query: sdk.Query("key", "v")}
	form := sdk.Endpoint{Method: http.MethodPost, Path: "/v", Form: true, Body: in{"api_type": "json"}}
	type formInput struct {
		ID  string `json:"id"`
		Dir int    `json:"dir"`
	}
	tests := map[string]struct {
		endpoint sdk.Endpoint
		run      sdk.Handler
		input    any
		answer   string
		request  string
		output   string
	}{
		"places": {post, sdk.Send[videoInput, videoPage](post), in{"id": "a/b?c", "title": "T", "tags": []string{"x"}, "part": []string{"id", "snippet"}, "label_ids": []string{"A", "B"},
			"is_kids": false, "cursor": "n", "further": in{"etag": "1"}}, `{"nextPageToken":"m","pageInfo":{"totalResults":7},"whoMade":"me"}`,
			`POST /base/videos/a%2Fb%3Fc?labelIds=A&labelIds=B&maxResults=25&pageToken=n&part=id%2Csnippet {"etag":"1","isKids":false,"snippet":{"tags":["x"],"title":"T"}}`,
			`{"items":[],"total_count":7,"next_cursor":"m","who_made":"me"}`},
		"an empty body": {post, sdk.Send[videoInput, videoPage](post), in{"id": "1", "limit": 3}, `{"items":[{"a":12345678901234567}],"next_cursor":"not this"}`,
			`POST /base/videos/1?maxResults=3 {}`, `{"items":[{"a":12345678901234567}]}`},
		"query and slashes": {get, sdk.Send[struct {
			ID    string `json:"id"`
			Exact bool   `json:"exact,omitempty"`
		}, map[string]any](get), in{"id": "people/../c 1", "exact": false}, `{"ok":true}`, `GET /base/videos/people/%2E%2E/c%201?exact=false&key=v`, `{"ok":true}`},
		"form":    {form, sdk.Send[formInput, sdk.None](form), in{"id": "t3_1", "dir": -1}, `not JSON`, `POST /base/v api_type=json&dir=-1&id=t3_1`, `{}`},
		"nothing": {post, sdk.Send[videoInput, videoPage](post), in{"id": "1"}, ``, `POST /base/videos/1?maxResults=25 {}`, `{"items":[]}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			request, output, err := sent(t, test.endpoint, test.run, test.input, test.answer)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{test.request, strings.ReplaceAll(test.output, "12345678901234567", "12345678901234568")}, []string{request, output}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSendRefuses(t *testing.T) {
	post := sdk.Endpoint{Method: http.MethodPost, Path: "/videos/{id}"}
	for name, input := range map[string]any{"by its own check": map[string]any{"id": "1", "title": "refused"}, "an empty place in the path": map[string]any{"id": ""}} {
		request, _, err := sent(t, post, sdk.Send[videoInput, videoPage](post), input, "{}")
		if sdk.KindOf(err) != sdk.InvalidInput || request != "" {
			t.Errorf("%s: got %v and the request %q", name, err, request)
		}
	}
	signIn := sdk.Endpoint{Path: "/", Methods: []string{sdk.MethodOAuth2}}
	request, _, err := sent(t, signIn, sdk.Send[sdk.None, sdk.None](signIn), map[string]any{}, "{}")
	if sdk.KindOf(err) != sdk.PermissionDenied || request != "" {
		t.Errorf("another auth method: got %v and the request %q", err, request)
	}
	if _, _, err := sent(t, post, sdk.Send[videoInput, videoPage](post), map[string]any{"id": "1"}, `[]`); sdk.KindOf(err) != sdk.PlatformError {
		t.Errorf("got %v, want the complaint about an answer of another shape", err)
	}
}

// What one call put into the body is not in the next one's.
func TestSendKeepsNothing(t *testing.T) {
	post := sdk.Endpoint{Method: http.MethodPost, Path: "/v", Body: map[string]any{"snippet": map[string]any{"kind": "k"}}, Query: sdk.Query("part", "id")}
	run := sdk.Send[struct {
		Title string   `json:"title,omitempty" to:"body snippet.title"`
		Part  []string `json:"part,omitempty" to:"query"`
	}, sdk.None](post)
	for _, step := range []struct {
		input any
		want  string
	}{
		{map[string]any{"title": "secret", "part": []string{"a", "b"}}, `POST /base/v?part=a&part=b {"snippet":{"kind":"k","title":"secret"}}`},
		{map[string]any{}, `POST /base/v?part=id {"snippet":{"kind":"k"}}`},
	} {
		request, _, err := sent(t, post, run, step.input, "{}")
		if err != nil || request != step.want {
			t.Errorf("got %s, %v, want %s", request, err, step.want)
		}
	}
}

// A tag that says nothing known is found when the adapter starts.
func TestSendTags(t *testing.T) {
	endpoint := sdk.Endpoint{Path: "/"}
	run := sdk.Send[struct {
		A string `json:"a" to:"elsewhere"`
	}, sdk.None](endpoint)
	if _, err := sdk.NewServer(endpointAdapter(sdk.Endpoint{Host: "h.example"}, run)); err == nil || !strings.Contains(err.Error(), "want to:") {
		t.Errorf("got %v", err)
	}
}
