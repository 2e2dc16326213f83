package keys

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"brygga/storage"
)

// keySet is the stored set made ready. It never changes; the Ring swaps it whole.
type keySet struct {
	revision uint64
	keys     []*key // oldest first
	// active are the active keys, for signing and for encryption, by algorithm.
	active map[string]*key
	// encryption are the algorithms of published encryption keys.
	encryption []string
	jwks       Document
}

// Document is a JSON document made once, with its entity tag.
type Document struct {
	JSON []byte
	// ETag is a strong validator with its quotes (RFC 9110 §8.8.3).
	ETag string
}

func newKeySet(records []storage.SigningKey, revision uint64) (*keySet, error) {
	s := &keySet{revision: revision, active: make(map[string]*key, len(always))}
	public := jose.JSONWebKeySet{Keys: make([]jose.JSONWebKey, 0, len(records))}
	for _, record := range records {
		k, err := newKey(record)
		if err != nil {
			return nil, err
		}
		s.keys = append(s.keys, k)
		if stateOf(record) == Active {
			if s.active[k.name] != nil {
				return nil, fmt.Errorf("keys: two active %s keys", k.name)
			}
			s.active[k.name] = k
		}
		if k.published() {
			public.Keys = append(public.Keys, k.jwk())
		}
	}
	for _, a := range algorithms {
		if a.use == Encryption && s.active[a.name] != nil {
			s.encryption = append(s.encryption, a.name)
		}
	}
	text, err := json.Marshal(public)
	if err != nil {
		return nil, errors.New("keys: the JWKS cannot be encoded")
	}
	sum := sha256.Sum256(text)
	s.jwks = Document{JSON: text, ETag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
	return s, nil
}

// has says whether there is an active key for each of the algorithms.
func (s *keySet) has(algorithms ...string) bool {
	for _, name := range algorithms {
		if s.active[name] == nil {
			return false
		}
	}
	return true
}

// signing returns the active key of a signature algorithm, or nil.
func (s *keySet) signing(algorithm string) *key {
	if k := s.active[algorithm]; k != nil && k.use == Signature {
		return k
	}
	return nil
}

// verifying returns the key with the ID if it signs with the algorithm, or nil. No encryption key bears the name of a
// signature algorithm.
func (s *keySet) verifying(id, algorithm string) *key {
	for _, k := range s.keys {
		if k.record.ID == id && k.name == algorithm {
			return k
		}
	}
	return nil
}
