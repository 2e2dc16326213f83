package op

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// errParams means that a request's parameters cannot be read at all.
var errParams = errors.New("op: unreadable parameters")

// readParams returns the parameters of a browser's request: those of the query for GET, those of the body for POST, whose
// query is ignored (OIDC Core §3.1.2.1). It returns errParams when they are too long, badly encoded or no form.
func readParams(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if r.Method != http.MethodPost {
		if len(r.URL.RawQuery) > maxQuery {
			return nil, errParams
		}
		values, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return nil, errParams
		}
		return values, nil
	}
	if !isForm(r) {
		return nil, errParams
	}
	r.Body = http.MaxBytesReader(w, r.Body, bodyLimit(r.URL.Path))
	if err := r.ParseForm(); err != nil {
		return nil, errParams
	}
	return r.PostForm, nil
}

// single returns the value of a parameter that may stand once at most. An empty value counts as none (RFC 6749 §3.1).
func single(values url.Values, name string) (value string, ok bool) {
	switch all := values[name]; len(all) {
	case 0:
		return "", true
	case 1:
		return all[0], true
	default:
		return "", false
	}
}

// isText reports whether a value is UTF-8 without control characters, so that it comes out of the store as it went in.
func isText(value string) bool {
	return utf8.ValidString(value) && !strings.ContainsFunc(value, unicode.IsControl)
}

// ascii returns text with everything left out that an error_description must not hold (RFC 6749 §4.1.2.1).
func ascii(text string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, text)
}
