package main

import (
	"testing"

	"github.com/patchbay/patchbay/sdk/sdktest"
)

func TestReadme(t *testing.T) { sdktest.Start(t, adapter()).Readme(t, sdktest.ReadmeRows{}) }
