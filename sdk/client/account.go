package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Integration is a connected account.
type Integration struct {
	ID         string `json:"id"`
	Platform   string `json:"platform"`
	Label      string `json:"label"`
	AuthMethod string `json:"auth_method"`
	// Status is active, inactive, expired or deleted.
	Status  string `json:"status"`
	Account struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"account"`
	Scopes     []string   `json:"scopes"`
	LastUsedAt *time.Time `json:"last_used_at"`
	CreatedAt  time.Time  `json:"created_at"`
}

// Integrations yields your accounts, the newest first; an empty platform or status means any.
func (c *Client) Integrations(ctx context.Context, platform, status string) iter.Seq2[Integration, error] {
	return pages[Integration](ctx, c, "/v1/integrations", values("platform", platform, "status", status))
}

// Connect is an account to connect.
type Connect struct {
	Platform string `json:"platform"`
	Label    string `json:"label,omitempty"`
	// AuthMethod is the platform's first that the credential fits when empty.
	AuthMethod string            `json:"auth_method,omitempty"`
	Credential map[string]string `json:"credential,omitempty"`
}

// Connect connects an account by its keys; the host tries them first. Accounts that sign in by OAuth are connected by a link: see ConnectLink.
func (c *Client) Connect(ctx context.Context, in Connect) (Integration, error) {
	var out Integration
	err := c.do(ctx, http.MethodPost, "/v1/integrations", nil, in, &out)
	return out, err
}

// Link is where a person connects an account, once.
type Link struct {
	ID        string    `json:"id"`
	URL       string    `json:"url"`
	ExpiresAt time.Time `json:"expires_at"`
}

// ConnectLink makes a link on which a person connects an account of one of these platforms.
func (c *Client) ConnectLink(ctx context.Context, platforms ...string) (Link, error) {
	var out Link
	err := c.do(ctx, http.MethodPost, "/v1/connect-sessions", nil, map[string]any{"platforms": platforms}, &out)
	return out, err
}

// SetActive switches an account on or off; it is in force on every host when this returns.
func (c *Client) SetActive(ctx context.Context, integration string, active bool) error {
	verb := "/deactivate"
	if active {
		verb = "/activate"
	}
	return c.do(ctx, http.MethodPost, "/v1/integrations/"+url.PathEscape(integration)+verb, nil, nil, nil)
}

// Delete deletes an account. It can be restored.
func (c *Client) Delete(ctx context.Context, integration string) error {
	return c.do(ctx, http.MethodDelete, "/v1/integrations/"+url.PathEscape(integration), nil, nil, nil)
}

// Platform is a service that accounts can be connected of.
type Platform struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Category    string `json:"category"`
}

// Platforms yields those whose id, name or description holds the query.
func (c *Client) Platforms(ctx context.Context, query string) iter.Seq2[Platform, error] {
	return pages[Platform](ctx, c, "/v1/platforms", values("query", query))
}

// Sum is a sum over calls.
type Sum struct {
	Group   string             `json:"group"`
	Label   string             `json:"label"`
	Calls   int64              `json:"calls"`
	Errors  int64              `json:"errors"`
	Kinds   map[string]int64   `json:"kinds"`
	Usage   map[string]float64 `json:"usage"`
	CostUSD float64            `json:"cost_usd"`
	Latency struct {
		P50 float64 `json:"p50"`
		P95 float64 `json:"p95"`
		P99 float64 `json:"p99"`
	} `json:"latency_ms"`
}

// Usage sums your calls up by integration, platform, operation, workflow or day, since a time.
func (c *Client) Usage(ctx context.Context, groupBy string, since time.Time) ([]Sum, error) {
	var out struct {
		Items []Sum `json:"items"`
	}
	err := c.do(ctx, http.MethodGet, "/v1/usage", values("group_by", groupBy, "since", since.UTC().Format(time.RFC3339)), nil, &out)
	return out.Items, err
}

// values answers a query of names and values without those that are empty.
func values(pairs ...string) url.Values {
	out := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out.Set(pairs[i], pairs[i+1])
		}
	}
	return out
}

// pages yields the items of a list, page after page; an error is the last thing that is yielded.
func pages[T any](ctx context.Context, c *Client, path string, query url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			var page struct {
				Items []T     `json:"items"`
				Next  *string `json:"next_cursor"`
			}
			if err := c.do(ctx, http.MethodGet, path, query, nil, &page); err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if page.Next == nil || *page.Next == "" {
				return
			}
			query.Set("cursor", *page.Next)
		}
	}
}
