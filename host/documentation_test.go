package host

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"github.com/patchbay/patchbay/host/internal/web"
)

// docsServer serves the pages as a host does.
func docsServer(t *testing.T) string {
	t.Helper()
	pages, err := documentation()
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /openapi.json", func(http.ResponseWriter, *http.Request) {}) // the REST API's
	spec := &huma.OpenAPI{Paths: map[string]*huma.PathItem{"/v1/platforms": {Get: &huma.Operation{Summary: "Search the platforms", Tags: []string{"Catalog"}}}}}
	if err := web.Register(mux, web.Config{Docs: pages, OpenAPI: func() *huma.OpenAPI { return spec }}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func fetchPage(t *testing.T, address string) (int, string, http.Header) {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(raw), resp.Header
}

var (
	hrefs = regexp.MustCompile(`href="([^"]*)"`)
	ids   = regexp.MustCompile(`id="([^"]*)"`)
)

// Every page is reached from the index, holds nothing that its policy would not let run, and each link to this host leads to a page and, where
// it names one, to a heading of it.
func TestDocsAreServed(t *testing.T) {
	site := docsServer(t)
	waiting, seen := []string{"/docs"}, map[string]string{}
	fragments := map[string]string{} // of a link, the page that it stands on
	for len(waiting) > 0 {
		at := waiting[0]
		waiting = waiting[1:]
		if _, done := seen[at]; done {
			continue
		}
		status, body, header := fetchPage(t, site+at)
		if status != http.StatusOK {
			t.Errorf("%s answers %d", at, status)
		}
		seen[at] = body
		if !strings.HasPrefix(at, "/docs") {
			continue
		}
		if policy := header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s has the policy %q", at, policy)
		}
		for _, bad := range []string{"<script", "style=", "onclick=", "raw HTML omitted"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s holds %s", at, bad)
			}
		}
		for _, href := range hrefs.FindAllStringSubmatch(body, -1) {
			to, err := url.Parse(strings.ReplaceAll(href[1], "&amp;", "&"))
			if err != nil {
				t.Errorf("%s links to %q: %v", at, href[1], err)
				continue
			}
			if to.Host != "" {
				continue
			}
			full := (&url.URL{Path: at}).ResolveReference(to)
			if full.Fragment != "" {
				fragments[full.String()] = at
			}
			waiting = append(waiting, full.Path)
		}
	}
	for link, from := range fragments {
		page, fragment, _ := strings.Cut(link, "#")
		if !strings.Contains(seen[page], `id="`+fragment+`"`) {
			t.Errorf("%s links to %s, which has no such heading: %v", from, link, ids.FindAllString(seen[page], -1))
		}
	}
	if len(fragments) == 0 {
		t.Error("no page links to a heading: the test looks at nothing")
	}
	sources, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range sources {
		if name := "/docs/" + strings.TrimSuffix(filepath.Base(source), ".md"); seen[name] == "" {
			t.Errorf("no page leads to %s", name)
		}
	}
	for page, want := range map[string]string{"/docs/api": "Search the platforms", "/docs/protocol": "The protocol between", "/docs/errors": "<td><code>rate_limited</code></td>"} {
		if !strings.Contains(seen[page], want) {
			t.Errorf("%s does not hold %q", page, want)
		}
	}
	if status, body, _ := fetchPage(t, site+"/docs/gone"); status != http.StatusNotFound || !strings.Contains(body, "no such page") {
		t.Errorf("a page that is not there answers %d: %s", status, body)
	}
}

// Raw HTML and scripts in a page come to nothing, and a link out of what is served leaves its words.
func TestHostileDocs(t *testing.T) {
	mux := http.NewServeMux()
	page := "# A & <b>\n\n<script>alert(1)</script> [run](javascript:alert(2)) [code](../../cmd/main.go) [out](//evil.example/x) <img src=x onerror=alert(3)>\n"
	if err := web.Register(mux, web.Config{Docs: []web.Page{{Name: "a", Path: "host/docs/a.md", For: "x", About: "<i>", Markdown: []byte(page)}}}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(mux)
	defer server.Close()
	for _, at := range []string{"/docs", "/docs/a"} {
		_, body, _ := fetchPage(t, server.URL+at)
		for _, bad := range []string{"<script", "javascript:", "onerror", "main.go", "<b>", "<i>"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s holds %s: %s", at, bad, body)
			}
		}
	}
}

var markdownLinks = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// Read where they lie, the pages' relative links lead to files, and to headings of them.
func TestLinksBetweenFiles(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, page := range append(pages, "../README.md", "../CONTRIBUTING.md", "../SECURITY.md", "../CHANGELOG.md", "../proto/README.md") {
		raw, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range markdownLinks.FindAllStringSubmatch(string(raw), -1) {
			to, err := url.Parse(link[1])
			if err != nil || to.IsAbs() {
				continue
			}
			checked++
			target := page
			if to.Path != "" {
				target = filepath.Join(filepath.Dir(page), to.Path)
			}
			text, err := os.ReadFile(target)
			if info, statErr := os.Stat(target); err != nil && (statErr != nil || !info.IsDir()) {
				t.Errorf("%s links to %s: %v", page, link[1], err)
				continue
			}
			if to.Fragment != "" && !hasHeading(string(text), to.Fragment) {
				t.Errorf("%s links to %s, which has no such heading", page, link[1])
			}
		}
	}
	if checked == 0 {
		t.Error("there are no links: the test looks at nothing")
	}
}

var notInAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)

// hasHeading says whether a page has a heading with that anchor.
func hasHeading(page, anchor string) bool {
	for line := range strings.Lines(page) {
		title := strings.TrimLeft(line, "#")
		if title == line {
			continue
		}
		name := strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), ""), " ", "-")
		if name == anchor {
			return true
		}
	}
	return false
}
