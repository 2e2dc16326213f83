// Package keys owns the keys that sign tokens, those that clients encrypt to, and the sealing of what must not lie readable on
// disk.
//
// A [Ring] holds one set of keys per algorithm; algorithms that few clients want get theirs at first use, and lose them when nobody
// wants them any more: what stands in the JWKS is read by every client's library, and some know few kinds. Every set has one
// active key, which signs, and one next key, which stands in the JWKS long before it signs, so that no client meets a
// signature it cannot check. A key that has stopped signing stays in the JWKS while tokens of its making live.
//
// Encryption keys take the same course, but stand in the JWKS only while they are active: nobody should encrypt to a retired
// key, and who encrypts to an active one needs no warning. All of them decrypt.
//
// The Ring changes the stored set by compare-and-set, so any number of
// processes may share a store.
//
// A [Sealer] encrypts records for package storage under the master key.
//
// The package must not know tokens or clients: it signs and decrypts bytes. It leaves out any check of what a token says; [Ring.Verify]
// looks at the signature alone, because hints are accepted after they have expired (OpenID Connect RP-Initiated Logout §2).
package keys
