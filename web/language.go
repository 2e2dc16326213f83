package web

import (
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/text/language"

	"brygga/handling"
	"brygga/templates"
)

// maxLanguages bounds what is read of Accept-Language and ui_locales.
const maxLanguages = 256

// maxNegotiated bounds the memory for texts of Accept-Language, in bytes.
const maxNegotiated = 64 << 10

// maxLocales is how many of them are looked at.
const maxLocales = 32

func newMatcher(messages *templates.Catalogue) language.Matcher {
	var tags []language.Tag
	for _, l := range messages.Languages() {
		tags = append(tags, language.Make(l.Tag))
	}
	return language.NewMatcher(tags)
}

// chosenLanguage returns the language that a link at the foot of a page asks for, "" when r did not come by one. Such an address has
// nothing else in its query: apps may have a parameter of that name.
func (s *Site) chosenLanguage(r *http.Request) string {
	tag, ok := strings.CutPrefix(r.URL.RawQuery, languageParameter+"=")
	if !ok || r.Method != http.MethodGet && r.Method != http.MethodHead || strings.HasPrefix(r.URL.Path, previewPath) || !s.knownLanguage(tag) {
		return ""
	}
	return tag
}

// keepLanguage keeps a language that was chosen on a page, and reports whether it has led back to that page. The page's own query
// may hold what must not stand on a page, so no link has it; the browser says where it came from (RFC 9110 §10.1.3).
func (s *Site) keepLanguage(w http.ResponseWriter, r *http.Request) bool {
	tag := s.chosenLanguage(r)
	if tag == "" || r.Method != http.MethodGet || handling.Prefetch(r) {
		return false
	}
	s.cookies.set(w, cookieLanguage, tag, keepLife)
	from, err := url.Parse(r.Header.Get("Referer"))
	if err != nil || from.Scheme+"://"+from.Host != s.Issuer || from.Path != r.URL.Path || from.RawQuery == "" || from.Query().Has(languageParameter) {
		return false
	}
	s.redirect(w, r, "?"+from.RawQuery) // relative to the path of r, which may not lead to another host
	return true
}

// language returns the language to answer r in: the one the person chose, else one of locales, which the client asked for,
// else the browser's, else the default (OIDC Core §3.1.2.1, ui_locales).
func (s *Site) language(r *http.Request, locales []string) string {
	if tag := s.chosenLanguage(r); tag != "" {
		return tag
	}
	if tag := s.cookies.get(r, cookieLanguage); s.knownLanguage(tag) {
		return strings.Clone(tag) // a page lasts longer than its request
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
		if tag := s.accepted(header); tag != "" {
			return tag
		}
	}
	return templates.DefaultLanguage
}

// accepted returns the best of our languages for an Accept-Language header, or "" when none will do. What came of a text is remembered, as
// browsers send few different ones, without anything of who sent it.
func (s *Site) accepted(header string) string {
	if tag, known := s.negotiated.Get(header); known || header == "" {
		return tag
	}
	wanted, _, err := language.ParseAcceptLanguage(header)
	if err != nil {
		return ""
	}
	tag := s.match(wanted)
	s.negotiated.Put(header, tag, 0)
	return tag
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
