package main

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/patchbay/patchbay/sdk"
)

// object is any JSON object, kept as it came.
type object map[string]json.RawMessage

// get, post, patch and remove are requests as data.
func get(path string) sdk.Endpoint { return sdk.Endpoint{Path: path} }

func post(path string) sdk.Endpoint { return sdk.Endpoint{Method: http.MethodPost, Path: path} }

func patch(path string) sdk.Endpoint { return sdk.Endpoint{Method: http.MethodPatch, Path: path} }

func remove(path string) sdk.Endpoint { return sdk.Endpoint{Method: http.MethodDelete, Path: path} }

// paged is how lists are asked for a page.
type paged struct {
	Cursor string `json:"cursor,omitempty" to:"query start_cursor" maxLength:"1000" jsonschema:"next_cursor of the page before; leave it out for the first page"`
	Limit  int    `json:"limit,omitempty" to:"query page_size" minimum:"1" maximum:"100" jsonschema:"how many at most; 100 when left out"`
}

// pagedBody is paged where Notion wants it in the body.
type pagedBody struct {
	Cursor string `json:"cursor,omitempty" to:"body start_cursor" maxLength:"1000" jsonschema:"next_cursor of the page before; leave it out for the first page"`
	Limit  int    `json:"limit,omitempty" to:"body page_size" minimum:"1" maximum:"100" jsonschema:"how many at most; 100 when left out"`
}

// page is one page of a list.
type page struct {
	Results    []object `json:"results"`
	NextCursor *string  `json:"next_cursor,omitempty"`
}

func searchOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "search", Effect: sdk.Read, Run: sdk.Func(search), Description: "Finds pages and data sources by words in their title, among those that were shared with the connection, in pages; all of them without words. It does not search content, and new pages may take a while to be found."},
	}
}

type searchInput struct {
	Query     string `json:"query,omitempty" maxLength:"500" jsonschema:"words in the title"`
	Kind      string `json:"kind,omitempty" enum:"page,data_source"`
	Direction string `json:"direction,omitempty" enum:"ascending,descending" jsonschema:"by the time of the last edit"`
	Cursor    string `json:"cursor,omitempty" maxLength:"1000" jsonschema:"next_cursor of the page before; leave it out for the first page"`
	Limit     int    `json:"limit,omitempty" minimum:"1" maximum:"100" jsonschema:"how many at most; 100 when left out"`
}

func search(ctx context.Context, call *sdk.Call, in searchInput) (page, error) {
	body := map[string]any{}
	for name, value := range map[string]string{"query": in.Query, "start_cursor": in.Cursor} {
		if value != "" {
			body[name] = value
		}
	}
	if in.Limit > 0 {
		body["page_size"] = in.Limit
	}
	if in.Kind != "" {
		body["filter"] = map[string]string{"property": "object", "value": in.Kind}
	}
	if in.Direction != "" {
		body["sort"] = map[string]string{"timestamp": "last_edited_time", "direction": in.Direction}
	}
	out := page{Results: []object{}}
	return out, call.Do(ctx, sdk.Request{Path: "/v1/search", JSON: body}, &out)
}

func pageOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "get_page", Effect: sdk.Read, Run: sdk.Send[getPageInput, object](get("/v1/pages/{page_id}")), Description: "Answers a page's properties, parent, icon and state, not its content (get_page_markdown or list_block_children has that). Properties with more than 25 references are cut: get_page_property has all."},
		{Name: "get_page_property", Effect: sdk.Read, Run: sdk.Send[propertyInput, object](get("/v1/pages/{page_id}/properties/{property_id}")), Description: "Answers one property of a page whole; lists of people, relations and rich text in pages."},
		{Name: "get_page_markdown", Effect: sdk.Read, Run: sdk.Send[markdownInput, markdown](get("/v1/pages/{page_id}/markdown")), Description: "Reads a page's whole content as Markdown, the easiest way to read it. Very long pages are cut, which truncated says."},
		{Name: "create_page", Effect: sdk.Write, Run: sdk.Func(createPage), Description: "Makes a page below a page, or an entry in a data source. properties are Notion's: below a page {\"title\":[{\"text\":{\"content\":\"My title\"}}]}; in a data source as get_data_source names them. children are the first 100 blocks of the content at most. Needs the capability to insert content."},
		{Name: "update_page", Effect: sdk.Idempotent, Run: sdk.Send[updatePageInput, object](patch("/v1/pages/{page_id}")), Description: "Changes the given properties, icon or cover of a page; the others stay. Content is changed by the block operations or update_page_markdown. Computed properties (rollup, formula, created time) are refused."},
		{Name: "update_page_markdown", Effect: sdk.Write, Run: sdk.Func(updateMarkdown), Description: "Changes a page's content by Markdown: replaces all of it, or texts in it. Refuses to delete pages and databases in it unless allow_deleting_content is true. A text that is not there exactly once is refused unless replace_all is true."},
		{Name: "trash_page", Effect: sdk.Idempotent, Run: sdk.Send[pageInput, object](always(patch("/v1/pages/{page_id}"), "in_trash", true)), Description: "Moves a page with all that is below it to the trash, where it is kept for 30 days. Deleting for good is not offered."},
		{Name: "restore_page", Effect: sdk.Idempotent, Run: sdk.Send[pageInput, object](always(patch("/v1/pages/{page_id}"), "in_trash", false)), Description: "Takes a page out of the trash."},
		{Name: "move_page", Effect: sdk.Idempotent, Run: sdk.Func(movePage), Description: "Moves a page below another page or into a data source. Give exactly one of the two."},
	}
}

