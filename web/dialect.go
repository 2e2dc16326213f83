package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"brygga/login"
	"brygga/secret"
	"brygga/storage"
)

// Dialect is how pages that were written for another product speak of the logins of an eID, in JSON by PUT at /login/{id}/NAME. It is safe for
// concurrent use. What such a page may do, and learn, is what the page of a login may.
type Dialect interface {
	// Read returns what is asked for. Its error is shown, so that it says nothing of what was sent.
	Read(body []byte) (Asked, error)
	// Tell returns the answer, which is encoded as JSON.
	Tell(Told) any
}

// What a page asks for.
const (
	DoStart  = "start"
	DoPoll   = "poll"
	DoCancel = "cancel"
)

// Asked is what a page asks for.
type Asked struct {
	// Do is one of the constants.
	Do string
	// Handle is that of the order which is meant, as it was told; a start needs none.
	Handle string
	// Identifier is whom to ask on another device; zero for an order on this one.
	Identifier secret.String
	// TouchPoints is navigator.maxTouchPoints, as the page of a login tells it.
	TouchPoints int
}

// Stage is how far a login has come for a page.
type Stage int

// The stages. Replaced: the order that the page means is not the login's any more.
const (
	StageNone Stage = iota
	StageStarting
	StagePending
	StageComplete
	StageFailed
	StageReplaced
)

// Told is what a page is told.
type Told struct {
	Stage Stage
	// Handle is by what the page means the order; empty where it has none.
	Handle string
	// Code is the service's word for a pending order, or for what ended one; empty where the service said nothing. Reason is our own for the latter.
	Code, Reason string
	// Launch starts the app on this device; zero when nothing is to be started.
	Launch secret.String
	// Location is where the page goes when the login is complete.
	Location string
}

// maxSpoken bounds what such a page sends, in bytes.
const maxSpoken = 4 << 10

// routeDialect is where such pages ask.
const routeDialect = "PUT /login/{id}/{dialect}"

// speak answers a page in its dialect: 200 and how the login stands, or an error.
func (s *Site) speak(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("dialect")
	d := s.Dialects[name]
	if d == nil {
		s.notFound(w, r)
		return
	}
	guard(w.Header(), contentPolicyNoForms)
	asked, v, refused := s.heard(w, r, d)
	if refused == nil {
		starter := s.spokenStarter(w, r, v, name, asked)
		v.login, refused = s.obey(w, r, v, asked, starter)
	}
	if refused != nil {
		s.refuseSpoken(w, r, refused)
		return
	}
	writeSpoken(w, http.StatusOK, d.Tell(s.told(v.login, name, asked)))
}

// spokenError is an error for a page: a status and a word.
type spokenError struct {
	status int
	word   string
	detail string
	// wait is when to try again; 0 where that would not help. err is a fault of ours.
	wait time.Duration
	err  error
}

// heard reads what a page asks for, of the login that its browser is bound to.
func (s *Site) heard(w http.ResponseWriter, r *http.Request, d Dialect) (asked Asked, v *visit, refused *spokenError) {
	if s.origins.Check(r) != nil {
		return asked, nil, &spokenError{status: http.StatusForbidden, word: "cross_origin"}
	}
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset := parameters["charset"]; err != nil || kind != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return asked, nil, &spokenError{status: http.StatusUnsupportedMediaType, word: "unsupported_media_type"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSpoken))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return asked, nil, &spokenError{status: http.StatusRequestEntityTooLarge, word: "too_large"}
	}
	if err != nil {
		return asked, nil, &spokenError{status: http.StatusBadRequest, word: "invalid_request"}
	}
	v, err = s.visit(r)
	switch {
	case errors.Is(err, errForeign):
		return asked, nil, &spokenError{status: http.StatusNotFound, word: "not_found"}
	case errors.Is(err, errDisabled):
		return asked, nil, &spokenError{status: http.StatusForbidden, word: "client_disabled"}
	case err != nil:
		return asked, nil, &spokenError{err: err}
	}
	if asked, err = d.Read(body); err != nil {
		return asked, nil, &spokenError{status: http.StatusBadRequest, word: "invalid_request", detail: err.Error()}
	}
	return asked, v, nil
}

// spokenStarter describes who starts an order, as the form of a page's start does.
func (s *Site) spokenStarter(w http.ResponseWriter, r *http.Request, v *visit, method string, asked Asked) storage.Starter {
	by := starter(r, v.page.Lang)
	by.Method, by.Device, by.TouchPoints = method, storage.DeviceThis, asked.TouchPoints
	if asked.Do == DoStart {
		by.DeviceIdentifier = s.cookies.device(w, r)
	}
	return by
}

// obey does what is asked for, and returns the login as it then is. What is asked of an order that is not the login's any more is not done.
func (s *Site) obey(w http.ResponseWriter, r *http.Request, v *visit, asked Asked, by storage.Starter) (*storage.Login, *spokenError) {
	switch {
	case asked.Do == DoStart:
		return s.startSpoken(r, v, asked, by)
	case asked.Do == DoPoll:
		s.Engine.Seen(r.Context(), v.login)
	case asked.Do == DoCancel && s.isMeant(v.login, by.Method, asked.Handle):
		l, err := s.Engine.Cancel(r.Context(), v.login.ID, ClientIP(r))
		return l, spokenFault(err)
	}
	return v.login, nil
}

