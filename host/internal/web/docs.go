package web

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// Page is a page of the documentation, as Markdown.
type Page struct {
	// Name is its address under /docs. Path is where its source lies in the repository, which relative links start from.
	Name, Path string
	// For and About tell people whom it is for and what it tells.
	For, About string
	Markdown   []byte
}

// docPage is a page as it is served.
type docPage struct {
	Page
	Title string
	// Body is made by goldmark, which writes no raw HTML of the source and no dangerous addresses.
	Body template.HTML
}

// docsSite is the documentation as it is served.
type docsSite struct {
	pages  []docPage
	byName map[string]docPage
}

// newDocsSite makes HTML of the pages. Links between them lead to the served ones; other relative links lead into the repository, which is
// not served, so that their words alone are left.
func newDocsSite(pages []Page) (*docsSite, error) {
	markdown := goldmark.New(goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		goldmark.WithExtensions(extension.Strikethrough, extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute))))
	served := map[string]string{}
	for _, p := range pages {
		served[p.Path] = p.Name
	}
	site := &docsSite{byName: map[string]docPage{}}
	for _, p := range pages {
		tree := markdown.Parser().Parse(text.NewReader(p.Markdown))
		if err := relink(tree, path.Dir(p.Path), served); err != nil {
			return nil, fmt.Errorf("reading the page %s: %w", p.Name, err)
		}
		var body bytes.Buffer
		if err := markdown.Renderer().Render(&body, p.Markdown, tree); err != nil {
			return nil, fmt.Errorf("making the page %s: %w", p.Name, err)
		}
		page := docPage{Page: p, Title: titleOf(tree, p.Markdown), Body: template.HTML(body.String())} //nolint:gosec // made of the host's own pages by goldmark, which escapes
		site.pages = append(site.pages, page)
		site.byName[p.Name] = page
	}
	return site, nil
}

// relink changes the relative links of a page.
func relink(tree ast.Node, folder string, served map[string]string) error {
	var links []*ast.Link
	err := ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if link, ok := n.(*ast.Link); ok && entering {
			links = append(links, link)
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return err
	}
	for _, link := range links {
		to, err := url.Parse(string(link.Destination))
		if err != nil {
			return fmt.Errorf("a link leads to no address: %w", err)
		}
		if to.IsAbs() || to.Path == "" {
			continue
		}
		if name, ok := served[path.Join(folder, to.Path)]; ok {
			link.Destination = []byte((&url.URL{Path: "/docs/" + name, Fragment: to.Fragment}).String())
			continue
		}
		for child := link.FirstChild(); child != nil; child = link.FirstChild() {
			link.Parent().InsertBefore(link.Parent(), link, child)
		}
		link.Parent().RemoveChild(link.Parent(), link)
	}
	return nil
}

// titleOf answers the text of the first heading.
func titleOf(tree ast.Node, source []byte) string {
	for n := tree.FirstChild(); n != nil; n = n.NextSibling() {
		if heading, ok := n.(*ast.Heading); ok {
			return string(heading.Lines().Value(source))
		}
	}
	return ""
}

// docsGroup are the pages for one kind of reader.
type docsGroup struct {
	For   string
	Pages []docPage
}

// docsIndex shows what there is to read.
func (w *Web) docsIndex(rw http.ResponseWriter, _ *http.Request) {
	var groups []docsGroup
	for _, p := range w.site.pages {
		if len(groups) == 0 || groups[len(groups)-1].For != p.For {
			groups = append(groups, docsGroup{For: p.For})
		}
		last := &groups[len(groups)-1]
		last.Pages = append(last.Pages, p)
	}
	w.render(rw, http.StatusOK, "docs_index.html", groups)
}

// docsPage shows one page.
func (w *Web) docsPage(rw http.ResponseWriter, r *http.Request) {
	page, ok := w.site.byName[strings.TrimSuffix(r.PathValue("page"), ".md")]
	if !ok {
		w.render(rw, http.StatusNotFound, "message.html", "There is no such page.")
		return
	}
	w.render(rw, http.StatusOK, "docs_page.html", page)
}

// route is one line of the reference.
type route struct {
	Method, Path string
	*huma.Operation
}

// docsAPI shows the API reference, made from the OpenAPI document.
func (w *Web) docsAPI(rw http.ResponseWriter, _ *http.Request) {
	byTag := map[string][]route{}
	for path, item := range w.cfg.OpenAPI().Paths {
		for method, op := range map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete} {
			if op != nil {
				tag := strings.Join(op.Tags, " ")
				byTag[tag] = append(byTag[tag], route{method, path, op})
			}
		}
	}
	for _, routes := range byTag {
		slices.SortFunc(routes, func(a, b route) int { return strings.Compare(a.Path+a.Method, b.Path+b.Method) })
	}
	w.render(rw, http.StatusOK, "docs_api.html", byTag)
}
