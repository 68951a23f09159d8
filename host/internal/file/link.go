package file

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"time"
)

// LinkLifetime is how long a link lasts.
const LinkLifetime = 15 * time.Minute

// Links signs and checks links to files, under a key that is no encryption key.
type Links struct {
	key []byte
	now func() time.Time
}

// NewLinks answers links under a key of 32 bytes; now is the clock.
func NewLinks(key []byte, now func() time.Time) *Links { return &Links{key: key, now: now} }

// Query answers the query of a link to a file: when it ends, and the signature.
func (l *Links) Query(call, file string) string {
	expires := l.now().Add(LinkLifetime).Unix()
	return fmt.Sprintf("expires=%d&signature=%s", expires, base64.RawURLEncoding.EncodeToString(l.sign(call, file, expires)))
}

// Check says whether a link's query is one of Query's for this file and has not ended.
func (l *Links) Check(call, file, expires, signature string) bool {
	at, err := strconv.ParseInt(expires, 10, 64)
	if err != nil || l.now().Unix() >= at {
		return false
	}
	given, err := base64.RawURLEncoding.DecodeString(signature)
	return err == nil && hmac.Equal(given, l.sign(call, file, at))
}

func (l *Links) sign(call, file string, expires int64) []byte {
	mac := hmac.New(sha256.New, l.key)
	_, _ = fmt.Fprintf(mac, "file-link\x00%s\x00%s\x00%d", call, file, expires) // a hash never fails
	return mac.Sum(nil)
}
