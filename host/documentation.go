package host

import (
	"github.com/patchbay/patchbay/host/docs"
	"github.com/patchbay/patchbay/host/internal/web"
	"github.com/patchbay/patchbay/proto"
)

// documentation answers the pages that are served at /docs: those of host/docs, and the protocol's.
func documentation() ([]web.Page, error) {
	pages, err := docs.Pages()
	if err != nil {
		return nil, err
	}
	var all []web.Page
	for _, p := range pages {
		all = append(all, web.Page{Name: p.Name, Path: "host/docs/" + p.Name + ".md", For: p.For, About: p.About, Markdown: p.Markdown})
	}
	return append(all, web.Page{Name: "protocol", Path: "proto/README.md", For: pages[len(pages)-1].For,
		About: "what lies beneath, for an adapter in any language", Markdown: []byte(proto.Readme)}), nil
}
