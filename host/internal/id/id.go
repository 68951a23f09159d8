// Package id makes the ids of records: a prefix that says what it is, and 26 characters that sort by time.
package id

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"time"
)

var encoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// New answers an id such as "int_06f3k...": 48 bits of the time in milliseconds, then 80 random bits.
func New(prefix string) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(time.Now().UnixMilli())<<16)
	_, _ = rand.Read(b[6:]) // documented never to fail
	return prefix + "_" + encoding.EncodeToString(b[:])
}

// Secret answers 160 random bits as text after a prefix, for tokens and links.
func Secret(prefix string) string {
	var b [20]byte
	_, _ = rand.Read(b[:]) // documented never to fail
	return prefix + "_" + encoding.EncodeToString(b[:])
}

// Is says whether s has the form of an id with this prefix, so that nonsense is not looked up.
func Is(prefix, s string) bool {
	rest, ok := strings.CutPrefix(s, prefix+"_")
	return ok && len(rest) == 26 && strings.Trim(rest, "0123456789abcdefghjkmnpqrstvwxyz") == ""
}
