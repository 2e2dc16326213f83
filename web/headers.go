package web

import (
	"net/http"
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

// guard sets the headers of everything that is ours: pages, events and actions.
func guard(h http.Header, policy string) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", referrerSameOrigin)
	h.Set("Permissions-Policy", permissionsPolicy)
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
}

// refreshParameter is the query parameter that keeps a page from refreshing itself, where it is "off".
const refreshParameter = "refresh"

func isPaused(r *http.Request) bool { return r.URL.Query().Get(refreshParameter) == "off" }

// guardAll sets the headers of every response, the provider's too.
func (s *Site) guardAll(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	if s.secure() {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// redirect sends the browser to one of our own pages by GET (RFC 9110 §15.4.4). One that comes from a paused page comes to one.
func (s *Site) redirect(w http.ResponseWriter, r *http.Request, path string) {
	guard(w.Header(), contentPolicyNoForms)
	if isPaused(r) {
		path += "?" + refreshParameter + "=off"
	}
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
}
