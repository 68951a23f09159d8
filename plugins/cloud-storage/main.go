// Command cloud-storage is the Patchbay adapter for storage that speaks S3: Amazon S3, MinIO, Cloudflare R2, Backblaze B2, Ceph and others.
package main

import "github.com/patchbay/patchbay/sdk"

var version = "0.0.0-dev" // set by -ldflags "-X main.version=1.2.0"

func main() { sdk.Serve(adapter()) }

// adapter is the manifest.
func adapter() sdk.Adapter {
	return sdk.Adapter{Name: "cloud-storage", Version: version, Platforms: []sdk.Platform{platform()}}
}
