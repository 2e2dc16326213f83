package demo

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed demo.css
var style []byte

//go:embed icon.svg
var icon []byte

var pages = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

// page is what one page shows.
type page struct {
	Lang, Title string
	View        string // start, claims, signed or notice
	Step        int    // of the tour, 0 for none
	PhoneURL    string

	// For claims.
	Session           *session
	ClientID, HomeURL string // for logging out
	LogoutState       string
	Groups            []group
	JSON, UserInfo    string

	// For start and signed.
	Signs                         bool
	SignedText, Signer, Signature string
	Proof                         *proof

	// For notice.
	Text              string
	Tone              string // good, calm or bad
	Code, Description string // of an error, from the address
	Again             bool
}

// T returns a text in the page's language.
func (p page) T(key string, pairs ...string) string { return say(p.Lang, key, pairs...) }

// OtherLanguage is the one to change to.
func (p page) OtherLanguage() string { return languages[1-slices.Index(languages, p.Lang)] }

// Greeting is the person's name where the claims have one.
func (p page) Greeting() string {
	for _, claim := range []string{"givenName", "given_name", "name"} {
		if name, ok := p.Session.Claims[claim].(string); ok && name != "" {
			return name
		}
	}
	return ""
}

// Took says how long the login took.
func (p page) Took() string {
	return p.T("in.took", "s", fmt.Sprint(max(1, int(p.Session.Took.Seconds()))))
}

// Algorithm is how the ID token is signed.
func (p page) Algorithm() string { return fmt.Sprint(header(p.Session.IDToken)["alg"]) }

// Header is that of the ID token.
func (p page) Header() string { return indent(header(p.Session.IDToken)) }

// Parts are the three parts of the ID token.
func (p page) Parts() []string { return strings.Split(p.Session.IDToken, ".") }

// Last reports whether a part is the last.
func (p page) Last(i int) bool { return i == len(p.Parts())-1 }

// tourStep is one of the three steps.
type tourStep struct {
	Number         int
	Text, URL      string
	IsDone, IsNow  bool
	OpensOtherPage bool
}

// Tour lists the steps, the second as a link to the phone where there is one.
func (p page) Tour() []tourStep {
	steps := make([]tourStep, 3)
	for i := range steps {
		n := i + 1
		steps[i] = tourStep{Number: n, Text: p.T(fmt.Sprintf("step%d", n)), IsDone: n < p.Step, IsNow: n == p.Step}
	}
	if p.PhoneURL == "" {
		steps[1].Text = p.T("no-phone")
	} else {
		steps[1].URL, steps[1].OpensOtherPage = p.PhoneURL, true
	}
	return steps
}

// render sends a page in the language of the browser that asks.
func (a *app) render(w http.ResponseWriter, r *http.Request, status int, p page) {
	p.Lang = languageOf(r)
	if a.PhoneURL != "" {
		p.PhoneURL = a.PhoneURL + "?lang=" + p.Lang
	}
	if words[p.Title] != [2]string{} {
		p.Title = p.T(p.Title)
	}
	if p.Text != "" {
		p.Text = p.T(p.Text)
	}
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, "page.html", p); err != nil {
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", p.Lang)
	h.Set("Vary", "Cookie, Accept-Language")
	w.WriteHeader(status)
	w.Write(b.Bytes())
}

// serve answers with a file of the pages.
func serve(content []byte, contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cache-Control", "max-age=300")
		w.Write(content)
	}
}
