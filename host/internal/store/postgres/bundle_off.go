//go:build !bundle

package postgres

// This build carries no PostgreSQL.
const (
	bundleArchive  = ""
	bundleManifest = ""
)
