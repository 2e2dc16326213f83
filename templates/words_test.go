package templates

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// wording is a rule that the texts of a language keep. fault is a text that breaks it.
type wording struct {
	never *regexp.Regexp
	why   string
	fault string
}

var wordings = map[string][]wording{
	"sv": {
		{regexp.MustCompile(`BankID[:'’]?\p{L}`), "BankID takes no ending", "BankID:t är spärrat"},
		{regexp.MustCompile(`(?i)identifier`), "it is legitimera, as on the button in the app", "Du identifierar dig."},
		{regexp.MustCompile(`\b[Mm]obil`), "it is a telefon everywhere", "Öppna appen i mobilen"},
		{regexp.MustCompile(`(?i)läs\p{L}* (av )?(QR-)?koden`), "codes are scanned", "Läs av QR-koden"},
		{regexp.MustCompile(`(?i)\b(lösenord|PIN|pinkod|legitimationskod)`), "it is called säkerhetskod in the app", "Skriv ditt lösenord"},
		{regexp.MustCompile(`(?i)med oss\b|till oss\b`), "the client is meant, not who runs the login", "talar i telefon med oss"},
		{regexp.MustCompile(`(?i)\bvi har (larmat|meddelat|informerat)|\bvi (hör av oss|åtgärdar)|brukar gå fort|inom kort`), "promises what others have to keep", "Vi har larmat dem"},
		{regexp.MustCompile(`(?i)\bgå vidare\b|\bklicka|\bpå nytt\b`), "it is fortsätt, tryck and igen everywhere", "Gå vidare"},
		{regexp.MustCompile(`(?i)\bej\b|\bvänligen\b|\bvar god\b|\berhåll|\bdenna\b|\bdetta\b`), "not how people speak", "Vänligen försök igen"},
		{regexp.MustCompile(` …|\.\.\.`), "the word before the dots is whole", "Hämtar koden …"},
		{regexp.MustCompile(`(?i)appen borde starta|(^|[^-])\bprogrammet\b`), "the app is opened, and the program is BankID-programmet", "Starta programmet nu"},
	},
	"en": {
		{regexp.MustCompile(`(?i)\bgo(es)? on\b`), "it is continue everywhere", "Go on in your phone"},
		{regexp.MustCompile(`(?i)\bprogram\b`), "it is the BankID app on this computer", "the BankID program"},
		{regexp.MustCompile(`(?i)\b(mobile|password|pin|legitimate)\b`), "it is a phone and a security code", "Enter your PIN"},
		{regexp.MustCompile(`(?i)\b(with|to) us\b`), "the client is meant, not who runs the login", "on the phone with us"},
		{regexp.MustCompile(`(?i)\bwe (have alerted|have told|will fix)|in a few minutes|usually quick`), "promises what others have to keep", "We have alerted them"},
		{regexp.MustCompile(`(?i)\bclick|\bplease\b|\bsign in\b|for safety|a fraud\b`), "other words are used for it everywhere", "Please sign in"},
		{regexp.MustCompile(`BankID['’]s\b`), "BankID takes no ending", "BankID's app"},
		{regexp.MustCompile(`(?i)\bfetch| …|\.\.\.`), "a code is got, and the word before the dots is whole", "Fetching the code …"},
	},
}

// TestWording holds all texts to one word for one thing, to words of the BankID app, and to promises that can be kept.
func TestWording(t *testing.T) {
	for lang, rules := range wordings {
		for _, rule := range rules {
			if !rule.never.MatchString(rule.fault) {
				t.Errorf("%s: %v does not find %q", lang, rule.never, rule.fault)
			}
			for key, text := range builtIn().all[lang].texts {
				if found := rule.never.FindString(strings.ReplaceAll(text, softHyphen, "")); found != "" {
					t.Errorf("%s: %s has %q in %q: %s", lang, key, found, text, rule.why)
				}
			}
		}
	}
}

