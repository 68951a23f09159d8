// Package cluster owns the hosts that share one database: each registers itself, keeps a heartbeat, and speaks to the others over
// mutual TLS whose certificate authority lies sealed in the database.
//
// A host may serve from its copies of records only while it is fresh: while its last heartbeat is younger than FreshFor. Whoever
// changes a record announces it, and the announcement ends when every other host has dropped its copy or has not been heard of
// for LiveFor, which is longer than FreshFor. So no host serves from an old copy once an announcement has ended.
package cluster
