package netid

import (
	"strings"
	"testing"
	"unicode/utf8"

	"brygga/secret"
)

// TestPlainWords keeps of a service's text what says what is wrong, and nothing of a person.
func TestPlainWords(t *testing.T) {
	sent := []field{{"personalNumber", "kim.exempel@region.example"}, {"endUserInfo", ""}}
	for text, want := range map[string]string{
		"Something broke": "Something broke",
		"Server was unable to process request. ---> Object reference not set to an instance of an object.": "Server was unable to process request. … Object reference not set to an instance of an object.",
		"Astrid Åkerlund (199001012385) is blocked":                                                        "… is blocked",
		"User kim of region is blocked":                                                                    "User … of … is blocked",
		"User SE2321000016-KIM1 has no card":                                                               "User … has no card",
		"användaren är spärrad":                                                                            "användaren är spärrad",
		"bad\u202eline\r\nCEF:0|forged\x00 at C:\\nias\\a.asmx":                                            "… at …",
		"":       "",
		"a\xffb": "…",
	} {
		if got := plainWords(text, sent); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := plainWords(strings.Repeat("långa ", 300), nil); len(got) > maxSaid || !utf8.ValidString(got) || !strings.HasPrefix(got, "långa långa") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
	if got := plainWords(strings.Repeat("å", 300), nil); got != "" {
		t.Errorf("a word that is too long: %q", got)
	}
}

func TestDetail(t *testing.T) {
	for want, e := range map[string]*ServiceError{
		"RETRY":           {Status: 500, Code: CodeRetry},
		"HTTP 503":        {Status: 503},
		"UNKNOWN":         {Status: 500, Code: CodeUnknown, details: secret.New("Astrid")},
		"Something broke": {Status: 500, Code: CodeUnknown, details: secret.New("Something broke"), said: "Something broke"},
	} {
		if got := e.Detail(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
