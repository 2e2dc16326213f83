package personnummer

import (
	"strings"
	"time"
	"unicode"
)

// Read returns the number that text is, in any spelling that people use, as twelve digits: with the year in four digits or two, with
// hyphens or spaces, and with the plus sign of those who turn a hundred in the year of today or have done so (SKV 704). A year of two
// digits is the latest one that fits. The number is "" when text is none; looks then tells whether it looks like one, so that it may be
// refused rather than taken for something else: a telephone number, a customer's, an organisation's.
func Read(text string, today time.Time) (number string, looks bool) {
	digits, old, marked := unmarked(text)
	switch {
	case len(digits) == 12:
		looks = strings.HasPrefix(digits, "18") || strings.HasPrefix(digits, "19") || strings.HasPrefix(digits, "20")
	case len(digits) == 10:
		looks = old || marked && digits[2] < '2' || plausible(digits) // an organisation's third digit is 2 or more
		digits = century(digits, old, today.UTC()) + digits
	}
	if !Valid(digits) {
		return "", looks
	}
	return digits, true
}

// unmarked returns the digits of text, whether a plus sign stands before the last four, and whether any mark does. It returns no
// digits when something else stands in the text.
func unmarked(text string) (digits string, old, marked bool) {
	text = strings.Join(strings.FieldsFunc(text, unicode.IsSpace), "")
	if at := len(text) - 4; at > 0 {
		rest := strings.TrimRightFunc(text[:at], isHyphen)
		marked = rest != text[:at]
		if before, ok := strings.CutSuffix(text[:at], "+"); ok {
			old, marked, rest = true, true, before
		}
		text = rest + text[at:]
	}
	text = strings.Join(strings.FieldsFunc(text, isHyphen), "")
	if strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' }) {
		return "", false, false
	}
	return text, old, marked
}

// isHyphen reports whether r is a hyphen, a dash or a minus sign.
func isHyphen(r rune) bool { return r == '-' || r >= 0x2010 && r <= 0x2015 || r == 0x2212 }

// plausible reports whether ten digits begin with a date, which most telephone numbers do not. Those of the mobile network that begin
// with 070 do: such digits are a number where the check digit is right, and do not look like one else.
func plausible(digits string) bool {
	if strings.HasPrefix(digits, "070") {
		return false
	}
	_, ok := birthdate("20" + digits) // any year but that of a leap day will do
	_, leap := birthdate("19" + digits)
	return ok || leap
}

// century returns the first two digits of the year for ten digits: the latest that makes no date to come, and with old one of a hundred
// years ago or more.
func century(digits string, old bool, today time.Time) string {
	year := today.Year()/100*100 + number(digits[:2])
	latest := today.Year()
	if old {
		latest -= 100
	}
	for year > latest || !old && toCome(year, digits, today) {
		year -= 100
	}
	return string([]byte{'0' + byte(year/1000%10), '0' + byte(year/100%10)})
}

// toCome reports whether the digits are a date of the year that is after today.
func toCome(year int, digits string, today time.Time) bool {
	month, day := time.Month(number(digits[2:4])), number(digits[4:6])%coordinationOffset
	return year == today.Year() && time.Date(year, month, day, 0, 0, 0, 0, time.UTC).After(today)
}
