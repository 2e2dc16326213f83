package console

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"brygga/account"
	"brygga/admin"
	"brygga/handling"
	"brygga/secret"
	"brygga/storage"
)

// Bounds of what is sent to us, in bytes.
const (
	maxForm   = 2 << 20
	maxTarget = 16 << 10
)

// visit is one request for a page, with who asks.
type visit struct {
	*Console
	context.Context
	w http.ResponseWriter
	r *http.Request

	page page
	lang string
	from account.From
	// session is nil for who is not logged in; actor may do nothing then.
	session *account.Session
	actor   admin.Actor
	// sent is the form that came with the request.
	sent url.Values
	// reference names the request in the log, for who asks for help.
	reference string
}

// serve answers a request by the page.
func (c *Console) serve(w http.ResponseWriter, r *http.Request, p page) {
	v := &visit{Console: c, Context: r.Context(), w: w, r: r, page: p, reference: referenceOf(r.Context()), from: account.From{Address: c.Address(r), Agent: r.UserAgent()}}
	c.guard(w.Header())
	v.lang = v.language()
	defer func() {
		if panicked := recover(); panicked != nil && panicked != http.ErrAbortHandler {
			c.Log.ErrorContext(r.Context(), "panic", "err", handling.Panic(panicked), "stack", string(debug.Stack()), "request_id", v.reference)
			v.notice(http.StatusInternalServerError, "fault")
		} else if panicked != nil {
			panic(panicked)
		}
	}()
	if err := v.answer(); err != nil {
		v.fail(err)
	}
}

// errStale means that a form was sent without a session: it has ended since the page was opened.
var errStale = errors.New("console: the session has ended")

// errCrossOrigin means that another site's page has sent the request (CSRF).
var errCrossOrigin = errors.New("console: the form was sent by another site")

func (v *visit) answer() error {
	if len(v.r.RequestURI) > maxTarget {
		return storage.ErrNotFound
	}
	if v.origins.Check(v.r) != nil {
		return errCrossOrigin
	}
	if err := v.identify(); err != nil {
		return err
	}
	if v.session != nil {
		v.lang = v.language() // the operator's own
	}
	if v.r.Method == http.MethodPost {
		if err := v.read(); err != nil {
			v.notice(http.StatusBadRequest, "bad-form")
			return nil
		}
		v.sent = v.r.PostForm
	}
	if err := v.admit(); err != nil {
		return err
	}
	return v.page.handle(v)
}

// read reads the form that was sent, which may have a file.
func (v *visit) read() error {
	if kind, _, err := mime.ParseMediaType(v.r.Header.Get("Content-Type")); err == nil && kind == "multipart/form-data" {
		v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxUpload)
		if err := v.r.ParseMultipartForm(maxUpload); err != nil { // all of it in memory
			return err
		}
		return keepFiles(v.r)
	}
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
	return v.r.ParseForm()
}

// identify finds the session of the cookie.
func (v *visit) identify() error {
	token := v.cookie(cookieSession)
	if token == "" {
		return nil
	}
	s, err := v.Accounts.Use(v, secret.New(token))
	if errors.Is(err, account.ErrNoSession) {
		return nil
	}
	if err != nil {
		return err
	}
	v.enter(s)
	return nil
}

// enter makes the rest of the visit one of the session.
func (v *visit) enter(s *account.Session) {
	v.session = s
	v.actor = admin.Operator(s, v.Accounts.Fresh(s), v.from)
}

// token is the session's cookie.
func (v *visit) token() secret.String { return secret.New(v.cookie(cookieSession)) }

// admit looks whether who asks gets the page at all. What it may do there is looked at in package admin once more.
func (v *visit) admit() error {
	switch {
	case v.page.access == anybody:
		return nil
	case v.session == nil && v.r.Method == http.MethodPost:
		return errStale
	case v.session == nil:
		return account.ErrNoSession
	case v.page.own && (!v.Accounts.Fresh(v.session) || v.session.SteppedBy == storage.MethodBankID):
		return storage.ErrStepUp
	case v.page.operation == "":
		return nil
	}
	err := v.actor.May(v.page.operation)
	if errors.Is(err, storage.ErrForbidden) {
		return v.Admin.Permit(v, v.actor, v.page.operation) // which tells the audit log
	}
	return err
}

// may reports whether the operator may do the operation, so that it is offered; perhaps after it has proven anew who it is.
func (v *visit) may(name admin.Name) bool {
	return name == "" || !errors.Is(v.actor.May(name), storage.ErrForbidden)
}

// at returns the address of a page of ours, whose parts are escaped: at("clients", id).
func at(parts ...string) string {
	escaped := make([]string, len(parts))
	for i, part := range parts {
		escaped[i] = url.PathEscape(part)
	}
	return Path + strings.Join(escaped, "/")
}

