// Package identity owns users, their sessions and tokens: who is asking. Tokens, session cookies and sign-in links are random and
// stored as hashes alone.
package identity
