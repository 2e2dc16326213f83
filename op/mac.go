package op

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"
)

// macs makes HMACs with one key. They are kept for the next one, as making one costs more than what it hashes here. It is safe for
// concurrent use.
type macs struct{ pool sync.Pool }

func newMACs(key []byte) *macs {
	return &macs{sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

// of returns the HMAC-SHA256 of the parts, each but the last with a zero byte behind it.
func (m *macs) of(parts ...string) (sum [sha256.Size]byte) {
	mac := m.pool.Get().(hash.Hash)
	defer m.pool.Put(mac)
	mac.Reset()
	var room [256]byte
	text := room[:0]
	for i, part := range parts {
		if i > 0 {
			text = append(text, 0)
		}
		text = append(text, part...)
	}
	mac.Write(text)
	mac.Sum(sum[:0])
	return sum
}
