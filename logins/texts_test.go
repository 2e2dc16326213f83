package logins_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"brygga/audit"
	"brygga/bankid"
	"brygga/login"
	"brygga/logins"
	"brygga/netid"
)

var update = flag.Bool("update", false, "rewrite docs/reasons.md")

const reasonsPage = "../docs/reasons.md"

func words(codes []bankid.HintCode) []string {
	words := make([]string, len(codes))
	for i, code := range codes {
		words[i] = string(code)
	}
	return words
}

// netIDWords are the codes by which orders of Net iD end.
func netIDWords() (words []string) {
	for _, code := range netid.Codes() {
		if class := code.Class(); class == netid.ClassEnded || class == netid.ClassUnknown {
			words = append(words, string(code))
		}
	}
	return words
}

// failedWords are all by which orders end.
func failedWords() []string {
	return slices.Concat(login.Reasons(), words(bankid.FailedHintCodes()), netIDWords())
}

// TestReasonsPage holds docs/reasons.md to what the console and commands say.
func TestReasonsPage(t *testing.T) {
	all := read(t, "en")
	var page strings.Builder
	page.WriteString("# Why a login failed\n\nThe words that the audit log, `brygga login show`, the console and the metrics use, what they mean for those who run the service, what to tell the\n" +
		"person, and what helps. Made by `go test ./logins -run TestReasonsPage -update`.\n")
	write := func(title string, words []string) {
		fmt.Fprintf(&page, "\n## %s\n\n| word | what it means | what to tell the person | what helps here |\n|---|---|---|---|\n", title)
		for _, word := range words {
			fmt.Fprintf(&page, "| `%s` | %s | %s | %s |\n", word, all["means."+word], all["tell."+word], all["do."+word])
		}
	}
	write("Reasons of brygga", login.Reasons())
	write("Hint codes of BankID orders that failed", words(bankid.FailedHintCodes()))
	write("Codes of Net iD orders that failed", netIDWords())
	page.WriteString("\n## Hint codes of BankID orders that wait\n\n| word | what it means |\n|---|---|\n")
	for _, word := range words(bankid.PendingHintCodes()) {
		fmt.Fprintf(&page, "| `%s` | %s |\n", word, all["means."+word])
	}
	if *update {
		if err := os.WriteFile(reasonsPage, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if committed, err := os.ReadFile(reasonsPage); err != nil || string(committed) != page.String() {
		t.Errorf("%s is not what is said elsewhere: run go test ./logins -run TestReasonsPage -update", reasonsPage)
	}
}

func read(t *testing.T, language string) (all map[string]string) {
	t.Helper()
	text, err := os.ReadFile("texts/" + language + ".json")
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestTexts: every reason, hint code, step of a course, outcome and event of a login has its words, in each language.
func TestTexts(t *testing.T) {
	sv, en := read(t, "sv"), read(t, "en")
	if a, b := slices.Sorted(maps.Keys(sv)), slices.Sorted(maps.Keys(en)); !slices.Equal(a, b) {
		t.Errorf("the languages have other texts: %d and %d", len(a), len(b))
	}
	for language, all := range map[string]map[string]string{"sv": sv, "en": en} {
		has := func(key string) {
			t.Helper()
			if text := all[key]; text == "" {
				t.Errorf("%s: no text %s", language, key)
			}
		}
		for _, word := range failedWords() {
			for _, kind := range []string{"short.", "means.", "tell.", "do."} {
				has(kind + word)
			}
			if text := all["tell."+word]; !strings.HasSuffix(text, ".") {
				t.Errorf("%s: %q is no sentence to read out", language, text)
			}
			if short, means := logins.Explain(language, word); short != all["short."+word] || means != all["means."+word] {
				t.Errorf("%s is explained as %q, %q", word, short, means)
			}
		}
		for _, word := range append(words(bankid.PendingHintCodes()), "page", "this", "other", "call", "program", "renewed", "returned", "takenBack", "unknown") {
			has("course." + word)
		}
		for _, kind := range audit.Types() {
			if strings.HasPrefix(string(kind), "WEB_") || strings.HasPrefix(string(kind), "SEC_") {
				has("event." + string(kind))
			}
		}
		causes, want := logins.Causes(language), failedWords()
		if slices.Sort(causes); !slices.Equal(causes, slices.Sorted(slices.Values(want))) {
			t.Errorf("%s: causes %v", language, causes)
		}
		for _, outcome := range logins.Outcomes() {
			has("verdict." + string(outcome))
			has("sign.verdict." + string(outcome))
			has("payment.verdict." + string(outcome))
		}
		for _, code := range netid.Codes() {
			if code.Class() == netid.ClassProgress {
				has("course." + string(code))
			}
		}
		for _, kind := range []audit.Type{audit.NetIDStarted, audit.NetIDCompleted, audit.NetIDFailed, audit.NetIDEnded, audit.LoginStarted, audit.LoginCompleted, audit.LoginFailed, audit.LoginEnded} {
			has("sign.event." + string(kind))
			if kind.Common() == kind { // there is another eID's number of no payment
				has("payment.event." + string(kind))
			}
		}
	}
	if short, means := logins.Explain("en", "weirdCode77"); short != "" || means != "" {
		t.Errorf("an unknown word is explained: %q, %q", short, means)
	}
}
