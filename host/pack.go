package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/egress"
	"github.com/patchbay/patchbay/host/internal/release"
	"github.com/patchbay/patchbay/host/internal/supervisor"
)

// PackConfig says what to pack.
type PackConfig struct {
	// Binaries are files with the adapter's program, each for another machine; one for this machine among them. Required.
	Binaries []string
	// Grants are what the adapter asks its operators for. Optional.
	Grants []string
	// Sign answers the minisign signature of the pack's manifest; nil makes a pack that is not signed.
	Sign func(manifest []byte) ([]byte, error)
}

// Packed says what was packed.
type Packed struct{ Adapter, Version string }

// Pack writes a pack of an adapter, as `patchbay adapter install` takes it. The program for this machine is run once, confined as far as
// this kernel can and without a way out, to hear what it is. The same input gives the same bytes, but for the signature.
func Pack(ctx context.Context, cfg PackConfig, to io.Writer) (Packed, error) {
	spec := release.PackSpec{Grants: cfg.Grants, Sign: cfg.Sign}
	for _, path := range cfg.Binaries {
		b, err := release.BinaryAt(path)
		if err != nil {
			return Packed{}, fmt.Errorf("reading %s: %w", path, err)
		}
		spec.Binaries = append(spec.Binaries, b)
		if b.OS != runtime.GOOS || b.Arch != runtime.GOARCH {
			continue
		}
		said, platforms, err := inspect(ctx, path)
		if err != nil {
			return Packed{}, fmt.Errorf("asking %s what it is: %w", path, err)
		}
		spec.Adapter, spec.Version = said.Adapter, said.Version
		spec.Platforms = release.PlatformsOf(platforms)
	}
	if spec.Adapter == "" {
		return Packed{}, fmt.Errorf("none of the programs is for this machine (%s/%s), so that nothing can be asked of them", runtime.GOOS, runtime.GOARCH)
	}
	return Packed{spec.Adapter, spec.Version}, spec.Write(to)
}

// inspect runs a program in a supervisor of its own.
func inspect(ctx context.Context, path string) (release.Release, []*catalog.Platform, error) {
	dir, err := os.MkdirTemp("", "pb-pack-")
	if err != nil {
		return release.Release{}, nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary folder
	mode := runDirMode()
	empty := filepath.Join(dir, "none")
	if err := errors.Join(os.Chmod(dir, mode), os.Mkdir(empty, 0o700), os.Mkdir(filepath.Join(dir, "run"), mode)); err != nil {
		return release.Release{}, nil, err
	}
	digest, err := release.DigestOf(path)
	if err != nil {
		return release.Release{}, nil, err
	}
	s, err := supervisor.Open(ctx, supervisor.Config{Dir: empty, RunDir: filepath.Join(dir, "run"), Catalog: catalog.New(catalog.Config{}),
		Manifests: noManifests{}, Gate: egress.New(egress.Config{Logger: slog.New(slog.DiscardHandler)}), Logger: slog.New(slog.DiscardHandler),
		Confine: &supervisor.Confinement{AllowMissing: true}})
	if err != nil {
		return release.Release{}, nil, err
	}
	defer s.Close()
	return s.Inspect(ctx, path, digest)
}

// noManifests keeps nothing.
type noManifests struct{}

// Manifest knows none.
func (noManifests) Manifest(context.Context, []byte) ([]byte, error) { return nil, nil }

// PutManifest forgets it.
func (noManifests) PutManifest(context.Context, []byte, string, string, []byte) error { return nil }
