package op

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"brygga/storage"
)

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
		{"markdown", marked("*fet* _kursiv_\n\n+ ett\n+ två\n\n| a | b |\n|---|---|\nA & B; 1 > 0"),
			map[string]string{"": "*fet* _kursiv_\n\n+ ett\n+ två\n\n| a | b |\n|---|---|\nA & B; 1 > 0"}, "simpleMarkdownV1"},
		{"scripts", plain("Ελλάδα עברית ਪੰਜਾਬੀ 日本\u3000語 Việt\u0301 é 1\u00a0000 kr\r\n\r\nHej"),
			map[string]string{"": "Ελλάδα עברית ਪੰਜਾਬੀ 日本\u3000語 Việt\u0301 é 1\u00a0000 kr\r\n\r\nHej"}, "plaintext"},
		{"one empty line, 16 blanks", plain("a\n\nb" + strings.Repeat(" ", 16) + "c"), map[string]string{"": "a\n\nb" + strings.Repeat(" ", 16) + "c"}, "plaintext"},
		{"four marks", plain("a\u0301\u0302\u0303\u0304"), map[string]string{"": "a\u0301\u0302\u0303\u0304"}, "plaintext"},
		{"forty lines", plain("a" + strings.Repeat("\nb", 39)), map[string]string{"": "a" + strings.Repeat("\nb", 39)}, "plaintext"},
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
		{"two empty lines", plain("a\n\n\nb"), nil, ""},
		{"empty lines of blanks", plain("a\n \n\u00a0\nb"), nil, ""},
		{"empty lines of Windows", plain("a\r\n\r\n\r\nb"), nil, ""},
		{"returns alone", plain("a\rb"), nil, ""},
		{"17 blanks", plain("a" + strings.Repeat(" ", 17) + "b"), nil, ""},
		{"five marks", plain("a\u0301\u0302\u0303\u0304\u0305"), nil, ""},
		{"41 lines", plain("a" + strings.Repeat("\nb", 40)), nil, ""},
		{"a tab", plain("Belopp:\t100 kr"), nil, ""},
		{"a tab in markdown", marked("Belopp:\t100 kr"), nil, ""},
		{"a list", marked("Vi får:\n+ namn\n+ nummer"), map[string]string{"": "Vi får:\n+ namn\n+ nummer"}, "simpleMarkdownV1"},
		{"a plus without a space", marked("Vi får:\n+Ditt för- och efternamn"), nil, ""},
		{"a plus without a space in plain text", plain("+46 8 123"), map[string]string{"": "+46 8 123"}, "plaintext"},
		{"a list of hyphens", marked("- namn"), nil, ""},
		{"a list of asterisks", marked("a\n * namn"), nil, ""},
		{"a heading", marked("# Rubrik"), nil, ""},
		{"a heading further down", marked("a\n  ## Rubrik"), nil, ""},
		{"a heading in a list", marked("a\n+ # Rubrik"), nil, ""},
		{"an underlined heading", marked("Rubrik\n==="), nil, ""},
		{"another underlined heading", marked("Rubrik\n-"), nil, ""},
		{"a separator", marked("a\n\n---\nb"), nil, ""},
		{"a separator with blanks", marked("a\n\n * * *\nb"), nil, ""},
		{"a separator of low lines", marked("a\n___\nb"), nil, ""},
		{"HTML", marked("<b>Hej</b>"), nil, ""},
		{"an HTML comment", marked("a <!-- b"), nil, ""},
		{"a reference", marked("a &lt;b"), nil, ""},
		{"a reference of capitals", marked("a &AZ;"), nil, ""},
		{"a reference of edges", marked("a &az09;"), nil, ""},
		{"a reference of the longest name", marked("a &" + strings.Repeat("a", 32) + ";"), nil, ""},
		{"no reference", marked("a &; b &-; c && d;"), map[string]string{"": "a &; b &-; c && d;"}, "simpleMarkdownV1"},
		{"too long for a reference", marked("a &" + strings.Repeat("a", 33) + ";"), map[string]string{"": "a &" + strings.Repeat("a", 33) + ";"}, "simpleMarkdownV1"},
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

// Each of these hides, covers, reorders or strikes through what is beside it, or cannot be shown.
func TestUserMessageCharacters(t *testing.T) {
	for _, c := range []rune{
		0, 0x7, 0xb, 0xc, 0x1b, 0x7f, 0x85, 0x9b, // C0, C1
		0xad, 0x600, 0x61c, 0x70f, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x2060, 0x2061, 0x2064, 0x206a, 0x206f, 0xfeff, 0xfff9, 0xfffb, // Cf
		0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069, // orders of writing
		0x2028, 0x2029, // separators
		0x34f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x3164, 0xffa0, 0x2065, 0xfff0, 0xe0080, 0x16fe4, 0x1bc9d, 0x1d159, // drawn as nothing
		0x180b, 0x180d, 0x180f, 0xfe00, 0xfe0f, 0xe0100, 0xe01ef, // variations
		0xe0001, 0xe0020, 0xe0041, 0xe007f, // tags
		0xe000, 0xf8ff, 0xf0000, 0x10fffd, // private use
		0xfffc, 0xfffd, 0xfffe, 0xffff, 0xfdd0, 0x1fffe, 0x378, 0x2800, // nothing to show
		0x334, 0x335, 0x336, 0x337, 0x338, 0x20d0, 0x20dd, 0x20e3, 0x20f0, 0x488, 0x489, // overlays
	} {
		for _, text := range []string{"a" + string(c) + "b", string(c) + "ab", "ab" + string(c)} {
			for _, kind := range []string{"text/plain", "text/markdown"} {
				parameter := `{"message":"` + base64.StdEncoding.EncodeToString([]byte(text)) + `","mime_type":"` + kind + `"}`
				if message, refusal := parseUserMessage(parameter); refusal == nil {
					t.Errorf("%U in %s: accepted: %q", c, kind, message.In("sv"))
				}
			}
		}
	}
}

