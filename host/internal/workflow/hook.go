package workflow

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/patchbay/patchbay/host/internal/id"
	"github.com/patchbay/patchbay/host/internal/vault"
)

const (
	hookSecretPrefix = "whsec_"
	hookSecretSize   = 32
	// hookSkew is how far the time of a message may be from the host's.
	hookSkew = 5 * time.Minute
	// HookMemory is for how long the ids of messages are remembered: longer than a message is taken.
	HookMemory   = 24 * time.Hour
	maxMessageID = 256
)

// ErrSignature is answered for a message to an inbound webhook that is not signed as it must be, and for one to a webhook that there is not.
var ErrSignature = errors.New("there is no such webhook, or the message is not signed with its secret, or it is too old")

// MakeHook gives a workflow an inbound webhook, or another address and secret in the place of those it has. The secret is told once.
func (s *Service) MakeHook(ctx context.Context, user, name string) (Workflow, string, error) {
	if _, err := s.Get(ctx, user, name); err != nil {
		return Workflow{}, "", err
	}
	hook, key := id.Secret("hook"), make([]byte, hookSecretSize)
	_, _ = rand.Read(key) // documented never to fail
	secret := vault.NewSecret(key)
	defer secret.Wipe()
	sealed, err := s.vault.Seal(ctx, vault.HookAAD(user, hook), secret)
	if err != nil {
		return Workflow{}, "", fmt.Errorf("sealing the secret: %w", err)
	}
	w, err := s.store.SetHook(ctx, user, name, hook, sealed)
	if err != nil {
		return Workflow{}, "", wrap("storing the webhook", err)
	}
	text := hookSecretPrefix + base64.StdEncoding.EncodeToString(key)
	return w, text, s.cfg.Audit.Record(ctx, user, "workflow.hook", w.ID, "name", name)
}

// DropHook takes a workflow's inbound webhook away.
func (s *Service) DropHook(ctx context.Context, user, name string) error {
	if _, err := s.Get(ctx, user, name); err != nil {
		return err
	}
	w, err := s.store.SetHook(ctx, user, name, "", vault.Sealed{})
	if err != nil {
		return wrap("removing the webhook", err)
	}
	return s.cfg.Audit.Record(ctx, user, "workflow.unhook", w.ID, "name", name)
}

// HookMessage is what came to an inbound webhook, signed as the Standard Webhooks specification says.
type HookMessage struct {
	// ID, Timestamp and Signature are the headers webhook-id, webhook-timestamp and webhook-signature.
	ID, Timestamp, Signature string
	Body                     []byte
}

// Receive starts a run with the body of a message as its input. A message that came before is answered with its run, and starts none.
func (s *Service) Receive(ctx context.Context, hook string, m HookMessage) (string, error) {
	if !strings.HasPrefix(hook, "hook_") || len(hook) > 64 || m.ID == "" || len(m.ID) > maxMessageID || strings.ContainsRune(m.ID, 0) {
		return "", ErrSignature
	}
	w, err := s.store.Hook(ctx, hook)
	if errors.Is(err, ErrNotFound) {
		return "", ErrSignature
	}
	if err != nil {
		return "", wrap("reading the webhook", err)
	}
	key, err := s.vault.Open(ctx, vault.Access{Actor: w.User, Owner: w.User, Reason: vault.ForCall}, vault.HookAAD(w.User, hook), w.Secret)
	if err != nil {
		return "", fmt.Errorf("opening the webhook's secret: %w", err)
	}
	defer key.Wipe()
	if !m.signed(key.Reveal(), s.cfg.Now()) {
		return "", ErrSignature
	}
	return s.start(ctx, w, "webhook", false, m.Body, Message{Hook: hook, ID: m.ID})
}

// signed says whether a message has a signature of the key and a time near now.
func (m HookMessage) signed(key []byte, now time.Time) bool {
	seconds, err := strconv.ParseInt(m.Timestamp, 10, 64)
	if err != nil {
		return false
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > hookSkew || age < -hookSkew {
		return false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(m.ID + "." + m.Timestamp + "."))
	mac.Write(m.Body)
	want := mac.Sum(nil)
	good := false
	for i, one := range strings.Fields(m.Signature) {
		if i == 10 {
			break
		}
		got, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(one, "v1,"))
		if err == nil && strings.HasPrefix(one, "v1,") && hmac.Equal(got, want) {
			good = true
		}
	}
	return good
}
