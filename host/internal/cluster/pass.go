package cluster

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httputil"
)

// Pass passes a request on to another host of the cluster, with another path and these headers alone beside those of its content, and answers
// what that host answers. It also passes on a connection that is upgraded.
func (c *Cluster) Pass(w http.ResponseWriter, r *http.Request, h Host, path string, header http.Header) {
	proxy := &httputil.ReverseProxy{Transport: c.client.Transport, FlushInterval: -1, Rewrite: func(p *httputil.ProxyRequest) {
		p.Out.URL.Scheme, p.Out.URL.Host, p.Out.URL.Path, p.Out.URL.RawPath = "https", h.ID+peerDomain, path, ""
		p.Out.Host = ""
		kept := http.Header{}
		for _, name := range []string{"Content-Type", "Accept", "Upgrade", "Connection"} {
			if v := p.Out.Header.Get(name); v != "" {
				kept.Set(name, v)
			}
		}
		for name, values := range header {
			kept[name] = values
		}
		p.Out.Header = kept
	}}
	proxy.ServeHTTP(w, r.WithContext(withPeer(r.Context(), h)))
}

// Send sends a request to another host, whose answer the caller closes.
func (c *Cluster) Send(ctx context.Context, h Host, r *http.Request) (*http.Response, error) {
	r = r.WithContext(withPeer(ctx, h))
	r.URL.Scheme, r.URL.Host = "https", h.ID+peerDomain
	resp, err := c.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("asking host %s: %w", h.ID, err)
	}
	return resp, nil
}

// Find answers a live host by its id.
func (c *Cluster) Find(ctx context.Context, id string) (Host, bool, error) {
	hosts, err := c.Live(ctx)
	if err != nil {
		return Host{}, false, fmt.Errorf("listing the live hosts: %w", err)
	}
	for _, h := range hosts {
		if h.ID == id {
			return h, true, nil
		}
	}
	return Host{}, false, nil
}