// What anybody may have put into an address is not shown to the person; the client's own word is.
func TestUserMessageIsTheClients(t *testing.T) {
	h := newHarness(t, nil)
	h.add("jar", withKeys(nil))
	h.add("loose", withKeys(func(c *storage.Client) { c.UnsignedRequestObjects = true }))
	h.add("group", func(c *storage.Client) { c.SessionGroup = "g" })
	h.add("spa", func(c *storage.Client) { c.AuthMethod, c.Secrets = storage.AuthMethodNone, nil })
	key, _ := objectKeys()
	const message = `{"message":"SGVq","message#en":"SGVsbG8="}`
	inside := map[string]any{paramUserMessage: map[string]any{"message": "SGVq", "message#en": "SGVsbG8="}}
	public := func() url.Values {
		w := h.do(formRequest("/par", params("spa", callback, paramUserMessage, message)))
		var answer pushedResponse
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusCreated {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		return url.Values{"client_id": {"spa"}, "request_uri": {answer.RequestURI}}
	}
	for _, tc := range []struct {
		name   string
		values url.Values
		shown  bool
	}{
		{"none", params("web", callback), false},
		{"in the address", params("web", callback, paramUserMessage, message), false},
		{"broken in the address", params("web", callback, paramUserMessage, "{"), false},
		{"beside a signed object", beside("jar", signed(t, key, "", members("jar", nil)), paramUserMessage, message), false},
		{"in an object that nobody signed", beside("loose", unsigned(t, `{"alg":"none"}`, members("loose", inside))), false},
		{"in an encrypted object that nobody signed", beside("loose", h.sealed("RSA", string(must(json.Marshal(members("loose", inside)))))), false},
		{"pushed by a client that proves nothing", public(), false},
		{"beside a pushed request", with(h.pushed("web", params("web", callback)), paramUserMessage, message), false},
		{"pushed", h.pushed("web", params("web", callback, paramUserMessage, message)), true},
		{"in an unsigned object that was pushed", h.pushed("loose", url.Values{"client_id": {"loose"}, "request": {unsigned(t, `{"alg":"none"}`, members("loose", inside))}}), true},
		{"in a signed object", beside("jar", signed(t, key, "", members("jar", inside))), true},
		{"in a signed object over one beside it", beside("jar", signed(t, key, "", members("jar", inside)), paramUserMessage, `{"message":"RXZpbA=="}`), true},
	} {
		stored := h.begin(tc.values).Request.UserMessage
		if got := stored.In("en") == "Hello" && stored.In("sv") == "Hej" && stored.Format == "plaintext"; got != tc.shown || !tc.shown && stored != nil {
			t.Errorf("%s: %+v", tc.name, stored)
		}
	}

	posted := h.do(formRequest("/authorize", params("group", callback, paramUserMessage, message)))
	again, err := url.Parse(posted.Header().Get("Location"))
	if err != nil || again.Path != "/authorize" {
		t.Fatalf("a POST without cookies: %d %s", posted.Code, again)
	}
	if stored := h.begin(again.Query()).Request.UserMessage; stored != nil {
		t.Errorf("posted, and kept until the browser came again: %+v", stored)
	}
}

// A message goes with a login and never without one, and only where there is room for it below the line that says who asks.
func TestUserMessageGoesWithLogin(t *testing.T) {
	h := newHarness(t, nil)
	const message = `{"message":"SGVq"}`
	client, err := h.store.Client(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	silent, refusal := h.checkRequest(client, params("web", callback, paramUserMessage, message, "prompt", "none"))
	if refusal != nil || silent.UserMessage != nil {
		t.Errorf("with prompt=none: %+v, %v", silent.UserMessage, refusal)
	}
	tooLong := `{"message":"` + base64.StdEncoding.EncodeToString([]byte(unfit)) + `"}`
	for name, value := range map[string]string{"broken": "x", "without room": tooLong} {
		if w := h.pushes("web", params("web", callback, paramUserMessage, value)); decode(t, w).Error != "invalid_request" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	h.Provider.o.MessageFits = nil
	if w := h.pushes("web", params("web", callback, paramUserMessage, message)); decode(t, w).Error != "invalid_request" {
		t.Errorf("where none can be shown: %d %s", w.Code, w.Body)
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
			if base64.StdEncoding.EncodedLen(len(text)) > userMessageRules.max || strings.ContainsFunc(text, misleads) || !isCompact(text) ||
				message.Format == formatMarkdown && strings.ContainsAny(text, "<`") {
				t.Errorf("%q: %q", tag, text)
			}
		}
	})
}
