// Package visibletext owns what is known of the texts that the BankID app shows: userVisibleData of an order, in its two formats.
//
// BankID publishes no grammar of its subset of Markdown. What stands here is what is known not to be in it, so a text that passes may still
// be refused when an order is made. The package must not know whose text it is, nor whether it misleads.
package visibletext

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The formats (BankID API: auth, userVisibleDataFormat). The empty one means Plain.
const (
	Plain    = "plaintext"
	Markdown = "simpleMarkdownV1"
)

// Fault is what keeps BankID from taking a text; empty for nothing.
type Fault string

// The faults.
const (
	NoUTF8    Fault = "utf8"
	Control   Fault = "control"
	Emoji     Fault = "emoji"
	Markup    Fault = "markup"
	Quotation Fault = "quotation"
	List      Fault = "list"
	Plus      Fault = "plus"
)

// Faults are all faults, with words for each that go behind "it has".
func Faults() map[Fault]string {
	return map[Fault]string{
		NoUTF8:    "bytes that are no UTF-8",
		Control:   "control characters other than line breaks, such as tabs",
		Emoji:     "emoji, which " + Markdown + " has not",
		Markup:    "links, pictures, code or HTML, which " + Markdown + " has not",
		Quotation: "a quotation, which " + Markdown + " has not",
		List:      "a list with - or *, where " + Markdown + " has + alone",
		Plus:      "a line that begins with + and no space behind it",
	}
}

// Problem says what will keep BankID from taking the text in that format, as words that go behind "it has"; "" when nothing is known.
func Problem(text, format string) string { return Faults()[Check(text, format)] }

// Check returns what will keep BankID from taking the text in that format, empty when nothing is known.
func Check(text, format string) Fault {
	switch {
	case !utf8.ValidString(text):
		return NoUTF8
	case strings.ContainsFunc(strings.ReplaceAll(text, "\r\n", "\n"), func(c rune) bool { return unicode.IsControl(c) && c != '\n' }):
		return Control
	case format != Markdown:
		return ""
	case strings.ContainsFunc(text, isEmoji):
		return Emoji
	case strings.ContainsAny(text, "<`\\") || strings.Contains(text, "](") || strings.Contains(text, "]:") || strings.Contains(text, "![") || hasEntity(text):
		return Markup
	}
	for line := range strings.Lines(text) {
		if fault := checkLine(strings.TrimSpace(line)); fault != "" {
			return fault
		}
	}
	return ""
}

// checkLine returns what is wrong with a line of Markdown. An item of a list begins with a plus sign and a space (seen in BankID's answers).
func checkLine(line string) Fault {
	switch {
	case strings.HasPrefix(line, ">"):
		return Quotation
	case strings.HasPrefix(line, "- "), strings.HasPrefix(line, "* "):
		return List
	case strings.HasPrefix(line, "+") && !strings.HasPrefix(line, "+ "):
		return Plus
	}
	return ""
}

func isEmoji(c rune) bool { return c >= 0x2600 && c <= 0x27bf || c == 0xfe0f || c >= 0x1f000 }

// hasEntity reports whether text holds an HTML character reference.
func hasEntity(text string) bool {
	for _, part := range strings.Split(text, "&")[1:] {
		name, _, closed := strings.Cut(part, ";")
		name = strings.TrimPrefix(name, "#")
		isWord := name != "" && len(name) <= 32 && !strings.ContainsFunc(name, func(c rune) bool {
			return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9')
		})
		if closed && isWord {
			return true
		}
	}
	return false
}
