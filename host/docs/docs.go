// Package docs holds the pages for people who use, run and extend a host. They are Markdown, to be read where they lie; the host serves them at /docs.
package docs

import (
	"embed"
	"fmt"
)

//go:embed *.md
var files embed.FS

// Page is one page.
type Page struct {
	// Name is the file's, without its ending, and the page's address under /docs.
	Name string
	// For is whom it is for, and About what it tells, in a few words.
	For, About string
	// Markdown is its text.
	Markdown []byte
}

// Pages answers the pages in the order in which they are to be read.
func Pages() ([]Page, error) {
	pages := []Page{
		{Name: "concepts", For: "Everybody", About: "the words, and what a call goes through"},
		{Name: "errors", For: "Everybody", About: "every error code, and what to do"},
		{Name: "cli", For: "Everybody", About: "every command and flag"},
		{Name: "oauth", For: "Users and programs", About: "connecting by OAuth, and how tokens are kept alive"},
		{Name: "mcp", For: "Users and programs", About: "accounts as tools of an agent"},
		{Name: "workflows", For: "Users and programs", About: "operations that follow one another, and several accounts used in turn"},
		{Name: "sandboxes", For: "Users and programs", About: "places to run code, what isolates them, what they cost"},
		{Name: "usage", For: "Users and programs", About: "usage, costs, and alerts"},
		{Name: "webhooks", For: "Users and programs", About: "be told what happened"},
		{Name: "platforms", For: "Users and programs", About: "what each platform was tested against"},
		{Name: "operating", For: "Operators", About: "start, TLS, database, backup, keys, several hosts"},
		{Name: "limits", For: "Operators", About: "rate limits of platforms, and of the host's own API"},
		{Name: "openapi", For: "Operators", About: "platforms of OpenAPI documents, and variants"},
		{Name: "benchmark", For: "Operators", About: "what the hop costs"},
		{Name: "authors", For: "Authors of adapters", About: "from nothing to a published, signed adapter"},
		{Name: "adapters", For: "Authors of adapters", About: "what an adapter can do"},
	}
	for i, p := range pages {
		text, err := files.ReadFile(p.Name + ".md")
		if err != nil {
			return nil, fmt.Errorf("reading a page: %w", err)
		}
		pages[i].Markdown = text
	}
	return pages, nil
}
