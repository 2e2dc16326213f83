package keys

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"brygga/secret"
)

// MasterKeyBytes is the length of a master key.
const MasterKeyBytes = 32

// ErrMasterKey means that a master key cannot be used. The text of the wrapping error says what is wrong, and never the key.
var ErrMasterKey = errors.New("keys: unusable master key")

// ErrSealed means that sealed bytes do not open: they were changed, cut, moved to another record or sealed with another
// master key. Which of these it was cannot be told.
var ErrSealed = errors.New("keys: sealed bytes do not open")

// NewMasterKey returns a fresh master key as text that ParseMasterKey reads: 32 random bytes in base64.
func NewMasterKey() secret.String {
	key := make([]byte, MasterKeyBytes)
	rand.Read(key)
	return secret.New(base64.StdEncoding.EncodeToString(key))
}

// ParseMasterKey returns the 32 bytes behind text: 64 hexadecimal digits, or base64 of either alphabet with or without
// padding. Space around it is ignored. Anything else is ErrMasterKey, and so are 32 equal bytes, which are a placeholder
// and not a key.
func ParseMasterKey(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, fmt.Errorf("%w: it is empty; want 32 random bytes in base64 or hexadecimal", ErrMasterKey)
	}
	key, err := hex.DecodeString(text)
	if err != nil {
		plain := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
		if key, err = base64.RawStdEncoding.DecodeString(plain); err != nil {
			return nil, fmt.Errorf("%w: neither base64 nor hexadecimal; want 32 random bytes in one of them", ErrMasterKey)
		}
	}
	if err := checkMasterKey(key); err != nil {
		return nil, err
	}
	return key, nil
}

func checkMasterKey(key []byte) error {
	if len(key) != MasterKeyBytes {
		return fmt.Errorf("%w: it has %d bytes; want 32 random bytes in base64 or hexadecimal", ErrMasterKey, len(key))
	}
	if bytes.Count(key, key[:1]) == len(key) {
		return fmt.Errorf("%w: all its bytes are equal; want 32 random bytes", ErrMasterKey)
	}
	return nil
}

// The layout of sealed bytes: version, ID of the master key, salt of the epoch, nonce, then ciphertext and tag of AES-256-GCM. Version 1
// had no ID, and a salt as long as both.
const (
	sealVersion = 2
	oldVersion  = 1
	idBytes     = 4
	saltBytes   = 16 // ID included
	nonceBytes  = 12
	tagBytes    = 16
	sealHead    = 1 + saltBytes + nonceBytes
)

// epochSeals is how often one derived key seals. With random 96-bit nonces the chance that two of them meet stays below
// 2^-32 then (NIST SP 800-38D §8.3).
const epochSeals = 1 << 30

// maxEpochs bounds how many derived keys are remembered for opening.
const maxEpochs = 4096

// Sealer implements storage.Sealer: AES-256-GCM with a label as additional data. Its keys are derived from the master key
// by HKDF-SHA-256 (RFC 5869) with a random salt per process, and a new one after 2^30 seals, because a busy installation
// would exhaust the random nonces of a single key within weeks. It is safe for concurrent use.
//
// What is sealed names its master key by four bytes that are derived from it, so that one glance tells whether it must be sealed anew
// when the master key is replaced.
type Sealer struct {
	masters []master // the first one seals
	// current seals. Its count is in epoch.
	current atomic.Pointer[epoch]

	mu     sync.RWMutex
	epochs map[epochName]*epoch
}

// master is a master key with its ID.
type master struct {
	key []byte
	id  [idBytes]byte
}

// epochName says which master key, by its place in Sealer.masters, and which salt a derived key comes from.
type epochName struct {
	master int
	salt   [saltBytes]byte
}

type epoch struct {
	salt  [saltBytes]byte
	aead  cipher.AEAD
	seals atomic.Uint64
}

