package op

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"mime"
	"net/url"
	"slices"
	"strconv"
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

// maxLanguages bounds how many languages a text for the person may have.
const maxLanguages = 16

// messageRules are what a text for the person must be like. They differ by what it is for: one that stands below the question whether to log in
// must not push that aside, one that is to be signed is the client's whole and alone.
type messageRules struct {
	name   string // as refusals call it
	max    int    // characters of base64 that BankID takes
	beside bool   // whether it stands beside a text of ours
}

// userMessageRules are those of an identification (BankID API: auth).
var userMessageRules = messageRules{"userMessage", 1500, true}

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
	return userMessageRules.parse([]byte(text))
}

// parse returns the message in a JSON object, nil when it is of a type that the app cannot show.
func (m messageRules) parse(text []byte) (*storage.UserMessage, *oauthError) {
	var members map[string]any
	if json.Unmarshal(text, &members) != nil || members == nil {
		return nil, invalid(m.name + " is not a JSON object")
	}
	format, refusal := m.format(members["mime_type"])
	if refusal != nil || format == "" {
		return nil, refusal
	}
	message := &storage.UserMessage{Text: make(map[string]string), Format: format}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		tag, isMessage := messageTag(name)
		if !isMessage {
			continue
		}
		if message.Text[tag], refusal = m.text(members[name], format); refusal != nil {
			return nil, refusal
		}
	}
	if len(message.Text) == 0 || len(message.Text) > maxLanguages {
		return nil, invalid(m.name + " must have a message, in 16 languages at most")
	}
	return message, nil
}

// format returns how the app shows a message of that media type, "" for a type that it cannot show.
func (m messageRules) format(value any) (string, *oauthError) {
	if value == nil {
		return formatPlain, nil
	}
	text, ok := value.(string)
	if !ok {
		return "", invalid("mime_type of " + m.name + " is no text")
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

// messageTag returns the language of a member of a message, "" for the one that serves all others, and false for a member
// that is no message. A tag that is no BCP 47 tag is one that no page has.
func messageTag(name string) (tag string, ok bool) {
	if name == "message" {
		return "", true
	}
	tag, ok = strings.CutPrefix(name, "message#")
	parsed, err := language.Parse(tag)
	return parsed.String(), ok && err == nil
}

// text returns the text of a message once it is known that the BankID app will show it.
func (m messageRules) text(value any, format string) (string, *oauthError) {
	encoded, ok := value.(string)
	if !ok {
		return "", invalid("a message of " + m.name + " is no text")
	}
	decoded, err := base64.StdEncoding.Strict().DecodeString(encoded)
	text := string(decoded)
	switch {
	case err != nil || strings.ContainsAny(encoded, "\r\n") || !utf8.ValidString(text):
		return "", invalid("a message of " + m.name + " is not base64 of UTF-8")
	case strings.TrimSpace(text) == "":
		return "", invalid("a message of " + m.name + " is empty")
	case base64.StdEncoding.EncodedLen(len(text)) > m.max:
		return "", invalid("a message of " + m.name + " is longer than the BankID app shows: its base64 may have " + strconv.Itoa(m.max) + " characters")
	case visibletext.Problem(text, format) != "":
		return "", invalid("a message of " + m.name + " is none that the BankID app shows: it has " + visibletext.Problem(text, format))
	case strings.ContainsFunc(text, misleads):
		return "", invalid("a message of " + m.name + " has characters that are not shown, or change how others read")
	case m.beside && !isCompact(text):
		return "", invalid("a message of " + m.name + " has too many blanks, empty lines or marks in a row")
	case m.beside && format == formatMarkdown && !isModest(text):
		return "", invalid("a message of " + m.name + " has headings or separators")
	}
	return text, nil
}
