package cassette

import "testing"

func TestParseJSON(t *testing.T) {
	all, err := ParseJSON([]byte(`{"interactions": [{"request": {"method": "POST", "uri": "https://api.example.com/say?x=1", "body": "b=2&a=\ud83d\ude00",
		"headers": {"content-type": ["application/x-www-form-urlencoded"]}}, "response": {"status": {"code": 201, "message": "Created"},
		"headers": {"content-length": ["9"], "x-one": ["two"]}, "body": {"string": "{\"ok\": true}"}}}], "version": 1}`))
	if err != nil || len(all) != 1 {
		t.Fatalf("got %v, %v", all, err)
	}
	if one := all[0]; string(one.Body) != "a=%F0%9F%98%80&b=2" || one.Status != 201 || string(one.Answer) != `{"ok": true}` || one.AnswerHeader.Get("X-One") != "two" || one.AnswerHeader.Get("Content-Length") != "" {
		t.Errorf("got %+v", one)
	}
	for _, broken := range []string{`{`, `{"interactions": [{"request": {"uri": "%"}}]}`, `{"interactions": [{"response": {"body": {"string": 1}}}]}`} {
		if _, err := ParseJSON([]byte(broken)); err == nil {
			t.Errorf("%s is read", broken)
		}
	}
}

func FuzzParseJSON(f *testing.F) {
	f.Add([]byte(`{"interactions": [{"request": {"uri": "/a", "body": "a=b"}, "response": {"body": {"string": "x"}}}]}`))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = ParseJSON(data) // it must not panic
	})
}
