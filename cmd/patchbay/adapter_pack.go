package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"aead.dev/minisign"
	"golang.org/x/term"

	"github.com/patchbay/patchbay/host"
)

type adapterPackCmd struct {
	Binary  []string `arg:"" type:"existingfile" help:"The adapter's programs, one for each machine: linux/amd64, linux/arm64."`
	Out     string   `short:"o" placeholder:"FILE" help:"Where to write the pack; NAME-VERSION.pack when left out."`
	SignKey string   `name:"sign-key" type:"existingfile" placeholder:"FILE" help:"A minisign secret key to sign it with. Its password is asked for, or read from PATCHBAY_SIGN_PASSWORD."`
	Grant   []string `placeholder:"GRANT" sep:"none" help:"What the adapter asks its operators for: containers, egress:*, or runtime:/PATH. May stand several times."`
}

// Help is the longer help.
func (adapterPackCmd) Help() string {
	return `The program for this machine is run once, without a way out, to hear its name, its version and the hosts that it wants to reach. They stand in the pack's
manifest, with the digest of each program, and the manifest is what is signed. The same programs give the same pack, but for the signature.

    patchbay adapter key generate publisher.key
    patchbay adapter pack bin/adapters/slack --sign-key publisher.key`
}

// Run makes a pack.
func (c *adapterPackCmd) Run(ctx context.Context, con *console) error {
	cfg := host.PackConfig{Binaries: c.Binary, Grants: c.Grant}
	if c.SignKey != "" {
		key, err := con.secretKey(c.SignKey)
		if err != nil {
			return err
		}
		cfg.Sign = func(manifest []byte) ([]byte, error) { return minisign.Sign(key, manifest), nil }
	}
	temporary, err := os.CreateTemp(filepath.Dir(firstOf(c.Out, "./x")), ".pack-")
	if err != nil {
		return fmt.Errorf("writing the pack: %w", err)
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // renamed already where all went well
	packed, err := host.Pack(ctx, cfg, temporary)
	if err = errors.Join(err, temporary.Chmod(0o644), temporary.Close()); err != nil {
		return err
	}
	out := firstOf(c.Out, packed.Adapter+"-"+packed.Version+".pack")
	if err := os.Rename(temporary.Name(), out); err != nil {
		return fmt.Errorf("writing the pack: %w", err)
	}
	if con.json {
		return con.value(map[string]any{"adapter": packed.Adapter, "version": packed.Version, "file": out, "signed": c.SignKey != ""})
	}
	con.say("%s %s is in %s.", clean(packed.Adapter), clean(packed.Version), out)
	if c.SignKey == "" {
		con.note("It is not signed: operators have to install it with --allow-unsigned. --sign-key signs it.")
	}
	return nil
}

// passwordVariable holds the password of a secret key, for programs.
const passwordVariable = "PATCHBAY_SIGN_PASSWORD"

// secretKey reads a minisign secret key, and asks for its password.
func (c *console) secretKey(path string) (minisign.PrivateKey, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return minisign.PrivateKey{}, usageError("reading the key: %w", err)
	}
	password := ""
	if minisign.IsEncrypted(raw) {
		if password, err = c.password("Password of " + path + ": "); err != nil {
			return minisign.PrivateKey{}, err
		}
		key, err := minisign.DecryptKey(password, raw)
		if err != nil {
			return key, usageError("%s does not open: the password is wrong, or it is no minisign secret key", path)
		}
		return key, nil
	}
	var key minisign.PrivateKey
	if err := key.UnmarshalText(raw); err != nil {
		return key, usageError("%s is no minisign secret key", path)
	}
	return key, nil
}

// password asks for one, or takes that of the environment.
func (c *console) password(prompt string) (string, error) {
	if password, set := os.LookupEnv(passwordVariable); set {
		return password, nil
	}
	fd, person := c.terminal()
	if !person {
		return "", usageError("the key has a password: set %s, or run this at a terminal", passwordVariable)
	}
	c.ask("%s", prompt)
	raw, err := term.ReadPassword(fd)
	c.note("")
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	return string(raw), nil
}

