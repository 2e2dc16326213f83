package netid

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Detail returns what the service said, for those who keep a log: its code, or as much of the text of a fault as tells of nobody. Words that may be a
// name, a number, an address or of the request are replaced by an ellipsis.
func (e *ServiceError) Detail() string {
	switch {
	case e.Code == "":
		return fmt.Sprintf("HTTP %d", e.Status)
	case e.said != "":
		return e.said
	}
	return string(e.Code)
}

// maxSaid bounds what is kept of a text, in bytes.
const maxSaid = 200

// ellipsis stands for what is left out.
const ellipsis = "…"

// plainWords returns a text without what may be of a person: it keeps words in small letters that are not among what was sent, and the few that
// follow. The service may be as talkative as it likes, in any language.
func plainWords(text string, sent []field) string {
	var kept []string
	length := 0
	for word := range strings.FieldsSeq(text) {
		if !isPlain(strings.TrimFunc(word, unicode.IsPunct), sent) {
			word = ellipsis
		}
		if last := len(kept) - 1; word == ellipsis && last >= 0 && kept[last] == ellipsis {
			continue
		}
		if length += len(word) + 1; length > maxSaid {
			break
		}
		kept = append(kept, word)
	}
	return strings.Join(kept, " ")
}

// openings are words with a capital that texts of faults begin with, or have within, and that are no names.
var openings = []string{
	"A", "An", "The", "It", "No", "Not", "Access", "Cannot", "Certificate", "Could", "Error", "Failed", "Internal", "Invalid", "Object", "Operation", "Request",
	"Server", "Service", "Something", "System", "Unable", "Unknown", "User", "HTTP", "OCSP", "PIN", "SOAP", "TLS", "XML",
}

func isPlain(word string, sent []field) bool {
	if slices.Contains(openings, word) {
		return true
	}
	if word == "" || strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsLower(r) && r != '-' }) {
		return false
	}
	return !slices.ContainsFunc(sent, func(f field) bool { return len(word) > 2 && strings.Contains(strings.ToLower(f.value), word) })
}
