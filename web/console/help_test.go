package console

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"brygga/storage"
)

// TestHelpOnEveryPage: beside the heading of every page of a section stands a link to what helps there, which is there, in every language.
func TestHelpOnEveryPage(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleOwner)
	for _, at := range slices.Concat(places(), settingPlaces()) {
		page := b.get(at.path)
		_, link, ok := strings.Cut(page.body, `class="help" href="/admin/`)
		link, _, _ = strings.Cut(link, `"`)
		if !ok {
			t.Errorf("%s leads to no help", at.path)
			continue
		}
		for _, lang := range languages {
			b.setCookie("brygga-console-lang", lang)
			help := b.get(link)
			if help.StatusCode != http.StatusOK || strings.Contains(help.body, "help.") || strings.Contains(help.body, "word.") || !strings.Contains(help.body, `<dl class="answers">`) {
				t.Errorf("%s in %s: status %d, %q", link, lang, help.StatusCode, help.heading())
			}
		}
		b.setCookie("brygga-console-lang", "en")
	}
}

func settingPlaces() (all []place) {
	for _, s := range settings() {
		all = append(all, place{path: s.path})
	}
	return all
}

// TestHelpIsWhole: each topic says what it is for and what to do, and no text of the help, no word and no page of the documentation is beside the topics.
func TestHelpIsWhole(t *testing.T) {
	known := map[string]bool{}
	v := &visit{lang: "en"}
	for _, topic := range topics() {
		if len(v.whens(topic)) == 0 || !hasText("help."+topic.name+".about") || !hasText(topic.title) {
			t.Errorf("%s says nothing", topic.name)
		}
		for n, when := range v.whens(topic) {
			if strings.HasPrefix(when[1], "help.") {
				t.Errorf("%s: nothing is to be done when %d, %s", topic.name, n+1, when[0])
			}
		}
		known["help."+topic.name] = true
		for _, word := range topic.words {
			known["word."+word] = true
			if !hasText("word."+word) || !hasText("word."+word+".is") {
				t.Errorf("the word %s is not explained", word)
			}
		}
		for _, name := range topic.documents {
			if !slices.Contains(documents(), name) {
				t.Errorf("%s leads to the page %s, which is none", topic.name, name)
			}
		}
	}
	for key := range catalogue() {
		parts := strings.Split(key, ".")
		if parts[0] == "word" && !known["word."+parts[1]] || parts[0] == "help" && len(parts) > 2 && parts[1] != "more" && !known["help."+parts[1]] {
			t.Errorf("%s is on no page of the help", key)
		}
	}
}

// TestHelpForWhoMay: nobody is led to help on what it may not do, and who is not logged in gets that on logging in alone.
func TestHelpForWhoMay(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleHelpdesk)
	s.is(b.get("help/operators"), http.StatusNotFound, "There is no such page")
	if p := b.get("help"); strings.Contains(p.body, `/admin/help/operators"`) || !strings.Contains(p.body, `/admin/help/logins"`) {
		t.Errorf("the help desk is offered other help than it can use: %s", p.body)
	}
	s.is(b.get("help/docs/nothing"), http.StatusNotFound, "There is no such page")
	s.is(b.get("help/docs/..%2Fdocs"), http.StatusNotFound, "There is no such page")
	out := s.browser()
	s.is(out.get("help/clients"), http.StatusOK, "Log in")
	s.is(out.get("help/docs/operators"), http.StatusOK, "Log in")
	s.is(out.get("help/login"), http.StatusOK, "Help: Log in")
}
