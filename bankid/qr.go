package bankid

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"brygga/secret"
)

// QRData returns the text of the QR code for an order whose answer came elapsed ago: "bankid", the token, the whole seconds
// and an HMAC of the seconds, joined by dots. Seconds are rounded down; a negative elapsed counts as none. The text changes
// each second and the app refuses old ones. Compute it on the server, for now only (BankID API: QR code).
//
// The HMAC's key is qrStartSecret as text, dashes included, and not the UUID's bytes.
func QRData(qrStartToken, qrStartSecret secret.String, elapsed time.Duration) secret.String {
	seconds := max(elapsed, 0) / time.Second
	var number [20]byte
	text := strconv.AppendInt(number[:0], int64(seconds), 10)

	mac := hmac.New(sha256.New, []byte(qrStartSecret.Reveal()))
	mac.Write(text)
	var sum [sha256.Size]byte
	mac.Sum(sum[:0])

	var frame [192]byte
	b := append(frame[:0], "bankid."...)
	b = append(b, qrStartToken.Reveal()...)
	b = append(b, '.')
	b = append(b, text...)
	b = append(b, '.')
	b = hex.AppendEncode(b, sum[:])
	return secret.New(string(b))
}
