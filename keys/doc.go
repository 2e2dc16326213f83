// Package keys owns the keys that sign tokens, and the sealing of what must not lie readable on disk.
//
// A [Ring] holds one set of keys per algorithm. Every set has one active key, which signs, and one next key, which stands
// in the JWKS long before it signs, so that no client meets a signature it cannot check. A key that has stopped signing
// stays in the JWKS while tokens of its making live. The Ring changes the stored set by compare-and-set, so any number of
// processes may share a store.
//
// A [Sealer] encrypts records for package storage under the master key.
//
// The package must not know tokens or clients: it signs bytes. It leaves out any check of what a token says; [Ring.Verify]
// looks at the signature alone, because hints are accepted after they have expired (OpenID Connect RP-Initiated Logout §2).
package keys
