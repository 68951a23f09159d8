package mount

import (
	"context"
	"errors"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
)

// Definition is what an operator said of a platform.
type Definition struct {
	Adapter string `json:"-"`
	// Base is the platform of the adapter that this one is a variant of; "" for a document.
	Base        string   `json:"base,omitempty"`
	Name        string   `json:"name,omitempty"`
	Description string   `json:"description,omitempty"`
	Category    string   `json:"category,omitempty"`
	Location    string   `json:"location,omitempty"`
	Auth        []string `json:"auth,omitempty"`
	Include     []string `json:"include,omitempty"`
	// Elsewhere is true where the operator gave a base URL.
	Elsewhere bool `json:"elsewhere,omitempty"`
	// Format, Version and Declared are what the document says, Findings what is not as it should be in it.
	Format   string            `json:"format,omitempty"`
	Version  string            `json:"version,omitempty"`
	Declared int               `json:"declared,omitempty"`
	Findings []catalog.Finding `json:"findings,omitempty"`
	// Digest is the SHA-256 of the document, in hexadecimal.
	Digest string `json:"digest,omitempty"`
}

// Record is a platform of an operator as it is kept.
type Record struct {
	ID       string
	Revision int64
	Definition
	ChangedBy string
	ChangedAt time.Time
}

// ErrChanged is the error of a change that another one came before.
var ErrChanged = errors.New("the platform was changed at the same time")

// Store keeps the platforms.
type Store interface {
	// Mounts answers all, without what is large.
	Mounts(ctx context.Context) ([]Record, error)
	// Compiled answers what was made of the document of a platform, in the revision.
	Compiled(ctx context.Context, id string, revision int64) ([]byte, error)
	// Document answers the document of a platform, or nil.
	Document(ctx context.Context, id string) ([]byte, error)
	// PutMount stores a platform whose revision is one above the stored one (1: there is none), or fails with ErrChanged.
	PutMount(ctx context.Context, r Record, document, compiled []byte) error
	// DropMount removes a platform of a revision, or fails with ErrChanged.
	DropMount(ctx context.Context, id string, revision int64) error
}

// Compiler makes platforms of documents.
type Compiler interface {
	// Compile lets an adapter read a document. Failures of the document are *catalog.Failure.
	Compile(ctx context.Context, adapter string, o catalog.Order) (catalog.Compiled, error)
	// Decode answers the platform that Compile encoded.
	Decode(encoded []byte) (*catalog.Platform, error)
}

// Uses says what a change of a platform would break.
type Uses interface {
	// AuthMethods answers the ways by which integrations that are not deleted are connected to a platform.
	AuthMethods(ctx context.Context, platform string) ([]string, error)
	// Called says whether an integration of the platform that is not deleted ever ran the operation.
	Called(ctx context.Context, platform, operation string) (bool, error)
}

// Config is what a Service needs; every field is required but Now.
type Config struct {
	Store    Store
	Compiler Compiler
	Uses     Uses
	Catalog  *catalog.Catalog
	// Announce returns when every live host has read the platforms again.
	Announce func(ctx context.Context, topic, subject string) error
	// Record commits an audit record.
	Record func(ctx context.Context, actor, action, subject string, details ...string) error
	// Now is the clock; time.Now when nil.
	Now func() time.Time
}

// Topic is the name under which changes are announced.
const Topic = "mounts"

// DocumentAdapter is the adapter that reads OpenAPI documents.
const DocumentAdapter = "openapi"
