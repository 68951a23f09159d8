// Package api serves REST under /v1: it knows who asks, decodes, calls the room that owns the noun, and encodes. problem.go maps
// every failure to its status in one place.
package api
