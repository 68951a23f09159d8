package main

import (
	"context"
	"encoding/json"

	"github.com/patchbay/patchbay/sdk"
)

// reading are the parameters of how a page is read.
type reading struct {
	Formats             []json.RawMessage `json:"formats,omitempty" maxItems:"20" jsonschema:"what to answer, markdown when left out: markdown, summary, html, rawHtml, links, images, screenshot, branding, or objects such as {type: json, prompt, schema} and {type: screenshot, fullPage}"`
	OnlyMainContent     *bool             `json:"onlyMainContent,omitempty" jsonschema:"false for headers, menus and footers too"`
	IncludeTags         []string          `json:"includeTags,omitempty" jsonschema:"only these elements, as CSS selectors"`
	ExcludeTags         []string          `json:"excludeTags,omitempty" jsonschema:"without these elements"`
	MaxAge              *int64            `json:"maxAge,omitempty" minimum:"0" jsonschema:"milliseconds that a kept copy may be old; two days when left out, 0 for a fresh one"`
	WaitFor             int               `json:"waitFor,omitempty" minimum:"0" jsonschema:"milliseconds to wait before the page is read"`
	Mobile              *bool             `json:"mobile,omitempty"`
	Timeout             int               `json:"timeout,omitempty" minimum:"1000" maximum:"300000" jsonschema:"milliseconds for the page; give the call longer"`
	Parsers             []json.RawMessage `json:"parsers,omitempty" jsonschema:"such as {type: pdf, mode: auto, maxPages: 5}"`
	Location            sdk.Object        `json:"location,omitempty" jsonschema:"where the page is read from: {country, languages}"`
	RemoveBase64Images  *bool             `json:"removeBase64Images,omitempty"`
	BlockAds            *bool             `json:"blockAds,omitempty"`
	Proxy               string            `json:"proxy,omitempty" enum:"basic,enhanced,auto" jsonschema:"enhanced costs five credits"`
	StoreInCache        *bool             `json:"storeInCache,omitempty"`
	SkipTLSVerification *bool             `json:"skipTlsVerification,omitempty"`
	Headers             sdk.Object        `json:"headers,omitempty" jsonschema:"sent to the page, such as a cookie"`
	ZeroDataRetention   *bool             `json:"zeroDataRetention,omitempty"`
}

// onePage is the input of scrape.
type onePage struct {
	URL string `json:"url" format:"uri" minLength:"1" jsonschema:"public address of the page"`
	reading
}

// actedPage is the input of scrape_with_actions.
type actedPage struct {
	onePage
	Actions []sdk.Object `json:"actions" minItems:"1" maxItems:"50" jsonschema:"what is done on the page first, in order: {type: click, selector}, {type: write, text}, {type: press, key}, {type: wait, milliseconds}, {type: scroll, direction}, {type: screenshot}, {type: executeJavascript, script}"`
}

// manyPages is the input of batch_scrape.
type manyPages struct {
	URLs              []string   `json:"urls" minItems:"1" jsonschema:"public addresses of the pages"`
	MaxConcurrency    int        `json:"maxConcurrency,omitempty" minimum:"1"`
	IgnoreInvalidURLs *bool      `json:"ignoreInvalidURLs,omitempty" jsonschema:"false to refuse them all where one is invalid"`
	Webhook           sdk.Object `json:"webhook,omitempty" jsonschema:"what Firecrawl calls as the work goes on: {url, events}"`
	reading
}

// parsing is the input of parse.
type parsing struct {
	Formats         []json.RawMessage `json:"formats,omitempty" maxItems:"20" jsonschema:"as in scrape; no screenshots"`
	OnlyMainContent *bool             `json:"onlyMainContent,omitempty"`
	IncludeTags     []string          `json:"includeTags,omitempty"`
	ExcludeTags     []string          `json:"excludeTags,omitempty"`
	Parsers         []json.RawMessage `json:"parsers,omitempty" jsonschema:"such as {type: pdf, mode: ocr}"`
	Timeout         int               `json:"timeout,omitempty" minimum:"1000" maximum:"300000" jsonschema:"milliseconds"`
}

// page is what was read of a page.
type page struct {
	Data     sdk.Object `json:"data" jsonschema:"one property for each format, links and warnings, and metadata with title, description, statusCode and sourceURL"`
	ScrapeID string     `json:"scrape_id,omitempty"`
}

// started is the answer of an operation that starts long work.
type started struct {
	ID          string            `json:"id" jsonschema:"by which the work is asked for"`
	InvalidURLs []json.RawMessage `json:"invalid_urls,omitempty"`
}

