package demo

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestWords: every text is there in both languages with the same placeholders, and the pages use none that is missing.
func TestWords(t *testing.T) {
	placeholder := regexp.MustCompile(`\{\w+\}`)
	for key, text := range words {
		if text[0] == "" || text[1] == "" || !slices.Equal(placeholder.FindAllString(text[0], -1), placeholder.FindAllString(text[1], -1)) {
			t.Errorf("%s: %q in English, %q in Swedish", key, text[0], text[1])
		}
	}
	used := regexp.MustCompile(`\.T "([^"]+)"|(?:say\(tag|p\.T|a\.fail\(w, r, http\.\w+|Title:|Text:)[ ,(]*"([a-z0-9.-]*[a-z0-9])"`)
	sources, _ := filepath.Glob("*.go")
	templates, _ := filepath.Glob("pages/*.html")
	sources = slices.DeleteFunc(sources, func(file string) bool { return strings.HasSuffix(file, "_test.go") })
	for _, file := range append(sources, templates...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range used.FindAllStringSubmatch(string(text), -1) {
			if key := m[1] + m[2]; words[key] == [2]string{} {
				t.Errorf("%s: no words for %s", file, key)
			}
		}
	}
	for _, k := range known {
		for _, name := range k.names {
			if words["m."+name] == [2]string{} {
				t.Errorf("no meaning for %s", name)
			}
		}
	}
}
