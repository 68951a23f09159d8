package event

import (
	"strings"
	"testing"
	"time"
)

// Attempts go on for about three days with growing waits, and end.
func TestJudge(t *testing.T) {
	t.Parallel()
	for _, random := range []float64{0, 0.5, 1} {
		var age, last time.Duration
		attempts := 1
		for ; ; attempts++ {
			o := judge(answer{status: 500}, attempts, age, random)
			if o.Result == GiveUp {
				break
			}
			if o.Result != Again || o.Wait < last || o.Wait > longWait*12/10 || attempts > 100 {
				t.Fatalf("attempt %d is judged %+v after waits of %s", attempts, o, last)
			}
			last, age = o.Wait, age+o.Wait
		}
		if age < 60*time.Hour || age > keepTrying || attempts < 12 {
			t.Errorf("it is given up after %d attempts in %s", attempts, age)
		}
	}
	if o := judge(answer{problem: "x"}, 1, 0, 0.5); o.Wait != firstWait || o.Error != "x" {
		t.Errorf("the first failure is judged %+v", o)
	}
	for status, want := range map[int]Result{200: Done, 204: Done, 299: Done, 301: Again, 304: Again, 400: Again, 404: Again, 410: Gone, 429: Again, 0: Again, 101: Again} {
		if o := judge(answer{status: status}, 1, 0, 0.5); o.Result != want {
			t.Errorf("%d is judged %+v", status, o)
		}
	}
	for asked, want := range map[time.Duration]time.Duration{time.Hour: time.Hour, 100 * time.Hour: longestAsked, time.Second: firstWait} {
		if o := judge(answer{status: 429, retryAfter: asked}, 1, 0, 0.5); o.Wait != want {
			t.Errorf("asked for %s it waits %s", asked, o.Wait)
		}
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	for pattern, good := range map[string]bool{"*": true, "a.b": true, "a.*": true, "a.b_2.*": true, "a": true, "": false, ".": false, "a.": false, ".*": false,
		"a*": false, "*.a": false, "a.*.b": false, "A": false, "a b": false, "a..b": false, strings.Repeat("a", 101): false, "**": false, "a%": false} {
		if validPattern(pattern) != good {
			t.Errorf("%q is valid: %v", pattern, !good)
		}
	}
}

// An event that nobody could be sent is refused where it happens.
func TestPrepare(t *testing.T) {
	t.Parallel()
	e, data, err := Event{Type: "a.b", Subject: "s"}.Prepare()
	if err != nil || !strings.HasPrefix(e.ID, "evt_") || string(data) != "{}" {
		t.Errorf("it is prepared as %+v %s: %v", e, data, err)
	}
	for what, e := range map[string]Event{"no type": {}, "a pattern": {Type: "a.*"}, "a long subject": {Type: "a", Subject: strings.Repeat("x", 201)},
		"much data": {Type: "a", Data: map[string]any{"x": strings.Repeat("x", maxData)}}, "a function": {Type: "a", Data: map[string]any{"x": func() {}}}} {
		if _, _, err := e.Prepare(); err == nil {
			t.Errorf("%s is prepared", what)
		}
	}
	// The largest data, all of which JSON has to escape, fits into a body.
	large := Event{Type: strings.Repeat("a", maxType), Subject: strings.Repeat("<", maxSubject), Data: map[string]any{"x": strings.Repeat("<", maxData/6-10)}}
	large, data, err = large.Prepare()
	if err != nil {
		t.Fatal(err)
	}
	if body, err := bodyOf(large); err != nil || len(body) < len(data) {
		t.Errorf("a body of %d bytes: %v", len(body), err)
	}
}

// A character that the database does not take is dropped, and nothing that looks like it.
func TestPrepareDropsNUL(t *testing.T) {
	t.Parallel()
	_, data, err := Event{Type: "a", Data: map[string]any{"a\x00b": "c\x00\x00d", "e": `\u0000`, "f": "\\\x00\n\u0001"}}.Prepare()
	if want := `{"ab":"cd","e":"\\u0000","f":"\\\n\u0001"}`; err != nil || string(data) != want {
		t.Errorf("it is prepared as %s, want %s: %v", data, want, err)
	}
}

// Secrets overlap for a day, three at most, and the newest is the first.
func TestKeyring(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ring, first := keyring{}.rotate(now)
	ring, second := ring.rotate(now.Add(time.Hour))
	if first == second || len(ring.Secrets) != 2 {
		t.Fatalf("two secrets are %d", len(ring.Secrets))
	}
	count := func(at time.Time) int { return len(strings.Fields(ring.signatures("id", at, []byte("body")))) }
	if count(now.Add(25*time.Hour-time.Second)) != 2 || count(now.Add(25*time.Hour)) != 1 {
		t.Error("the old secret does not sign for a day")
	}
	for range 5 {
		ring, _ = ring.rotate(now.Add(2 * time.Hour))
	}
	if len(ring.Secrets) != maxKept || ring.Secrets[0].Until != nil || ring.Secrets[1].Until == nil {
		t.Errorf("after many rotations there are %d secrets", len(ring.Secrets))
	}
	read, err := openKeyring(ring.secret())
	if err != nil || read.signatures("id", now, nil) != ring.signatures("id", now, nil) {
		t.Errorf("the stored form reads as another keyring: %v", err)
	}
}
