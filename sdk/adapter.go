package sdk

import (
	"context"
	"net/http"

	"github.com/patchbay/patchbay/sdk/sandbox"
)

// Categories of the catalog.
const (
	Internal     = "Internal"
	Social       = "Social"
	AI           = "AI"
	Tools        = "Tools"
	Media        = "Media"
	Productivity = "Productivity"
)

// Adapter is what one binary serves.
type Adapter struct {
	// Name is required: lower case letters, digits and hyphens.
	Name string
	// Version is required: a semantic version, usually set by -ldflags "-X main.version=...".
	Version string
	// Platforms is required: at least one, unless there is Mounts.
	Platforms []Platform
	// Mounts makes platforms of documents that operators have. Optional.
	Mounts Mounter
	// Sandboxes runs the host's sandboxes. Optional; only an adapter with the grant "containers" can have a use for it.
	Sandboxes sandbox.Service
}

// Platform is an external service: who may connect, how, and what can be done.
type Platform struct {
	// ID is required: lower case letters, digits and hyphens.
	ID string
	// Name and Description are required, Category is one of the constants of this package.
	Name, Description, Category string
	// Icon is an SVG document of at most 64 KiB. Optional.
	Icon []byte
	// Website is the vendor's page for developers. Optional.
	Website string
	// BaseURL is where relative paths of [Request] start. The operator may replace it. Optional.
	BaseURL string
	// Hosts are what the adapter may dial besides the host of BaseURL: "slack.com", "*.googleapis.com", "host:port". Optional.
	Hosts []string
	// Auth is required: at least one method.
	Auth []AuthMethod
	// Verify answers whose credential it is, changing nothing on the platform. Nil means that a credential cannot be tested.
	Verify func(context.Context, *Call) (Account, error)
	// VerifyNote is what a user has to know of a test, such as that it costs a call. Optional.
	VerifyNote string
	// Operations is required: at least one.
	Operations []Operation
	// RateLimits are the platform's published ones. Optional.
	RateLimits []RateLimit
	// Authorize puts the credential on a request to the platform. Optional: a bearer token in the Authorization header.
	Authorize func(*http.Request, Credential)
	// Explain reads a platform's own error out of an answer: of one with a status of 400 and above, and, when it answers nil
	// for those, the status decides; of one below 400 only if ExplainSuccess is set. Optional.
	Explain func(status int, header http.Header, body []byte) *Error
	// ExplainSuccess calls Explain for JSON answers with a status below 400 too, for platforms that hide errors in them.
	ExplainSuccess bool
}

// Account says whose credential it is.
type Account struct {
	// ID is the platform's own.
	ID string
	// Name is one that its owner recognises.
	Name string
	// Scopes are those that the platform says were granted. Optional.
	Scopes []string
	// Observed values are stored with the credential, such as a host key that was seen. Optional.
	Observed map[string]string
}

// RateLimit is a number of calls in a time, for each integration.
type RateLimit struct {
	Calls, PerSeconds uint32
	// Operations that share it; none means all.
	Operations []string
}

// Effect says what repeating an operation does.
type Effect int

// Effects. The zero value is not valid: each operation states its own.
const (
	// Read changes nothing.
	Read Effect = iota + 1
	// Idempotent gives the same result when it is repeated.
	Idempotent
	// Write must not be repeated blindly.
	Write
)

// Operation is one action of a platform.
type Operation struct {
	// Name is required: snake_case.
	Name string
	// Title is for people. Optional: made from Name.
	Title string
	// Description is required: what it does and what it refuses, for people and for language models.
	Description string
	// Effect is required.
	Effect Effect
	// Scopes are what the credential needs, all of them. Optional.
	Scopes []string
	// AnyScopes are sets of scopes of which one each is needed besides, where a wider scope includes a narrower one. Optional.
	AnyScopes [][]string
	// Streaming says that the function calls [Call.Emit].
	Streaming bool
	// TakesFiles says that the function reads [Call.Files].
	TakesFiles bool
	// GivesFiles says that the function may call [Call.Attach].
	GivesFiles bool
	// Run is required, made by [Func].
	Run Handler
}
