package dispatch

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/usage"
	"github.com/patchbay/patchbay/host/internal/vault"
)

// ClaimLifetime is how long an Idempotency-Key finds its answer.
const ClaimLifetime = 24 * time.Hour

// maxKey bounds an Idempotency-Key.
const maxKey = 255

// Claim is what an Idempotency-Key stands for.
type Claim struct {
	User, Key string
	// Hash of the request: the same key with another one is refused.
	Hash []byte
	// Host and Call say who began it.
	Host, Call string
	// Finished is true once Sealed holds the answer. HostAlive says whether the host that began it still lives.
	Finished  bool
	HostAlive bool
	Sealed    vault.Sealed
}

// Claims keeps claims.
type Claims interface {
	// Claim commits c and answers false, or answers the claim that stands already under its user and key, younger than ClaimLifetime,
	// and true.
	Claim(ctx context.Context, c Claim) (Claim, bool, error)
}

// kept is the sealed form of an answer.
type kept struct {
	Answer  *Answer          `json:"answer,omitempty"`
	Failure *catalog.Failure `json:"failure,omitempty"`
}

// claim commits the call's Idempotency-Key before anything is sent. done is true where the answer is known already.
func (r *run) claim(ctx context.Context) (answer Answer, done bool, err error) {
	if len(r.call.IdempotencyKey) > maxKey {
		return Answer{}, false, &catalog.Failure{Kind: catalog.ValidationFailed, Message: fmt.Sprintf("The Idempotency-Key is longer than %d bytes.", maxKey)}
	}
	hash, err := r.hash()
	if err != nil {
		return Answer{}, false, err
	}
	mine := Claim{User: r.call.User, Key: r.call.IdempotencyKey, Hash: hash, Host: r.d.cfg.Host, Call: r.id}
	found, exists, err := r.d.cfg.Claims.Claim(ctx, mine)
	switch {
	case err != nil:
		return Answer{}, false, fmt.Errorf("claiming the idempotency key: %w", err)
	case !exists:
		r.claimed = true
		return Answer{}, false, nil
	case string(found.Hash) != string(mine.Hash):
		return Answer{}, false, &catalog.Failure{Kind: KeyReused, Message: "This Idempotency-Key was used for another request."}
	case found.Finished:
		answer, err := r.replay(ctx, found)
		return answer, true, err
	case found.HostAlive:
		return Answer{}, false, &catalog.Failure{Kind: InProgress, RetryAfter: time.Second,
			Message: "A call with this Idempotency-Key is under way. Ask again for its answer."}
	}
	return Answer{}, false, &catalog.Failure{Kind: catalog.OutcomeUnknown,
		Message: fmt.Sprintf("The host died while it ran call %s under this Idempotency-Key, so whether it had its effect is not known.", found.Call)}
}

// Kinds of failures of an Idempotency-Key.
const (
	KeyReused  catalog.Kind = "idempotency_key_reused"
	InProgress catalog.Kind = "idempotency_in_progress"
)

// hash covers all that the request asks for, the content of its files too.
func (r *run) hash() ([]byte, error) {
	h := sha256.New()
	part := func(b []byte) {
		_, _ = h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b)))) // a hash never fails
		_, _ = h.Write(b)
	}
	if r.call.Pool != "" {
		part([]byte(r.call.Pool)) // whichever member serves
	} else {
		part([]byte(r.call.Integration))
	}
	part([]byte(r.call.Operation))
	part(r.call.Input)
	for _, f := range r.call.Files {
		content, ok := f.Content.(io.ReadSeeker)
		if !ok {
			return nil, &catalog.Failure{Kind: catalog.ValidationFailed, Message: "An Idempotency-Key goes with files that can be read twice."}
		}
		digest := sha256.New()
		if _, err := io.Copy(digest, content); err != nil {
			return nil, fmt.Errorf("hashing a file: %w", err)
		}
		if _, err := content.Seek(0, io.SeekStart); err != nil {
			return nil, fmt.Errorf("hashing a file: %w", err)
		}
		part([]byte(f.Name))
		part([]byte(f.MediaType))
		part(digest.Sum(nil))
	}
	return h.Sum(nil), nil
}

// replay opens the answer that a claim kept.
func (r *run) replay(ctx context.Context, c Claim) (Answer, error) {
	secret, err := r.d.cfg.Vault.Open(ctx, vault.Access{Actor: r.call.User, Owner: c.User, Reason: vault.ForCall}, vault.AnswerAAD(c.User, c.Key), c.Sealed)
	if err != nil {
		return Answer{}, fmt.Errorf("opening the kept answer: %w", err)
	}
	defer secret.Wipe()
	var k kept
	if err := json.Unmarshal(secret.Reveal(), &k); err != nil {
		return Answer{}, errors.New("decoding the kept answer") // the cause could quote it
	}
	r.operation = nil // the call was recorded when it ran
	if k.Failure != nil {
		return Answer{}, k.Failure
	}
	k.Answer.Replayed = true
	return *k.Answer, nil
}

// keep seals what the claim is to answer from now on. A call that certainly did not happen gives its claim up, so that it can be
// tried again under the same key.
func (r *run) keep(ctx context.Context, answer Answer, f *catalog.Failure) (*usage.Answer, error) {
	out := &usage.Answer{User: r.call.User, Key: r.call.IdempotencyKey}
	if f != nil && (r.passOn || f.NotSent || f.Kind == catalog.RateLimited || f.Kind == catalog.PlatformUnavailable) {
		out.Release = true
		return out, nil
	}
	k := kept{Failure: f}
	if f == nil {
		k.Answer = &answer
	}
	encoded, err := json.Marshal(k)
	if err != nil {
		return nil, fmt.Errorf("encoding the answer: %w", err)
	}
	secret := vault.NewSecret(encoded)
	defer secret.Wipe()
	sealed, err := r.d.cfg.Vault.Seal(ctx, vault.AnswerAAD(out.User, out.Key), secret)
	if err != nil {
		return nil, fmt.Errorf("sealing the answer: %w", err)
	}
	out.KeyID, out.Sealed = sealed.KeyID, sealed.Bytes
	return out, nil
}
