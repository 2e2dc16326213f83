package logins_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"brygga/audit"
	"brygga/storage"
)

// TestStory: a login is told step by step, in either language, with what the person saw and what to tell.
func TestStory(t *testing.T) {
	h := newHarness(t)
	reference := h.login(happened{"journal", "", "", "this", "192.0.2.7", audit.LoginFailed, "certificateErr"})
	unknown := h.login(happened{"journal", "", "", "this", "192.0.2.7", audit.LoginFailed, "codeOfTomorrow"})
	for _, when := range []string{"before", "after"} {
		for language, want := range map[string][]string{
			"sv":    {"Inloggningen misslyckades.", "Skaffa ett nytt hos din bank", "spärrat", "bara banken", "sv: certificateErr on this for The Journal", "säkerhetskoden"},
			"en":    {"The login failed.", "Get a new one from your bank", "blocked", "only the bank", "en: certificateErr on this for The Journal", "security code"},
			"sv-SE": {"Inloggningen misslyckades."},
		} {
			stories, err := h.Stories(t.Context(), reference, language, func(string) string { return "The Journal" })
			if err != nil || len(stories) != 1 {
				t.Fatalf("%s: %d stories, %v", when, len(stories), err)
			}
			s := stories[0]
			said := strings.Join([]string{s.Verdict, s.Tell, s.Means, s.Do, s.Saw}, " ")
			for _, step := range s.Steps {
				said += " " + step.Text
			}
			for _, text := range want {
				if !strings.Contains(said, text) {
					t.Errorf("%s: in %s the story lacks %q: %s", when, language, text, said)
				}
			}
			var order []string
			for _, step := range s.Steps {
				order = append(order, step.Word)
			}
			if got := strings.Join(order, " "); got != "page WEB_100001 this userSign WEB_100003" {
				t.Errorf("%s: steps %s", when, got)
			}
			if last := s.Steps[len(s.Steps)-1]; !last.Wrong || last.After != 10 || last.Tell == "" || s.Steps[3].After != 4 {
				t.Errorf("%s: steps %+v", when, s.Steps)
			}
		}
		h.read()
		h.now = h.now.Add(time.Hour)
	}
	stories, err := h.Stories(t.Context(), unknown, "en", nil)
	if err != nil || !strings.Contains(stories[0].Means, "does not know") || !strings.Contains(stories[0].Steps[4].Cause, "does not know") || stories[0].Tell == "" {
		t.Errorf("of a code that nobody knows: %+v, %v", stories, err)
	}
	for _, none := range []storage.Reference{"0000-0000", "ZZZZ-ZZZZ"} {
		if _, err := h.Stories(t.Context(), none, "en", nil); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("of %s: %v", none, err)
		}
	}
}
