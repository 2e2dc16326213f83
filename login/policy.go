package login

import (
	"strings"

	"brygga/storage"
)

// VerifyMode says what becomes of a result whose evidence does not prove it.
type VerifyMode string

// The values of VerifyMode.
const (
	// VerifyRequire believes nothing that is not proven: the login fails. It is the default.
	VerifyRequire VerifyMode = "require"
	// VerifyLog believes it and writes an audit event.
	VerifyLog VerifyMode = "log"
	// VerifyOff does not look at evidence.
	VerifyOff VerifyMode = "off"
)

// plaintext is the format of our own texts.
const plaintext = "plaintext"

// demands returns what the client demands of a login, over what the installation does.
func (e *Engine) demands(client *storage.Client) storage.Policy { return client.Policy.Over(e.Policy) }

// visible returns what the app shows for a login at the client, and in which format. A policy without a text in the language
// gets our own.
func (e *Engine) visible(policy storage.Policy, client *storage.Client, language string) (text, format string) {
	base, _, _ := strings.Cut(language, "-")
	for _, tag := range []string{language, base} {
		if text := policy.VisibleText[tag]; text != "" {
			return strings.ReplaceAll(text, "{client}", client.NameIn(base)), policy.VisibleFormat
		}
	}
	return e.VisibleText(client, language), plaintext
}

// maxVisible is how many bytes of text an identification may show: 1 500 characters of base64 (BankID API: auth).
const maxVisible = 1500 / 4 * 3

// markdown are the characters that mean something in simpleMarkdownV1.
const markdown = "#*|+-_<>[]\\`"

// withMessage returns what the app shows when the client has a message of its own for the person: our text, which says who
// asks, and below it the message; the message alone where both do not fit together.
func (e *Engine) withMessage(m *storage.UserMessage, client *storage.Client, language, text, format string) (string, string) {
	base, _, _ := strings.Cut(language, "-")
	message := m.In(language)
	if message == "" {
		message = m.In(base)
	}
	if message == "" {
		return text, format
	}
	if format != plaintext && m.Format == plaintext { // a policy's markdown would change what the message looks like
		text, format = e.VisibleText(client, language), plaintext
	}
	both := text + "\n\n" + message
	if text == "" || len(both) > maxVisible || format != m.Format && strings.ContainsAny(text, markdown) {
		return message, m.Format
	}
	return both, m.Format
}
