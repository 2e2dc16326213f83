package personnummer_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"brygga/personnummer"
	"brygga/secret"
)

func TestNumbers(t *testing.T) {
	for _, tt := range []struct {
		name, text   string
		valid        bool
		born         string // empty: no date of birth
		coordination bool
	}{
		{"ordinary", "191212121212", true, "1912-12-12", false},
		{"leap day", "200002292399", true, "2000-02-29", false},
		{"leap day of a century that is none", "190002291219", false, "", false},
		{"last century", "189001019802", true, "1890-01-01", false},
		{"wrong check digit", "191212121213", false, "1912-12-12", false},
		{"two digits swapped", "191212121221", false, "1912-12-12", false},
		{"month 13", "191213121211", false, "", false},
		{"month 00", "191200121216", false, "", false},
		{"day 00", "191212001216", false, "", false},
		{"day 32", "191212321218", false, "", false},
		{"31 April", "191204311219", false, "", false},
		{"day 59", "191212591216", false, "", false},
		{"year 0000", "000012121212", false, "", false},
		{"birth number 000", "191212120008", false, "1912-12-12", false},
		{"birth number 001", "191212120016", true, "1912-12-12", false},

		{"coordination number", "197010632391", true, "1970-10-03", true},
		{"coordination number, wrong check digit", "197010632392", false, "1970-10-03", true},
		{"coordination number, day 61", "199002619998", true, "1990-02-01", true},
		{"coordination number, day 91", "199012919990", true, "1990-12-31", true},
		{"coordination number, day 92", "191212921215", false, "", true},
		{"coordination number, 31 February", "191202911218", false, "", true},
		{"coordination number, leap day", "200002892397", false, "2000-02-29", true},
		{"coordination number, no leap day", "190002892396", false, "", true},
		{"day not known", "191503602391", true, "1915", true},
		{"month not known", "191500722390", true, "1915", true},
		{"neither known", "191500602394", true, "1915", true},
		{"month not known, day 31", "191500912397", true, "1915", true},
		{"month not known, day 32", "191500922396", false, "", true},
		{"month 13 of a coordination number", "191513602399", false, "", true},
		{"day 99", "191212991218", false, "", true},

		{"ten digits", "1212121212", false, "", false},
		{"thirteen digits", "1912121212120", false, "", false},
		{"hyphen", "19121212-1212", false, "", false},
		{"interim number", "19121212T121", false, "", false},
		{"letter at the end", "19121212121A", false, "", false},
		{"space before", " 91212121212", false, "", false},
		{"full-width digits", "１９１２１２１２１２１２", false, "", false},
		{"Arabic digits of twelve bytes", "١٩١٢١٢", false, "", false},
		{"empty", "", false, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := personnummer.Valid(tt.text); got != tt.valid {
				t.Errorf("valid: %v", got)
			}
			born, ok := personnummer.Born(secret.New(tt.text))
			if ok != (tt.born != "") || ok && born.String() != tt.born {
				t.Errorf("born %q, %v; want %q", born, ok, tt.born)
			}
			if got := personnummer.IsCoordination(secret.New(tt.text)); got != tt.coordination {
				t.Errorf("coordination number: %v", got)
			}
		})
	}
}