// always is the endpoint with a property of the body that is always the same.
func always(e sdk.Endpoint, name string, value any) sdk.Endpoint {
	e.Body = map[string]any{name: value}
	return e
}

type pageInput struct {
	PageID string `json:"page_id" minLength:"1" jsonschema:"the page's id, the 32 digits at the end of its address"`
}

type getPageInput struct {
	pageInput
	Properties []string `json:"filter_properties,omitempty" to:"query" jsonschema:"answer only the properties with these ids"`
}

type propertyInput struct {
	pageInput
	PropertyID string `json:"property_id" minLength:"1"`
	paged
}

type markdownInput struct {
	pageInput
	Transcript bool `json:"include_transcript,omitempty" jsonschema:"the transcripts of meeting notes too"`
}

type markdown struct {
	Markdown  string   `json:"markdown"`
	Truncated bool     `json:"truncated"`
	Unknown   []string `json:"unknown_block_ids" jsonschema:"blocks that Markdown cannot express"`
}

type look struct {
	Icon  object `json:"icon,omitempty" jsonschema:"such as {\"type\":\"emoji\",\"emoji\":\"🌵\"}"`
	Cover object `json:"cover,omitempty" jsonschema:"such as {\"type\":\"external\",\"external\":{\"url\":\"https://...\"}}"`
}

// parent says what a page is below of.
type parent struct {
	Page   string `json:"parent_page_id,omitempty" jsonschema:"the page that it is below"`
	Source string `json:"parent_data_source_id,omitempty" jsonschema:"the data source that it is an entry of"`
}

// object writes the parent as Notion does. It wants exactly one of the two.
func (p parent) object() (map[string]any, error) {
	if (p.Page == "") == (p.Source == "") {
		return nil, sdk.Invalid("/parent_page_id", "give exactly one of parent_page_id and parent_data_source_id")
	}
	if p.Page != "" {
		return map[string]any{"page_id": p.Page}, nil
	}
	return map[string]any{"type": "data_source_id", "data_source_id": p.Source}, nil
}

type createPageInput struct {
	parent
	Properties object    `json:"properties" jsonschema:"by name, as Notion writes them"`
	Children   *[]object `json:"children,omitempty" maxItems:"100" jsonschema:"blocks, such as {\"paragraph\":{\"rich_text\":[{\"text\":{\"content\":\"Hello\"}}]}}"`
	look
}

func createPage(ctx context.Context, call *sdk.Call, in createPageInput) (object, error) {
	below, err := in.object()
	if err != nil {
		return nil, err
	}
	body := map[string]any{"parent": below, "properties": in.Properties}
	if in.Children != nil {
		body["children"] = *in.Children
	}
	for name, value := range map[string]object{"icon": in.Icon, "cover": in.Cover} {
		if value != nil {
			body[name] = value
		}
	}
	var out object
	return out, call.Do(ctx, sdk.Request{Path: "/v1/pages", JSON: body}, &out)
}

type updatePageInput struct {
	pageInput
	Properties object `json:"properties,omitempty" jsonschema:"by name or id, as Notion writes them"`
	look
}

type movePageInput struct {
	pageInput
	parent
}

func movePage(ctx context.Context, call *sdk.Call, in movePageInput) (object, error) {
	below, err := in.object()
	if err != nil {
		return nil, err
	}
	var out object
	return out, call.Do(ctx, sdk.Request{Path: sdk.Path("/v1/pages/%s/move", in.PageID), JSON: map[string]any{"parent": below}}, &out)
}

type replacement struct {
	Old string `json:"old" minLength:"1" jsonschema:"exactly as get_page_markdown has it"`
	New string `json:"new"`
	All bool   `json:"replace_all,omitempty" jsonschema:"wherever it stands"`
}

type updateMarkdownInput struct {
	pageInput
	Content      *string       `json:"content,omitempty" jsonschema:"the whole new content"`
	Replacements []replacement `json:"replacements,omitempty" maxItems:"100" jsonschema:"texts to replace, in order, instead of the whole content"`
	AllowDelete  bool          `json:"allow_deleting_content,omitempty"`
}

func updateMarkdown(ctx context.Context, call *sdk.Call, in updateMarkdownInput) (markdown, error) {
	out := markdown{Unknown: []string{}}
	if (in.Content == nil) == (len(in.Replacements) == 0) {
		return out, sdk.Invalid("/content", "give exactly one of content and replacements")
	}
	body := map[string]any{"type": "replace_content"}
	if in.Content != nil {
		body["replace_content"] = map[string]any{"new_str": *in.Content, "allow_deleting_content": in.AllowDelete}
	} else {
		var updates []map[string]any
		for _, r := range in.Replacements {
			updates = append(updates, map[string]any{"old_str": r.Old, "new_str": r.New, "replace_all_matches": r.All})
		}
		body = map[string]any{"type": "update_content", "update_content": map[string]any{"content_updates": updates, "allow_deleting_content": in.AllowDelete}}
	}
	return out, call.Do(ctx, sdk.Request{Method: http.MethodPatch, Path: sdk.Path("/v1/pages/%s/markdown", in.PageID), JSON: body}, &out)
}
