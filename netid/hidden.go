package netid

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// SaltSize is the length of the salt of Hidden, in bytes.
const SaltSize = 32

// hiddenLength is that of a Hidden without data: a SHA-256 in base64 and two dots.
const hiddenLength = 44 + 2

// MaxData is how many bytes of data go into a Hidden that may be sent.
const MaxData = (MaxNonVisible/4*3 - hiddenLength) / 4 * 3

// Hidden returns what is signed along with a text and not shown: a hash of a salt, which no other order has, with the text and the data of whoever asks, and
// the data in base64, each with a dot behind it. The service signs text and this as one run of bytes: without the hash somebody could say later that the
// text ended elsewhere, and less was shown than was.
func (l Layout) Hidden(salt []byte, visible string, data []byte) string {
	h, shown, along := sha256.New(), sha256.Sum256([]byte(visible)), sha256.Sum256(data)
	for _, part := range [][]byte{[]byte("net id signature\n"), salt, shown[:], along[:]} {
		h.Write(part)
	}
	hidden := base64.StdEncoding.EncodeToString(h.Sum(nil)) + "." + base64.StdEncoding.EncodeToString(data) + "."
	if l.Decoded {
		return base64.StdEncoding.EncodeToString([]byte(hidden))
	}
	return hidden
}

// IsNonce reports whether a text is one that an identification has signed: 32 bytes in base64. No Hidden is as short.
func IsNonce(text string) bool {
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	return err == nil && len(raw) == 32 && !strings.ContainsAny(text, "\r\n")
}

// CanShow reports whether the app can show a text exactly as it is: plain, of a bounded length, and with nothing that the service changes on its way.
func CanShow(text string) bool {
	return text != "" && len(text) <= MaxVisible && isXMLText(text) && !strings.Contains(text, "\r")
}
