package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/memory"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	docker "oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/retry"
)

// A pack in a registry is an artifact of one layer. The signature in the pack is what is trusted, not the registry.
const (
	ociPrefix   = "oci://"
	ociArtifact = "application/vnd.patchbay.adapter.v1"
	ociLayer    = "application/vnd.patchbay.adapter.pack.v1.tar+gzip"
	// maxPack bounds a pack that is fetched, as hosts bound an upload.
	maxPack = 1 << 30
)

// repository answers the repository of oci://HOST/NAME:TAG, with the credentials that docker keeps. Only loopback may speak plain HTTP.
func repository(reference string) (*remote.Repository, error) {
	repo, err := remote.NewRepository(strings.TrimPrefix(reference, ociPrefix))
	if err != nil {
		return nil, usageError("%s is no reference of an artifact, such as oci://registry.example/adapters/slack:1.3.0: %w", reference, err)
	}
	if repo.Reference.Reference == "" {
		return nil, usageError("%s names no tag and no digest", reference)
	}
	client := &auth.Client{Client: retry.DefaultClient, Cache: auth.NewCache()}
	if store, err := docker.NewStoreFromDocker(docker.StoreOptions{}); err == nil { // without one, nobody is logged in
		client.Credential = docker.Credential(store)
	}
	repo.Client = client
	host, _, err := net.SplitHostPort(repo.Reference.Registry)
	if err != nil {
		host = repo.Reference.Registry
	}
	ip := net.ParseIP(host)
	repo.PlainHTTP = host == "localhost" || ip != nil && ip.IsLoopback()
	return repo, nil
}

// fetchPack copies a pack from a registry to a temporary file, checks that it is what the registry's manifest names, and answers the
// file. The caller removes it.
func fetchPack(ctx context.Context, reference string) (path string, err error) {
	repo, err := repository(reference)
	if err != nil {
		return "", err
	}
	_, raw, err := oras.FetchBytes(ctx, repo, repo.Reference.Reference, oras.FetchBytesOptions{})
	if err != nil {
		return "", fmt.Errorf("fetching %s: %w", reference, err)
	}
	var manifest ocispec.Manifest
	if err := json.Unmarshal(raw, &manifest); err != nil || manifest.ArtifactType != ociArtifact || len(manifest.Layers) != 1 ||
		manifest.Layers[0].MediaType != ociLayer || manifest.Layers[0].Size > maxPack {
		return "", fmt.Errorf("%s is no adapter that patchbay adapter push made", reference)
	}
	layer := manifest.Layers[0]
	from, err := repo.Fetch(ctx, layer)
	if err != nil {
		return "", fmt.Errorf("fetching %s: %w", reference, err)
	}
	defer func() { _ = from.Close() }() // read to its end
	f, err := os.CreateTemp("", "patchbay-*.pack")
	if err != nil {
		return "", err
	}
	checked := content.NewVerifyReader(io.LimitReader(from, layer.Size+1), layer)
	_, err = io.Copy(f, checked)
	if err == nil {
		err = checked.Verify()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(fmt.Errorf("fetching %s: %w", reference, err), os.Remove(f.Name()))
	}
	return f.Name(), nil
}

type adapterPushCmd struct {
	Pack      string `arg:"" type:"existingfile" help:"The pack."`
	Reference string `arg:"" help:"Where to: oci://HOST/NAME:TAG."`
}

// Help is the longer help.
func (adapterPushCmd) Help() string {
	return `The credentials are those that docker login keeps. Others install it by the same reference:

    patchbay adapter push slack-1.3.0.pack oci://registry.example/adapters/slack:1.3.0
    patchbay adapter install oci://registry.example/adapters/slack:1.3.0`
}

// Run puts a pack into a registry.
func (c *adapterPushCmd) Run(ctx context.Context, con *console) error {
	if !strings.HasPrefix(c.Reference, ociPrefix) {
		return usageError("%s does not begin with %s", c.Reference, ociPrefix)
	}
	repo, err := repository(c.Reference)
	if err != nil {
		return err
	}
	raw, err := os.ReadFile(c.Pack)
	if err != nil {
		return usageError("reading the pack: %w", err)
	}
	local := memory.New()
	layer := content.NewDescriptorFromBytes(ociLayer, raw)
	if err := local.Push(ctx, layer, strings.NewReader(string(raw))); err != nil {
		return fmt.Errorf("preparing the artifact: %w", err)
	}
	// A fixed time, so that the same pack is the same artifact.
	manifest, err := oras.PackManifest(ctx, local, oras.PackManifestVersion1_1, ociArtifact, oras.PackManifestOptions{Layers: []ocispec.Descriptor{layer},
		ManifestAnnotations: map[string]string{ocispec.AnnotationCreated: "1970-01-01T00:00:00Z"}})
	if err != nil {
		return fmt.Errorf("preparing the artifact: %w", err)
	}
	tag := repo.Reference.Reference
	if err := local.Tag(ctx, manifest, tag); err != nil {
		return fmt.Errorf("preparing the artifact: %w", err)
	}
	if _, err := oras.Copy(ctx, local, tag, repo, tag, oras.DefaultCopyOptions); err != nil {
		return fmt.Errorf("pushing to %s: %w", c.Reference, err)
	}
	if con.json {
		return con.value(map[string]string{"reference": c.Reference, "digest": manifest.Digest.String()})
	}
	con.say("%s is %s.", c.Reference, manifest.Digest)
	return nil
}
