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
	active   map[string]*key
	jwks     Document
}

// Document is a JSON document made once, with its entity tag.
type Document struct {
	JSON []byte
	// ETag is a strong validator with its quotes (RFC 9110 §8.8.3).
	ETag string
}

func newKeySet(records []storage.SigningKey, revision uint64) (*keySet, error) {
	s := &keySet{revision: revision, active: make(map[string]*key, 2)}
	public := jose.JSONWebKeySet{Keys: make([]jose.JSONWebKey, 0, len(records))}
	for _, record := range records {
		k, err := newKey(record)
		if err != nil {
			return nil, err
		}
		s.keys = append(s.keys, k)
		if stateOf(record) == Active {
			if s.active[record.Algorithm] != nil {
				return nil, fmt.Errorf("keys: two active %s keys", record.Algorithm)
			}
			s.active[record.Algorithm] = k
		}
		public.Keys = append(public.Keys, jose.JSONWebKey{Key: k.public(), KeyID: record.ID, Algorithm: record.Algorithm, Use: "sig"})
	}
	text, err := json.Marshal(public)
	if err != nil {
		return nil, errors.New("keys: the JWKS cannot be encoded")
	}
	sum := sha256.Sum256(text)
	s.jwks = Document{JSON: text, ETag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
	return s, nil
}

func (s *keySet) byID(id string) *key {
	for _, k := range s.keys {
		if k.record.ID == id {
			return k
		}
	}
	return nil
}
