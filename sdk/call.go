package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"strings"
	"sync"
	"time"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk/internal/egress"
)

// Call is one execution of an operation (or one test of a credential). It is good until the function returns; afterwards its
// credential and its connections are not.
type Call struct {
	// ID is the public id of the call, for the adapter's own logs.
	ID string
	// Platform and Operation name what is run; Operation is "" while a credential is tested.
	Platform, Operation string
	// Credential is leased for this call.
	Credential Credential

	platform      *Platform
	dialID        string
	baseURL       string // the operator's, or ""
	minTLSVersion string
	deadline      time.Time
	dialer        *egress.Client // nil: the host does not confine this adapter
	transports    *transports
	files         fileSource
	sink          sink

	mu    sync.Mutex
	units map[string]float64
	close []func()
}

// sink takes what a call gives before its result.
type sink interface {
	progress(message string, fraction float64) error
	emit(delta []byte) error
	attach(name, mediaType string, r io.Reader) error
}

// fileSource hands a call's files over, one after the other, and io.EOF after the last.
type fileSource interface {
	next(ctx context.Context) (*File, error)
}

// File is one file that came with a call. Its content is read once.
type File struct {
	Name, MediaType string
	io.Reader
}

// BaseURL answers where the platform is: the operator's address or the platform's own, without a trailing slash.
func (c *Call) BaseURL() string {
	if c.baseURL != "" {
		return strings.TrimRight(c.baseURL, "/")
	}
	return strings.TrimRight(c.platform.BaseURL, "/")
}

// Replaced says whether the operator replaced the platform's base URL. Adapters with several hosts then use that one for all.
func (c *Call) Replaced() bool { return c.baseURL != "" }

// operatorHost answers the host:port of the operator's base URL and whether it is plain HTTP.
func (c *Call) operatorHost() (host string, plain bool) {
	u, err := url.Parse(c.baseURL)
	if err != nil {
		return "", false
	}
	return u.Host, u.Scheme == "http"
}

// Progress tells the person who waits how far the work has come; fraction is from 0 to 1, negative when unknown.
func (c *Call) Progress(message string, fraction float64) error {
	return c.sink.progress(message, fraction)
}

// Emit gives a piece of the output as it comes. It does nothing where the caller did not ask for a stream; the operation's
// result must hold the whole in any case.
func (c *Call) Emit(delta any) error {
	encoded, err := json.Marshal(delta)
	if err != nil {
		return Errorf(AdapterBug, "The adapter's delta is not JSON.")
	}
	return c.sink.emit(encoded)
}

// Attach gives a file with the result, read from r to its end.
func (c *Call) Attach(name, mediaType string, r io.Reader) error {
	return c.sink.attach(name, mediaType, r)
}

// NextFile answers the next file that came with the call, and io.EOF after the last. The reader of the one before is closed.
func (c *Call) NextFile(ctx context.Context) (*File, error) { return c.files.next(ctx) }

// OneFile answers the only file that came with the call; none is an InvalidInput error that says so.
func (c *Call) OneFile(ctx context.Context) (*File, error) {
	f, err := c.files.next(ctx)
	if errors.Is(err, io.EOF) {
		return nil, Invalid("", "this operation needs a file; send one with the call")
	}
	return f, err
}

// AddUnits counts what the call consumed on the platform, such as input_tokens, output_tokens, credits or cost_usd.
func (c *Call) AddUnits(unit string, amount float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.units == nil {
		c.units = map[string]float64{}
	}
	c.units[unit] += amount
}

// usage answers what was counted until now, in its wire form.
func (c *Call) usage() *adapterv1.Usage {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := &adapterv1.Usage{Units: map[string]float64{}}
	for unit, amount := range c.units {
		out.Units[validText(unit)] = amount
	}
	return out
}

// Defer runs f when the call has ended, last one first.
func (c *Call) Defer(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.close = append(c.close, f)
}

// end runs what Defer collected.
func (c *Call) end() {
	c.mu.Lock()
	fs := c.close
	c.close = nil
	c.mu.Unlock()
	for i := len(fs) - 1; i >= 0; i-- {
		fs[i]()
	}
}

// ownHost says whether each integration of this platform has a host of its own, whose connections serve it alone.
func (c *Call) ownHost() bool {
	for _, m := range c.platform.Auth {
		if m.HostField != "" {
			return true
		}
	}
	return false
}
