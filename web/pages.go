package web

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"brygga/handling"
	"brygga/login"
	"brygga/storage"
	"brygga/templates"
)

// The codes of ShowError that have pages of their own. Any other is that of an auth or logout request which cannot be
// answered by a redirect.
const (
	codeLoginOver   = "login_over"
	codeServerError = "server_error"
)

// BeginLogin creates a login for the auth request, ties it to the browser and sends the browser to its page. No order is
// made yet. When the address has begun too many logins, it answers 429 with Retry-After. What a browser fetches ahead
// creates nothing. id is what the login shall be called, empty for a name of its own.
func (s *Site) BeginLogin(w http.ResponseWriter, r *http.Request, client *storage.Client, request storage.AuthRequest, id string) {
	if handling.Prefetch(r) {
		guard(w.Header(), contentPolicyNoForms)
		plain(w, http.StatusServiceUnavailable)
		return
	}
	binding := s.cookies.bind(w, r)
	if request.Sign != nil {
		request.Sign.Language = s.language(r, request.UILocales)
	}
	l, err := s.Engine.CreateAs(r.Context(), id, request, binding, ClientIP(r))
	var limit *login.LimitError
	switch {
	case errors.As(err, &limit):
		s.tooMany(w, r, s.pageFor(r, nil, client), limit.RetryAfter, func(seconds int) templates.View {
			return templates.Notice{Kind: templates.NoticeRateLimited, Wait: seconds}
		})
	case err != nil:
		s.fault(w, r, "create login", err)
	default:
		isAbout(r.Context(), l)
		if t := traceOf(r.Context()); t != nil {
			t.begins = true
		}
		s.redirect(w, r, basePath(l.ID))
	}
}

// ResumeLogin sends the browser to the login of that ID and reports true, if the login is the client's and was begun in this browser.
// Otherwise it does nothing: nobody else learns whether there is one.
func (s *Site) ResumeLogin(w http.ResponseWriter, r *http.Request, client *storage.Client, id string) bool {
	l, err := s.Engine.Login(r.Context(), id)
	if err != nil || l.Request.ClientID != client.ID || !boundTo(l, s.cookies.bindings(r)) {
		return false
	}
	isAbout(r.Context(), l)
	s.redirect(w, r, basePath(l.ID))
	return true
}

// ShowError shows a person an error that must not be redirected. The code is an OAuth error code, or "login_over" for a
// login that has had its answer, whose own page says how it stands; the description is a fixed English sentence for the client's developers. With status 429 the
// page tells the wait that the caller has put into Retry-After. client is the one in whose name the request came, whose home the page
// leads to; nil if unknown.
func (s *Site) ShowError(w http.ResponseWriter, r *http.Request, status int, code, description string, client *storage.Client) {
	if id := r.PathValue("id"); code == codeLoginOver && id != "" {
		s.redirect(w, r, basePath(id)) // a press that came second can have the answer again there
		return
	}
	v := templates.Notice{Kind: templates.NoticeBadRequest, Code: code, Detail: description}
	if isLogOut(r) {
		v.Kind = templates.NoticeBadLogOut
	}
	switch {
	case code == codeLoginOver:
		v = templates.Notice{Kind: templates.NoticeAlreadyDone}
	case status == http.StatusTooManyRequests:
		wait, _ := strconv.Atoi(w.Header().Get("Retry-After"))
		v = templates.Notice{Kind: templates.NoticeRateLimited, Wait: wait}
	case code == codeServerError, status >= 500:
		v = templates.Notice{Kind: templates.NoticeFault}
	}
	s.render(w, r, status, contentPolicyNoForms, s.pageFor(r, nil, client), v)
}

// SendForm sends a page that posts the values to action by itself (OAuth 2.0 Form Post Response Mode §2). The caller has
// checked that action is the client's.
func (s *Site) SendForm(w http.ResponseWriter, r *http.Request, action string, values url.Values) {
	page := s.pageFor(r, nil, nil)
	page.OneLanguage = true // it goes on by itself
	s.render(w, r, http.StatusOK, contentPolicy, page, templates.FormPost{Action: action, Fields: fields(values)})
}

// OfferWay sends a page with a link to uri and reports true, if uri leads into an app of the client's. Otherwise it does nothing. code
// is the OAuth error code of the auth request that uri answers, empty for none; locales are the languages that the client asks for.
func (s *Site) OfferWay(w http.ResponseWriter, r *http.Request, client *storage.Client, locales []string, uri, code string) bool {
	if !leadsOut(uri, client) {
		return false
	}
	v := templates.WayOut{Target: uri, Code: code}
	if isLogOut(r) {
		v.After = templates.NoticeLoggedOut
	} else if code != "" {
		v.After = templates.NoticeBadRequest
	}
	page := s.pageIn(r, client, locales)
	page.OneLanguage = true // the address would be answered again
	s.render(w, r, http.StatusOK, contentPolicyNoForms, page, v)
	return true
}

// isLogOut reports whether a request of the provider's is for a log-out.
func isLogOut(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/logout") }

// fields returns the values as a form has them, in the order of their names.
func fields(values url.Values) []templates.Field {
	var all []templates.Field
	for _, name := range slices.Sorted(maps.Keys(values)) {
		for _, value := range values[name] {
			all = append(all, templates.Field{Name: name, Value: value})
		}
	}
	return all
}

// ShowLoggedOut tells the person that they are logged out. client is the one they came from, nil if unknown; locales are the
// languages that it asks for. refused is a fixed English sentence for its developers, when the way back was not accepted.
func (s *Site) ShowLoggedOut(w http.ResponseWriter, r *http.Request, client *storage.Client, locales []string, refused string) {
	v := templates.Notice{Kind: templates.NoticeLoggedOut, Detail: refused}
	s.render(w, r, http.StatusOK, contentPolicyNoForms, s.pageIn(r, client, locales), v)
}

// AskLogOut asks whether to log out. The form posts the values to action, a path of the provider's, which may lead on to the
// client. refused is as for ShowLoggedOut.
func (s *Site) AskLogOut(w http.ResponseWriter, r *http.Request, client *storage.Client, locales []string, refused, action string, values url.Values) {
	v := templates.AskLogOut{Action: action, Fields: fields(values), Detail: refused}
	s.render(w, r, http.StatusOK, contentPolicy, s.pageIn(r, client, locales), v)
}
