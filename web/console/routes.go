package console

import (
	"path"
	"slices"
	"strings"

	"brygga/admin"
)

// access says who gets a page.
type access int

const (
	// The zero value is for those who are logged in, if they may do the page's operation.
	_ access = iota
	// anybody is for pages by which one logs in.
	anybody
)

// page is one line of the list of all pages.
type page struct {
	// pattern is a method and a path below Path: "GET /clients/{id}".
	pattern string
	// operation is what the page is for: operators who may not do it do not get it. Empty for pages that every operator has.
	operation admin.Name
	handle    func(*visit) error
	access    access
	// own says that it changes what the operator logs in by: it asks for a proof, and not for one by BankID.
	own bool
}

// pages are all pages.
func pages() []page {
	return slices.Concat(
		framePages(),
		loginPages(),
		linkPages(),
		accountPages(),
		operatorPages(),
		apiKeyPages(),
		clientPages(),
		lookPages(),
		trialPages(),
		mailboxPages(),
		loginsPages(),
		eventsPages(),
		evidencePages(),
		figuresPages(),
		keysPages(),
		noticesPages(),
		servicesPages(),
		helpPages(),
	)
}

// framePages are those that belong to no area.
func framePages() []page {
	return []page{
		{pattern: "GET /{$}", handle: showOverview},
		{pattern: "POST /search", handle: search},
		{pattern: "GET /language", handle: chooseLanguage, access: anybody},
		{pattern: "GET /settings", handle: showSettings},
		{pattern: "GET /step-up", handle: askStepUp},
		{pattern: "POST /step-up", handle: stepUp},
		{pattern: "POST /step-up/passkey", handle: stepUpByPasskey},
	}
}

// place is an entry of the navigation.
type place struct {
	path, key string
	operation admin.Name
}

// places are the six words of the navigation.
func places() []place {
	return []place{
		{"", "nav.overview", ""},
		{"clients", "nav.clients", admin.ListClients},
		{"logins", "nav.logins", admin.ShowLogin},
		{"events", "nav.events", admin.ListAudit},
		{"keys", "nav.keys", admin.ListKeys},
		{"settings", "nav.settings", ""},
	}
}

// waysBack are pages at the addresses to which forms are sent, for who reloads one or comes back to it: each leads to the page that it stands
// below.
func waysBack(all []page) (back []page) {
	shown := map[string]bool{}
	for _, p := range all {
		if pattern, ok := strings.CutPrefix(p.pattern, "GET "); ok {
			shown[pattern] = true
		}
	}
	for _, p := range all {
		pattern, ok := strings.CutPrefix(p.pattern, "POST ")
		if !ok || shown[pattern] {
			continue
		}
		up := 0
		for above := pattern; above != "/" && !shown[above]; above = path.Dir(above) {
			up++
		}
		back = append(back, page{pattern: "GET " + pattern, access: anybody, handle: func(v *visit) error {
			to := v.r.URL.EscapedPath()
			for range up {
				to = path.Dir(to)
			}
			return v.leave(ours(to), "")
		}})
	}
	return back
}
