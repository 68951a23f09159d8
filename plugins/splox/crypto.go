package main

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"math/big"
	"time"

	"github.com/patchbay/patchbay/sdk"
)

// algorithms of hashes. md5 and sha1 are there for others' sums, not for safety.
var algorithms = map[string]func() hash.Hash{
	"md5": md5.New, "sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
	"sha3-256": func() hash.Hash { return sha3.New256() }, "sha3-512": func() hash.Hash { return sha3.New512() },
}

// content is a part of the inputs that give bytes: as text or in base64.
type content struct {
	Text   *string `json:"text,omitempty" jsonschema:"the text, or give base64"`
	Base64 *string `json:"base64,omitempty" jsonschema:"the bytes in base64, or give text"`
}

func (c content) bytes() ([]byte, error) {
	switch {
	case (c.Text == nil) == (c.Base64 == nil):
		return nil, sdk.Invalid("/text", "give text or base64, one of them")
	case c.Text != nil:
		return []byte(*c.Text), tooLong("/text", *c.Text)
	}
	if err := tooLong("/base64", *c.Base64); err != nil {
		return nil, err
	}
	return fromBase64(*c.Base64)
}

type encoded struct {
	Encoding string `json:"encoding,omitempty" enum:"hex,base64,base64url" jsonschema:"of the result; hex when left out"`
}

func (e encoded) write(data []byte) string {
	switch e.Encoding {
	case "base64":
		return base64.StdEncoding.EncodeToString(data)
	case "base64url":
		return base64.RawURLEncoding.EncodeToString(data)
	}
	return hex.EncodeToString(data)
}

type hashing struct {
	Algorithm string `json:"algorithm" enum:"sha256,sha384,sha512,sha3-256,sha3-512,sha1,md5" jsonschema:"md5 and sha1 are broken: for others' sums alone"`
	content
	encoded
}

type signing struct {
	hashing
	Key       *string `json:"key,omitempty" jsonschema:"the key as text, or give key_base64"`
	KeyBase64 *string `json:"key_base64,omitempty"`
}

type digest struct {
	Digest string `json:"digest"`
}

type uuids struct {
	Version int `json:"version,omitempty" minimum:"4" maximum:"7" jsonschema:"4 (random; when left out) or 7 (in the order of time)"`
	Count   int `json:"count,omitempty" minimum:"1" maximum:"1000"`
}

type values struct {
	Values []string `json:"values"`
}

type randomness struct {
	Bytes    int    `json:"bytes,omitempty" minimum:"1" maximum:"65536" jsonschema:"how many random bytes; 32 when left out"`
	Min      *int64 `json:"min,omitempty" jsonschema:"with max: a whole number between the two, both included, instead of bytes"`
	Max      *int64 `json:"max,omitempty"`
	Alphabet string `json:"alphabet,omitempty" maxLength:"1000" jsonschema:"with length: characters of these, instead of bytes"`
	Length   int    `json:"length,omitempty" minimum:"1" maximum:"4096"`
	encoded
}

type randomValue struct {
	Value string `json:"value"`
}

func cryptoOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "crypto_hash", Effect: sdk.Read, Run: sdk.Func(hashOf), Description: "Hashes a text, or bytes given in base64, of up to 4 MiB. Not for passwords: a fast hash does not protect them."},
		{Name: "crypto_hmac", Effect: sdk.Read, Run: sdk.Func(sign), Description: "Signs a text, or bytes given in base64, with a key by HMAC, such as for a webhook. Refuses an empty key."},
		{Name: "crypto_uuid", Effect: sdk.Read, Run: sdk.Func(uuid), Description: "Makes UUIDs of version 4 or 7."},
		{Name: "crypto_random", Effect: sdk.Read, Run: sdk.Func(random), Description: "Makes a random value that nobody can guess: bytes, a whole number in a range, or characters of an alphabet."},
	}
}

func hashOf(_ context.Context, _ *sdk.Call, in hashing) (digest, error) {
	data, err := in.bytes()
	if err != nil {
		return digest{}, err
	}
	h := algorithms[in.Algorithm]
	if h == nil {
		return digest{}, sdk.Invalid("/algorithm", "it is not known")
	}
	sum := h()
	_, _ = sum.Write(data) // documented never to fail
	return digest{in.write(sum.Sum(nil))}, nil
}

func sign(_ context.Context, _ *sdk.Call, in signing) (digest, error) {
	data, err := in.bytes()
	if err != nil {
		return digest{}, err
	}
	key, err := content{in.Key, in.KeyBase64}.bytes()
	if err != nil || len(key) == 0 {
		return digest{}, sdk.Invalid("/key", "give key or key_base64, one of them, and not empty")
	}
	h := algorithms[in.Algorithm]
	if h == nil {
		return digest{}, sdk.Invalid("/algorithm", "it is not known")
	}
	mac := hmac.New(h, key)
	_, _ = mac.Write(data) // documented never to fail
	return digest{in.write(mac.Sum(nil))}, nil
}

func uuid(_ context.Context, _ *sdk.Call, in uuids) (values, error) {
	if in.Version != 0 && in.Version != 4 && in.Version != 7 {
		return values{}, sdk.Invalid("/version", "it must be 4 or 7")
	}
	out := values{}
	for range max(in.Count, 1) {
		var id [16]byte
		_, _ = rand.Read(id[:]) // documented never to fail
		version := byte(4)
		if in.Version == 7 {
			version = 7
			for i, ms := 0, time.Now().UnixMilli(); i < 6; i++ {
				id[i] = byte(ms >> (40 - 8*i))
			}
		}
		id[6], id[8] = id[6]&0x0f|version<<4, id[8]&0x3f|0x80
		out.Values = append(out.Values, fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:]))
	}
	return out, nil
}

func random(_ context.Context, _ *sdk.Call, in randomness) (randomValue, error) {
	ranged, spelled := in.Min != nil || in.Max != nil, in.Alphabet != "" || in.Length > 0
	switch {
	case ranged && spelled || in.Bytes > 0 && (ranged || spelled):
		return randomValue{}, sdk.Invalid("", "give bytes, min and max, or alphabet and length")
	case ranged:
		return between(in.Min, in.Max)
	case spelled:
		return spell([]rune(in.Alphabet), in.Length)
	case in.Bytes == 0:
		in.Bytes = 32
	}
	data := make([]byte, in.Bytes)
	_, _ = rand.Read(data) // documented never to fail
	return randomValue{in.write(data)}, nil
}

func between(low, high *int64) (randomValue, error) {
	if low == nil || high == nil || *low > *high {
		return randomValue{}, sdk.Invalid("/max", "give min and max, and max not below min")
	}
	size := new(big.Int).Sub(big.NewInt(*high), big.NewInt(*low))
	n, err := rand.Int(rand.Reader, size.Add(size, big.NewInt(1)))
	if err != nil {
		return randomValue{}, sdk.Errorf(sdk.AdapterBug, "There is no randomness to be had.")
	}
	return randomValue{n.Add(n, big.NewInt(*low)).String()}, nil
}

func spell(alphabet []rune, length int) (randomValue, error) {
	if len(alphabet) < 2 || length == 0 {
		return randomValue{}, sdk.Invalid("/alphabet", "give an alphabet of two characters or more, and a length")
	}
	out := make([]rune, length)
	for i := range out {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			return randomValue{}, sdk.Errorf(sdk.AdapterBug, "There is no randomness to be had.")
		}
		out[i] = alphabet[n.Int64()]
	}
	return randomValue{string(out)}, nil
}
