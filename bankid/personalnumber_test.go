package bankid

import (
	"testing"
	"time"

	"brygga/secret"
)

func TestPersonalNumbers(t *testing.T) {
	tests := []struct {
		name             string
		text             string
		valid, hasDate   bool
		year, month, day int
	}{
		{"ordinary", "191212121212", true, true, 1912, 12, 12},
		{"leap day", "200002292399", true, true, 2000, 2, 29},
		{"coordination number", "197010632391", true, true, 1970, 10, 3},
		{"coordination number, wrong check digit", "197010632392", false, true, 1970, 10, 3},
		{"wrong check digit", "191212121213", false, true, 1912, 12, 12},
		{"two digits swapped", "191212121221", false, true, 1912, 12, 12},
		{"month 13", "191213121211", false, false, 0, 0, 0},
		{"month 0", "191200121219", false, false, 0, 0, 0},
		{"day 0", "191212001219", false, false, 0, 0, 0},
		{"day 32", "191212321210", false, false, 0, 0, 0},
		{"no leap day", "190002291217", false, false, 0, 0, 0},
		{"day 60", "191212601210", false, false, 0, 0, 0},
		{"coordination day 92", "191212921214", false, false, 0, 0, 0},
		{"coordination day 31 of February", "191202911214", false, false, 0, 0, 0},
		{"year 0", "000012121212", false, false, 0, 0, 0},
		{"ten digits", "1212121212", false, false, 0, 0, 0},
		{"dash", "19121212-1212", false, false, 0, 0, 0},
		{"letters", "19121212121A", false, false, 0, 0, 0},
		{"other digits", "١٩١٢١٢", false, false, 0, 0, 0},
		{"empty", "", false, false, 0, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ValidPersonalNumber(tt.text); got != tt.valid {
				t.Errorf("valid: %v, want %v", got, tt.valid)
			}
			year, month, day, ok := Birthdate(secret.New(tt.text))
			if year != tt.year || month != time.Month(tt.month) || day != tt.day || ok != tt.hasDate {
				t.Errorf("born %d-%d-%d, %v", year, month, day, ok)
			}
		})
	}
}

// TestCheckDigit shows that of ten numbers which differ in the last digit, one is valid.
func TestCheckDigit(t *testing.T) {
	for _, start := range []string{"19121212121", "20000229239", "19701063239", "19990131000"} {
		valid := 0
		for digit := '0'; digit <= '9'; digit++ {
			if ValidPersonalNumber(start + string(digit)) {
				valid++
			}
		}
		if valid != 1 {
			t.Errorf("%s? has %d check digits", start, valid)
		}
	}
}
