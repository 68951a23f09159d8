package file

import (
	"bytes"
	"net/url"
	"strconv"
	"testing"
	"time"
)

// parts answers what a link's query holds.
func parts(t *testing.T, query string) (expires, signature string) {
	t.Helper()
	q, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return q.Get("expires"), q.Get("signature")
}

func TestALinkIsGoodForItsFileUntilItsEnd(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	l := NewLinks(bytes.Repeat([]byte{1}, 32), func() time.Time { return now })
	expires, signature := parts(t, l.Query("call_1", "file_1"))
	now = now.Add(LinkLifetime - time.Second)
	if !l.Check("call_1", "file_1", expires, signature) {
		t.Error("a link is refused before its end")
	}
	now = now.Add(time.Second)
	if l.Check("call_1", "file_1", expires, signature) {
		t.Error("a link is taken at its end")
	}
}

func TestAForgedLinkIsRefused(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	clock := func() time.Time { return now }
	l := NewLinks(bytes.Repeat([]byte{1}, 32), clock)
	expires, signature := parts(t, l.Query("call_1", "file_1"))
	_, foreign := parts(t, NewLinks(bytes.Repeat([]byte{2}, 32), clock).Query("call_1", "file_1"))
	at, err := strconv.ParseInt(expires, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	later := strconv.FormatInt(at+1, 10)
	for name, try := range map[string][4]string{
		"another file":         {"call_1", "file_2", expires, signature},
		"another call":         {"call_2", "file_1", expires, signature},
		"a later end":          {"call_1", "file_1", later, signature},
		"another key":          {"call_1", "file_1", expires, foreign},
		"no signature":         {"call_1", "file_1", expires, ""},
		"a part of it":         {"call_1", "file_1", expires, signature[:len(signature)-4]},
		"more than it":         {"call_1", "file_1", expires, signature + "AAAA"},
		"no base64":            {"call_1", "file_1", expires, signature[:len(signature)-1] + "="},
		"no end":               {"call_1", "file_1", "", signature},
		"no number":            {"call_1", "file_1", expires + "x", signature},
		"an end of long ago":   {"call_1", "file_1", "-1", signature},
		"an end past all ends": {"call_1", "file_1", "99999999999999999999", signature},
		"names that were cut elsewhere, with the byte between them in one": {"call_1\x00file_1", "", expires, signature},
	} {
		if l.Check(try[0], try[1], try[2], try[3]) {
			t.Errorf("taken: %s", name)
		}
	}
}
