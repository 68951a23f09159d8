package main

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/patchbay/patchbay/sdk"
)

// locale is a part of the inputs of everything that is looked for.
type locale struct {
	GL       string `json:"gl,omitempty" maxLength:"2" jsonschema:"country of the search, two letters such as us or de"`
	HL       string `json:"hl,omitempty" maxLength:"6" jsonschema:"language of the search, such as en"`
	Location string `json:"location,omitempty" jsonschema:"place of the search, such as Berlin, Germany"`
}

// paged is a part of the inputs of what comes in numbered pages.
type paged struct {
	Num    int    `json:"num,omitempty" minimum:"1" maximum:"100" jsonschema:"how many at most, 10 when left out; more than 10 cost more credits"`
	Cursor string `json:"cursor,omitempty" wire:"-" pattern:"^[1-9][0-9]{0,3}$" jsonschema:"next_cursor of the page before"`
}

// body makes the body of a request: an input, with the number of the page that its cursor is.
func (p paged) body(in any) (sdk.Object, error) {
	b, err := sdk.Body(in)
	if err == nil && p.Cursor != "" {
		b["page"] = json.RawMessage(p.Cursor)
	}
	return b, err
}

func (p paged) next() string {
	page, err := strconv.Atoi(p.Cursor)
	if err != nil {
		page = 1 // the first page has no cursor
	}
	return strconv.Itoa(page + 1)
}

type query struct {
	Q string `json:"q" minLength:"1" maxLength:"2048" jsonschema:"what to look for; Google's operators work, such as site: or quotes"`
	locale
	paged
}

type webQuery struct {
	query
	TBS         string `json:"tbs,omitempty" jsonschema:"time: qdr:h, qdr:d, qdr:w, qdr:m or qdr:y for the last hour, day, week, month or year"`
	Autocorrect *bool  `json:"autocorrect,omitempty" jsonschema:"false to search for exactly this spelling"`
}

type suggestionQuery struct {
	Q string `json:"q" minLength:"1" maxLength:"2048" jsonschema:"the beginning of a search"`
	locale
}

type pictureQuery struct {
	URL string `json:"url" format:"uri" minLength:"1" jsonschema:"public address of the picture"`
	locale
	paged
}

// found is one page of results, in one shape for all kinds.
type found struct {
	Items      []json.RawMessage `json:"items" jsonschema:"the results, as Serper gives them"`
	NextCursor string            `json:"next_cursor,omitempty" jsonschema:"for the next page; absent where this one is empty"`
	Credits    float64           `json:"credits,omitempty" jsonschema:"what the call cost"`
	Details    sdk.Object        `json:"details,omitempty" jsonschema:"what else was there, such as knowledgeGraph, answerBox, peopleAlsoAsk and relatedSearches"`
}

// pager is an input with numbered pages.
type pager interface {
	body(in any) (sdk.Object, error)
	next() string
}

// finds makes the function of an operation that asks for one kind of results; list is what Serper calls them.
func finds[In pager](path, list string) sdk.Handler {
	return sdk.Func(func(ctx context.Context, call *sdk.Call, in In) (found, error) {
		b, err := in.body(in)
		if err != nil {
			return found{}, err
		}
		out, err := find(ctx, call, path, list, b)
		if err == nil && len(out.Items) > 0 {
			out.NextCursor = in.next()
		}
		return out, err
	})
}

func find(ctx context.Context, call *sdk.Call, path, list string, body sdk.Object) (found, error) {
	var answer sdk.Object
	if err := call.Do(ctx, sdk.Request{Path: path, JSON: body}, &answer); err != nil {
		return found{}, err
	}
	return foundIn(call, list, answer)
}

// foundIn reads an answer. One that neither has the list nor says what was searched for is none of Serper's.
func foundIn(call *sdk.Call, list string, answer sdk.Object) (found, error) {
	if answer[list] == nil && answer["searchParameters"] == nil {
		return found{}, sdk.Errorf(sdk.PlatformError, "The answer is not one of Serper's. An operator should look at the platform's base URL.")
	}
	page, err := sdk.PageOf(answer, list, "nextPageToken")
	if err != nil {
		return found{}, err
	}
	call.Count(encode(answer), map[string]string{"credits": "credits"})
	out := found{Items: page.Items, NextCursor: page.NextCursor, Details: answer}
	_ = json.Unmarshal(answer["credits"], &out.Credits) // what is no number is left out
	for _, name := range []string{list, "nextPageToken", "credits"} {
		delete(answer, name)
	}
	return out, nil
}

// encode is for values that came out of JSON, and so go back into it.
func encode(v any) json.RawMessage {
	encoded, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return encoded
}

func searchOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "search", Effect: sdk.Read, Run: finds[webQuery]("/search", "organic"), Description: "Searches the web with Google. Answers titles, links and snippets as items, and answer boxes, the knowledge graph and related questions in details. Costs a credit for ten results. Does not read the pages: scrape does."},
		{Name: "search_images", Effect: sdk.Read, Run: finds[webQuery]("/images", "images"), Description: "Searches for images. Answers addresses and sizes, not the images."},
		{Name: "search_videos", Effect: sdk.Read, Run: finds[webQuery]("/videos", "videos"), Description: "Searches for videos. Answers links, sources and lengths."},
		{Name: "search_news", Effect: sdk.Read, Run: finds[webQuery]("/news", "news"), Description: "Searches the news. Answers links, sources, dates and snippets."},
		{Name: "search_shopping", Effect: sdk.Read, Run: finds[webQuery]("/shopping", "shopping"), Description: "Searches for products. Answers prices, sources and ratings. Costs two credits."},
		{Name: "search_scholar", Effect: sdk.Read, Run: finds[query]("/scholar", "organic"), Description: "Searches for scholarly papers. Answers links, publications, years and citations."},
		{Name: "search_patents", Effect: sdk.Read, Run: finds[query]("/patents", "organic"), Description: "Searches for patents. Answers numbers, titles, inventors and dates."},
		{Name: "search_by_image", Effect: sdk.Read, Run: finds[pictureQuery]("/lens", "organic"), Description: "Searches for pages with a picture, or one like it, by its public address. Costs three credits. Refuses pictures that Google cannot fetch."},
		{Name: "autocomplete", Effect: sdk.Read, Description: "Completes the beginning of a search as Google does.",
			Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in suggestionQuery) (found, error) {
				b, err := sdk.Body(in)
				if err != nil {
					return found{}, err
				}
				return find(ctx, call, "/autocomplete", "suggestions", b)
			})},
	}
}
