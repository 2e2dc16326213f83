package op

import (
	"encoding/base64"
	"maps"
	"strings"
	"testing"

	"brygga/storage"
)

// The rules that bind clients of the profile, and those alone (Swedish OpenID Connect Profile 1.0).
func TestSwedishRules(t *testing.T) {
	h := newHarness(t, nil)
	h.add("plain", nil)
	h.add("swedish", func(c *storage.Client) { c.Profile = storage.ProfileSwedish })
	h.add("connect", func(c *storage.Client) { c.Profile = storage.ProfileSwedenConnect })
	for _, tc := range []struct {
		name  string
		pairs []string
		want  string // of a client of the profile; others get a login
	}{
		{"in order", nil, "login"},
		{"no state", []string{"state", ""}, "invalid_request"},
		{"no PKCE", []string{"code_challenge", "", "code_challenge_method", ""}, "login"},
		{"BankID", []string{paramAuthnProvider, issuer + "/authn/bankid"}, "login"},
	} {
		for _, client := range []string{"swedish", "connect"} {
			if got, _ := h.browser().outcome(params(client, callback, tc.pairs...)); got != tc.want {
				t.Errorf("%s of %s: %s, want %s", tc.name, client, got, tc.want)
			}
		}
		if got, _ := h.browser().outcome(params("plain", callback, tc.pairs...)); got != "login" {
			t.Errorf("%s of a client without profile: %s", tc.name, got)
		}
	}
	for _, client := range []string{"plain", "swedish", "connect"} {
		if got, _ := h.browser().outcome(params(client, callback, paramAuthnProvider, issuer+"/authn/other")); got != "invalid_request" {
			t.Errorf("another provider, for %s: %s", client, got)
		}
		required := h.begin(params(client, callback, "login_hint", number)).Request.RequiredPersonalNumber
		if required.IsZero() == (client == "plain") {
			t.Errorf("login_hint names a person for %s: %t", client, !required.IsZero())
		}
		claims := `{"id_token":{"https://id.oidc.se/claim/coordinationNumber":{"essential":true,"value":"190101811237"}}}`
		if got, _ := h.browser().outcome(params(client, callback, "claims", claims)); got != "invalid_request" {
			t.Errorf("a coordination number that is none: %s", got)
		}
	}
}

