// Package mount owns the platforms that operators make without code: of an OpenAPI document, which an adapter compiles, or as a variant
// of a platform that an adapter has. They lie in the database, so that every host of a cluster has them.
package mount
