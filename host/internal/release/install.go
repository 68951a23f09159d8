package release

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"slices"

	"github.com/patchbay/patchbay/host/internal/catalog"
)

// Upload is a release that an operator wants to install.
type Upload struct {
	Actor string
	// Adapter is the name that it must have; "" takes any.
	Adapter string
	// Version is the version that it must have; "" takes any.
	Version string
	Pack    Pack
	// AllowUnsigned takes a release that no pinned key signed.
	AllowUnsigned bool
	// Grants are what the operator gives. A release that asks for more is refused.
	Grants Grants
}

// Review is what an operator has to know of a release before it is accepted.
type Review struct {
	Adapter, Version string
	Trust            Trust
	Publisher        string
	Platforms        []ManifestPlatform
	Releases         []Release
	// Grants are what it gets, and Wanted what it asks for beyond that.
	Grants, Wanted Grants
	// Losses name what is in use and would be lost by activating it.
	Losses []string
	// Refused says why it cannot be installed as it is, or "".
	Refused string
}

// Review looks at a release without installing it: who signed it, what it is when it is run confined and without a way out, and what
// it would be allowed to do. A release that lies about itself is a *catalog.Failure.
func (s *Shelf) Review(ctx context.Context, u Upload) (Review, error) {
	var m Manifest
	v := Review{Trust: Unsigned, Grants: u.Grants}
	if err := u.Grants.Check(); err != nil {
		return v, invalid("/grant", err.Error())
	}
	var err error
	if u.Pack.Manifest != nil {
		if m, err = decodeManifest(u.Pack.Manifest); err != nil {
			return v, invalid("/manifest", err.Error())
		}
	}
	if u.Pack.Signature != nil {
		if v.Publisher, err = s.publisher(ctx, u.Pack.Manifest, u.Pack.Signature); err != nil {
			return v, err
		}
		v.Trust = Signed
	}
	if v.Releases, err = releasesOf(u.Pack, m); err != nil {
		return v, err
	}
	if err := s.introduce(ctx, u, &v); err != nil {
		return v, err
	}
	if u.Pack.Manifest != nil {
		if err := m.matches(v); err != nil {
			return v, err
		}
	}
	for i := range v.Releases {
		r := &v.Releases[i]
		r.Adapter, r.Version, r.Trust, r.Publisher, r.Grants, r.CreatedBy = v.Adapter, v.Version, v.Trust, v.Publisher, u.Grants, u.Actor
		r.Manifest, r.Signature = u.Pack.Manifest, u.Pack.Signature
	}
	for _, grant := range m.Grants {
		if !u.Grants.Has(grant) {
			v.Wanted = append(v.Wanted, grant)
		}
	}
	v.Refused = u.refusal(v)
	return v, nil
}

// refusal says why a release cannot be installed as the operator asked, or "".
func (u Upload) refusal(v Review) string {
	switch {
	case v.Trust == Unsigned && !u.AllowUnsigned:
		return "No pinned key signed it. --allow-unsigned installs it all the same, and stays visible in the adapter's status."
	case v.Trust == Unsigned && len(u.Grants) > 0:
		return "A release that is not signed can be given no grants."
	case len(v.Wanted) > 0:
		return fmt.Sprintf("It asks for %s: give each with --grant, or do not install it.", v.Wanted)
	}
	return ""
}

// introduce runs the binary for this machine once, confined and without a way out, and takes what it says of itself.
func (s *Shelf) introduce(ctx context.Context, u Upload, v *Review) error {
	for i, r := range v.Releases {
		if !r.Here() {
			continue
		}
		said, platforms, err := s.cfg.Runner.Inspect(ctx, u.Pack.Binaries[i].Path, r.Digest)
		if err != nil {
			return invalid("/binary", "cannot be used: "+err.Error())
		}
		v.Adapter, v.Version = said.Adapter, said.Version
		v.Platforms = PlatformsOf(platforms)
		switch {
		case u.Adapter != "" && u.Adapter != said.Adapter:
			return invalid("/binary", "is the adapter "+clip(said.Adapter)+", not "+clip(u.Adapter))
		case u.Version != "" && u.Version != said.Version:
			return invalid("/version", "is "+clip(u.Version)+", and the binary says that it is "+clip(said.Version))
		case !validVersion(said.Version):
			return invalid("/binary", "has the version "+clip(said.Version)+", which is no semantic version such as 1.2.0")
		}
		v.Losses, err = s.losses(ctx, Release{Adapter: said.Adapter, Version: said.Version, Digest: r.Digest}, platforms)
		return err
	}
	return invalid("/binary", fmt.Sprintf("is not for this machine (%s/%s), so that nothing can be asked of it", runtime.GOOS, runtime.GOARCH))
}

// PlatformsOf answers platforms as a manifest has them.
func PlatformsOf(platforms []*catalog.Platform) []ManifestPlatform {
	var out []ManifestPlatform
	for _, p := range platforms {
		out = append(out, ManifestPlatform{p.ID, hostsOf(p)})
	}
	return out
}

