package console

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"golang.org/x/text/language"
)

// The names of the cookies, after the prefix.
const (
	cookieSession  = ""
	cookieFlash    = "-flash"
	cookieLanguage = "-lang"
)

const (
	flashLife    = time.Minute
	languageLife = 399 * 24 * time.Hour
)

// cookieName returns the whole name. The prefix __Host- keeps other hosts of the same domain from setting the cookie.
func (c *Console) cookieName(suffix string) string {
	if c.secure {
		return "__Host-brygga-console" + suffix
	}
	return "brygga-console" + suffix
}

func (v *visit) cookie(suffix string) string {
	cookie, err := v.r.Cookie(v.cookieName(suffix))
	if err != nil {
		return ""
	}
	return cookie.Value
}

// setCookie gives the browser a cookie: for life, or where that is 0, for as long as it runs; an empty value takes it away. It comes back with
// requests of our own pages alone.
func (v *visit) setCookie(suffix, value string, life time.Duration) {
	cookie := &http.Cookie{
		Name: v.cookieName(suffix), Value: value, Path: "/", MaxAge: int(life / time.Second),
		Secure: v.secure, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	}
	if value == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(v.w, cookie)
}

// putFlash keeps a message for the next page.
func (v *visit) putFlash(key string, pairs []string) {
	text, err := json.Marshal(append([]string{key}, pairs...))
	if err == nil {
		v.setCookie(cookieFlash, base64.RawURLEncoding.EncodeToString(text), flashLife)
	}
}

// takeFlash returns the message of the page before, once; empty for none.
func (v *visit) takeFlash() string {
	value := v.cookie(cookieFlash)
	if value == "" {
		return ""
	}
	v.setCookie(cookieFlash, "", 0)
	text, err := base64.RawURLEncoding.DecodeString(value)
	var parts []string
	if err != nil || json.Unmarshal(text, &parts) != nil || len(parts) == 0 || !hasText(parts[0]) {
		return ""
	}
	return v.text(parts[0], parts[1:]...)
}

// languages are those that the pages are written in; the first is for who wants none of them.
var languages = []string{"sv", "en"}

var matcher = language.NewMatcher([]language.Tag{language.Swedish, language.English})

// language is the one that was chosen on a page, else the operator's own, else the browser's.
func (v *visit) language() string {
	if chosen := v.cookie(cookieLanguage); slices.Contains(languages, chosen) {
		return chosen
	}
	if v.session != nil && slices.Contains(languages, v.session.Operator.Language) {
		return v.session.Operator.Language
	}
	header := v.r.Header.Get("Accept-Language")
	if len(header) > 256 {
		return languages[0]
	}
	wanted, _, err := language.ParseAcceptLanguage(header)
	if err != nil || len(wanted) == 0 {
		return languages[0]
	}
	_, i, _ := matcher.Match(wanted...)
	return languages[i]
}

// chooseLanguage keeps a language and leads back to the page.
func chooseLanguage(v *visit) error {
	query := v.r.URL.Query()
	if tag := query.Get("tag"); slices.Contains(languages, tag) {
		v.setCookie(cookieLanguage, tag, languageLife)
	}
	return v.leave(ours(query.Get("next")), "")
}
