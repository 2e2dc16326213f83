// Package personnummer reads Swedish personal numbers and coordination numbers of twelve digits, and tells organization numbers from them.
//
// It owns what the numbers themselves say: their form, their check digit and a date of birth. It must not know whose they are
// or where they came from, and asks no register: a number may have the right form and belong to nobody. It is therefore for
// what people type and apps ask for, and to read what an eID answers, which is true without any of it.
//
// Both kinds are a date, three digits from 001 and a check digit over the ten last (Skatteverket, SKV 704). A coordination
// number has the day plus 60 (SKV 707); what the register does not know of the date is 00 there, so that the day is 60 and the
// month may be 00. Interim numbers have a letter in them, are not Skatteverket's, and are refused.
package personnummer

import (
	"fmt"
	"strings"
	"time"

	"brygga/secret"
)

// coordinationOffset is added to the day of birth in a coordination number.
const coordinationOffset = 60

// Birthdate is a date of birth as a number tells it. Month and Day are 0 when the register does not know them.
type Birthdate struct {
	Year  int
	Month time.Month
	Day   int
}

// Valid reports whether text is a personal number or a coordination number of twelve digits.
func Valid(text string) bool {
	_, ok := birthdate(text)
	return ok && text[8:11] != "000" && checkSum(text[2:])%10 == 0
}

// IsOrganization reports whether text is the ten digits of a legal person's organization number (Skatteverket, SKV 709). The number of a firm that is
// somebody's own is that person's, and none.
func IsOrganization(text string) bool {
	return len(text) == 10 && strings.Trim(text, "0123456789") == "" && text[2] >= '2' && checkSum(text)%10 == 0
}

// checkSum is the sum of the Luhn algorithm over digits, of which the first counts twice.
func checkSum(digits string) (sum int) {
	for i := range len(digits) {
		d := int(digits[i] - '0')
		if i%2 == 0 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum
}

// IsCoordination reports whether the number is a coordination number: one whose day is 60 or more.
func IsCoordination(number secret.String) bool {
	text := number.Reveal()
	return isDigits(text) && text[6] >= '6'
}

// Born returns the date of birth in a number, or false when its first eight digits hold none. The check digit does not matter.
func Born(number secret.String) (Birthdate, bool) { return birthdate(number.Reveal()) }

func birthdate(text string) (Birthdate, bool) {
	if !isDigits(text) {
		return Birthdate{}, false
	}
	b := Birthdate{Year: number(text[:4]), Month: time.Month(number(text[4:6])), Day: number(text[6:8])}
	if b.Day < coordinationOffset {
		return b, b.Month > 0 && b.Day > 0 && b.exists()
	}
	b.Day -= coordinationOffset
	return b, b.exists()
}

// exists reports whether there is such a date, with whatever stands for what is not known.
func (b Birthdate) exists() bool {
	if b.Year == 0 || b.Month > time.December {
		return false
	}
	return b.Day <= b.last().Day() // the last of December where the month is not known, which has as many days as any
}

// last returns the last date that b may be, at midnight in UTC.
func (b Birthdate) last() time.Time {
	switch {
	case b.Month == 0:
		return time.Date(b.Year, time.December, 31, 0, 0, 0, 0, time.UTC)
	case b.Day == 0:
		return time.Date(b.Year, b.Month+1, 0, 0, 0, 0, 0, time.UTC)
	}
	return time.Date(b.Year, b.Month, b.Day, 0, 0, 0, 0, time.UTC)
}

// String returns the date as YYYY-MM-DD, or as YYYY when more is not known (OIDC Core §5.1, birthdate).
func (b Birthdate) String() string {
	if b.Month == 0 || b.Day == 0 {
		return fmt.Sprintf("%04d", b.Year)
	}
	return fmt.Sprintf("%04d-%02d-%02d", b.Year, b.Month, b.Day)
}

// OfAge reports whether somebody born then is surely at least so many years old on the date that at has in UTC. Whose day or
// month is not known counts as born on the last possible one; somebody born on 29 February has the birthday on 1 March in
// common years.
func (b Birthdate) OfAge(years int, at time.Time) bool {
	return !at.UTC().Before(b.last().AddDate(years, 0, 0))
}

// isDigits reports whether text is twelve digits.
func isDigits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return len(text) == 12
}

func number(digits string) (n int) {
	for i := range len(digits) {
		n = 10*n + int(digits[i]-'0')
	}
	return n
}
