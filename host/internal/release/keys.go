package release

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"aead.dev/minisign"

	"github.com/patchbay/patchbay/host/internal/catalog"
)

// Keys answers the publishers whose signatures are accepted.
func (s *Shelf) Keys(ctx context.Context) ([]Key, error) { return s.cfg.Keys.Keys(ctx) }

// AddKey pins a publisher's key: the line of minisign's public key file that is no comment, or the whole file.
func (s *Shelf) AddKey(ctx context.Context, actor, name, publicKey string) (Key, error) {
	var parsed minisign.PublicKey
	if err := parsed.UnmarshalText([]byte(strings.TrimSpace(publicKey))); err != nil {
		return Key{}, invalid("/public_key", "is no minisign public key")
	}
	if name = strings.TrimSpace(name); name == "" || len(name) > 64 {
		return Key{}, invalid("/name", "has 1 to 64 characters")
	}
	lines := strings.Split(strings.TrimSpace(parsed.String()), "\n")
	k := Key{ID: keyID(parsed.ID()), Name: name, PublicKey: lines[len(lines)-1], CreatedBy: actor}
	if err := s.cfg.Keys.AddKey(ctx, k); errors.Is(err, ErrExists) {
		return Key{}, conflict("The key %s or the name %s is there already.", k.ID, clip(name))
	} else if err != nil {
		return Key{}, fmt.Errorf("storing the key: %w", err)
	}
	return k, s.cfg.Record(ctx, actor, "adapter.key_add", name, "key", k.ID)
}

// RemoveKey takes a key out. Releases that it signed stay; new ones are refused.
func (s *Shelf) RemoveKey(ctx context.Context, actor, name string) error {
	if err := s.cfg.Keys.RemoveKey(ctx, name); errors.Is(err, ErrNotFound) {
		return &catalog.Failure{Kind: catalog.NotFound, Message: "There is no key of the name " + clip(name) + "."}
	} else if err != nil {
		return fmt.Errorf("removing the key: %w", err)
	}
	return s.cfg.Record(ctx, actor, "adapter.key_remove", name)
}

// publisher answers the name of the pinned key that signed a manifest.
func (s *Shelf) publisher(ctx context.Context, manifest, signature []byte) (string, error) {
	var parsed minisign.Signature
	if err := parsed.UnmarshalText(signature); err != nil {
		return "", invalid("/signature", "is no minisign signature")
	}
	keys, err := s.cfg.Keys.Keys(ctx)
	if err != nil {
		return "", fmt.Errorf("reading the keys: %w", err)
	}
	id := keyID(parsed.KeyID)
	for _, k := range keys {
		var pinned minisign.PublicKey
		if k.ID != id || pinned.UnmarshalText([]byte(k.PublicKey)) != nil {
			continue
		}
		if !minisign.Verify(pinned, manifest, signature) {
			return "", invalid("/signature", "does not fit the manifest: the pack was changed after "+k.Name+" signed it")
		}
		return k.Name, nil
	}
	return "", invalid("/signature", "is by the key "+id+", which is not pinned here: `patchbay adapter key add NAME FILE` pins one that you trust")
}

func keyID(id uint64) string { return strings.ToUpper(fmt.Sprintf("%016x", id)) }
