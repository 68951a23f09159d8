package event

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/patchbay/patchbay/host/internal/vault"
)

// OldSecretFor is how long the secret before signs beside the new one.
const OldSecretFor = 24 * time.Hour

const (
	secretPrefix = "whsec_"
	secretSize   = 32
	// maxKept bounds the secrets of one webhook: each is a signature in a header.
	maxKept = 3
)

// keyring is what is sealed of a webhook: its secrets, the newest first. Its JSON is the stored form.
type keyring struct {
	Secrets []signingSecret `json:"secrets"`
}

type signingSecret struct {
	Key []byte `json:"key"`
	// Until is when it signs no more; nil for the newest.
	Until *time.Time `json:"until,omitempty"`
}

// rotate puts a new secret before those that still sign, and answers its text for the user, who is told it once.
func (k keyring) rotate(now time.Time) (keyring, string) {
	key := make([]byte, secretSize)
	_, _ = rand.Read(key) // documented never to fail
	out := keyring{Secrets: []signingSecret{{Key: key}}}
	for _, s := range k.valid(now) {
		if s.Until == nil {
			until := now.Add(OldSecretFor)
			s.Until = &until
		}
		if len(out.Secrets) < maxKept {
			out.Secrets = append(out.Secrets, s)
		}
	}
	return out, secretPrefix + base64.StdEncoding.EncodeToString(key)
}

func (k keyring) valid(now time.Time) []signingSecret {
	var out []signingSecret
	for _, s := range k.Secrets {
		if s.Until == nil || now.Before(*s.Until) {
			out = append(out, s)
		}
	}
	return out
}

// signatures answers the header webhook-signature: one for each secret that signs, separated by spaces. What is signed is the message's
// id, the time of this attempt in seconds, and the body, with dots between.
func (k keyring) signatures(id string, now time.Time, body []byte) string {
	var all []string
	for _, s := range k.valid(now) {
		mac := hmac.New(sha256.New, s.Key)
		mac.Write([]byte(id + "." + strconv.FormatInt(now.Unix(), 10) + "."))
		mac.Write(body)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(all, " ")
}

// secret is the keyring as the vault takes it.
func (k keyring) secret() vault.Secret {
	raw, _ := json.Marshal(k) // byte strings and times
	defer clear(raw)
	return vault.NewSecret(raw)
}

func openKeyring(s vault.Secret) (keyring, error) {
	raw := s.Reveal()
	defer clear(raw)
	var k keyring
	if err := json.Unmarshal(raw, &k); err != nil || len(k.Secrets) == 0 {
		return k, errors.New("a webhook's secrets do not have the form that this version knows") // the cause would quote them
	}
	return k, nil
}
