// Package client speaks to a Patchbay host over its REST API, for programs in Go. It needs the standard library alone.
//
//	c, err := client.New(client.Config{URL: os.Getenv("PATCHBAY_URL"), Token: os.Getenv("PATCHBAY_TOKEN")})
//	answer, err := c.Call(ctx, client.Call{Integration: "int_...", Operation: "send_message",
//		Input: map[string]any{"channel": "C0123", "text": "hello"}})
//	if client.Code(err) == client.RateLimited {
//		// nothing was done; errors.As finds the *client.Error with RetryAfter
//	}
//
// Calls are never repeated by this package: a call with an IdempotencyKey may be sent again by its caller and gets the first one's answer.
// Lists are iterators that fetch page after page. A Client is safe for concurrent use.
package client
