package bankid

import (
	"time"

	"brygga/secret"
)

// coordinationOffset is added to the day of birth in a coordination number, which people get who are not registered in
// Sweden.
const coordinationOffset = 60

// ValidPersonalNumber reports whether text has the form of a Swedish personal number or coordination number: 12 digits, a
// date that exists, and a right check digit (Luhn over the last ten). It does not tell whether the number was ever given
// to anybody, so it is for what people type; what BankID answers is true without it.
func ValidPersonalNumber(text string) bool {
	if _, _, _, ok := birthdate(text); !ok {
		return false
	}
	sum := 0
	for i, c := range []byte(text[2:]) {
		d := int(c - '0')
		if i%2 == 0 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum%10 == 0
}

// Birthdate returns the date of birth in a personal number of 12 digits; in a coordination number the day is the one
// written less 60. It reports false if the first eight digits hold no date that exists. The check digit does not matter.
func Birthdate(personalNumber secret.String) (year int, month time.Month, day int, ok bool) {
	return birthdate(personalNumber.Reveal())
}

func birthdate(text string) (year int, month time.Month, day int, ok bool) {
	if len(text) != 12 || !digits(text) {
		return 0, 0, 0, false
	}
	number := func(part string) (n int) {
		for _, c := range []byte(part) {
			n = 10*n + int(c-'0')
		}
		return n
	}
	year, month, day = number(text[:4]), time.Month(number(text[4:6])), number(text[6:8])
	if day > coordinationOffset {
		day -= coordinationOffset
	}
	date := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	if year == 0 || date.Year() != year || date.Month() != month || date.Day() != day {
		return 0, 0, 0, false
	}
	return year, month, day, true
}
