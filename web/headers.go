package web

import (
	"net/http"
	"strings"
)

// The content security policies. Nothing inline, nothing from elsewhere, nobody's frame (design: rule 5).
//
// Chromium applies form-action to the redirects that follow a form's POST, to the last one: the client's own redirects
// after its callback too. So pages whose forms end at a client have no form-action; templates escapes every value, and
// script that could write a form cannot run.
const (
	contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
		"base-uri 'none'; frame-ancestors 'none'"
	contentPolicyNoForms = contentPolicy + "; form-action 'none'"
)

const permissionsPolicy = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), " +
	"microphone=(), midi=(), payment=(), usb=()"

// The referrer policies. A page's own forms must be recognisable as same-origin; the launch link has an attribute of its
// own. The form-post page tells the client which origin posts to it.
const (
	referrerSameOrigin = "same-origin"
	referrerOrigin     = "strict-origin"
)

// preset are headers whose values were made once, as every answer has them. A value that is added to is copied; none may be changed in place.
type preset []presetHeader

type presetHeader struct {
	name  string
	value []string
}

// newPreset takes names, in the form of [http.CanonicalHeaderKey], and their values in turn.
func newPreset(pairs ...string) (p preset) {
	for i := 0; i+1 < len(pairs); i += 2 {
		p = append(p, presetHeader{pairs[i], pairs[i+1 : i+2 : i+2]})
	}
	return p
}

// set sets the headers.
func (p preset) set(h http.Header) {
	for _, header := range p {
		h[header.name] = header.value
	}
}

var (
	presetGuard = newPreset("Cache-Control", "no-store", "Referrer-Policy", referrerSameOrigin, "Permissions-Policy", permissionsPolicy,
		"Cross-Origin-Resource-Policy", "same-origin", "X-Frame-Options", "DENY")
	presetPolicy        = newPreset("Content-Security-Policy", contentPolicy)
	presetPolicyNoForms = newPreset("Content-Security-Policy", contentPolicyNoForms)
	presetAll           = newPreset("X-Content-Type-Options", "nosniff")
	presetSecure        = newPreset("Strict-Transport-Security", "max-age=31536000")
)

// guard sets the headers of everything that is ours: pages, events and actions.
func guard(h http.Header, policy string) {
	presetGuard.set(h)
	switch policy {
	case contentPolicy:
		presetPolicy.set(h)
	case contentPolicyNoForms:
		presetPolicyNoForms.set(h)
	default:
		h.Set("Content-Security-Policy", policy)
	}
}

// refreshParameter is the query parameter that keeps a page from refreshing itself, where it is "off".
const refreshParameter = "refresh"

func isPaused(r *http.Request) bool {
	return strings.Contains(r.URL.RawQuery, refreshParameter) && query(r).Get(refreshParameter) == "off"
}

// guardAll sets the headers of every response, the provider's too.
func (s *Site) guardAll(h http.Header) {
	presetAll.set(h)
	if s.secure() {
		presetSecure.set(h)
	}
}

// redirect sends the browser to one of our own pages by GET (RFC 9110 §15.4.4). One that comes from a paused page comes to one.
func (s *Site) redirect(w http.ResponseWriter, r *http.Request, path string) {
	guard(w.Header(), contentPolicyNoForms)
	if isPaused(r) {
		separator := "?"
		if strings.Contains(path, "?") {
			separator = "&"
		}
		path += separator + refreshParameter + "=off"
	}
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
}
