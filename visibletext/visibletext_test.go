package visibletext_test

import (
	"strings"
	"testing"

	"brygga/visibletext"
)

func TestProblem(t *testing.T) {
	for text, want := range map[string][2]string{ // in plain text, in Markdown
		"":                                      {"", ""},
		"Logga in":                              {"", ""},
		"Logga in\r\n\r\nhos Ärendet":           {"", ""},
		"Belopp:\t100 kr":                       {"control", "control"},
		"Belopp:\r100 kr":                       {"control", "control"},
		"Belopp:\x00":                           {"control", "control"},
		"Belopp:\u0085100 kr":                   {"control", "control"},
		"\xff":                                  {"UTF-8", "UTF-8"},
		"# Rubrik\n---\n**fet** _lutad_\n|a|b|": {"", ""},
		"+ Ditt namn\n+ Ditt nummer":            {"", ""},
		"  + inre punkt":                        {"", ""},
		"Vi får:\n+Ditt för- och efternamn":     {"", "no space"},
		"+46 8 123":                             {"", "no space"},
		"+":                                     {"", "no space"},
		"- Ditt namn":                           {"", "+ alone"},
		"a\n * Ditt namn":                       {"", "+ alone"},
		"-5 grader\n*fet*":                      {"", ""},
		"> citat":                               {"", "quotation"},
		"[länk](https://a.example)":             {"", "links"},
		"<b>fet</b>":                            {"", "links"},
		"`kod`":                                 {"", "links"},
		"1 &lt; 2":                              {"", "links"},
		"A&B; C & D;":                           {"", "links"},
		"a &b!c; d &b:c;":                       {"", ""},
		"Fisk & skaldjur":                       {"", ""},
		"Hej 👋":                                 {"", "emoji"},
	} {
		for i, format := range []string{visibletext.Plain, visibletext.Markdown} {
			got := visibletext.Problem(text, format)
			if (got == "") != (want[i] == "") || !strings.Contains(got, want[i]) {
				t.Errorf("%q as %s: %q, want %q", text, format, got, want[i])
			}
		}
		if got := visibletext.Problem(text, ""); got != visibletext.Problem(text, visibletext.Plain) {
			t.Errorf("%q without a format: %q", text, got)
		}
	}
}
