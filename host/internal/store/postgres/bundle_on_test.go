//go:build bundle

package postgres

import "testing"

// The bundle of this build comes before the machine's own, and starts from nothing.
func TestBuiltInBundle(t *testing.T) {
	t.Parallel()
	server := start(t, Config{DataDir: openTemp(t)})
	if got := server.Binaries(); got.Source != "bundle" || got.Major < oldestMajor {
		t.Errorf("it runs %+v", got)
	}
	run(t, connect(t, server.URL()), "SELECT 1")
}
