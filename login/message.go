package login

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"brygga/eid"
	"brygga/storage"
)

// withMessage returns what the app shows when the client has a message of its own for the person: the text, which says who asks,
// and below it the message. The text stays whatever the message is: one that does not fit below it is not shown.
func withMessage(limits eid.TextLimits, m *storage.UserMessage, language, text, format string) (string, string) {
	both, bothFormat, ok := below(limits, text, format, messageIn(m, language), m.Format)
	if !ok {
		return text, format
	}
	return both, bothFormat
}

// messageIn returns the message for a page in the language.
func messageIn(m *storage.UserMessage, language string) string {
	base, _, _ := strings.Cut(language, "-")
	return cmp.Or(m.In(language), m.In(base))
}

// below returns the message below the text, in a format in which both look as they are meant, or false when there is none. A
// message without a text above it would say who asks by itself, so it does not fit either.
func below(limits eid.TextLimits, text, format, message, messageFormat string) (both, bothFormat string, ok bool) {
	format = cmp.Or(format, eid.PlainText)
	both = text + "\n\n" + message
	switch {
	case text == "" || message == "" || len(both) > limits.Bytes || !limits.Takes(messageFormat):
		return "", "", false
	case format == messageFormat:
		return both, format, true
	case format == eid.PlainText:
		return both, messageFormat, !limits.Marked(text)
	}
	return both, format, !limits.Marked(message)
}

// MessageFits reports whether a client's message can be shown below the text that says who asks, on pages in any of the languages
// (BCP 47), and does not repeat that text with what might be another name. It must fit each of the client's eIDs that shows texts, and one of them must:
// whoever takes an eID that shows none is not shown the message either (Request Parameter Extension for OpenID Connect, userMessage).
func (e *Engine) MessageFits(client *storage.Client, m *storage.UserMessage, languages []string) (shown bool) {
	for _, name := range e.namesOf(client) {
		limits := e.named(name).texts(storage.KindIdentify)
		if limits.Bytes == 0 {
			continue
		}
		if shown = e.messageFits(limits, client, m, languages); !shown {
			return false
		}
	}
	return shown
}

func (e *Engine) messageFits(limits eid.TextLimits, client *storage.Client, m *storage.UserMessage, languages []string) bool {
	policy := e.demands(client)
	return !slices.ContainsFunc(languages, func(language string) bool {
		text, format := e.visible(limits, policy, client, language)
		base, _, _ := strings.Cut(language, "-")
		if name := client.NameIn(base); imitates(text, name, m) || imitates(e.VisibleText(client, language), name, m) {
			return true
		}
		message := messageIn(m, language)
		_, _, fits := below(limits, text, format, message, m.Format)
		return message != "" && !fits
	})
}

// minImitated is how many letters of a text make it known again.
const minImitated = 12

// imitates reports whether a message, in whichever language, holds what the text says beside the client's name.
func imitates(text, name string, m *storage.UserMessage) bool {
	longest := ""
	for _, part := range strings.Split(text, name) {
		if part = letters(part); len(part) > len(longest) {
			longest = part
		}
	}
	if len(longest) < minImitated {
		return false
	}
	for _, message := range m.Text {
		if strings.Contains(letters(message), longest) {
			return true
		}
	}
	return false
}

// letters returns the letters of a text alone, in lower case: spaces, marks and markup make no other text of it for a reader.
func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, text)
}
