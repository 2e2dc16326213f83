package brygga_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestTopLevelHasOnePage: whoever opens the repository reads one page first. All others are in docs, where a link leads to each.
func TestTopLevelHasOnePage(t *testing.T) {
	var pages []string
	for _, pattern := range []string{"*.md", "*.txt"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	if !slices.Equal(pages, []string{"README.md"}) {
		t.Errorf("pages at the top: %v", pages)
	}
}

// TestDecisionsHaveNumbersOfTheirOwn: a number in a text leads to one decision.
func TestDecisionsHaveNumbersOfTheirOwn(t *testing.T) {
	pages, err := filepath.Glob("docs/decisions/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(len(pages), err)
	}
	before := map[string]string{}
	for _, page := range pages {
		number, _, _ := strings.Cut(filepath.Base(page), "-")
		if other := before[number]; other != "" {
			t.Errorf("%s and %s have the same number", other, page)
		}
		before[number] = page
	}
}