// BinaryAt answers the binary in a file, with what it is a program for.
func BinaryAt(path string) (Binary, error) {
	system, arch, err := platformOf(path)
	if err != nil {
		return Binary{}, fmt.Errorf("it %w", err)
	}
	return Binary{system, arch, path}, nil
}

// DigestOf answers the SHA-256 digest of a file.
func DigestOf(path string) ([32]byte, error) {
	digest, _, err := hashFile(path)
	return digest, err
}

// hostsOf answers all that a platform declares to reach.
func hostsOf(p *catalog.Platform) []string {
	out := append([]string{}, p.Hosts...)
	if u, err := url.Parse(p.BaseURL); err == nil && u.Host != "" {
		out = append(out, u.Host)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// matches says how the binary is another one than the manifest says.
func (m Manifest) matches(v Review) error {
	if m.Adapter != v.Adapter || m.Version != v.Version {
		return invalid("/manifest", fmt.Sprintf("is of %s %s, and the binary says that it is %s %s", m.Adapter, m.Version, v.Adapter, v.Version))
	}
	declared := map[string][]string{}
	for _, p := range m.Platforms {
		hosts := slices.Clone(p.Hosts)
		slices.Sort(hosts)
		declared[p.ID] = slices.Compact(hosts)
	}
	for _, p := range v.Platforms {
		if hosts, there := declared[p.ID]; !there || !slices.Equal(hosts, p.Hosts) {
			return invalid("/manifest", "does not have the platform "+clip(p.ID)+" with the hosts that the binary declares")
		}
	}
	if len(declared) != len(v.Platforms) {
		return invalid("/manifest", "has platforms that the binary does not declare")
	}
	return nil
}

// releasesOf answers a release for each binary, in their order. Binaries are what the manifest says, where there is one.
func releasesOf(p Pack, m Manifest) ([]Release, error) {
	if len(p.Binaries) == 0 || p.Manifest == nil && len(p.Binaries) > 1 {
		return nil, invalid("/binary", "is missing, or there are several without a manifest")
	}
	var out []Release
	for _, b := range p.Binaries {
		digest, size, err := hashFile(b.Path)
		if err != nil {
			return nil, fmt.Errorf("reading the binary: %w", err)
		}
		system, arch, err := platformOf(b.Path)
		if err != nil {
			return nil, invalid("/binary", err.Error())
		}
		if b.OS != "" && (b.OS != system || b.Arch != arch) {
			return nil, invalid("/binary", fmt.Sprintf("for %s/%s is a program for %s/%s", b.OS, b.Arch, system, arch))
		}
		if p.Manifest != nil {
			if want, ok := m.digestFor(system, arch); !ok || want != digest {
				return nil, invalid("/binary", fmt.Sprintf("for %s/%s does not have the digest that the manifest says", system, arch))
			}
		}
		out = append(out, Release{OS: system, Arch: arch, Digest: digest, Size: size})
	}
	return out, nil
}

// platformOf reads from an ELF file what it is a program for.
func platformOf(path string) (system, arch string, err error) {
	f, err := elf.Open(path)
	if err != nil {
		return "", "", errors.New("is no program for Linux")
	}
	defer func() { _ = f.Close() }() // only read
	switch {
	case f.Machine == elf.EM_X86_64 && f.Class == elf.ELFCLASS64:
		return "linux", "amd64", nil
	case f.Machine == elf.EM_AARCH64:
		return "linux", "arm64", nil
	}
	return "", "", errors.New("is a program for " + f.Machine.String() + ", which no host is")
}

// Install reviews a release and stores it. It comes into service by Activate. What cannot be accepted is a *catalog.Failure.
func (s *Shelf) Install(ctx context.Context, u Upload) (Review, error) {
	v, err := s.Review(ctx, u)
	if err != nil {
		return v, err
	}
	if v.Refused != "" {
		return v, &catalog.Failure{Kind: catalog.ValidationFailed, Message: v.Refused}
	}
	for i, r := range v.Releases {
		if err := s.putBinary(ctx, r.Digest, u.Pack.Binaries[i].Path); err != nil {
			return v, fmt.Errorf("storing the binary: %w", err)
		}
		if _, err := s.cfg.Store.PutRelease(ctx, r); errors.Is(err, ErrExists) {
			return v, conflict("Version %s of %s is there with another binary, and a release never changes: give the new one another version.", r.Version, r.Adapter)
		} else if err != nil {
			return v, fmt.Errorf("storing the release: %w", err)
		}
	}
	e := s.event(Event{Kind: "installed", Version: v.Version, Detail: string(v.Trust)}, v.Adapter, u.Actor)
	if err := s.cfg.Store.AddEvent(ctx, e); err != nil {
		return v, fmt.Errorf("storing the event: %w", err)
	}
	return v, s.cfg.Record(ctx, u.Actor, "adapter.install", v.Adapter, "version", v.Version, "trust", string(v.Trust), "publisher", v.Publisher,
		"grants", fmt.Sprint(v.Grants))
}