// TestUserMessage reads what may stand in the parameter (Swedish request parameter extensions 1.1 §2.1).
func TestUserMessage(t *testing.T) {
	b64 := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	plain := func(text string) string { return `{"message":"` + b64(text) + `"}` }
	marked := func(text string) string {
		return `{"message":"` + b64(text) + `","mime_type":"text/markdown"}`
	}
	none := map[string]string{}
	for _, tc := range []struct {
		name, parameter string
		want            map[string]string // nil when the request is refused
		format          string
	}{
		{"none", "", none, ""},
		{"one", plain("Hej på dig\nrad två"), map[string]string{"": "Hej på dig\nrad två"}, "plaintext"},
		{"by language", `{"message#sv":"` + b64("Hej") + `","message#en":"` + b64("Hello") + `","message":"` + b64("Hi") + `","mime_type":"text/plain"}`,
			map[string]string{"": "Hi", "sv": "Hej", "en": "Hello"}, "plaintext"},
		{"tag in capitals", `{"message#SV-se":"` + b64("Hej") + `"}`, map[string]string{"sv-SE": "Hej"}, "plaintext"},
		{"other members", `{"x":1,"message#":"!","message#!":"!","message":"` + b64("Hej") + `"}`, map[string]string{"": "Hej"}, "plaintext"},
		{"charset", `{"message":"` + b64("Hej") + `","mime_type":"text/plain; charset=UTF-8"}`, map[string]string{"": "Hej"}, "plaintext"},
		{"longest", plain(strings.Repeat("a", 1125)), map[string]string{"": strings.Repeat("a", 1125)}, "plaintext"},
		{"markdown", marked("# Rubrik\n*fet* _kursiv_\n\n+ ett\n+ två\n\n| a | b |\n---\nA & B; 1 > 0"),
			map[string]string{"": "# Rubrik\n*fet* _kursiv_\n\n+ ett\n+ två\n\n| a | b |\n---\nA & B; 1 > 0"}, "simpleMarkdownV1"},
		{"markup in plain text", plain("<b>Hej</b> [a](b) `c` \U0001F600"), map[string]string{"": "<b>Hej</b> [a](b) `c` \U0001F600"}, "plaintext"},

		{"unknown type", `{"message":"` + b64("Hej") + `","mime_type":"text/html"}`, none, ""},
		{"unknown charset", `{"message":"` + b64("Hej") + `","mime_type":"text/plain; charset=latin1"}`, none, ""},
		{"no type at all", `{"message":"` + b64("Hej") + `","mime_type":""}`, none, ""},

		{"not JSON", `{`, nil, ""},
		{"not an object", `["` + b64("Hej") + `"]`, nil, ""},
		{"null", `null`, nil, ""},
		{"no message", `{"mime_type":"text/plain"}`, nil, ""},
		{"type is a number", `{"message":"` + b64("Hej") + `","mime_type":1}`, nil, ""},
		{"message of the old draft", `{"message":{"sv":"` + b64("Hej") + `"}}`, nil, ""},
		{"not base64", `{"message":"Hej!"}`, nil, ""},
		{"base64 for URLs", `{"message":"_-8="}`, nil, ""},
		{"base64 with a rest", `{"message":"SGVk="}`, nil, ""},
		{"not UTF-8", plain("\xff\xfe"), nil, ""},
		{"empty", plain(" \n"), nil, ""},
		{"too long", plain(strings.Repeat("a", 1126)), nil, ""},
		{"too long in one language", `{"message":"` + b64("Hej") + `","message#sv":"` + b64(strings.Repeat("a", 1126)) + `"}`, nil, ""},
		{"a control character", plain("a\x00b"), nil, ""},
		{"an escape", plain("a\x1b[2Jb"), nil, ""},
		{"order of writing", plain("100\u202e kr"), nil, ""},
		{"isolates", plain("100\u2066 kr"), nil, ""},
		{"private characters", plain("a\ue000"), nil, ""},
		{"HTML", marked("<b>Hej</b>"), nil, ""},
		{"an HTML comment", marked("a <!-- b"), nil, ""},
		{"a reference", marked("a &lt;b"), nil, ""},
		{"a numeric reference", marked("& a &#60;b"), nil, ""},
		{"a link", marked("[a](https://x.example)"), nil, ""},
		{"a defined link", marked("[a]\n\n[a]: https://x.example"), nil, ""},
		{"a picture", marked("![a]"), nil, ""},
		{"code", marked("`a`"), nil, ""},
		{"an escape in markdown", marked(`\*a`), nil, ""},
		{"a quotation", marked("a\n > b"), nil, ""},
		{"emoji", marked("a \U0001F600"), nil, ""},
		{"a dingbat", marked("a \u2705"), nil, ""},
	} {
		message, refusal := parseUserMessage(tc.parameter)
		switch {
		case refusal != nil:
			if tc.want != nil || refusal.code != "invalid_request" || strings.Contains(refusal.description, "Hej") {
				t.Errorf("%s: refused: %v", tc.name, refusal)
			}
		case tc.want == nil:
			t.Errorf("%s: accepted: %+v", tc.name, message)
		case message == nil:
			if len(tc.want) > 0 {
				t.Errorf("%s: nothing to show", tc.name)
			}
		case !maps.Equal(message.Text, tc.want) || message.Format != tc.format:
			t.Errorf("%s: %+v", tc.name, message)
		}
	}
	languages := ""
	for _, tag := range strings.Fields("sv en fi da nb de fr es it pl pt nl cs sk hu ro bg") {
		languages += `"message#` + tag + `":"` + b64("Hej") + `",`
	}
	if _, refusal := parseUserMessage(`{` + strings.TrimSuffix(languages, ",") + `}`); refusal == nil {
		t.Error("too many languages")
	}
}

// A message goes with a login and never without one.
func TestUserMessageGoesWithLogin(t *testing.T) {
	h := newHarness(t, nil)
	message := `{"message":"SGVq","message#en":"SGVsbG8="}`
	stored := h.begin(params("web", callback, paramUserMessage, message)).Request.UserMessage
	if stored.In("en") != "Hello" || stored.In("sv") != "Hej" || stored.Format != "plaintext" {
		t.Errorf("%+v", stored)
	}
	if plain := h.begin(params("web", callback)).Request.UserMessage; plain != nil {
		t.Errorf("%+v", plain)
	}
	client, err := h.store.Client(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	silent, refusal := h.checkRequest(client, params("web", callback, paramUserMessage, message, "prompt", "none"))
	if refusal != nil || silent.UserMessage != nil {
		t.Errorf("with prompt=none: %+v, %v", silent.UserMessage, refusal)
	}
	if got, _ := h.browser().outcome(params("web", callback, paramUserMessage, "x")); got != "invalid_request" {
		t.Errorf("a broken message: %s", got)
	}
}

func FuzzUserMessage(f *testing.F) {
	for _, seed := range []string{
		`{"message":"SGVq"}`, `{"message#sv":"SGVq","message":"SGVsbG8=","mime_type":"text/markdown"}`, `{"message":null,"mime_type":"text/plain;charset=utf-8"}`,
		`{"message#":"x"}`, `null`, `[]`, `{"message":{}}`, `{"mime_type":"text/html"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		message, refusal := parseUserMessage(text)
		if message == nil {
			return
		}
		if refusal != nil || len(message.Text) == 0 || message.Format != formatPlain && message.Format != formatMarkdown {
			t.Fatalf("%+v, %v", message, refusal)
		}
		for tag, text := range message.Text {
			if base64.StdEncoding.EncodedLen(len(text)) > maxMessage || strings.ContainsFunc(text, unshown) ||
				message.Format == formatMarkdown && strings.ContainsAny(text, "<`") {
				t.Errorf("%q: %q", tag, text)
			}
		}
	})
}