type adapterKeyCmd struct {
	List     adapterKeyListCmd     `cmd:"" help:"List the keys that are pinned."`
	Add      adapterKeyAddCmd      `cmd:"" help:"Pin a publisher's key."`
	Remove   adapterKeyRemoveCmd   `cmd:"" help:"Take a publisher's key out."`
	Generate adapterKeyGenerateCmd `cmd:"" help:"Make a key to sign packs with."`
}

type adapterKeyListCmd struct{}

type publisherKey struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	PublicKey string    `json:"public_key"`
	CreatedAt time.Time `json:"created_at"`
}

// Run lists the keys.
func (adapterKeyListCmd) Run(ctx context.Context, at *client, con *console) error {
	return showList(ctx, at, con, get(nil, "v1", "adapter-keys"), "No key is pinned: only built-in adapters and unsigned ones can be installed.",
		[]string{"NAME", "ID", "PUBLIC KEY", "PINNED"}, func(k publisherKey) []string { return []string{k.Name, k.ID, k.PublicKey, con.dateOf(k.CreatedAt)} })
}

type adapterKeyAddCmd struct {
	Name string `arg:"" help:"Your word for the publisher."`
	File string `arg:"" type:"existingfile" help:"Their minisign public key."`
}

// Run pins a key.
func (c *adapterKeyAddCmd) Run(ctx context.Context, at *client, con *console) error {
	raw, err := os.ReadFile(c.File)
	if err != nil {
		return usageError("reading the key: %w", err)
	}
	if len(raw) > 1000 {
		return usageError("%s is too large for a minisign public key", c.File)
	}
	return show(ctx, at, con, post(map[string]string{"name": c.Name, "public_key": string(raw)}, "v1", "adapter-keys"), func(k publisherKey) {
		con.say("Packs that %s signs with the key %s can be installed.", clean(k.Name), clean(k.ID))
	})
}

type adapterKeyRemoveCmd struct {
	Name string `arg:"" help:"The publisher."`
}

// Run takes a key out.
func (c *adapterKeyRemoveCmd) Run(ctx context.Context, at *client, con *console) error {
	return show(ctx, at, con, request{method: "DELETE", path: []string{"v1", "adapter-keys", c.Name}}, func(struct{}) {
		con.say("Nothing more that %s signs can be installed. What was installed stays.", clean(c.Name))
	})
}

type adapterKeyGenerateCmd struct {
	File string `arg:"" help:"Where to write the secret key; the public one goes to FILE.pub."`
}

// Help is the longer help.
func (adapterKeyGenerateCmd) Help() string {
	return `The secret key is encrypted under a password, which is asked for, or read from PATCHBAY_SIGN_PASSWORD. Keep it off the machines that run hosts. The keys are
those of minisign, which can be used instead.`
}

// Run makes a key.
func (c *adapterKeyGenerateCmd) Run(con *console) error {
	password, err := con.password("Password for the new key: ")
	if err != nil {
		return err
	}
	public, secret, err := minisign.GenerateKey(nil)
	if err != nil {
		return fmt.Errorf("making the key: %w", err)
	}
	encrypted, err := minisign.EncryptKey(password, secret)
	if err != nil {
		return fmt.Errorf("encrypting the key: %w", err)
	}
	text, err := public.MarshalText()
	if err != nil {
		return fmt.Errorf("encoding the key: %w", err)
	}
	if err := writeNew(c.File, encrypted, 0o600); err != nil {
		return err
	}
	if err := writeNew(c.File+".pub", append(text, '\n'), 0o644); err != nil {
		return err
	}
	con.say("The secret key is in %s, the public one in %s.pub.", c.File, c.File)
	return nil
}

// writeNew writes a file that is not there yet.
func writeNew(path string, content []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return usageError("writing the key: %w", err)
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}
