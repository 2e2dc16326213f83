package op

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"mime"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/text/language"

	"brygga/storage"
)

// The parameters that the Swedish request parameter extensions add, which every client may send. The original client of a proxy
// has some too; they are ignored, as nothing here would show or check them, and discovery does not announce them.
const (
	paramUserMessage   = "https://id.oidc.se/param/userMessage"
	paramAuthnProvider = "https://id.oidc.se/param/authnProvider"
)

// providerBankID is the value of authnProvider for BankID, after the issuer.
const providerBankID = "/authn/bankid"

// The formats of texts in the BankID app.
const (
	formatPlain    = "plaintext"
	formatMarkdown = "simpleMarkdownV1"
)

// Limits on a user message. BankID takes 1 500 characters of base64 for an identification (BankID API: auth).
const (
	maxMessage   = 1500
	maxLanguages = 16
)

// checkSwedish holds the rules of the Swedish OpenID Connect Profile that are not OIDC Core's too, and takes over what its
// parameter extensions ask for. The profile has no code for a provider that is not ours; who asks for one must not be served
// by another.
func checkSwedish(p *Provider, client *storage.Client, values url.Values, request *storage.AuthRequest) *requestError {
	if client.Swedish() && request.State == "" {
		return invalid("state is missing")
	}
	if provider := values.Get(paramAuthnProvider); provider != "" && provider != p.o.Issuer+providerBankID {
		return invalid("authnProvider is not a provider that can be had here")
	}
	message, refusal := parseUserMessage(values.Get(paramUserMessage))
	if refusal != nil || prompts(request, oidc.PromptNone) {
		return refusal
	}
	request.UserMessage = message
	return nil
}

// parseUserMessage returns the message in the parameter, nil for none. A message of a type that we cannot show is none: the
// login goes on without it. One that is broken, or holds what the app would not show, is refused so that its sender learns of it.
func parseUserMessage(text string) (*storage.UserMessage, *requestError) {
	if text == "" {
		return nil, nil
	}
	var members map[string]any
	if json.Unmarshal([]byte(text), &members) != nil || members == nil {
		return nil, invalid("userMessage is not a JSON object")
	}
	format, refusal := messageFormat(members["mime_type"])
	if refusal != nil || format == "" {
		return nil, refusal
	}
	message := &storage.UserMessage{Text: make(map[string]string), Format: format}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		tag, isMessage := messageTag(name)
		if !isMessage {
			continue
		}
		if message.Text[tag], refusal = messageText(members[name], format); refusal != nil {
			return nil, refusal
		}
	}
	if len(message.Text) == 0 || len(message.Text) > maxLanguages {
		return nil, invalid("userMessage must have a message, in 16 languages at most")
	}
	return message, nil
}

// messageFormat returns how the app shows a message of that media type, "" for a type that it cannot show.
func messageFormat(value any) (string, *requestError) {
	if value == nil {
		return formatPlain, nil
	}
	text, ok := value.(string)
	if !ok {
		return "", invalid("mime_type of userMessage is no text")
	}
	kind, parameters, err := mime.ParseMediaType(text)
	if charset := parameters["charset"]; err != nil || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return "", nil
	}
	switch kind {
	case "text/plain":
		return formatPlain, nil
	case "text/markdown":
		return formatMarkdown, nil
	}
	return "", nil
}

// messageTag returns the language of a member of userMessage, "" for the one that serves all others, and false for a member
// that is no message. A tag that is no BCP 47 tag is one that no page has.
func messageTag(name string) (tag string, ok bool) {
	if name == "message" {
		return "", true
	}
	tag, ok = strings.CutPrefix(name, "message#")
	parsed, err := language.Parse(tag)
	return parsed.String(), ok && err == nil
}

// messageText returns the text of a message once it is known that the BankID app will show it.
func messageText(value any, format string) (string, *requestError) {
	encoded, ok := value.(string)
	if !ok {
		return "", invalid("a message of userMessage is no text")
	}
	decoded, err := base64.StdEncoding.Strict().DecodeString(encoded)
	text := string(decoded)
	switch {
	case err != nil || !utf8.ValidString(text):
		return "", invalid("a message of userMessage is not base64 of UTF-8")
	case strings.TrimSpace(text) == "":
		return "", invalid("a message of userMessage is empty")
	case base64.StdEncoding.EncodedLen(len(text)) > maxMessage:
		return "", invalid("a message of userMessage is longer than the BankID app shows")
	case strings.ContainsFunc(text, unshown):
		return "", invalid("a message of userMessage has characters that are not shown")
	case format == formatMarkdown && !isSimpleMarkdown(text):
		return "", invalid("a message of userMessage has markup that the BankID app does not know")
	}
	return text, nil
}

// unshown reports whether a character could hide or reorder what the person reads, or cannot be shown.
func unshown(c rune) bool {
	switch {
	case c == '\n' || c == '\r' || c == '\t':
		return false
	case c >= 0x202a && c <= 0x202e, c >= 0x2066 && c <= 0x2069: // orders of writing
		return true
	}
	return unicode.IsControl(c) || c == unicode.ReplacementChar || unicode.Is(unicode.Co, c)
}

// isSimpleMarkdown reports whether text keeps to BankID's subset of Markdown: headings, emphasis, lists, tables and separators.
// Links, pictures, code, quotations and HTML are not in it, nor are emoji. BankID publishes no grammar, so what is not known to
// be outside passes.
func isSimpleMarkdown(text string) bool {
	if strings.ContainsAny(text, "<`\\") || strings.Contains(text, "](") || strings.Contains(text, "]:") || strings.Contains(text, "![") {
		return false
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimLeft(line, " "), ">") {
			return false
		}
	}
	for rest := text; ; {
		_, after, found := strings.Cut(rest, "&")
		if !found {
			break
		}
		if name, _, closed := strings.Cut(after, ";"); closed && isEntity(name) {
			return false
		}
		rest = after
	}
	return !strings.ContainsFunc(text, func(c rune) bool { return c >= 0x2600 && c <= 0x27bf || c == 0xfe0f || c >= 0x1f000 })
}

// isEntity reports whether name is that of an HTML character reference.
func isEntity(name string) bool {
	name = strings.TrimPrefix(name, "#")
	return name != "" && len(name) <= 32 && !strings.ContainsFunc(name, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9')
	})
}
