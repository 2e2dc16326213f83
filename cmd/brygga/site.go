package main

import (
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"brygga/cmd/brygga/config"
	"brygga/op"
	"brygga/secret"
	"brygga/storage"
	"brygga/templates"
	"brygga/web"
)

// newSite returns the public side with the looks of a configuration.
func (s *server) newSite(page config.Page, l *looks) (*web.Site, error) {
	c := s.config
	var answered func(web.Answered)
	if s.tracer != nil {
		answered = s.answered
	}
	return web.New(web.Options{
		Answered: answered,
		Issuer:   c.Issuer, Engine: s.engine, Store: s.apps, Audit: s.audit, Logger: s.log, Now: s.now,
		BankIDAPI: http.HandlerFunc(s.bankIDAPI), Provider: s.provider.Handler(), Answer: s.provider.Answer, Refuse: s.provider.Refuse, TrustedProxies: c.TrustedProxies, Proxies: &s.proxies,
		ServiceName: page.ServiceName, Links: templates.Links{Help: page.HelpURL, Accessibility: page.AccessibilityURL},
		Simulated: c.BankID.Environment != config.Production, PhoneURL: string(s.phone), Observe: s.metrics.request, Panicked: s.metrics.panics.Inc,
		Brand: l.brand, StyleSheet: l.styleSheet, EIDs: l.eids, Dialects: s.dialects(), Messages: l.messages, Preview: s.preview, Trouble: s.trouble, StartURL: s.startURL, Banner: s.banners.Shown,
	})
}

// public answers requests from the site of the moment.
func (s *server) public(w http.ResponseWriter, r *http.Request) {
	s.site.Load().Handler().ServeHTTP(w, r)
}

// endStreams ends the event streams, which a server that shuts down would wait for.
func (s *server) endStreams() { s.site.Load().EndStreams() }

// pages leads from the provider to the site of the moment, which is made after it.
type pages struct{ site *atomic.Pointer[web.Site] }

var _ op.Pages = pages{}

// BeginLogin begins a login.
func (p pages) BeginLogin(w http.ResponseWriter, r *http.Request, client *storage.Client, request storage.AuthRequest, id string) {
	p.site.Load().BeginLogin(w, r, client, request, id)
}

// ResumeLogin leads back to a login.
func (p pages) ResumeLogin(w http.ResponseWriter, r *http.Request, client *storage.Client, id string) bool {
	return p.site.Load().ResumeLogin(w, r, client, id)
}

// ShowError shows an error page.
func (p pages) ShowError(w http.ResponseWriter, r *http.Request, status int, code, description string, client *storage.Client) {
	p.site.Load().ShowError(w, r, status, code, description, client)
}

// SendForm has the browser post a form to the client.
func (p pages) SendForm(w http.ResponseWriter, r *http.Request, action string, values url.Values) {
	p.site.Load().SendForm(w, r, action, values)
}

// OfferWay offers a way into an app.
func (p pages) OfferWay(w http.ResponseWriter, r *http.Request, client *storage.Client, locales []string, uri, code string) bool {
	return p.site.Load().OfferWay(w, r, client, locales, uri, code)
}

// ShowLoggedOut tells the person that the session has ended.
func (p pages) ShowLoggedOut(w http.ResponseWriter, r *http.Request, client *storage.Client, locales []string, refused string) {
	p.site.Load().ShowLoggedOut(w, r, client, locales, refused)
}

// AskLogOut asks the person whether to log out.
func (p pages) AskLogOut(w http.ResponseWriter, r *http.Request, client *storage.Client, locales []string, refused, action string, values url.Values) {
	p.site.Load().AskLogOut(w, r, client, locales, refused, action, values)
}

// SessionCookie returns the cookie of the group's session.
func (p pages) SessionCookie(r *http.Request, group string) secret.String {
	return p.site.Load().SessionCookie(r, group)
}

// SessionGroups returns the groups that the browser has a session cookie for.
func (p pages) SessionGroups(r *http.Request) []string { return p.site.Load().SessionGroups(r) }

// SetSessionCookie sets the cookie of the group's session.
func (p pages) SetSessionCookie(w http.ResponseWriter, group string, value secret.String, life time.Duration) {
	p.site.Load().SetSessionCookie(w, group, value, life)
}

// DropSessionCookie removes the cookie of the group's session.
func (p pages) DropSessionCookie(w http.ResponseWriter, group string) {
	p.site.Load().DropSessionCookie(w, group)
}
