package templates

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestOverrides(t *testing.T) {
	c, err := BuiltIn().With("en", []byte("# ours\nchoose.title: \"Log in to {client}\"\napp.text: >\n  I log in to\n  {client}.\naction.cancel: |\n  Stop\n"))
	if err != nil {
		t.Fatal(err)
	}
	p := Page{Lang: "en", ClientName: "Norrby", Messages: c}
	if html := doc(t, p, Choose{Platform: Phone}); !strings.Contains(html, ">Log in to Norrby<") || !strings.Contains(html, "Open BankID") {
		t.Errorf("the page has neither the new text nor the others: %s", html)
	}
	if got := c.AppText("en-GB", "Norrby"); got != "I log in to Norrby." {
		t.Errorf("in the app: %q", got)
	}
	p.Messages = nil
	if strings.Contains(doc(t, p, Choose{Platform: Phone}), "Log in to Norrby<") {
		t.Error("the built-in catalogue has changed")
	}
	if same, err := c.With("sv", nil); err != nil || same.AppText("en", "X") != "I log in to X." {
		t.Errorf("an empty file changed something, or is an error: %v", err)
	}
}

func TestOverrideFaults(t *testing.T) {
	for _, tt := range []struct{ name, lang, file, want string }{
		{"unknown key", "sv", "action.cancel: Stopp\nchoose.titel: Hej\n", "line 2: choose.titel: there is no such text"},
		{"missing placeholder", "sv", "\n\ncomplete.text: Tillbaka\n", "line 3: complete.text: {client} is missing"},
		{"misspelt placeholder", "sv", `action.retry: "Igen, {clint}"`, "line 1: action.retry: {clint} is not filled in"},
		{"no service in the app", "sv", `app.text: "{client} hos {service}"`, "{service} is not filled in"},
		{"empty", "sv", `action.retry: " "`, "is empty"},
		{"too long", "sv", "action.retry: " + strings.Repeat("å", maxText+1), "more than"},
		{"a number", "sv", "action.retry: 1", "is no text"},
		{"a list", "sv", "action.retry: [a]", "is no text"},
		{"nested", "sv", "action:\n  retry: Igen", "no such text"},
		{"twice", "sv", "action.retry: Igen\naction.cancel: Stopp\naction.retry: Om", ""},
		{"not a file of texts", "sv", "- a\n- b", "line 1"},
		{"not YAML", "sv", "a: 'b", ""},
		{"not text", "sv", "action.retry: \xff", "UTF-8"},
		{"direction", "sv", "language.dir: up", "ltr or rtl"},
		{"tag", "../sv", "", "BCP 47"},
		{"new language without texts", "fi", "language.name: Suomi\n", "action.cancel: missing"},
	} {
		c, err := BuiltIn().With(tt.lang, []byte(tt.file))
		if err == nil || c != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.want)
		}
	}
	_, err := BuiltIn().With("sv", []byte("a: b\naction.retry: ''\nc: d"))
	if n := strings.Count(err.Error(), "line "); n != 3 {
		t.Errorf("%d faults in %q, want all 3", n, err)
	}
}

// mirrored is the catalogue with a language that is written from right to left, added by one file.
func mirrored(t *testing.T) *Catalogue {
	t.Helper()
	texts := maps.Clone(builtIn().all["en"].texts)
	texts["language.name"], texts["language.dir"], texts["action.cancel"] = "עברית", "rtl", "ביטול"
	var file strings.Builder
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		file.WriteString(key + ": '" + strings.ReplaceAll(texts[key], "'", "''") + "'\n")
	}
	c, err := BuiltIn().With("he", []byte(file.String()))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestRightToLeft: a language that is written from right to left needs nothing but its file, and the style sheet knows no left
// and right.
func TestRightToLeft(t *testing.T) {
	c := mirrored(t)
	if got := c.Languages(); len(got) != len(Languages())+1 || got[0].Tag != DefaultLanguage {
		t.Errorf("languages %v", got)
	}
	html := doc(t, Page{Lang: "he", Messages: c, BasePath: "/login/x"}, QRWait{Platform: Phone})
	if !regexp.MustCompile(`<html[^>]*lang="he"[^>]*dir="rtl"`).MatchString(html) || !strings.Contains(html, "ביטול") || !strings.Contains(html, "?lang=sv") {
		t.Errorf("not a page in that language: %.600s", html)
	}
	if !strings.Contains(doc(t, Page{Lang: "sv", Messages: c, BasePath: "/login/x"}, Choose{}), "עברית") {
		t.Error("the new language is not offered on other pages")
	}
	css := regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAllString(string(assets["page.css"].Body), "")
	if found := regexp.MustCompile(`(?i)[\w-]*\b(left|right)\b[\w-]*\s*:|:\s*(left|right)\b|(margin|padding|inset)\s*:\s*[^\s;]+\s+[^\s;]+\s+[^\s;]+\s+[^\s;]+`).FindAllString(css, -1); found != nil {
		t.Errorf("physical directions in the style sheet: %q", found)
	}
}

// TestAppText_U15: the text in the app names who asks and says that it is an identification, in each language (U-15).
func TestAppText_U15(t *testing.T) {
	for lang, want := range map[string]string{
		"sv": "Jag legitimerar mig för att logga in på Norrby.", "en": "I am identifying myself to log in to Norrby.",
		"en-US": "I am identifying myself to log in to Norrby.", "fi": "Jag legitimerar mig för att logga in på Norrby.", "": "Jag legitimerar mig för att logga in på Norrby.",
	} {
		if got := (*Catalogue)(nil).AppText(lang, "Norrby"); got != want {
			t.Errorf("%q: %q, want %q", lang, got, want)
		}
	}
	if got := BuiltIn().AppText("sv", "{service}"); !strings.Contains(got, "{service}") {
		t.Errorf("a name with braces is filled in: %q", got)
	}
}

// TestDraft: a language that is not finished has what is missing in the default language, and says what that is. Faults are faults
// all the same.
func TestDraft(t *testing.T) {
	t.Parallel()
	with, missing, err := BuiltIn().WithDraft("fi", []byte("choose.title: Kirjaudu"))
	if err != nil || len(missing) != len(builtIn().all[DefaultLanguage].texts)-1 || slices.Contains(missing, "choose.title") {
		t.Fatalf("%d missing, %v", len(missing), err)
	}
	if fi := with.in("fi"); fi.texts["choose.title"] != "Kirjaudu" || fi.texts["action.cancel"] != builtIn().in("sv").texts["action.cancel"] || fi.language != (Language{"fi", "fi", "ltr"}) {
		t.Errorf("Finnish: %+v", fi.language)
	}
	if _, missing, err := BuiltIn().WithDraft("en", []byte("choose.title: Log in")); err != nil || len(missing) != 0 {
		t.Errorf("English: %d missing, %v", len(missing), err)
	}
	if with, _, err := BuiltIn().WithDraft("fi", []byte("choose.titel: x")); err == nil || with != nil {
		t.Error("a key that does not exist was taken")
	}
	if _, err := BuiltIn().With("fi", []byte("choose.title: Kirjaudu")); err == nil {
		t.Error("a server takes a language that is not finished")
	}
}
