package personnummer_test

import (
	"testing"
	"time"

	"brygga/personnummer"
)

// TestRead has a row for each spelling that people use, and for what is taken for a number and is none.
func TestRead(t *testing.T) {
	today := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{ // "looks" is refused, "" is something else
		"198502039822": "198502039822", "8502039822": "198502039822", "850203-9822": "198502039822", "19850203-9822": "198502039822",
		"198502039822 ": "198502039822", " 19850203 9822": "198502039822", "85 02 03 98 22": "198502039822", "1985-02-03-9822": "198502039822",
		"850203−9822": "198502039822", "850203–9822": "198502039822", "850203 - 9822": "198502039822", "850203\u00a09822": "198502039822",
		// Those of a hundred years and more.
		"850203+9822": "188502039822", "121212+1212": "191212121212", "19121212+1212": "191212121212", "121212-1212": "201212121212", "1212121212": "201212121212",
		"900101+9802": "189001019802", "189001019802": "189001019802",
		// Coordination numbers, with what is not known of the date.
		"701063-2391": "197010632391", "7010632391": "197010632391", "191500722390": "191500722390", "150072-2390": "201500722390", "150072+2390": "191500722390",
		// Born today, and to come.
		"261126-2391": "202611262391", "261127-2390": "192611272390", "261127+2390": "192611272390",
		// Looks like one.
		"198502039821": "looks", "850203-9821": "looks", "8502039821": "looks", "198513039822": "looks", "851303-9822": "looks", "850203+9821": "looks",
		"19850203982": "", "850203-982": "", "198502039822x": "",
		// Telephone numbers, customers', organisations'.
		"0701234567": "", "070-123 45 67": "", "070123-4567": "looks", "0701234569": "200701234569", "0102031230": "looks", "0739876543": "", "+46701234567": "", "08-123 456 78": "", "556012-5790": "", "5560125790": "", "165560125790": "", "123456789012": "",
		"kim@example.se": "", "": "", "-": "", "+": "", "----": "", "١٩٨٥٠٢٠٣٩٨٢٢": "", "19850203T822": "",
	} {
		number, looks := personnummer.Read(text, today)
		got := number
		if number == "" && looks {
			got = "looks"
		}
		if got != want || number != "" && (!looks || !personnummer.Valid(number)) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// FuzzRead: what is read is a number, and stays one when it is read again, on whichever day.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{"198502039822", "850203+9822", "150072-2390", "0701234567", "−", "+"} {
		f.Add(seed, int64(20_783))
	}
	f.Fuzz(func(t *testing.T, text string, day int64) {
		today := time.Unix(day%40_000*86_400, 0)
		number, looks := personnummer.Read(text, today)
		again, _ := personnummer.Read(number, today)
		if number != "" && (!looks || !personnummer.Valid(number) || again != number) {
			t.Errorf("%q: %q, %t, then %q", text, number, looks, again)
		}
	})
}
