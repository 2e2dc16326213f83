package login

import (
	"strings"

	"brygga/eid"
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

// demands returns what the client demands of a login, over what the installation does.
func (e *Engine) demands(client *storage.Client) storage.Policy { return client.Policy.Over(e.Policy) }

// demandsFor is demands for one request, which may step up what the client demands. It returns false when no eID can meet both, as the
// client's policy may have changed since the request came.
func (e *Engine) demandsFor(client *storage.Client, request *storage.AuthRequest) (storage.Policy, bool) {
	return e.demands(client).And(request.StepUp)
}

// visible returns what the app shows for a login at the client, and in which format. A policy without a text in the language, or with one
// that the app cannot show, gets our own.
func (e *Engine) visible(limits eid.TextLimits, policy storage.Policy, client *storage.Client, language string) (text, format string) {
	if limits.Bytes == 0 {
		return "", ""
	}
	base, _, _ := strings.Cut(language, "-")
	for _, tag := range []string{language, base} {
		if text := policy.VisibleText[tag]; text != "" && limits.Takes(policy.VisibleFormat) {
			return strings.ReplaceAll(text, "{client}", client.NameIn(base)), policy.VisibleFormat
		}
	}
	return e.VisibleText(client, language), eid.PlainText
}
