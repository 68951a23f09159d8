package vault

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// AAD is the associated data of a ciphertext: what it is and where it belongs.
// A ciphertext opens only under the AAD it was sealed with, so one that is
// moved to another row, user or purpose does not open. There is one function
// per purpose and no other way to make one.
//
// The form that is authenticated (never stored: the row's own columns rebuild
// it) is a list of parts, each preceded by its length, so that no two lists of
// fields have the same bytes:
//
//	+---------+------------------+---------+---------+---------+-------+----
//	| u32 len | "patchbay/1"     | u32 len | purpose | u32 len | field | ...
//	+---------+------------------+---------+---------+---------+-------+----
//
// Lengths are big-endian; numbers are fields in decimal. The zero AAD, which is
// also what a function returns when a field is empty or a number impossible,
// seals and opens nothing.
type AAD struct {
	purpose *purpose
	owner   string // the user, where the purpose has one
	encoded []byte
}

// purpose is one kind of secret: its name in the AAD and in audit records, the
// names of its fields, and who it belongs to.
type purpose struct {
	name   string
	fields []string
	scope  scope
}

// scope says who owns the secrets of a purpose.
type scope int

const (
	ofUser scope = iota // a user, named by the first field
	ofCall              // a call, whose owner the caller of Open names
	ofHost              // the host itself
)

var (
	credentialPurpose = &purpose{"credential", []string{"user", "integration", "version"}, ofUser}
	answerPurpose     = &purpose{"answer", []string{"user", "key"}, ofUser}
	authorizePurpose  = &purpose{"authorization", []string{"user", "authorization"}, ofUser}
	filePurpose       = &purpose{"file", []string{"call", "file", "chunk"}, ofCall}
	fileEndPurpose    = &purpose{"file-end", []string{"call", "file", "chunk"}, ofCall}
	settingsPurpose   = &purpose{"settings", []string{"platform", "field"}, ofHost}
	clusterPurpose    = &purpose{"cluster", []string{"name"}, ofHost}
	signingPurpose    = &purpose{"signing-key", []string{"id"}, ofHost}
	webhookPurpose    = &purpose{"webhook", []string{"user", "webhook"}, ofUser}
	runPurpose        = &purpose{"run", []string{"run", "what", "part"}, ofCall}
	hookPurpose       = &purpose{"hook", []string{"user", "hook"}, ofUser}
)

// aadRoot opens every list of parts; it changes if the form ever does.
const aadRoot = "patchbay/1"

// CredentialAAD binds one version, counted from 1, of an integration's
// credential to its user.
func CredentialAAD(user, integration string, version int64) AAD {
	if version < 1 {
		return AAD{}
	}
	return bind(credentialPurpose, user, integration, strconv.FormatInt(version, 10))
}

// SettingsAAD binds a secret field of a platform's settings, such as the OAuth
// client secret.
func SettingsAAD(platform, field string) AAD {
	return bind(settingsPurpose, platform, field)
}

// ClusterAAD binds a key that the hosts of the cluster share, such as the
// private key of their certificate authority.
func ClusterAAD(name string) AAD {
	return bind(clusterPurpose, name)
}

// SigningKeyAAD binds a key that signs links or sessions.
func SigningKeyAAD(id string) AAD {
	return bind(signingPurpose, id)
}

// AnswerAAD binds a stored answer to the user and Idempotency-Key it answers.
func AnswerAAD(user, key string) AAD {
	return bind(answerPurpose, user, key)
}

// AuthorizationAAD binds what an authorisation under way keeps secret (its PKCE
// verifier or device code) to the user who began it.
func AuthorizationAAD(user, authorization string) AAD {
	return bind(authorizePurpose, user, authorization)
}

// FileAAD binds one chunk, counted from 0, of a file of a call. The last chunk
// takes LastFileAAD, so that a file cut short at a chunk does not pass for
// whole.
func FileAAD(call, file string, chunk int) AAD {
	return bindChunk(filePurpose, call, file, chunk)
}

// LastFileAAD binds the last chunk of a file of a call.
func LastFileAAD(call, file string, chunk int) AAD {
	return bindChunk(fileEndPurpose, call, file, chunk)
}

// WebhookAAD binds the secrets that sign what a webhook of a user is sent.
func WebhookAAD(user, webhook string) AAD {
	return bind(webhookPurpose, user, webhook)
}

// RunAAD binds one part of what a run of a workflow keeps, such as the output of a node. A run has a data key of its own, as a file has.
func RunAAD(run, part string) AAD {
	return bind(runPurpose, run, "kept", part)
}

// HookAAD binds the secret with which messages to an inbound webhook of a user are signed.
func HookAAD(user, hook string) AAD {
	return bind(hookPurpose, user, hook)
}

func bindChunk(p *purpose, call, file string, chunk int) AAD {
	if chunk < 0 {
		return AAD{}
	}
	return bind(p, call, file, strconv.Itoa(chunk))
}

func bind(p *purpose, fields ...string) AAD {
	for _, f := range fields {
		if f == "" {
			return AAD{}
		}
	}
	aad := AAD{purpose: p, encoded: encodeParts(p.name, fields...)}
	if p.scope == ofUser {
		aad.owner = fields[0]
	}
	return aad
}

// encodeParts writes the root, a purpose and its fields in the form of AAD. The
// vault's own uses of a key-encryption key are purposes of the same form.
func encodeParts(purpose string, fields ...string) []byte {
	size := 8 + len(aadRoot) + len(purpose)
	for _, f := range fields {
		size += 4 + len(f)
	}
	b := make([]byte, 0, size)
	b = appendPart(b, aadRoot)
	b = appendPart(b, purpose)
	for _, f := range fields {
		b = appendPart(b, f)
	}
	return b
}

func appendPart(b []byte, part string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
	return append(b, part...)
}

// valid says that the AAD came from one of the functions above with all its
// fields given.
func (a AAD) valid() bool { return a.purpose != nil }

// fields reads the fields back from the encoded form.
func (a AAD) fields() []string {
	if !a.valid() {
		return nil
	}
	var parts []string
	for b := a.encoded; len(b) > 0; {
		n := binary.BigEndian.Uint32(b)
		parts = append(parts, string(b[4:4+n]))
		b = b[4+n:]
	}
	return parts[2:]
}

// Purpose is the purpose's name, such as "credential"; empty for the zero AAD.
func (a AAD) Purpose() string {
	if !a.valid() {
		return ""
	}
	return a.purpose.name
}

// String describes what the AAD binds, for audit records and errors, as in
// `credential user="usr_1" integration="int_2" version="3"`. It holds ids only.
func (a AAD) String() string {
	if !a.valid() {
		return "nothing"
	}
	var s strings.Builder
	s.WriteString(a.purpose.name)
	for i, f := range a.fields() {
		fmt.Fprintf(&s, " %s=%q", a.purpose.fields[i], f)
	}
	return s.String()
}
