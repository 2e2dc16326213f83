package web

import (
	"net/http"
	"strings"

	"brygga/eid"
	"brygga/login"
	"brygga/storage"
	"brygga/templates"
)

// personField is the field of a form with whom somebody has named. It is never in an address.
const personField = "person"

// name returns who is to be asked on another device: whom the client requires, else whom the form names. Where that is nobody it answers with the page that
// asks for a name, and returns zero. What it says depends on nothing but the text.
func (s *Site) name(w http.ResponseWriter, r *http.Request, v *visit, method string, offered []string, asking login.Asking) storage.PersonKey {
	if !asking.Person.IsZero() {
		return asking.Person
	}
	typed := r.PostForm.Get(personField)
	if !r.PostForm.Has(personField) {
		s.redirect(w, r, basePath(v.login.ID)+"?"+choiceQuery(r.PostForm))
		return storage.PersonKey{}
	}
	if person, ok := asking.Named(typed); ok {
		return person
	}
	page := s.pageOf(v.page, method, offered)
	page.Naming = true
	view := s.naming(asking, method, len(offered) > 1, s.Engine.LaunchFor(starter(r, v.page.Lang)))
	view.Typed, view.Wrong = strings.ToValidUTF8(typed[:min(len(typed), login.MaxNamed)], ""), true
	s.render(w, r, http.StatusUnprocessableEntity, contentPolicy, page, view)
	return storage.PersonKey{}
}

// naming is the view on which a person is named by an eID; several says that there are others.
func (s *Site) naming(asking login.Asking, method string, several bool, launch eid.Launch) templates.Name {
	v := templates.Name{Kinds: asking.Kinds, Platform: platform(launch)}
	if several {
		v.Method = method
	}
	return v
}

// named is what stands in the field before anybody has typed: who was asked before in this login, if that reads as the same person, else whom the client
// means.
func named(l *storage.Login, asking login.Asking) string {
	before := l.Starter().Person
	if again, ok := asking.Read(before.Value.Reveal()); ok && again.Equal(before) {
		return before.Value.Reveal()
	}
	hint := l.Request.LoginHint.Reveal()
	if _, ok := asking.Read(hint); !ok {
		return ""
	}
	return hint
}

// askOf says how a page offers to ask a person on another device.
func askOf(asking login.Asking, asks bool) templates.Ask {
	switch {
	case !asks:
		return ""
	case asking.Person.IsZero():
		return templates.AskTyped
	}
	return templates.AskKnown
}

// isAsked reports whether a person who was named is being asked, or was when the login failed.
func isAsked(l *storage.Login, starting bool) bool {
	if starting {
		return !l.Claim.Starter.Person.IsZero()
	}
	return !l.Starter().Person.IsZero()
}
