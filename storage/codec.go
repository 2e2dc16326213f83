package storage

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Sealer encrypts and authenticates what must not lie readable on disk. Package keys has the implementation.
type Sealer interface {
	// Seal returns plaintext encrypted and bound to label: it opens under the same label only.
	Seal(label string, plaintext []byte) []byte
	// Open returns what Seal was given, or an error when sealed was changed, bound to another label or made with another key.
	Open(label string, sealed []byte) ([]byte, error)
	// Current reports whether sealed bytes were made with the key that Seal uses, judging by their form alone: a sealer may have others,
	// for opening.
	Current(sealed []byte) bool
}

// Codec turns records into bytes and back, the same for every backend. Logins, grants, sessions, pushed requests,
// logout notices, operators, mail, signing keys and secrets are sealed whole; clients, codes and tokens hold nothing but hashes, and audit
// events nothing but pseudonyms, and are plain JSON. A Codec is safe for concurrent use.
type Codec struct{ sealer Sealer }

// NewCodec returns a codec that seals with sealer.
func NewCodec(sealer Sealer) Codec { return Codec{sealer} }

// EncodeRequest returns what never changes of the login, sealed: what was asked for, by whom, and until when.
func (c Codec) EncodeRequest(l *Login) ([]byte, error) {
	return c.seal(SealedRequest, l.ID, requestWire(l))
}

// EncodeLogin returns what changes of the login, sealed.
func (c Codec) EncodeLogin(l *Login) ([]byte, error) { return c.seal(SealedLogin, l.ID, loginWire(l)) }

// DecodeLogin returns the login of that ID from what EncodeRequest and EncodeLogin made.
func (c Codec) DecodeLogin(id string, request, state []byte) (*Login, error) {
	var r wireRequest
	var w wireLogin
	if err := errors.Join(c.open(SealedRequest, id, request, &r), c.open(SealedLogin, id, state, &w)); err != nil {
		return nil, fmt.Errorf("decode login: %w", err)
	}
	return w.login(id, &r), nil
}

// DecodeLoginState returns the login before with the state that EncodeLogin made of it later: what never changes is not decoded again.
func (c Codec) DecodeLoginState(before *Login, state []byte) (*Login, error) {
	var w wireLogin
	if err := c.open(SealedLogin, before.ID, state, &w); err != nil {
		return nil, fmt.Errorf("decode login: %w", err)
	}
	return w.loginOf(before), nil
}

// DecodeWholeLogin returns the login of that ID from the one row that earlier versions stored of it.
func (c Codec) DecodeWholeLogin(id string, sealed []byte) (*Login, error) {
	var whole struct {
		wireRequest
		wireLogin
	}
	if err := c.open(sealedWholeLogin, id, sealed, &whole); err != nil {
		return nil, fmt.Errorf("decode login: %w", err)
	}
	return whole.login(id, &whole.wireRequest), nil
}

// EncodeGrant returns the grant, sealed.
func (c Codec) EncodeGrant(g *Grant) ([]byte, error) { return c.seal(SealedGrant, g.ID, grantWire(g)) }

// DecodeGrant returns the grant of that ID from what EncodeGrant made.
func (c Codec) DecodeGrant(id string, sealed []byte) (*Grant, error) {
	var w wireGrant
	if err := c.open(SealedGrant, id, sealed, &w); err != nil {
		return nil, fmt.Errorf("decode grant: %w", err)
	}
	return w.grant(), nil
}

// EncodeSession returns the session, sealed.
func (c Codec) EncodeSession(s *Session) ([]byte, error) {
	return c.seal(SealedSession, s.ID, sessionWire(s))
}

// DecodeSession returns the session of that ID from what EncodeSession made.
func (c Codec) DecodeSession(id string, sealed []byte) (*Session, error) {
	var w wireSession
	if err := c.open(SealedSession, id, sealed, &w); err != nil {
		return nil, fmt.Errorf("decode session: %w", err)
	}
	return w.session(), nil
}

// EncodePushedRequest returns the request, sealed.
func (c Codec) EncodePushedRequest(r *PushedRequest) ([]byte, error) {
	return c.seal(SealedPushedRequest, string(r.Hash[:]), wirePushedRequest{r.ClientID, r.Values, r.Expires})
}

// DecodePushedRequest returns the request with that hash from what EncodePushedRequest made.
func (c Codec) DecodePushedRequest(hash [32]byte, sealed []byte) (*PushedRequest, error) {
	var w wirePushedRequest
	if err := c.open(SealedPushedRequest, string(hash[:]), sealed, &w); err != nil {
		return nil, fmt.Errorf("decode pushed request: %w", err)
	}
	return &PushedRequest{Hash: hash, ClientID: w.ClientID, Values: w.Values, Expires: w.Expires}, nil
}

// EncodeNotice returns the notice, sealed.
func (c Codec) EncodeNotice(n *Notice) ([]byte, error) {
	return c.seal(SealedNotice, n.ID, (*wireNotice)(n))
}

// DecodeNotice returns the notice of that ID from what EncodeNotice made.
func (c Codec) DecodeNotice(id string, sealed []byte) (*Notice, error) {
	var w wireNotice
	if err := c.open(SealedNotice, id, sealed, &w); err != nil {
		return nil, fmt.Errorf("decode logout notice: %w", err)
	}
	return (*Notice)(&w), nil
}

// EncodeSigningKeys returns the set of keys, oldest first, sealed.
func (c Codec) EncodeSigningKeys(keys []SigningKey) ([]byte, error) {
	keys = slices.Clone(keys)
	slices.SortStableFunc(keys, func(a, b SigningKey) int { return a.Published.Compare(b.Published) })
	return c.seal(SealedSigningKeys, "", keys)
}

// DecodeSigningKeys returns the set of keys from what EncodeSigningKeys made.
func (c Codec) DecodeSigningKeys(sealed []byte) ([]SigningKey, error) {
	var keys []SigningKey
	if err := c.open(SealedSigningKeys, "", sealed, &keys); err != nil {
		return nil, fmt.Errorf("decode signing keys: %w", err)
	}
	return keys, nil
}

// EncodeSecret returns the installation secret of that name, sealed.
func (c Codec) EncodeSecret(name string, value []byte) []byte {
	return c.sealer.Seal(string(SealedSecret)+name, value)
}

// DecodeSecret returns the installation secret of that name from what EncodeSecret made.
func (c Codec) DecodeSecret(name string, sealed []byte) ([]byte, error) {
	value, err := c.sealer.Open(string(SealedSecret)+name, sealed)
	if err != nil {
		return nil, fmt.Errorf("decode secret %q: %w", name, err)
	}
	return value, nil
}

func (c Codec) seal(kind SealedKind, key string, record any) ([]byte, error) {
	text, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	return c.sealer.Seal(string(kind)+key, text), nil
}

func (c Codec) open(kind SealedKind, key string, sealed []byte, record any) error {
	text, err := c.sealer.Open(string(kind)+key, sealed)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, record)
}
