package op

import (
	"strings"
	"unicode"
)

// Limits on what takes room in a message and says nothing.
const (
	maxBlanks     = 16 // in a row, as many as fill half a line
	maxLineBreaks = 2  // in a row: one empty line
	maxMarks      = 4  // combining marks on one character, more than any language writes
	maxLines      = 40
)

// readable are the kinds of characters that people read: letters, marks, digits, punctuation, symbols and spaces. All others steer,
// are nobody's or are not assigned: controls, formats, surrogates, private use, the separators of lines and paragraphs.
var readable = []*unicode.RangeTable{unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Zs}

// misleads reports whether a character could hide, cover or reorder what the person reads, or cannot be shown: beside what is not
// readable, what is drawn as nothing although it is a letter, chooses how the one before it looks, or strikes it through.
func misleads(c rune) bool {
	switch {
	case c == '\n' || c == '\r':
		return false
	case c == unicode.ReplacementChar || c == '\ufffc' || c == '\u2800': // objects and empty braille cells
		return true
	case c == 0x16fe4 || c == 0x1bc9d || c == 0x1d159: // a filler, a selector and a note without a head, which Unicode does not list with the others
		return true
	case c >= 0x334 && c <= 0x338, c >= 0x20d0 && c <= 0x20ff: // overlays and enclosing marks
		return true
	}
	return !unicode.In(c, readable...) || unicode.In(c, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, unicode.Me)
}

// isCompact reports whether a text has no room in it that would move its other parts, or what stands above, out of sight.
func isCompact(text string) bool {
	breaks, blanks, marks := 0, 0, 0
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if strings.Count(text, "\n") >= maxLines || strings.Contains(text, "\r") {
		return false
	}
	for _, c := range text {
		switch {
		case c == '\n':
			breaks, blanks, marks = breaks+1, 0, 0
		case unicode.IsSpace(c):
			blanks, marks = blanks+1, 0
		case unicode.Is(unicode.M, c):
			marks++
		default:
			breaks, blanks, marks = 0, 0, 0
		}
		if breaks > maxLineBreaks || blanks > maxBlanks || marks > maxMarks {
			return false
		}
	}
	return true
}

// isModest reports whether a text in Markdown has nothing that would set it over the line above it, which says who asks: headings and
// separators, which are in BankID's subset too.
func isModest(text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if isRule(line) || strings.HasPrefix(strings.TrimLeft(line, " \t|+-*_.)0123456789"), "#") {
			return false
		}
	}
	return true
}

// isRule reports whether a line is a separator, or makes a heading of the line before it.
func isRule(line string) bool {
	line = strings.Join(strings.Fields(line), "")
	return line != "" && (strings.Trim(line, "=") == "" || strings.Trim(line, "-") == "" ||
		len(line) > 2 && (strings.Trim(line, "*") == "" || strings.Trim(line, "_") == ""))
}