// show sends a page with that heading and, below it, the body.
func (v *visit) show(title string, body templ.Component) error {
	return v.send(http.StatusOK, title, body)
}

// refuse sends a page whose form has faults.
func (v *visit) refuse(title string, body templ.Component) error {
	return v.send(http.StatusUnprocessableEntity, title, body)
}

// send renders a page before anything is sent, so that a fault can still be told.
func (v *visit) send(status int, title string, body templ.Component) error {
	flash := v.takeFlash()
	var b bytes.Buffer
	if err := layout(v, title, flash).Render(templ.WithChildren(v, body), &b); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.lang)
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	v.w.WriteHeader(status)
	v.w.Write(b.Bytes())
	return nil
}

// leave leads to the page at that address, by GET, and says there what was done; key is empty for nothing.
func (v *visit) leave(address, key string, pairs ...string) error {
	if key != "" {
		v.putFlash(key, pairs)
	}
	v.w.Header().Set("Location", address)
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// file sends a download. What fails before there is any of it is returned.
func (v *visit) file(name, contentType string, write func(io.Writer) error) error {
	return handling.Stream(v.w, func(h http.Header) {
		h.Set("Content-Type", contentType)
		h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	}, write, func(err error) {
		v.Log.ErrorContext(v, "download broke off", "file", name, "err", err, "request_id", v.reference)
	})
}

// fail sends the page of an error that a handler has returned.
func (v *visit) fail(err error) {
	switch {
	case v.Err() != nil:
	case errors.Is(err, account.ErrNoSession) && v.cameFromElsewhere():
		v.askAgain(v.here())
	case errors.Is(err, account.ErrNoSession):
		v.leave(withNext(at("login"), v.here()), "")
	case errors.Is(err, errStale):
		v.notice(http.StatusForbidden, "stale")
	case errors.Is(err, errCrossOrigin):
		v.notice(http.StatusForbidden, "cross-origin")
	case errors.Is(err, storage.ErrStepUp):
		v.toStepUp()
	case errors.Is(err, storage.ErrForbidden):
		v.notice(http.StatusForbidden, "forbidden")
	case errors.Is(err, storage.ErrNotFound):
		v.notice(http.StatusNotFound, "not-found")
	case errors.Is(err, storage.ErrLastOwner), errors.Is(err, storage.ErrLastWayIn):
		v.notice(http.StatusConflict, "last-way")
	case errors.Is(err, account.ErrNoPasskeys):
		v.notice(http.StatusConflict, "no-passkeys")
	case errors.Is(err, storage.ErrConflict):
		v.notice(http.StatusConflict, "conflict")
	case errors.Is(err, storage.ErrUnavailable):
		v.w.Header().Set("Retry-After", "10")
		v.fault(http.StatusServiceUnavailable, err)
	default:
		v.fault(http.StatusInternalServerError, err)
	}
}

func (v *visit) fault(status int, err error) {
	v.Log.ErrorContext(v, "request failed", "doing", v.page.pattern, "err", err, "request_id", v.reference)
	v.notice(status, "fault")
}

// notice sends a page that says why there is no other.
func (v *visit) notice(status int, kind string) {
	if err := v.send(status, v.text("notice."+kind), noticeBody(v, kind)); err != nil {
		v.Log.ErrorContext(v, "page not rendered", "err", err, "request_id", v.reference)
		http.Error(v.w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	}
}

// cameFromElsewhere reports whether another site has led here, such as mail in a browser: the browser has left out the session's cookie then.
func (v *visit) cameFromElsewhere() bool {
	site := v.r.Header.Get("Sec-Fetch-Site")
	return v.r.Method == http.MethodGet && (site == "cross-site" || site == "same-site") && v.r.Header.Get("Sec-Fetch-Mode") == "navigate"
}

// askAgain sends a page that asks for the address by itself, of its own will, so that the browser sends the session's cookie.
func (v *visit) askAgain(address string) {
	v.w.Header().Set("Refresh", "0;url="+address)
	if err := v.show(v.text("again.title"), againBody(v, address)); err != nil {
		v.fault(http.StatusInternalServerError, err)
	}
}

// here is the address of the page that was asked for, as a page of ours leads back to it.
func (v *visit) here() string {
	if v.r.Method != http.MethodGet {
		return v.r.URL.Path
	}
	return v.r.URL.RequestURI()
}

// ours returns the address if it is one of a page of ours, else that of the first page: nobody else shall be led to by a link to us.
func ours(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(address, Path) || strings.ContainsAny(address, "\\\r\n\t") {
		return Path
	}
	return address
}
