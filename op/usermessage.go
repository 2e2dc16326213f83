package op

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"mime"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/language"

	"brygga/storage"
	"brygga/visibletext"
)

// The formats of texts in the BankID app.
const (
	formatPlain    = visibletext.Plain
	formatMarkdown = visibletext.Markdown
)

// Limits on a user message. BankID takes 1 500 characters of base64 for an identification (BankID API: auth).
const (
	maxMessage   = 1500
	maxLanguages = 16
)

// withoutMessage returns the parameters without the message for the person. It is for parameters that anybody may have put into an
// address: a stranger who leads somebody to a client's login must not say in the BankID app what it is about
// (docs/decisions/0017-messages-from-clients.md). The login goes on without the message.
func (p *Provider) withoutMessage(ctx context.Context, client *storage.Client, values url.Values) url.Values {
	if !values.Has(paramUserMessage) {
		return values
	}
	p.log.InfoContext(ctx, "userMessage ignored: it was neither pushed by a client that proved itself nor in a signed request object",
		"client_id", client.ID)
	values = maps.Clone(values)
	values.Del(paramUserMessage)
	return values
}

// parseUserMessage returns the message in the parameter, nil for none. A message of a type that we cannot show is none: the
// login goes on without it. One that is broken, or holds what could mislead its reader, is refused so that its sender learns of it.
func parseUserMessage(text string) (*storage.UserMessage, *oauthError) {
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
func messageFormat(value any) (string, *oauthError) {
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
func messageText(value any, format string) (string, *oauthError) {
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
	case visibletext.Problem(text, format) != "":
		return "", invalid("a message of userMessage is none that the BankID app shows: it has " + visibletext.Problem(text, format))
	case strings.ContainsFunc(text, misleads):
		return "", invalid("a message of userMessage has characters that are not shown, or change how others read")
	case !isCompact(text):
		return "", invalid("a message of userMessage has too many blanks, empty lines or marks in a row")
	case format == formatMarkdown && !isModest(text):
		return "", invalid("a message of userMessage has headings or separators")
	}
	return text, nil
}
