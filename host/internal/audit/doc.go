// Package audit owns the record of who did what: a hash chain for each host process, extended by every batch that is committed, and
// its verification. The hash is an HMAC under a key that only the host can open, so that whoever can write the database alone can
// neither change, insert nor remove a record unseen, nor cut the end off.
package audit
