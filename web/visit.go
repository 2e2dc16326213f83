package web

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"strconv"

	"brygga/audit"
	"brygga/storage"
	"brygga/templates"
)

// errForeign means that there is no such login for this browser: it is unknown, over, or another browser's. Which of them
// it is must not be told.
var errForeign = errors.New("web: no such login in this browser")

// errDisabled means that the login's client may do nothing for now, so that nobody can log in to it.
var errDisabled = errors.New("web: client is disabled")

// visit is one look of a browser at its login.
type visit struct {
	login  *storage.Login
	client *storage.Client
	page   templates.Page
}

// visit returns the login of the request's path if the browser has its binding cookie, else errForeign, and errDisabled beside it
// while its client is disabled. Other errors are faults of the store.
func (s *Site) visit(r *http.Request) (*visit, error) {
	id := r.PathValue("id")
	if !wellFormedID(id) {
		return nil, errForeign
	}
	l, err := s.Engine.Login(r.Context(), id)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, errForeign
	}
	if err != nil {
		return nil, err
	}
	isAbout(r.Context(), l)
	if !boundTo(l, s.cookies.bindings(r)) {
		s.alarm(r, l)
		return nil, errForeign
	}
	l = l.SeenBy(s.cookies.get(r, cookieDevice))
	client, err := s.Store.Client(r.Context(), l.Request.ClientID)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, errForeign // the client was removed; there is nobody to log in to
	}
	if err != nil {
		return nil, err
	}
	v := &visit{login: l, client: client, page: s.pageFor(r, l, client)}
	if client.Disabled {
		return v, errDisabled
	}
	return v, nil
}

// alarm puts a refused browser down in the audit log, in the background: the time of the answer must not tell that the
// login exists.
func (s *Site) alarm(r *http.Request, l *storage.Login) {
	if !s.alarms.AllowN(s.Now(), 1) {
		return
	}
	event := audit.Event{
		Type: audit.BindingRefused, Identifier: l.ID, Reference: l.Reference(), SourceAddress: ClientIP(r), ClientID: l.Request.ClientID, Message: r.Pattern,
	}
	ctx := context.WithoutCancel(r.Context())
	s.background.Do(func() { s.Audit.Record(ctx, event) })
}

// bound is a handler of a login that the browser has proven to be its own.
type bound func(w http.ResponseWriter, r *http.Request, v *visit)

// page wraps a page of a login. A stranger gets the same page and status whether the login exists or not.
func (s *Site) page(handle bound) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := s.visit(r)
		switch {
		case errors.Is(err, errForeign):
			s.foreign(w, r)
		case errors.Is(err, errDisabled):
			s.disabled(w, r, v.client)
		case err != nil:
			s.fault(w, r, "read login", err)
		default:
			handle(w, r, v)
		}
	}
}

// foreign tells a browser that it has no such login. The words depend on nothing but whether the browser has brought any
// binding cookie: if so its login has most likely ended; if not it is another browser, or one without cookies.
func (s *Site) foreign(w http.ResponseWriter, r *http.Request) {
	kind := templates.NoticeOtherBrowser
	if len(s.cookies.bindings(r)) > 0 {
		kind = templates.NoticeExpired
	}
	s.notice(w, r, http.StatusNotFound, kind)
}

// disabled tells a browser that the client of its login is disabled, as a new login at the client would.
func (s *Site) disabled(w http.ResponseWriter, r *http.Request, client *storage.Client) {
	s.ShowError(w, r, http.StatusForbidden, "unauthorized_client", "the client has been disabled", client)
}

// data wraps what the page script reads.
func (s *Site) data(handle bound) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		guard(w.Header(), contentPolicyNoForms)
		v, err := s.visit(r)
		switch {
		case errors.Is(err, errForeign):
			plain(w, http.StatusNotFound)
		case errors.Is(err, errDisabled):
			plain(w, http.StatusForbidden)
		case err != nil && r.Context().Err() == nil:
			s.log.ErrorContext(r.Context(), "request failed", "doing", "read login", "err", err)
			plain(w, faultStatus(w.Header(), err))
		case err == nil:
			handle(w, r, v)
		}
	}
}

// action wraps a form of the page: a POST from the page itself, of a short form, by the browser that the login is bound to.
func (s *Site) action(handle bound) http.HandlerFunc {
	inner := s.page(handle)
	return func(w http.ResponseWriter, r *http.Request) {
		if err := s.origins.Check(r); err != nil {
			s.notice(w, r, http.StatusForbidden, templates.NoticeOtherBrowser)
			return
		}
		if r.ContentLength != 0 && !isForm(r) {
			s.ShowError(w, r, http.StatusUnsupportedMediaType, "invalid_request", "the body must be a form", nil)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			status := http.StatusBadRequest
			var tooLong *http.MaxBytesError
			if errors.As(err, &tooLong) {
				status = http.StatusRequestEntityTooLarge
			}
			s.ShowError(w, r, status, "invalid_request", "the form cannot be read", nil)
			return
		}
		inner(w, r)
	}
}

// isForm reports whether the body is said to be a form.
func isForm(r *http.Request) bool {
	kind := r.Header.Get("Content-Type")
	if kind == formType {
		return true
	}
	kind, _, err := mime.ParseMediaType(kind)
	return err == nil && kind == formType
}

const formType = "application/x-www-form-urlencoded"

// touchParameter is the field, or query parameter, with navigator.maxTouchPoints.
const touchParameter = "touch_points"

// maxHeader bounds what is kept of a header that describes the browser.
const maxHeader = 1024

// starter describes the browser as its headers do. It has neither device identifier nor choice of device yet.
func starter(r *http.Request, language string) storage.Starter {
	header := func(name string) string { // in the form that net/http writes it in
		value := r.Header.Get(name)
		return value[:min(len(value), maxHeader)]
	}
	s := storage.Starter{
		IP: ClientIP(r), UserAgent: header("User-Agent"), Platform: header("Sec-Ch-Ua-Platform"), Mobile: header("Sec-Ch-Ua-Mobile"),
		Brands: header("Sec-Ch-Ua"), Language: language,
	}
	points := r.PostForm.Get(touchParameter)
	if r.Method == http.MethodGet {
		points = query(r).Get(touchParameter)
	}
	if points, err := strconv.ParseUint(points, 10, 8); err == nil {
		s.TouchPoints = int(points)
	}
	return s
}

// plain answers with a status and its name.
func plain(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	w.Write([]byte(http.StatusText(status) + "\n"))
}
