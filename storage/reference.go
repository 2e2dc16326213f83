package storage

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"strings"
	"time"
)

// Reference is what people call a login: eight digits of Crockford's base 32 such as "7QX4-2MKD", short enough to be read over
// the phone. It follows from the login, so that each page, log line and audit event of one login has the same. The first four
// digits are the minute in which the login was begun, which is where to look for it without an index; the last four come from a
// hash of its ID. It proves nothing and opens nothing.
type Reference string

// ErrReference means that a text is no reference.
var ErrReference = errors.New("storage: not a reference of eight letters and digits")

// referencePeriod is how long it takes until the minutes of references begin anew: nearly two years.
const referencePeriod = referenceMinutes * time.Minute

const (
	referenceMinutes = 1 << 20 // as many as four digits can name
	referenceSize    = 8
)

var referenceDigits = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// Reference returns the login's reference.
func (l *Login) Reference() Reference { return referenceOf(l.ID, l.Created) }

func referenceOf(loginID string, created time.Time) Reference {
	var room [64]byte
	hash := sha256.Sum256(append(append(room[:0], "brygga reference\n"...), loginID...))
	minute := uint64(created.Unix()/60) % referenceMinutes
	var bits [8]byte
	binary.BigEndian.PutUint64(bits[:], minute<<20|uint64(hash[0])<<12|uint64(hash[1])<<4|uint64(hash[2])>>4)
	digits := referenceDigits.AppendEncode(room[:0], bits[3:])
	return Reference(append(append(append(room[32:32], digits[:4]...), '-'), digits[4:]...))
}

// misread are the letters that Crockford's base 32 leaves out, as they are taken for digits.
var misread = strings.NewReplacer("O", "0", "I", "1", "L", "1", "-", "", " ", "")

// ParseReference returns the reference in text as people write it down: in letters of any size, with or without the dash. It
// returns ErrReference for what is none.
func ParseReference(text string) (Reference, error) {
	digits := misread.Replace(strings.ToUpper(strings.TrimSpace(text)))
	if _, err := referenceDigits.DecodeString(digits); err != nil || len(digits) != referenceSize {
		return "", ErrReference
	}
	return Reference(digits[:4] + "-" + digits[4:]), nil
}

// Begun returns the start of the last minute up to now in which a login of that reference may have begun. One of an earlier
// period has begun a whole number of [Reference.Period] before.
func (r Reference) Begun(now time.Time) time.Time {
	var digits, bits [16]byte
	first, last, _ := strings.Cut(string(r), "-")
	decoded, err := referenceDigits.AppendDecode(bits[:3], append(append(digits[:0], first...), last...))
	if err != nil || len(decoded) != 8 {
		return time.Time{}
	}
	minute := int64(binary.BigEndian.Uint64(decoded) >> 20)
	latest := now.Unix() / 60
	latest -= ((latest-minute)%referenceMinutes + referenceMinutes) % referenceMinutes
	return time.Unix(latest*60, 0).UTC()
}

// Period returns how long it takes until references name the same minutes again: nearly two years.
func (Reference) Period() time.Duration { return referencePeriod }
