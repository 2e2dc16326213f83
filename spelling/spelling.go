// Package spelling guesses what a mistyped word was meant to be.
package spelling

import (
	"cmp"
	"slices"
	"strings"
)

// Nearest returns the one of known that word was probably meant to be, or "" when none is near. Of several it is the one with the
// fewest letters to change, the first in the alphabet among equals.
func Nearest(word string, known []string) string {
	if len(word) > maxWord {
		return ""
	}
	var near []string
	for _, k := range known {
		if edits(word, k) < len(word)/3+2 || len(word) > 3 && (strings.Contains(k, word) || abbreviates(word, k)) {
			near = append(near, k)
		}
	}
	if len(near) == 0 {
		return ""
	}
	return slices.MinFunc(near, func(a, b string) int {
		return cmp.Or(cmp.Compare(edits(word, a), edits(word, b)), cmp.Compare(a, b))
	})
}

// maxWord bounds the work for a word, in bytes.
const maxWord = 100

// abbreviates reports whether each part of word begins the same part of k, as min_age does minimum_age.
func abbreviates(word, k string) bool {
	isBreak := func(r rune) bool { return strings.ContainsRune("_-. ", r) }
	short, long := strings.FieldsFunc(word, isBreak), strings.FieldsFunc(k, isBreak)
	if len(short) != len(long) {
		return false
	}
	for i := range short {
		if !strings.HasPrefix(long[i], short[i]) {
			return false
		}
	}
	return true
}

// edits counts the letters to insert, delete or replace to turn a into b.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