// NewSealer returns a Sealer for a master key of 32 bytes, or ErrMasterKey. It seals with that key, and opens what was sealed with it or with
// one of the others, which must be other keys. It copies the keys.
func NewSealer(masterKey []byte, others ...[]byte) (*Sealer, error) {
	s := &Sealer{epochs: make(map[epochName]*epoch)}
	for _, key := range append([][]byte{masterKey}, others...) {
		if err := checkMasterKey(key); err != nil {
			return nil, err
		}
		next := master{key: bytes.Clone(key)}
		copy(next.id[:], expand(key, nil, "brygga master key id", idBytes))
		if slices.ContainsFunc(s.masters, func(known master) bool { return known.id == next.id }) {
			return nil, fmt.Errorf("%w: it is given twice", ErrMasterKey)
		}
		s.masters = append(s.masters, next)
	}
	s.current.Store(s.newEpoch())
	return s, nil
}

// Seal returns plaintext encrypted and bound to label. It is 45 bytes longer than plaintext, and never the same twice.
func (s *Sealer) Seal(label string, plaintext []byte) []byte {
	e := s.current.Load()
	if e.seals.Add(1) > epochSeals {
		s.current.CompareAndSwap(e, s.newEpoch())
		e = s.current.Load()
	}
	out := make([]byte, sealHead, sealHead+len(plaintext)+tagBytes)
	out[0] = sealVersion
	copy(out[1:], e.salt[:])
	rand.Read(out[1+saltBytes : sealHead])
	return e.aead.Seal(out, out[1+saltBytes:sealHead], plaintext, []byte(label))
}

// Open returns what Seal was given under the same label and one of the master keys, else ErrSealed.
func (s *Sealer) Open(label string, sealed []byte) ([]byte, error) {
	if len(sealed) < sealHead+tagBytes {
		return nil, ErrSealed
	}
	for i := range s.masters {
		if !s.masters[i].mayHaveSealed(sealed) {
			continue
		}
		e := s.epoch(epochName{i, [saltBytes]byte(sealed[1 : 1+saltBytes])})
		if plaintext, err := e.aead.Open(nil, sealed[1+saltBytes:sealHead], sealed[sealHead:], []byte(label)); err == nil {
			return plaintext, nil
		}
	}
	return nil, ErrSealed
}

// Current reports whether sealed names the master key that seals, without opening it. What names none is not current.
func (s *Sealer) Current(sealed []byte) bool {
	return len(sealed) > sealHead && sealed[0] == sealVersion && s.masters[0].mayHaveSealed(sealed)
}

// mayHaveSealed reports whether sealed bytes name the key, or none.
func (m *master) mayHaveSealed(sealed []byte) bool {
	return sealed[0] == oldVersion || sealed[0] == sealVersion && [idBytes]byte(sealed[1:]) == m.id
}

// epoch returns the derived key of that name, from memory where it is known.
func (s *Sealer) epoch(name epochName) *epoch {
	s.mu.RLock()
	e := s.epochs[name]
	s.mu.RUnlock()
	if e != nil {
		return e
	}
	e = s.derive(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.epochs) >= maxEpochs {
		clear(s.epochs)
	}
	s.epochs[name] = e
	return e
}

func (s *Sealer) newEpoch() *epoch {
	var name epochName
	copy(name.salt[:], s.masters[0].id[:])
	rand.Read(name.salt[idBytes:])
	return s.epoch(name)
}

func (s *Sealer) derive(name epochName) *epoch {
	key := expand(s.masters[name.master].key, name.salt[:], "brygga seal v1", MasterKeyBytes)
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("keys: AES-256 refused a key of 32 bytes")
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("keys: GCM refused AES")
	}
	return &epoch{salt: name.salt, aead: aead}
}

// expand returns so many bytes that are derived from the key (RFC 5869).
func expand(key, salt []byte, info string, length int) []byte {
	out, err := hkdf.Key(sha256.New, key, salt, info, length)
	if err != nil {
		panic("keys: HKDF failed") // cannot happen: the length is within RFC 5869's bound
	}
	return out
}
