// Package vault keeps the host's secrets: it seals them for storage, opens
// them for those who may have them, and turns over the keys while the host
// runs.
//
// A secret is sealed as an envelope. Every [Vault.Seal] draws a fresh 256-bit
// data key, encrypts the secret with it (Tink AES-256-GCM) under an [AAD] that
// says what the secret is and whose, and wraps the data key with the primary
// key-encryption key of [Keys]: a key in a local keyset file, or one that never
// leaves a key management service. [Sealed] is what a row stores.
//
// The door is [Vault.Open]. It takes an [Access], decides by the rules in
// policy.go, and commits an audit record first where one is due. There is no
// other way from stored bytes to plaintext, and no mode without encryption.
//
// Which key is primary is written in the database, never in the file, so that
// all hosts of a cluster agree. [Rotation] registers keys, promotes one only
// when every live host reports that it has it, and retires one only when
// nothing hangs on it; [Rewrapper] moves rows to the primary key without
// touching their plaintext.
//
// The package imports nothing else of the host. What it needs of the database
// is declared in store.go.
package vault
