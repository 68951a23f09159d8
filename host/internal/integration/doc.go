// Package integration owns a user's connections to platforms: the record, its lifecycle, and the lease, which is the one way to
// its credential.
package integration
