package release

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A pack is a gzipped tar archive of regular files, in this order: manifest.json, manifest.json.minisig (left out where the pack is not
// signed), and binaries/OS_ARCH for each binary that the manifest names. Everything else is refused.
const (
	packFormat    = 1
	manifestName  = "manifest.json"
	signatureName = "manifest.json.minisig"
	binariesDir   = "binaries/"

	maxManifest  = 1 << 20
	maxSignature = 4 << 10
	maxBinaries  = 8
	// maxUnpacked bounds all that a pack unpacks to.
	maxUnpacked = 2 * MaxBinaryBytes
)

// Manifest says what a pack holds. Its bytes are what is signed.
type Manifest struct {
	Format   int    `json:"format"`
	Adapter  string `json:"adapter"`
	Version  string `json:"version"`
	Binaries []struct {
		OS     string `json:"os"`
		Arch   string `json:"arch"`
		SHA256 string `json:"sha256"`
		Size   int64  `json:"size"`
	} `json:"binaries"`
	// Platforms are those that the adapter serves, with the hosts that it reaches.
	Platforms []ManifestPlatform `json:"platforms"`
	// Grants are what the adapter asks the operator for.
	Grants Grants `json:"grants"`
}

// ManifestPlatform is one platform of a manifest.
type ManifestPlatform struct {
	ID    string   `json:"id"`
	Hosts []string `json:"hosts"`
}

// Binary is a program of an upload, in a file.
type Binary struct {
	OS, Arch string // "" where it is not known
	Path     string
}

// Pack is an unpacked pack, or the parts of one.
type Pack struct {
	// Manifest and Signature are as they came; nil where there is none.
	Manifest, Signature []byte
	Binaries            []Binary
}

var slotPattern = regexp.MustCompile(`^[a-z0-9]{1,16}_[a-z0-9]{1,16}$`)

// Unpack reads a pack into a folder. What is too large, of another form, or not named as it should be is refused before it is written.
func Unpack(from io.Reader, dir string) (Pack, error) { return unpack(from, dir, maxUnpacked) }

func unpack(from io.Reader, dir string, most int64) (Pack, error) {
	var p Pack
	z, err := gzip.NewReader(from)
	if err != nil {
		return p, errors.New("the pack is no gzip file")
	}
	archive := tar.NewReader(io.LimitReader(z, most))
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return p, errors.New("the pack is damaged, or too large: it is no whole tar archive")
		}
		if h.Typeflag != tar.TypeReg {
			return p, fmt.Errorf("the pack holds %s, which is no regular file", clip(h.Name))
		}
		if err := p.take(archive, h.Name, dir); err != nil {
			return p, err
		}
	}
	if p.Manifest == nil || len(p.Binaries) == 0 {
		return p, errors.New("the pack has no manifest or no binary")
	}
	return p, nil
}

func (p *Pack) take(from io.Reader, name, dir string) (err error) {
	slot, isBinary := strings.CutPrefix(name, binariesDir)
	switch {
	case name == manifestName && p.Manifest == nil:
		p.Manifest, err = readBounded(from, maxManifest, name)
	case name == signatureName && p.Signature == nil:
		p.Signature, err = readBounded(from, maxSignature, name)
	case isBinary && slotPattern.MatchString(slot) && len(p.Binaries) < maxBinaries:
		path := filepath.Join(dir, slot)
		if err = WriteBounded(path, from); err == nil {
			system, arch, _ := strings.Cut(slot, "_")
			p.Binaries = append(p.Binaries, Binary{system, arch, path})
		}
	default:
		err = fmt.Errorf("the pack holds %s, which does not belong there", clip(name))
	}
	return err
}

func readBounded(from io.Reader, limit int64, name string) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(from, limit+1))
	if err != nil {
		return nil, errors.New("the pack is damaged: " + name + " ends early")
	}
	if int64(len(raw)) > limit {
		return nil, fmt.Errorf("%s is larger than %d KiB", name, limit>>10)
	}
	return raw, nil
}