func scrapeOperations() []sdk.Operation {
	return []sdk.Operation{{
		Name: "scrape", Effect: sdk.Read, Run: reads[onePage]("/scrape"),
		Description: "Reads one public web page or document as Markdown, HTML, links, a screenshot's address, or data of a schema. Costs a credit or more each time. Answers platform_error or timeout for pages that do not load. Refuses sites that Firecrawl does not read.",
	}, {
		Name: "scrape_with_actions", Effect: sdk.Write, Run: reads[actedPage]("/scrape"),
		Description: "Clicks, types and scrolls on one public web page and then reads it. What that does on the site is done: it is not repeated by itself.",
	}, {
		Name: "parse", Effect: sdk.Read, TakesFiles: true, Run: sdk.Func(parse),
		Description: "Reads a document that comes with the call (PDF, Word, Excel, PowerPoint, OpenDocument, EPUB, HTML, CSV) as Markdown or data of a schema. Costs credits.",
	}, {
		Name: "batch_scrape", Effect: sdk.Write, Run: begins[manyPages]("POST /batch/scrape"),
		Description: "Starts reading many pages. Answers an id at once: poll get_batch_scrape. Costs a credit or more for each page.",
	}, {
		Name: "get_batch_scrape", Effect: sdk.Read, Run: states[jobPage]("GET /batch/scrape/{id}"), Description: "Tells how far a batch_scrape has come, with the pages read so far, up to 10 MB in one answer; next_cursor has more.",
	}, {
		Name: "get_batch_scrape_errors", Effect: sdk.Read, Run: sdk.Routed[job]("GET /batch/scrape/{id}/errors"), Description: "Tells which pages of a batch_scrape failed, and which robots.txt forbids.",
	}, {
		Name: "cancel_batch_scrape", Effect: sdk.Idempotent, Run: sdk.Routed[job]("DELETE /batch/scrape/{id}"), Description: "Stops a batch_scrape. What was read by then is charged.",
	}}
}

// spell makes objects of formats that are given by name alone.
func spell(body sdk.Object) error {
	var formats []json.RawMessage
	if sdk.IsNull(body["formats"]) {
		return nil
	}
	if err := json.Unmarshal(body["formats"], &formats); err != nil {
		return sdk.Invalid("/formats", "it must be a list")
	}
	for i, format := range formats {
		if name := sdk.Text(format); name != "" {
			formats[i] = encode(map[string]string{"type": name})
		}
	}
	body["formats"] = encode(formats)
	return nil
}

// reads makes the function of an operation that reads one page.
func reads[In any](path string) sdk.Handler {
	return sdk.Func(func(ctx context.Context, call *sdk.Call, in In) (page, error) {
		body, err := sdk.Body(in)
		if err == nil {
			err = spell(body)
		}
		if err != nil {
			return page{}, err
		}
		var answer sdk.Object
		if err := call.Do(ctx, sdk.Request{Path: path, JSON: body}, &answer); err != nil {
			return page{}, err
		}
		return pageOf(call, answer)
	})
}

// pageOf reads an answer, and counts what it cost.
func pageOf(call *sdk.Call, answer sdk.Object) (page, error) {
	out := page{ScrapeID: sdk.Text(answer["scrape_id"])}
	if err := json.Unmarshal(answer["data"], &out.Data); err != nil || out.Data == nil {
		return page{}, sdk.Errorf(sdk.PlatformError, "Firecrawl answered without a page.")
	}
	call.Count(out.Data["metadata"], map[string]string{"creditsUsed": "credits"})
	return out, nil
}

func parse(ctx context.Context, call *sdk.Call, in parsing) (page, error) {
	options, err := sdk.Body(in)
	if err == nil {
		err = spell(options)
	}
	if err != nil {
		return page{}, err
	}
	f, err := call.OneFile(ctx)
	if err != nil {
		return page{}, err
	}
	parts := []sdk.Part{sdk.FilePart("file", f, "document")}
	if len(options) > 0 {
		parts = append([]sdk.Part{{Name: "options", Value: string(encode(options))}}, parts...)
	}
	content, kind := sdk.Multipart(parts...)
	var answer sdk.Object
	if err := call.Do(ctx, sdk.Request{Path: "/parse", Body: content, ContentType: kind}, &answer); err != nil {
		return page{}, err
	}
	return pageOf(call, answer)
}

// encode is for values that came out of JSON, and so go back into it.
func encode(v any) json.RawMessage {
	encoded, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return encoded
}
