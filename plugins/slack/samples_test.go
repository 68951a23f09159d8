package main

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/sdk/sdktest"
)

// The response samples that Slack's Java SDK keeps name every field that was ever seen, with its type. Each operation whose method
// has one must be able to read it.
func TestReadsSamples(t *testing.T) {
	folder := sdktest.Fixture(t, "recordings/slack-java/json-logs/samples/api")
	calls := append(describedCalls(), bookmarkCalls()...)
	h := sdktest.Start(t, adapter())
	read := 0
	for _, call := range calls {
		_, path, _ := strings.Cut(call.requests, " /")
		if strings.Contains(path, " ") {
			continue // several methods: each has an operation of its own
		}
		sample, err := os.ReadFile(filepath.Join(folder, path+".json"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		read++
		t.Run(call.operation, func(t *testing.T) {
			sample = bytes.Replace(sample, []byte(`"ok": false`), []byte(`"ok": true`), 1) // samples are masked, this too
			slack := newDouble(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write(sample) // the test sees when it does not arrive
			})
			result, err := h.Execute(t.Context(), request(slack.URL, call.operation, call.input))
			if err != nil {
				t.Fatal(err)
			}
			for key, value := range decode(t, result.Output) {
				if value == nil {
					t.Errorf("%s is null in %s", key, result.Output)
				}
			}
		})
	}
	if read < 15 {
		t.Errorf("only %d samples were there", read)
	}
}
