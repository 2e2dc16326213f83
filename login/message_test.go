package login_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"brygga/login"
	"brygga/secret"
	"brygga/storage"
)

// TestUserMessage looks at what the app is asked to show when the client has a message for the person.
func TestUserMessage(t *testing.T) {
	const md = "simpleMarkdownV1"
	long := strings.Repeat("å", 560)
	for _, test := range []struct {
		name, language string
		policy         storage.Policy
		message        storage.UserMessage
		text, format   string
	}{
		{"below our own text", "sv", storage.Policy{}, message("plaintext", "sv", "Hej"), "own sv\n\nHej", "plaintext"},
		{"of the base language", "sv-FI", storage.Policy{}, message("plaintext", "sv", "Hej"), "own sv-FI\n\nHej", "plaintext"},
		{"untagged", "en", storage.Policy{}, message("plaintext", "sv", "Hej", "", "Hello"), "own en\n\nHello", "plaintext"},
		{"in another language", "en", storage.Policy{}, message("plaintext", "sv", "Hej"), "own en", "plaintext"},
		{"marked up", "sv", storage.Policy{}, message(md, "sv", "# Hej"), "own sv\n\n# Hej", md},
		{"plain below a policy's marked up text", "sv", storage.Policy{VisibleText: map[string]string{"sv": "# {client}"}, VisibleFormat: md},
			message("plaintext", "sv", "Hej"), "own sv\n\nHej", "plaintext"},
		{"marked up below a plain text that would look marked up", "sv", storage.Policy{VisibleText: map[string]string{"sv": "a*b*"}},
			message(md, "sv", "# Hej"), "# Hej", md},
		{"too long for both", "sv", storage.Policy{}, message("plaintext", "sv", long), long, "plaintext"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, func(o *login.Options) {
					o.VisibleText = func(_ *storage.Client, language string) string { return "own " + language }
				})
				defer h.close()
				request := h.asking(test.policy).Request
				request.UserMessage = &test.message
				l, err := h.Create(t.Context(), request, secret.New("binding"), "192.0.2.7")
				if err != nil {
					t.Fatal(err)
				}
				starter := other
				starter.Language = test.language
				if _, err := h.Start(t.Context(), l.ID, starter); err != nil {
					t.Fatal(err)
				}
				if r := h.service.request(h.service.orders()); r.VisibleText != test.text || r.VisibleFormat != test.format {
					t.Errorf("the app shows %q as %s, want %q as %s", r.VisibleText, r.VisibleFormat, test.text, test.format)
				}
			})
		})
	}
}

// message returns a message from pairs of language and text.
func message(format string, pairs ...string) storage.UserMessage {
	m := storage.UserMessage{Format: format, Text: map[string]string{}}
	for i := 0; i < len(pairs); i += 2 {
		m.Text[pairs[i]] = pairs[i+1]
	}
	return m
}
