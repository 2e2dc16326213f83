package bankidsim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// qrCode computes the proof in a QR frame: the secret is used as text, dashes included (BankID API: animated QR).
func qrCode(secret string, second int) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(strconv.Itoa(second)))
	return hex.EncodeToString(mac.Sum(nil))
}

// qrFrame is the text of a QR code.
type qrFrame struct {
	token  string
	second int
	code   string
}

func parseQR(text string) (qrFrame, error) {
	malformed := refuse(http.StatusBadRequest, "qrMalformed", "a QR code reads bankid.<token>.<second>.<64 hexadecimal digits>")
	parts := strings.Split(text, ".")
	if len(parts) != 4 || parts[0] != "bankid" || parts[1] == "" || len(parts[3]) != 64 || strings.Trim(parts[3], "0123456789abcdef") != "" {
		return qrFrame{}, malformed
	}
	second, err := strconv.Atoi(parts[2])
	if err != nil || second < 0 || strconv.Itoa(second) != parts[2] {
		return qrFrame{}, malformed
	}
	return qrFrame{parts[1], second, parts[3]}, nil
}

// checkFrame says whether the frame is right and fresh for o at now. A refused frame does not harm the order.
func (s *Simulator) checkFrame(o *order, f qrFrame, now time.Time) error {
	if !hmac.Equal([]byte(qrCode(o.qrStartSecret, f.second)), []byte(f.code)) {
		return refuse(http.StatusConflict, "qrForged", "the code in the frame does not belong to its second; the secret is used as text, dashes included")
	}
	shown := time.Duration(f.second) * time.Second
	elapsed := now.Sub(o.created).Truncate(time.Second)
	if shown < elapsed-s.qrLate {
		return refuse(http.StatusConflict, "qrTooOld", "the frame is too old")
	}
	if shown > elapsed+s.qrEarly {
		return refuse(http.StatusConflict, "qrTooEarly", "the frame is from the future")
	}
	return nil
}