// TestTextsEndAlike: a sentence ends with a full stop or a question mark; what stands on a button, in a heading or in a hint
// is no sentence.
func TestTextsEndAlike(t *testing.T) {
	sentence := regexp.MustCompile(`\.(text|say|alt|check|caution|embedded|warning|over|lost|found|partly|whole|close)(\.|$)`)
	for lang, m := range builtIn().all {
		for key, text := range m.texts {
			ends := strings.HasSuffix(text, ".") || strings.HasSuffix(text, "?") || strings.HasSuffix(text, "{text}")
			if wanted := sentence.MatchString(key) && key != "zoom.close"; !strings.HasPrefix(key, "language.") && !strings.HasSuffix(key, ".reference") &&
				ends != (wanted || key == "ask-log-out.title") {
				t.Errorf("%s: %s ends wrongly: %q", lang, key, text)
			}
		}
	}
}

// longestPiece is how many letters of a heading fit in a line of the narrowest page, with room for larger text.
const longestPiece = 13

// TestHeadingsBreak: no heading has a piece that cannot be broken and is wider than a narrow page.
func TestHeadingsBreak(t *testing.T) {
	for lang, m := range builtIn().all {
		for _, key := range slices.Sorted(maps.Keys(m.texts)) {
			heading := regexp.MustCompile(`\.title(\.|$)`).MatchString(key) && !strings.HasPrefix(key, "page.") && !strings.HasPrefix(key, "zoom.")
			for piece := range strings.FieldsFuncSeq(m.texts[key], func(r rune) bool { return r == ' ' || r == '-' || r == '\u00AD' }) {
				if n := utf8.RuneCountInString(piece); heading && n > longestPiece {
					t.Errorf("%s: %s has %q, %d letters without a place to break", lang, key, piece, n)
				}
			}
			if !heading && strings.Contains(m.texts[key], softHyphen) {
				t.Errorf("%s: %s has a soft hyphen, which only headings need", lang, key)
			}
		}
	}
}

// TestTitleHasNoSoftHyphens: the heading may be broken, the title of the document may not.
func TestTitleHasNoSoftHyphens(t *testing.T) {
	v := Failed{Reason: "facialRecognitionFailed"}
	for _, l := range Languages() {
		p := Page{Lang: l.Tag, ClientName: "Norrby kommun"}
		if got := Title(p, v); strings.Contains(got, softHyphen) {
			t.Errorf("%s: title %q", l.Tag, got)
		}
	}
	if h := v.heading(Page{Lang: "sv"}); !strings.Contains(h, softHyphen) {
		t.Errorf("the heading %q has lost its soft hyphen", h)
	}
}

// TestOtherDeviceOfAPhone: who reads the page on a phone and scans with another device is not told to take the phone.
func TestOtherDeviceOfAPhone(t *testing.T) {
	own := regexp.MustCompile(`(?i)i telefonen|fram telefonen|on your phone|get your phone`)
	for _, s := range everyLanguage(func(l string) []State {
		p := Page{Lang: l, ClientName: "Norrby kommun"}
		states := []State{{"scan", p, QRWait{Platform: Phone, Left: Left{Seconds: 1, Of: 2}}}}
		for _, hint := range HintCodesPending() {
			states = append(states, State{hint, p, Pending(Waiting{Taken: taken(hint), HintCode: hint, Device: OtherDevice, Platform: Phone})})
		}
		for _, r := range append(reasons(HintCodesFailed()), ownReasons...) {
			states = append(states, State{string(r), p, Failed{Reason: r, Device: OtherDevice, Platform: Phone}})
		}
		return states
	}) {
		if found := own.FindString(fragment(t, s.Page, s.View)); found != "" {
			t.Errorf("%s %s: says %q to someone who holds the phone", s.Page.Lang, s.Name, found)
		}
	}
}

// everyLanguage returns the states of each language.
func everyLanguage(states func(lang string) []State) []State {
	var all []State
	for _, l := range Languages() {
		all = append(all, states(l.Tag)...)
	}
	return all
}
