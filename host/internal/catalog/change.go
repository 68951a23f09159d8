package catalog

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/host/internal/vault"
)

// Change alters a platform's settings for the operator who asks, and returns when they are in force on every host. A nil secret keeps
// the client secret, "" removes it. What is not valid is a Failure of kind validation_failed, and then nothing changes.
func (c *Catalog) Change(ctx context.Context, actor, platform string, secret *string, change func(*Settings)) (Settings, error) {
	c.changing.Lock()
	defer c.changing.Unlock()
	if err := c.Reload(ctx); err != nil { // another host may have changed them
		return Settings{}, err
	}
	_, settings, known := c.Declared(platform)
	if !known {
		return Settings{}, &Failure{Kind: PlatformNotFound, Message: fmt.Sprintf("There is no platform %q. `patchbay platforms` lists them.", clip(platform))}
	}
	before := settings
	change(&settings)
	if wrong := settings.Check(); len(wrong) > 0 {
		return Settings{}, &Failure{Kind: ValidationFailed, Message: "The settings are not valid: " + summary(wrong) + ".", Violations: wrong}
	}
	sealed, err := c.sealSecret(ctx, platform, secret)
	if err != nil {
		return Settings{}, err
	}
	if err := c.cfg.Store.PutPlatformSettings(ctx, platform, settings, sealed); err != nil {
		return Settings{}, fmt.Errorf("storing the settings: %w", err)
	}
	if err := c.cfg.Record(ctx, actor, "platform.settings", platform, "changed", changed(before, settings, secret != nil)); err != nil {
		return Settings{}, err
	}
	if err := c.Reload(ctx); err != nil {
		return Settings{}, err
	}
	_, settings, _ = c.Declared(platform)
	if err := c.cfg.Announce(ctx, Topic, platform); err != nil {
		return Settings{}, fmt.Errorf("telling the other hosts: %w", err)
	}
	return settings, nil
}

func (c *Catalog) sealSecret(ctx context.Context, platform string, secret *string) (*vault.Sealed, error) {
	if secret == nil {
		return nil, nil
	}
	if *secret == "" {
		return &vault.Sealed{}, nil
	}
	sealed, err := c.cfg.Vault.Seal(ctx, vault.SettingsAAD(platform, "client_secret"), vault.SecretString(*secret))
	if err != nil {
		return nil, fmt.Errorf("sealing the client secret: %w", err)
	}
	return &sealed, nil
}

// ClientSecret opens the secret of a platform's OAuth client for the host's own request to the provider; "" where there is none.
func (c *Catalog) ClientSecret(ctx context.Context, platform string) (string, error) {
	sealed, ok, err := c.cfg.Store.ClientSecret(ctx, platform)
	if err != nil || !ok {
		return "", err
	}
	secret, err := c.cfg.Vault.Open(ctx, vault.Access{Actor: "host", Reason: vault.ForHost}, vault.SettingsAAD(platform, "client_secret"), sealed)
	if err != nil {
		return "", fmt.Errorf("opening the client secret of %s: %w", platform, err)
	}
	defer secret.Wipe()
	return string(secret.Reveal()), nil
}

// changed names the settings that differ, for the audit log; the values may be the operator's own business.
func changed(before, after Settings, secret bool) string {
	var names []string
	add := func(name string, differs bool) {
		if differs {
			names = append(names, name)
		}
	}
	add("base_url", before.BaseURL != after.BaseURL)
	add("allow_private_network", before.AllowPrivateNetwork != after.AllowPrivateNetwork)
	add("allowed_cidrs", !slices.Equal(before.AllowedCIDRs, after.AllowedCIDRs))
	add("min_tls_version", before.MinTLS != after.MinTLS)
	add("enabled", before.Disabled != after.Disabled)
	add("rate_limits", !reflect.DeepEqual(before.RateLimits, after.RateLimits))
	a, b := before.OAuth, after.OAuth
	add("oauth", a.ClientID != b.ClientID || a.AuthorizationURL != b.AuthorizationURL || a.TokenURL != b.TokenURL ||
		a.RevocationURL != b.RevocationURL || a.DeviceAuthorizationURL != b.DeviceAuthorizationURL || a.Issuer != b.Issuer || !slices.Equal(a.Scopes, b.Scopes))
	add("oauth.client_secret", secret)
	return strings.Join(names, " ")
}
