package bankidsim

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestWords: both languages of the phone have the same words with the same placeholders, and the page and its script use none that
// is missing.
func TestWords(t *testing.T) {
	english, swedish, ok := strings.Cut(string(asset("words.js")), "\n  sv: {")
	if !ok {
		t.Fatal("words.js has no Swedish")
	}
	word := regexp.MustCompile(`\b(\w+): '([^']*)'`)
	placeholder := regexp.MustCompile(`\{\w+\}`)
	read := func(from string) map[string]string {
		all := map[string]string{}
		for _, m := range word.FindAllStringSubmatch(from, -1) {
			all[m[1]] = m[2]
		}
		return all
	}
	en, sv := read(english), read(swedish)
	if len(en) < 40 {
		t.Fatalf("only %d words found", len(en))
	}
	for key, text := range en {
		if sv[key] == "" || !slices.Equal(placeholder.FindAllString(text, -1), placeholder.FindAllString(sv[key], -1)) {
			t.Errorf("%s: %q in English, %q in Swedish", key, text, sv[key])
		}
	}
	for key := range sv {
		if en[key] == "" {
			t.Errorf("%s is missing in English", key)
		}
	}
	for _, p := range testPeople() {
		if !strings.Contains(swedish, "'"+p.Note+"': '") {
			t.Errorf("no Swedish for %q", p.Note)
		}
	}
	page := regexp.MustCompile(`data-t="(\w+)"|\btext\('(\w+)'`)
	for _, file := range []string{"phone.html", "phone.js"} {
		for _, m := range page.FindAllStringSubmatch(string(asset(file)), -1) {
			if key := m[1] + m[2]; en[key] == "" {
				t.Errorf("%s: no words for %s", file, key)
			}
		}
	}
}
