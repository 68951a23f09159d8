package api

import (
	"bytes"
	"errors"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"testing"
)

func FuzzDecodeCall(f *testing.F) {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	_ = w.SetBoundary("b")
	_ = w.WriteField("call", `{"integration":"int_x","operation":"op"}`)
	_ = w.WriteField("file", "content")
	_ = w.Close()
	f.Add("application/json", []byte(`{"integration":"int_x","operation":"op","input":{"a":1},"timeout":"30s","files":[{"name":"x","data":"aGk="}]}`))
	f.Add("multipart/form-data; boundary=b", form.Bytes())
	f.Add("multipart/form-data", []byte("--"))
	f.Add("text/plain", []byte("x"))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/v1/calls", bytes.NewReader(body))
		r.Header["Content-Type"] = []string{kind}
		call, err := decodeCall(httptest.NewRecorder(), r)
		var p *Problem
		if err != nil && !errors.As(err, &p) {
			t.Errorf("the error is no problem: %v", err)
		}
		if err == nil && (call.Integration == "" || call.Operation == "" || len(call.Input) == 0) {
			t.Errorf("an incomplete call passes: %+v", call)
		}
	})
}
