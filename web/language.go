package web

import (
	"net/http"

	"golang.org/x/text/language"

	"brygga/templates"
)

// maxLanguages bounds what is read of Accept-Language and ui_locales.
const maxLanguages = 256

// maxLocales is how many of them are looked at.
const maxLocales = 32

func newMatcher(messages *templates.Catalogue) language.Matcher {
	var tags []language.Tag
	for _, l := range messages.Languages() {
		tags = append(tags, language.Make(l.Tag))
	}
	return language.NewMatcher(tags)
}

// language returns the language to answer r in: the one the person chose, else one of locales, which the client asked for,
// else the browser's, else the default (OIDC Core §3.1.2.1, ui_locales).
func (s *Site) language(r *http.Request, locales []string) string {
	if tag := s.cookies.get(r, cookieLanguage); s.knownLanguage(tag) {
		return tag
	}
	var wanted []language.Tag
	for _, text := range locales[:min(len(locales), maxLocales)] {
		if tag, err := language.Parse(text); err == nil && len(text) <= maxLanguages {
			wanted = append(wanted, tag)
		}
	}
	if tag := s.match(wanted); tag != "" {
		return tag
	}
	if header := r.Header.Get("Accept-Language"); len(header) <= maxLanguages {
		if wanted, _, err := language.ParseAcceptLanguage(header); err == nil {
			if tag := s.match(wanted); tag != "" {
				return tag
			}
		}
	}
	return templates.DefaultLanguage
}

// match returns the tag of the best of our languages for those that are wanted, or "" when none will do.
func (s *Site) match(wanted []language.Tag) string {
	if len(wanted) == 0 {
		return ""
	}
	_, index, confidence := s.languages.Match(wanted...)
	if confidence == language.No {
		return ""
	}
	return s.Messages.Languages()[index].Tag
}

func (s *Site) knownLanguage(tag string) bool {
	for _, l := range s.Messages.Languages() {
		if l.Tag == tag {
			return true
		}
	}
	return false
}
