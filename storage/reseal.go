package storage

import (
	"encoding/json"
	"errors"
	"fmt"
)

// ErrKeyNeeded means that some records are sealed with a master key that is not configured, and others with the one that is: the sealing
// anew was not finished, or not begun. It is an ErrWrongKey.
var ErrKeyNeeded = fmt.Errorf("storage: some records still need another master key: %w", ErrWrongKey)

// ErrSealsOtherwise means that another process seals with another master key, so that there is no end to sealing anew. Restart it with the
// configuration of this one.
var ErrSealsOtherwise = errors.New("storage: another process seals with another master key")

// Resealed is how far sealing anew has come.
type Resealed struct {
	// Records is how many records this call has sealed anew.
	Records int
	// Done says that no record needs another key than the one that seals.
	Done bool
}

// SealedKind is a kind of record that is sealed; its text and the record's key are the label under which that is done.
type SealedKind string

// The kinds of record that are sealed, and what their key is.
const (
	SealedRequest       SealedKind = "request "        // ID of the login: what never changes of it
	SealedLogin         SealedKind = "state "          // ID of the login: what changes
	SealedGrant         SealedKind = "grant "          // ID
	SealedSession       SealedKind = "session "        // ID
	SealedPushedRequest SealedKind = "pushed request " // hash
	SealedNotice        SealedKind = "logout notice "  // ID
	SealedSigningKeys   SealedKind = "signing keys"    // empty: the set is one record
	SealedSecret        SealedKind = "secret "         // name
	SealedOperator      SealedKind = "operator "       // ID
	SealedMail          SealedKind = "mail "           // ID
	SealedDocument      SealedKind = "document "       // ID of the login
	SealedEvidence      SealedKind = "evidence "       // ID

	sealedWholeLogin SealedKind = "login " // ID of the login, of which earlier versions stored one record
)

// Reseal returns a sealed record sealed with the key that seals now, and nil when it is so already. It returns the sealer's error when the
// record opens with none of the keys.
func (c Codec) Reseal(kind SealedKind, key string, sealed []byte) ([]byte, error) {
	if c.sealer.Current(sealed) {
		return nil, nil
	}
	text, err := c.sealer.Open(string(kind)+key, sealed)
	if err != nil {
		return nil, err
	}
	return c.sealer.Seal(string(kind)+key, text), nil
}

// Check returns nil when the record of that kind and key opens and can be read.
func (c Codec) Check(kind SealedKind, key string, sealed []byte) error {
	switch kind {
	case SealedSecret:
		_, err := c.DecodeSecret(key, sealed)
		return err
	case SealedEvidence:
		_, err := c.DecodeEvidence(key, sealed)
		return err
	}
	record := map[SealedKind]any{
		SealedRequest: new(wireRequest), SealedLogin: new(wireLogin), SealedGrant: new(wireGrant), SealedSession: new(wireSession),
		SealedPushedRequest: new(wirePushedRequest), SealedNotice: new(wireNotice), SealedSigningKeys: new([]SigningKey),
		SealedOperator: new(wireOperator), SealedMail: new(wireMail),
		SealedDocument: new(Document),
	}[kind]
	return c.open(kind, key, sealed, record)
}

// Current reports whether sealed bytes name the key that seals now, without opening them.
func (c Codec) Current(sealed []byte) bool { return c.sealer.Current(sealed) }

const (
	keyCheckLabel = "key check"
	keyCheckText  = "brygga"
)

// KeyCheck returns what a new store writes down to know its master key again; see CheckKeys.
func (c Codec) KeyCheck() []byte { return c.keyChecks(nil) }

// keyChecks returns the checks with one of the key that seals.
func (c Codec) keyChecks(others [][]byte) []byte {
	text, err := json.Marshal(append(others, c.sealer.Seal(keyCheckLabel, []byte(keyCheckText))))
	if err != nil {
		panic("storage: byte slices cannot be encoded")
	}
	return text
}

// CheckKeys compares the master keys with what the store has written down: a check of each key that any of its records may be sealed with.
// It returns ErrWrongKey when none of them opens, and ErrKeyNeeded when one of them does not. Otherwise next is what the store must write
// down before it seals anything, nil when that stands there already.
func (c Codec) CheckKeys(stored []byte) (next []byte, err error) {
	checks := parseKeyChecks(stored)
	opened, known := 0, false
	for _, check := range checks {
		if text, err := c.sealer.Open(keyCheckLabel, check); err == nil && string(text) == keyCheckText {
			opened++
		}
		known = known || c.sealer.Current(check)
	}
	switch {
	case opened == 0:
		return nil, ErrWrongKey
	case opened < len(checks):
		return nil, ErrKeyNeeded
	case known:
		return nil, nil
	}
	return c.keyChecks(checks), nil
}

// ForgetKeys returns what a store writes down when all of its records are sealed with the key that seals: next is nil when no other key
// stands there.
func (c Codec) ForgetKeys(stored []byte) (next []byte) {
	if checks := parseKeyChecks(stored); len(checks) == 1 && c.sealer.Current(checks[0]) {
		return nil
	}
	return c.KeyCheck()
}

// parseKeyChecks returns the checks; earlier versions wrote a single one, bare.
func parseKeyChecks(stored []byte) (checks [][]byte) {
	if json.Unmarshal(stored, &checks) != nil || len(checks) == 0 {
		return [][]byte{stored}
	}
	return checks
}
