package main

import (
	"context"
	_ "embed"
	"net/http"
	"slices"

	"github.com/patchbay/patchbay/sdk"
)

//go:embed icon.svg
var icon []byte

// platform is S3 storage as data: how to connect, what can be done. Where it is, each integration says itself.
func platform() sdk.Platform {
	return sdk.Platform{
		ID: "cloud-storage", Name: "Cloud Storage", Category: sdk.Productivity, Icon: icon, Website: "https://docs.aws.amazon.com/AmazonS3/latest/API/",
		Description: "Buckets and objects of any storage that speaks S3 (Amazon S3, MinIO, Cloudflare R2, Backblaze B2, Ceph): lists, reads, writes, copies and deletes, and makes links for a time.",
		Auth:        []sdk.AuthMethod{credentialMethod()},
		Authorize:   func(*http.Request, sdk.Credential) {}, // each request is signed as a whole, see sign
		Explain:     explain,
		Verify:      verify,
		VerifyNote:  "Lists the buckets, or one object of the bucket where one is given. A key that may do neither fails the test though it may be good for other calls.",
		Operations:  slices.Concat(objectOperations(), linkOperations(), bucketOperations()),
	}
}

func credentialMethod() sdk.AuthMethod {
	return sdk.AuthMethod{
		Type: sdk.MethodCustom, Label: "Access key",
		Help: "Amazon S3: make an access key for an IAM user that may do no more than is needed; the endpoint is s3.REGION.amazonaws.com. Cloudflare R2: Manage R2 API tokens; ACCOUNT.r2.cloudflarestorage.com, region auto. " +
			"Backblaze B2: Application keys; s3.REGION.backblazeb2.com. MinIO: Access keys in its console.",
		HostField: "endpoint", PortField: "port", DefaultPort: 443,
		Fields: []sdk.Field{
			{Name: "endpoint", Label: "Endpoint", Pattern: `[A-Za-z0-9.-]{0,253}`, Help: "Host name alone, without https://. Not needed where the operator has set a base URL."},
			{Name: "port", Label: "Port", Default: "443", Pattern: `[0-9]{0,5}`},
			{Name: "region", Label: "Region", Default: defaultRegion, Pattern: `[A-Za-z0-9-]{0,64}`, Help: "Such as eu-central-1; auto at Cloudflare R2."},
			{Name: "bucket", Label: "Bucket", Pattern: `[A-Za-z0-9._-]{0,255}`, Help: "The one that is meant where an operation names none. Optional."},
			{Name: "access_key_id", Label: "Access key id", Required: true, Pattern: `[!-~]{1,256}`},
			{Name: "secret_access_key", Label: "Secret access key", Secret: true, Required: true, Pattern: `[!-~]+`},
			{Name: "session_token", Label: "Session token", Secret: true, Pattern: `[!-~]*`, Help: "Of temporary keys alone."},
			{Name: "path_style", Label: "Path style", Default: "true", Pattern: `(true|false)?`,
				Help: "true: https://ENDPOINT/BUCKET/KEY. false: the endpoint is the bucket's own host, such as BUCKET.s3.eu-central-1.amazonaws.com, and serves that bucket alone."},
		},
	}
}

func verify(ctx context.Context, call *sdk.Call) (sdk.Account, error) {
	s, err := storageOf(call)
	if err != nil {
		return sdk.Account{}, err
	}
	account := sdk.Account{ID: call.Credential.Field("access_key_id"), Name: s.name()}
	if s.bucket != "" {
		_, err = s.list(ctx, listing{Limit: 1})
		return account, err
	}
	_, err = s.buckets(ctx)
	return account, err
}
