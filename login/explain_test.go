package login_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"brygga/bankid"
	"brygga/login"
)

var update = flag.Bool("update", false, "rewrite docs/reasons.md")

const reasonsPage = "../docs/reasons.md"

// TestExplain holds that every reason and hint code is explained to the operator, and docs/reasons.md to the explanations.
func TestExplain(t *testing.T) {
	var page strings.Builder
	page.WriteString("# Why a login failed\n\nThe words that the audit log, `brygga login show` and the metrics use, and what they mean for those who run the service.\n" +
		"Made by `go test ./login -run TestExplain -update`.\n")
	write := func(title string, words []string) {
		fmt.Fprintf(&page, "\n## %s\n\n| word | what it means, and what helps |\n|---|---|\n", title)
		for _, word := range words {
			text := login.Explain(word)
			if text == "" || !strings.HasSuffix(text, ".") {
				t.Errorf("%s is explained as %q", word, text)
			}
			fmt.Fprintf(&page, "| `%s` | %s |\n", word, text)
		}
	}
	write("Reasons of brygga", login.Reasons())
	write("Hint codes of BankID orders that failed", words(bankid.FailedHintCodes()))
	write("Hint codes of BankID orders that wait", words(bankid.PendingHintCodes()))
	if *update {
		if err := os.WriteFile(reasonsPage, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if committed, err := os.ReadFile(reasonsPage); err != nil || string(committed) != page.String() {
		t.Errorf("%s is not what the explanations say: run go test ./login -run TestExplain -update", reasonsPage)
	}
	if text := login.Explain("weirdCode77"); text != "" {
		t.Errorf("an unknown word is explained: %q", text)
	}
}

func words(codes []bankid.HintCode) []string {
	words := make([]string, len(codes))
	for i, code := range codes {
		words[i] = string(code)
	}
	return words
}
