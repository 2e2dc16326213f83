package web

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"slices"

	"brygga/storage"
	"brygga/templates"
)

const previewPath = "/preview"

// previewRoutes are those of the designers' preview: every state of the pages from made-up values, rendered and served as the
// real ones are. Nothing there does anything: forms and launch links are answered with 204, on which a browser stays.
func (s *Site) previewRoutes() []route {
	stay := func(w http.ResponseWriter, _ *http.Request) {
		guard(w.Header(), contentPolicyNoForms)
		w.WriteHeader(http.StatusNoContent)
	}
	return []route{
		{"GET " + previewPath, s.gallery},
		{"GET " + previewPath + "/{state}", s.preview},
		{"GET " + previewPath + "/{state}/status", s.previewStatus},
		{"GET " + previewPath + "/{state}/events", stay}, // ends the stream: the page asks for its status instead
		{"GET " + previewPath + "/{state}/launch", stay},
		{"POST " + previewPath + "/{state}/{action}", stay},
	}
}

func (s *Site) gallery(w http.ResponseWriter, r *http.Request) {
	var b bytes.Buffer
	if err := templates.Gallery(previewPath, s.Messages, s.pageFor(r, nil, nil).StyleSheets).Render(r.Context(), &b); err != nil {
		s.fault(w, r, "render gallery", err)
		return
	}
	guard(w.Header(), contentPolicyNoForms)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(b.Bytes())
}

func (s *Site) preview(w http.ResponseWriter, r *http.Request) {
	state, ok := s.previewState(r)
	if !ok {
		s.notFound(w, r)
		return
	}
	s.render(w, r, http.StatusOK, contentPolicy, state.Page, state.View)
}

func (s *Site) previewStatus(w http.ResponseWriter, r *http.Request) {
	guard(w.Header(), contentPolicyNoForms)
	state, ok := s.previewState(r)
	if !ok {
		plain(w, http.StatusNotFound)
		return
	}
	update, err := templates.NewUpdate(r.Context(), state.Page, state.View)
	if err != nil {
		return // the request's context has ended
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(update); err != nil {
		s.log.DebugContext(r.Context(), "request failed", "doing", "write update", "err", err)
	}
}

// previewState returns the state that the path names, dressed as the query wants: lang, theme (light or dark), and client, the
// ID of a client whose looks are shown.
func (s *Site) previewState(r *http.Request) (templates.State, bool) {
	query, name := r.URL.Query(), r.PathValue("state")
	page := s.pageFor(r, nil, nil)
	if tag := query.Get(languageParameter); s.knownLanguage(tag) {
		page.Lang = tag
	}
	all := templates.Preview(page.Lang)
	at := slices.IndexFunc(all, func(state templates.State) bool { return state.Name == name })
	if at < 0 {
		return templates.State{}, false
	}
	state := all[at]
	var client *storage.Client
	if id := query.Get("client"); id != "" && state.Page.ClientName != "" {
		if found, err := s.Store.Client(r.Context(), id); err == nil {
			client = found
			state.Page.ClientName, state.Page.ClientURL = client.NameIn(page.Lang), client.HomeURI
		}
	}
	if state.Page.PhoneURL != "" {
		state.Page.PhoneURL = cmp.Or(s.PhoneURL, state.Page.PhoneURL)
	}
	own := state.Page.Links
	s.dress(&state.Page, client)
	if state.Page.Links == (templates.Links{}) {
		state.Page.Links = own
	}
	state.Page.Messages = s.Messages
	if theme := query.Get("theme"); theme == "light" || theme == "dark" {
		state.Page.Theme = theme
	}
	path := previewPath + "/" + name
	if state.Page.BasePath != "" {
		state.Page.BasePath = path
	}
	state.Page.LanguagePath = path
	switch v := state.View.(type) {
	case templates.AppWait:
		v.LaunchURL = s.Issuer + path + "/launch"
		v.Shown.Text = s.Messages.AppText(page.Lang, state.Page.ClientName)
		state.View = v
	case templates.Progress:
		v.Shown.Text = s.Messages.AppText(page.Lang, state.Page.ClientName)
		state.View = v
	case templates.AskLogOut:
		v.Action = path + "/done"
		state.View = v
	case templates.FormPost:
		v.Action = s.Issuer + path + "/done"
		state.View = v
	}
	return state, true
}
