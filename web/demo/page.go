package demo

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"
)

//go:embed page.html
var pageHTML string

//go:embed demo.css
var style []byte

var pages = template.Must(template.New("page").Parse(pageHTML))

// page is what one page shows.
type page struct {
	Title, Issuer     string
	ClientID, HomeURL string   // for logging out
	Session           *session // who is logged in, if anybody
	Claims            []row
	JSON              string
	Failed            bool
	Code, Description string // of an error
}

// Greeting is the person's name where the claims have one.
func (p page) Greeting() string {
	for _, claim := range []string{"givenName", "given_name", "name"} {
		if name, ok := p.Session.Claims[claim].(string); ok && name != "" {
			return name
		}
	}
	return ""
}

// row is one claim.
type row struct{ Name, Meaning, Value string }

// meanings are the claims that people ask about, in the order in which they are shown.
var meanings = [][2]string{
	{"name", "name"}, {"givenName", "given name"}, {"surname", "surname"}, {"personalNumber", "personal number"},
	{"given_name", "given name, standard claim"}, {"family_name", "surname, standard claim"}, {"birthdate", "date of birth"},
	{"sub", "who it is, for this app"}, {"auth_time", "when BankID was used"}, {"acr", "level of assurance"}, {"amr", "how"},
	{"txn", "this login, in the provider's audit log"}, {"sid", "session at the provider"}, {"iss", "who says so"}, {"aud", "to whom"},
	{"azp", "to which app"}, {"iat", "said at"}, {"exp", "valid until"}, {"nonce", "ties it to this login"},
}

// rows returns the claims in an order for people; those without a known meaning come last, by name.
func rows(claims map[string]any) []row {
	var table []row
	known := map[string]bool{}
	for _, m := range meanings {
		known[m[0]] = true
		if value, ok := claims[m[0]]; ok {
			table = append(table, row{m[0], m[1], show(m[0], value)})
		}
	}
	var others []row
	for name, value := range claims {
		if !known[name] {
			others = append(others, row{Name: name, Value: show(name, value)})
		}
	}
	slices.SortFunc(others, func(a, b row) int { return strings.Compare(a.Name, b.Name) })
	return append(table, others...)
}

func show(name string, value any) string {
	switch v := value.(type) {
	case float64:
		if name == "iat" || name == "exp" || name == "auth_time" {
			return time.Unix(int64(v), 0).UTC().Format("2006-01-02 15:04:05 UTC")
		}
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = fmt.Sprint(v[i])
		}
		return strings.Join(parts, ", ")
	}
	return fmt.Sprint(value)
}

func render(w http.ResponseWriter, status int, p page) {
	var b bytes.Buffer
	if err := pages.Execute(&b, p); err != nil {
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(b.Bytes())
}

func serveStyle(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=300")
	w.Write(style)
}