func TestOfAge(t *testing.T) {
	at := func(text string) time.Time {
		moment, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	for _, tt := range []struct {
		name, number string
		years        int
		at           string
		want         bool
	}{
		{"the day before", "200805199999", 18, "2026-05-18T23:59:59Z", false},
		{"the day", "200805199999", 18, "2026-05-19T00:00:00Z", true},
		{"the day in Sweden, not yet in UTC", "200805199999", 18, "2026-05-19T01:59:59+02:00", false},
		{"any age", "200805199999", 0, "2008-05-19T00:00:00Z", true},
		{"not born", "200805199999", 0, "2008-05-18T00:00:00Z", false},
		{"coordination number, the day before", "200805799999", 18, "2026-05-18T23:59:59Z", false},
		{"coordination number, the day", "200805799999", 18, "2026-05-19T00:00:00Z", true},
		{"leap day, 28 February", "200402299999", 18, "2022-02-28T23:59:59Z", false},
		{"leap day, 1 March", "200402299999", 18, "2022-03-01T00:00:00Z", true},
		{"leap day, leap year", "200402299999", 20, "2024-02-29T00:00:00Z", true},
		{"day not known, the day before the month ends", "200802609999", 18, "2026-02-27T12:00:00Z", false},
		{"day not known, the month has ended", "200802609999", 18, "2026-03-01T00:00:00Z", true},
		{"month not known, before the year ends", "200800799999", 18, "2026-12-30T23:59:59Z", false},
		{"month not known, the last day", "200800799999", 18, "2026-12-31T00:00:00Z", true},
	} {
		born, ok := personnummer.Born(secret.New(tt.number))
		if !ok {
			t.Errorf("%s: no date of birth", tt.name)
		}
		if got := born.OfAge(tt.years, at(tt.at)); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// slowly reads a number in another way than the package: it looks the date up in the calendar of its year, and adds the digits
// of each product as they are written.
func slowly(text string) (valid bool, born string) {
	if len(text) != 12 || strings.Trim(text, "0123456789") != "" {
		return false, ""
	}
	day, _ := strconv.Atoi(text[6:8])
	plain, year := day < 60, text[:4]
	known := fmt.Sprintf("%s-%s-%02d", year, text[4:6], day%60)
	if !plain {
		known = fmt.Sprintf("%s-%s-%02d", year, text[4:6], day-60)
	}
	first, err := time.Parse(time.DateOnly, year+"-01-01")
	if err != nil || year == "0000" {
		return false, ""
	}
	for date := first; date.Format("2006") == year; date = date.AddDate(0, 0, 1) {
		full := date.Format(time.DateOnly)
		switch {
		case full == known:
			born = full
		case !plain && (full[:8]+"00" == known || full[:5]+"00-"+full[8:] == known || full[:5]+"00-00" == known):
			born = year
		}
	}
	var products strings.Builder
	for i, c := range text[2:] {
		products.WriteString(strconv.Itoa(int(c-'0') * (2 - i%2)))
	}
	sum := 0
	for _, c := range products.String() {
		sum += int(c - '0')
	}
	return born != "" && strings.HasSuffix(strconv.Itoa(sum), "0") && text[8:11] != "000", born
}

func FuzzNumbers(f *testing.F) {
	for _, text := range []string{"191212121212", "200002292399", "197010632391", "191500722390", "191503602391", "19121212T121", "", "190002291219"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		valid, want := slowly(text)
		if got := personnummer.Valid(text); got != valid {
			t.Errorf("%q: valid %v, want %v", text, got, valid)
		}
		born, ok := personnummer.Born(secret.New(text))
		if ok != (want != "") || ok && born.String() != want {
			t.Errorf("%q: born %q, %v; want %q", text, born, ok, want)
		}
	})
}

// TestEachDay compares all that the date of a number may be, in a common and a leap year.
func TestEachDay(t *testing.T) {
	for _, year := range []string{"1900", "2000"} {
		for monthAndDay := range 2000 {
			text := fmt.Sprintf("%s%04d001", year, monthAndDay)
			_, want := slowly(text + "0")
			born, ok := personnummer.Born(secret.New(text + "0"))
			if ok != (want != "") || ok && born.String() != want {
				t.Errorf("%s: born %s, %v; want %q", text, born, ok, want)
			}
			digits := 0
			for digit := range 10 {
				if personnummer.Valid(text + strconv.Itoa(digit)) {
					digits++
				}
			}
			if (digits == 1) != (want != "") || digits > 1 {
				t.Errorf("%s has %d check digits", text, digits)
			}
		}
	}
}

func TestIsOrganization(t *testing.T) {
	for text, want := range map[string]bool{
		"2321000016": true, "5560360793": true,
		"2321000017": false, "1212121212": false, "9001012385": false, // a check digit that is wrong, and people
		"": false, "232100-0016": false, "232100001": false, "162321000016": false, "23210000１6": false,
	} {
		if personnummer.IsOrganization(text) != want {
			t.Errorf("%q: want %t", text, want)
		}
	}
}
