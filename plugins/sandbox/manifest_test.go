package main

import (
	"testing"

	"github.com/patchbay/patchbay/sdk/sdktest"
)

func TestManifest(t *testing.T) {
	_ = sdktest.Start(t, adapter())
}
