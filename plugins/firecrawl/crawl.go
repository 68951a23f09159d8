package main

import "github.com/patchbay/patchbay/sdk"

// site is the input of crawl.
type site struct {
	URL                   string     `json:"url" format:"uri" minLength:"1" jsonschema:"where the crawl begins"`
	Prompt                string     `json:"prompt,omitempty" jsonschema:"what is wanted, in words, from which Firecrawl makes the other parameters"`
	Limit                 int        `json:"limit,omitempty" minimum:"1" jsonschema:"how many pages at most; 10000 when left out, each costs a credit or more"`
	MaxDiscoveryDepth     *int       `json:"maxDiscoveryDepth,omitempty" minimum:"0"`
	IncludePaths          []string   `json:"includePaths,omitempty" jsonschema:"only pages whose path matches one of these regular expressions"`
	ExcludePaths          []string   `json:"excludePaths,omitempty"`
	Sitemap               string     `json:"sitemap,omitempty" enum:"skip,include,only"`
	IgnoreQueryParameters *bool      `json:"ignoreQueryParameters,omitempty"`
	CrawlEntireDomain     *bool      `json:"crawlEntireDomain,omitempty" jsonschema:"true for pages beside and above the first one too"`
	AllowExternalLinks    *bool      `json:"allowExternalLinks,omitempty"`
	AllowSubdomains       *bool      `json:"allowSubdomains,omitempty"`
	Delay                 float64    `json:"delay,omitempty" minimum:"0" jsonschema:"seconds between pages"`
	MaxConcurrency        int        `json:"maxConcurrency,omitempty" minimum:"1"`
	Webhook               sdk.Object `json:"webhook,omitempty" jsonschema:"what Firecrawl calls as the work goes on: {url, events}"`
	ScrapeOptions         sdk.Object `json:"scrapeOptions,omitempty" jsonschema:"how each page is read, as in scrape; formats are objects here: [{type: markdown}]"`
	ZeroDataRetention     *bool      `json:"zeroDataRetention,omitempty"`
}

type preview struct {
	URL    string `json:"url" format:"uri" minLength:"1"`
	Prompt string `json:"prompt" minLength:"1" maxLength:"10000" jsonschema:"what is wanted, in words"`
}

// mapping is the input of map.
type mapping struct {
	URL                   string     `json:"url" format:"uri" minLength:"1"`
	Search                string     `json:"search,omitempty" jsonschema:"only pages that have to do with this, the best first"`
	Limit                 int        `json:"limit,omitempty" minimum:"1" maximum:"100000" jsonschema:"5000 when left out"`
	Sitemap               string     `json:"sitemap,omitempty" enum:"skip,include,only"`
	IncludeSubdomains     *bool      `json:"includeSubdomains,omitempty"`
	IgnoreQueryParameters *bool      `json:"ignoreQueryParameters,omitempty"`
	IgnoreCache           *bool      `json:"ignoreCache,omitempty"`
	Timeout               int        `json:"timeout,omitempty" minimum:"1" jsonschema:"milliseconds"`
	Location              sdk.Object `json:"location,omitempty"`
}

func crawlOperations() []sdk.Operation {
	return []sdk.Operation{{
		Name: "crawl", Effect: sdk.Write, Run: begins[site]("POST /crawl"),
		Description: "Starts reading a whole site, page after page. Answers an id at once: poll get_crawl until status is completed. Set a limit: each page costs a credit or more. Keeps to robots.txt.",
	}, {
		Name: "get_crawl", Effect: sdk.Read, Run: states[jobPage]("GET /crawl/{id}"), Description: "Tells how far a crawl has come, with the pages read so far, up to 10 MB in one answer; next_cursor has more. Refuses crawls that ended more than a day ago.",
	}, {
		Name: "get_crawl_errors", Effect: sdk.Read, Run: sdk.Routed[job]("GET /crawl/{id}/errors"), Description: "Tells which pages of a crawl failed, and which robots.txt forbids.",
	}, {
		Name: "cancel_crawl", Effect: sdk.Idempotent, Run: sdk.Routed[job]("DELETE /crawl/{id}"), Description: "Stops a crawl. What was read by then is charged.",
	}, {
		Name: "list_active_crawls", Effect: sdk.Read, Run: sdk.Pages[sdk.None]("GET /crawl/active", "crawls", ""), Description: "Lists the crawls of the team that go on now.",
	}, {
		Name: "preview_crawl", Effect: sdk.Read, Run: sdk.Routed[preview]("POST /crawl/params-preview"), Description: "Tells which parameters Firecrawl would make of a crawl's prompt, without crawling.",
	}, {
		Name: "map", Effect: sdk.Read, Run: sdk.RoutedTo("POST /map", func(_ *sdk.Call, _ mapping, answer sdk.Object) (sdk.Page, error) {
			return sdk.PageOf(answer, "links", "")
		}),
		Description: "Lists the addresses of a site's pages, with titles where they are known, without reading them. Costs a credit.",
	}}
}
