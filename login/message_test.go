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
	const maxBelow = 1125 - len("own sv\n\n")
	long := strings.Repeat("a", 1120)
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
		{"marked up", "sv", storage.Policy{}, message(md, "sv", "*Hej*"), "own sv\n\n*Hej*", md},
		{"plain below a policy's marked up text", "sv", storage.Policy{VisibleText: map[string]string{"sv": "# {client}"}, VisibleFormat: md},
			message("plaintext", "sv", "Hej"), "# Appen\n\nHej", md},
		{"plain that would look marked up there", "sv", storage.Policy{VisibleText: map[string]string{"sv": "# {client}"}, VisibleFormat: md},
			message("plaintext", "sv", "a *b*"), "# Appen", md},
		{"plain below a policy's plain text", "sv", storage.Policy{VisibleText: map[string]string{"sv": "a*b* {client}"}},
			message("plaintext", "sv", "c *d*"), "a*b* Appen\n\nc *d*", "plaintext"},
		{"marked up below a plain text that would look marked up", "sv", storage.Policy{VisibleText: map[string]string{"sv": "a*b*"}},
			message(md, "sv", "*Hej*"), "a*b*", "plaintext"},
		{"too long for both", "sv", storage.Policy{}, message("plaintext", "sv", long), "own sv", "plaintext"},
		{"longest for both", "sv", storage.Policy{}, message("plaintext", "sv", long[:maxBelow]), "own sv\n\n" + long[:maxBelow], "plaintext"},
		{"a byte too long for both", "sv", storage.Policy{}, message("plaintext", "sv", long[:maxBelow]+"x"), "own sv", "plaintext"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, func(o *login.Options) {
					o.VisibleText = func(_ *storage.Client, language string) string { return "own " + language }
				})
				defer h.close()
				request := h.asking(test.policy).Request
				request.UserMessage = &test.message
				l, err := h.Create(t.Context(), *request, secret.New("binding"), "192.0.2.7")
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

// TestMessageFits tells clients beforehand what withMessage would leave out, and what only looks like our own text.
func TestMessageFits(t *testing.T) {
	const md = "simpleMarkdownV1"
	own := func(client *storage.Client, language string) string {
		if language == "en" {
			return "I identify myself to log in to " + client.NameIn(language) + "."
		}
		return "Jag legitimerar mig för att logga in på " + client.NameIn(language) + "."
	}
	for _, test := range []struct {
		name    string
		client  storage.Client
		message storage.UserMessage
		want    bool
	}{
		{"short", storage.Client{Name: "App"}, message("plaintext", "", "Hej"), true},
		{"marked up", storage.Client{Name: "App-2"}, message(md, "", "*Hej*"), true},
		{"marked up below a name with markup", storage.Client{Name: "App_2"}, message(md, "", "*Hej*"), false},
		{"below such a name in one language", storage.Client{Name: "App", LocalNames: map[string]string{"en": "_App_"}}, message(md, "", "*Hej*"), false},
		{"plain below such a name", storage.Client{Name: "App_2"}, message("plaintext", "", "*Hej*"), true},
		{"too long", storage.Client{Name: "App"}, message("plaintext", "", strings.Repeat("a", 1090)), false},
		{"too long in one language", storage.Client{Name: "App"}, message("plaintext", "", "Hej", "en", strings.Repeat("a", 1100)), false},
		{"too long in a language that no page has", storage.Client{Name: "App"}, message("plaintext", "fi", strings.Repeat("a", 1100)), true},
		{"below the client's own text", storage.Client{Name: "App", Policy: storage.Policy{VisibleText: map[string]string{"sv": "*{client}*"}, VisibleFormat: md}},
			message("plaintext", "sv", "a_b"), false},
		{"our text again", storage.Client{Name: "App"}, message("plaintext", "", "Jag legitimerar mig för att logga in på Banken."), false},
		{"our text with marks", storage.Client{Name: "App"}, message(md, "", "*jag*  Legitimerar mig\nför att (logga) in på: Banken"), false},
		{"our text in another language", storage.Client{Name: "App"}, message("plaintext", "sv", "I identify myself to log in to Bank"), false},
		{"the operator's text again", storage.Client{Name: "App", Policy: storage.Policy{VisibleText: map[string]string{"sv": "{client} ber dig visa vem du är"}}},
			message("plaintext", "sv", "Banken ber dig visa vem du är"), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, func(o *login.Options) { o.VisibleText = own })
				defer h.close()
				if got := h.MessageFits(&test.client, &test.message, []string{"sv", "en"}); got != test.want {
					t.Errorf("MessageFits = %t", got)
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
