//go:build bundle

package postgres

import _ "embed"

// What scripts/postgres-bundle built.

//go:embed bundle/postgres.tar.gz
var bundleArchive string

//go:embed bundle/manifest.json
var bundleManifest string
