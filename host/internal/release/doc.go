// Package release owns which programs serve as adapters: the releases, who is trusted to publish them, what they are granted, and
// which of them every host of the cluster is to run.
//
// A release is one version of an adapter for one operating system and architecture, known by the SHA-256 digest of its binary. Row and
// binary lie in the database, so that every host has them; what a host keeps on disk is a copy whose digest is checked again at every
// launch. Releases come in three ways:
//
//   - built-in: found in the host's own folder of adapters when it starts. They follow the folder: a binary of the same version with
//     another digest takes the place of the one before, on every host.
//   - signed: installed by the operator from a pack whose manifest a pinned key has signed.
//   - unsigned: installed by the operator who said so. They can be given no grants.
//
// What every host is to run is the desired state, one row for each adapter with a revision. Changes compare the revision, so that two
// of them never mix: shelf.go is what operators change, verdict.go what the hosts' own judgement changes, follow.go how a host
// follows.
package release