// WriteBounded writes a new executable file of at most MaxBinaryBytes; one that is there already, or a link, is an error.
func WriteBounded(path string, from io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o500)
	if err != nil {
		return fmt.Errorf("writing a binary: %w", err)
	}
	n, err := io.Copy(f, io.LimitReader(from, MaxBinaryBytes+1))
	if err == nil && n > MaxBinaryBytes {
		err = fmt.Errorf("it is larger than %d MiB", MaxBinaryBytes>>20)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("reading a binary: %w", err)
	}
	return nil
}

// decodeManifest reads a manifest strictly: what this version does not know could be a condition.
func decodeManifest(raw []byte) (Manifest, error) {
	var m Manifest
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil || d.More() {
		return m, errors.New("the manifest is not one that this version knows")
	}
	if m.Format != packFormat || m.Adapter == "" || !validVersion(m.Version) || len(m.Binaries) == 0 {
		return m, errors.New("the manifest is not one that this version knows, or its version is no semantic version such as 1.2.0")
	}
	return m, m.Grants.Check()
}

// digestFor answers the digest that a manifest has for a system, or ok false.
func (m Manifest) digestFor(system, arch string) (digest [32]byte, ok bool) {
	for _, b := range m.Binaries {
		if b.OS == system && b.Arch == arch {
			raw, err := hex.DecodeString(b.SHA256)
			if err != nil || len(raw) != len(digest) {
				return digest, false
			}
			return [32]byte(raw), true
		}
	}
	return digest, false
}

// PackSpec says what to pack.
type PackSpec struct {
	Adapter, Version string
	Platforms        []ManifestPlatform
	Grants           Grants
	Binaries         []Binary
	// Sign answers the signature of a manifest; nil leaves it out.
	Sign func(manifest []byte) ([]byte, error)
}

// Write writes a pack. The same spec gives the same bytes, but for the signature.
func (spec PackSpec) Write(to io.Writer) error {
	slices.SortFunc(spec.Binaries, func(a, b Binary) int { return strings.Compare(a.OS+"_"+a.Arch, b.OS+"_"+b.Arch) })
	manifest, err := spec.manifest()
	if err != nil {
		return err
	}
	z := gzip.NewWriter(to) // its header holds no time and no name
	archive := tar.NewWriter(z)
	if err := addBytes(archive, manifestName, manifest); err != nil {
		return err
	}
	if spec.Sign != nil {
		signature, err := spec.Sign(manifest)
		if err != nil {
			return fmt.Errorf("signing the manifest: %w", err)
		}
		if err := addBytes(archive, signatureName, signature); err != nil {
			return err
		}
	}
	for _, b := range spec.Binaries {
		if err := addFile(archive, binariesDir+b.OS+"_"+b.Arch, b.Path); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), z.Close())
}

func (spec PackSpec) manifest() ([]byte, error) {
	m := Manifest{Format: packFormat, Adapter: spec.Adapter, Version: spec.Version, Platforms: spec.Platforms, Grants: spec.Grants}
	if m.Grants == nil {
		m.Grants = Grants{}
	}
	for _, b := range spec.Binaries {
		digest, size, err := hashFile(b.Path)
		if err != nil {
			return nil, err
		}
		m.Binaries = append(m.Binaries, struct {
			OS     string `json:"os"`
			Arch   string `json:"arch"`
			SHA256 string `json:"sha256"`
			Size   int64  `json:"size"`
		}{b.OS, b.Arch, hex.EncodeToString(digest[:]), size})
	}
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	if _, err := decodeManifest(raw); err != nil {
		return nil, err
	}
	return append(raw, '\n'), nil
}

func header(name string, size int64, mode int64) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: mode, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
}

func addBytes(to *tar.Writer, name string, content []byte) error {
	if err := to.WriteHeader(header(name, int64(len(content)), 0o644)); err != nil {
		return err
	}
	_, err := to.Write(content)
	return err
}

func addFile(to *tar.Writer, name, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := to.WriteHeader(header(name, info.Size(), 0o755)); err != nil {
		return err
	}
	_, err = io.Copy(to, f)
	return err
}

// hashFile answers a regular file's digest and size.
func hashFile(path string) (digest [32]byte, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return digest, 0, err
	}
	defer func() { _ = f.Close() }() // only read
	h := sha256.New()
	if size, err = io.Copy(h, f); err != nil {
		return digest, 0, err
	}
	return [32]byte(h.Sum(nil)), size, nil
}