// startSpoken makes an order. One that is under way for the same device and person stays, approved or not: a page that asks twice gets the same.
func (s *Site) startSpoken(r *http.Request, v *visit, asked Asked, by storage.Starter) (*storage.Login, *spokenError) {
	if !asked.Identifier.IsZero() {
		asking, may := s.Engine.Asking(v.client, v.login.Request, by.Method)
		if !may {
			return nil, &spokenError{status: http.StatusForbidden, word: "not_offered"}
		}
		person, is := asking.Named(asked.Identifier.Reveal())
		if !is {
			return nil, &spokenError{status: http.StatusBadRequest, word: "invalid_identifier"}
		}
		by.Device, by.Person = storage.DeviceOther, person
	}
	if s.isUnderWay(v.login, by) {
		return v.login, nil
	}
	err := s.giveWay(r, v.login)
	if err == nil {
		err = s.startOrder(r.Context(), v.login.ID, by.Own(), false)
	}
	if refused := spokenFault(err); refused != nil {
		return nil, refused
	}
	l, err := s.Engine.Login(r.Context(), v.login.ID)
	return l, spokenFault(err)
}

// isUnderWay reports whether the login is at an order that somebody started in the same way, or is done.
func (s *Site) isUnderWay(l *storage.Login, by storage.Starter) bool {
	same := func(other storage.Starter) bool {
		return other.Method == by.Method && other.Device == by.Device && other.Person.Equal(by.Person)
	}
	switch {
	case s.Engine.Starting(l):
		return same(l.Claim.Starter)
	case l.State == storage.LoginPending, l.State == storage.LoginComplete && !l.Answerable(): // approved, and nobody is back from the app
		return same(l.Order.Starter)
	}
	return l.Answerable() || l.State == storage.LoginAnswered
}

// spokenFault returns the error of a start for a page, nil where the page is told how the login stands.
func spokenFault(err error) *spokenError {
	limit, isLimit := errors.AsType[*login.LimitError](err)
	overload, isOverload := errors.AsType[*login.OverloadError](err)
	switch {
	case err == nil, errors.Is(err, storage.ErrBusy), errors.Is(err, storage.ErrConflict):
		return nil
	case isLimit:
		return &spokenError{status: http.StatusTooManyRequests, word: "too_many_requests", wait: limit.RetryAfter}
	case isOverload:
		return &spokenError{status: http.StatusServiceUnavailable, word: "busy", wait: overload.RetryAfter}
	case errors.Is(err, storage.ErrNotFound):
		return &spokenError{status: http.StatusNotFound, word: "not_found"}
	case errors.Is(err, login.ErrDisabled):
		return &spokenError{status: http.StatusForbidden, word: "client_disabled"}
	case errors.Is(err, login.ErrNoOrders):
		return &spokenError{status: http.StatusForbidden, word: "not_offered"}
	}
	return &spokenError{err: err}
}

func (s *Site) refuseSpoken(w http.ResponseWriter, r *http.Request, e *spokenError) {
	if e.err != nil {
		if r.Context().Err() == nil {
			s.log.ErrorContext(r.Context(), "request failed", "doing", "answer a page of another product", "err", e.err)
		}
		e.status, e.word = faultStatus(w.Header(), e.err), "internal_error"
	}
	if e.wait > 0 {
		retryAfter(w.Header(), e.wait)
	}
	answer := struct {
		Error  string `json:"error"`
		Detail string `json:"error_description,omitempty"`
	}{e.word, e.detail}
	writeSpoken(w, e.status, answer)
}

func writeSpoken(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.Encode(answer) // a browser that is gone needs no answer
}

// handleOf returns by what pages mean the login's order, or the one that is being made; empty where there is none. It is of the login, of its browser and
// of the press that the order comes of, and tells nothing of what the service calls it: that starts the app.
func (s *Site) handleOf(l *storage.Login) string {
	var of time.Time
	switch {
	case s.Engine.Starting(l):
		of = l.Claim.WindowEnds
	case l.Order != nil:
		of = l.Order.WindowEnds
	default:
		return ""
	}
	h := sha256.New()
	h.Write([]byte("brygga handle\n" + l.ID + "\n" + of.UTC().Format(time.RFC3339Nano) + "\n"))
	h.Write(l.BindingHash[:])
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}

// isMeant reports whether a page means the order that the login is at, by that eID.
func (s *Site) isMeant(l *storage.Login, method, handle string) bool {
	by := l.Starter().Method
	if s.Engine.Starting(l) {
		by = l.Claim.Starter.Method
	}
	current := s.handleOf(l)
	return current != "" && by == method && subtle.ConstantTimeCompare([]byte(handle), []byte(current)) == 1
}

// told returns what a page is told of the login.
func (s *Site) told(l *storage.Login, method string, asked Asked) Told {
	t := Told{Handle: s.handleOf(l)}
	switch {
	case t.Handle == "" && asked.Handle == "":
		return t
	case !s.isMeant(l, method, asked.Handle) && (asked.Do != DoStart || !s.isMeant(l, method, t.Handle)):
		return Told{Stage: StageReplaced}
	case s.Engine.Starting(l) && l.Claim.Starter.Person.IsZero():
		t.Stage = StageStarting
	case s.Engine.Starting(l): // as the time that it takes may tell who has a credential
		t.Stage = StagePending
	case l.State == storage.LoginFailed:
		t.Stage, t.Code, t.Reason = StageFailed, l.Failure.Detail, l.Failure.Reason
	case l.Answerable() || l.Repeatable():
		t.Stage, t.Location = StageComplete, basePath(l.ID)
	case l.State == storage.LoginAnswered:
		t.Stage, t.Reason = StageFailed, login.ReasonCancelled
	case l.State == storage.LoginPending:
		t.Stage, t.Code = StagePending, l.Order.HintCode
		t.Launch = s.Engine.Launch(l).URL
	default: // until somebody comes back from the app
		t.Stage = StagePending
	}
	return t
}
