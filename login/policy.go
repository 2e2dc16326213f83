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
