package web

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

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
		{"GET " + previewPath + "/brand.css", s.previewSheet},
		{"GET " + previewPath + "/{state}", s.preview},
		{"GET " + previewPath + "/{state}/status", s.previewStatus},
		{"GET " + previewPath + "/{state}/events", stay}, // ends the stream: the page asks for its status instead
		{"GET " + previewPath + "/{state}/launch", stay},
		{"POST " + previewPath + "/{state}/{action}", stay},
	}
}

// The policies of the overview, which frames the states of the pages, and of those in its frames.
var (
	galleryPolicy = contentPolicy + "; frame-src 'self'; form-action 'self'"
	picturePolicy = strings.Replace(contentPolicyNoForms, "frame-ancestors 'none'", "frame-ancestors 'self'", 1)
)

// pictureParameter asks for a page that may stand in a frame of the overview.
const pictureParameter = "picture"

func (s *Site) gallery(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	g := templates.Gallery{
		Path: previewPath, Lang: s.language(r, nil), Messages: s.Messages, Sheets: s.pageFor(r, nil, nil).StyleSheets,
		Shown: s.language(r, nil), Theme: themeOf(query), Size: templates.GallerySizes()[0], Search: query.Get("q"),
		Client: query.Get("client"), Clients: s.clientIDs(r.Context()),
	}
	g.Accent, g.AccentDark = accentsOf(query)
	if tag := query.Get(languageParameter); s.knownLanguage(tag) {
		g.Shown = tag
	}
	if size := query.Get("size"); slices.Contains(templates.GallerySizes(), size) {
		g.Size = size
	}
	if s.Trouble != nil {
		g.Fault = s.Trouble()
	}
	var b bytes.Buffer
	if err := g.Page().Render(r.Context(), &b); err != nil {
		s.fault(w, r, "render gallery", err)
		return
	}
	guard(w.Header(), galleryPolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(b.Bytes())
}

func themeOf(query url.Values) string {
	if theme := query.Get("theme"); theme == "light" || theme == "dark" {
		return theme
	}
	return ""
}

// accentsOf returns the colours of a query that can be used.
func accentsOf(query url.Values) (light, dark string) {
	accents, _, err := templates.Accents{Light: query.Get("accent"), Dark: query.Get("accent_dark")}.Checked()
	if err != nil {
		return "", ""
	}
	if query.Get("accent_dark") == "" {
		accents.Dark = "" // made from the light one
	}
	return accents.Light, accents.Dark
}

// clientIDs lists the clients whose looks can be shown, as far as the store tells.
func (s *Site) clientIDs(ctx context.Context) (ids []string) {
	const most = 100
	store, ok := s.Store.(interface {
		Clients(ctx context.Context, after string, limit int) ([]*storage.Client, error)
	})
	if !ok {
		return nil
	}
	all, err := store.Clients(ctx, "", most)
	if err != nil {
		s.log.WarnContext(ctx, "request failed", "doing", "list clients", "err", err)
	}
	for _, client := range all {
		ids = append(ids, client.ID)
	}
	return ids
}

// previewSheet serves the style sheet of colours that are tried.
func (s *Site) previewSheet(w http.ResponseWriter, r *http.Request) {
	light, dark := accentsOf(r.URL.Query())
	guard(w.Header(), contentPolicyNoForms)
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Write(templates.BrandSheet(templates.Accents{Light: light, Dark: dark}))
}

func (s *Site) preview(w http.ResponseWriter, r *http.Request) {
	state, ok := s.previewState(r)
	if !ok {
		s.notFound(w, r)
		return
	}
	if r.URL.Query().Get(pictureParameter) == "" {
		s.render(w, r, http.StatusOK, contentPolicy, state.Page, state.View)
		return
	}
	state.Page.Picture = true
	s.render(inFrame{w}, r, http.StatusOK, picturePolicy, state.Page, state.View)
}

// inFrame lets a page stand in a frame of our own.
type inFrame struct{ http.ResponseWriter }

// WriteHeader sends the headers without the one that forbids every frame.
func (w inFrame) WriteHeader(status int) {
	w.Header().Set("X-Frame-Options", "SAMEORIGIN")
	w.ResponseWriter.WriteHeader(status)
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

// previewState returns the state that the path names, dressed as the query wants: lang, theme (light or dark), client, the ID of a
// client whose looks are shown, and accent and accent_dark, colours that are tried.
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
	state.Page.Messages, state.Page.ServiceName = s.Messages, s.ServiceName
	if light, dark := accentsOf(query); light+dark != "" {
		sheet := previewPath + "/brand.css?" + url.Values{"accent": {light}, "accent_dark": {dark}}.Encode()
		state.Page.StyleSheets[2] = sheet
	}
	state.Page.Theme = themeOf(query)
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
