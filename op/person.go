package op

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"brygga/secret"
	"brygga/storage"
)

// subject returns the sub of a person for a client (OIDC Core §8.1): a keyed MAC, so that nobody without the key can go
// through all personal numbers, as they could with a plain hash. A pairwise subject is made for the client's sector, a
// public one is the same for all clients. docs/decisions/0002-subjects.md has the reasons.
func (p *Provider) subject(client *storage.Client, personalNumber secret.String) string {
	sector := "public"
	if client.SubjectType != storage.SubjectPublic {
		sector = "pairwise " + client.SectorID()
	}
	mac := hmac.New(sha256.New, p.o.SubjectKey)
	mac.Write([]byte(sector))
	mac.Write([]byte{0})
	mac.Write([]byte(personalNumber.Reveal()))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// birthdate returns the date of birth in a personal number as YYYY-MM-DD (OIDC Core §5.1), or "" when there is none. The
// day of a coordination number is 60 too high (SKV 707).
func birthdate(personalNumber secret.String) string {
	digits := []byte(personalNumber.Reveal())
	if len(digits) != 12 {
		return ""
	}
	if digits[6] >= '6' {
		digits[6] -= 6
	}
	day, err := time.Parse("20060102", string(digits[:8]))
	if err != nil {
		return ""
	}
	return day.Format(time.DateOnly)
}

// isPersonalNumber reports whether text is a personal or coordination number in twelve digits: a date that exists and a
// check digit that is right (SKV 704, SKV 707).
func isPersonalNumber(text string) bool {
	if len(text) != 12 {
		return false
	}
	sum := 0
	for i, c := range []byte(text) {
		if c < '0' || c > '9' {
			return false
		}
		if i < 2 {
			continue // the century has no part in the check digit
		}
		d := int(c - '0')
		if i%2 == 0 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum%10 == 0 && birthdate(secret.New(text)) != ""
}
