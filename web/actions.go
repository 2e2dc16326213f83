package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"brygga/handling"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
	"brygga/templates"
)

const (
	// startPatience is how long the answer to a start waits for BankID, once the store knows that an order is being made. When
	// BankID is slower the page shows that.
	startPatience = 1500 * time.Millisecond
	// maxNonce bounds the return nonce that is looked at.
	maxNonce = 128
	// returnParameter is the query parameter with the return nonce.
	returnParameter = "n"
	// languageParameter is the query parameter that chooses the language.
	languageParameter = "lang"
)

// codeAccessDenied is what the client gets when the person leaves (RFC 6749 §4.1.2.1).
const (
	codeAccessDenied = "access_denied"
)

// show sends the page of the login as it stands. It changes nothing but that it notes the look.
func (s *Site) show(w http.ResponseWriter, r *http.Request, v *visit) {
	if query(r).Has(languageParameter) {
		path := basePath(v.login.ID)
		if asked := query(r); asked.Get(methodParameter) != "" || asked.Get(deviceParameter) != "" {
			path += "?" + choiceQuery(asked)
		}
		s.redirect(w, r, path)
		return
	}
	if r.Method == http.MethodGet && !handling.Prefetch(r) {
		s.Engine.Seen(r.Context(), v.login)
	}
	view, page := s.view(r, v, time.Time{})
	if failed, ok := view.(templates.Failed); ok && failed.Wait > 0 {
		retryAfter(w.Header(), time.Duration(failed.Wait)*time.Second)
	}
	s.render(w, r, http.StatusOK, contentPolicy, page, view)
}

// start makes an order, in place of any that the login has, and leads back to the page. A second click meanwhile does too, and
// a press on a page that has missed that an order is under way: what somebody may be scanning is replaced on purpose alone.
func (s *Site) start(w http.ResponseWriter, r *http.Request, v *visit) {
	starter, first := starter(r, v.page.Lang), r.PostForm.Get("first") != ""
	starter.Method = r.PostForm.Get(methodParameter)
	if l := v.login; first && (l.State == storage.LoginPending || l.State == storage.LoginComplete || s.Engine.Starting(l)) {
		s.redirect(w, r, basePath(l.ID))
		return
	}
	offered, by := s.Offered(r, v.client, v.login.Request), starter
	if by.Method == "" && len(offered) == 1 {
		by.Method = offered[0]
	}
	launch, noCode := s.Engine.LaunchFor(by), s.Engine.NoCode(by.Method)
	asking, asks := s.Engine.Asking(v.client, v.login.Request, by.Method)
	switch device := r.PostForm.Get("device"); {
	case device == storage.DeviceThis && launch.Possible:
		starter.Device = storage.DeviceThis
	case device == storage.DeviceOther && noCode && asks:
		starter.Device = storage.DeviceOther
		if named := s.name(w, r, v, by.Method, offered, asking); !named.IsZero() {
			starter.Person = named
			break
		}
		return
	case noCode && (device == storage.DeviceThis || device == storage.DeviceOther):
		starter.Device = storage.DeviceThis
	case device == storage.DeviceThis, device == storage.DeviceOther:
		starter.Device = storage.DeviceOther
	default:
		s.ShowError(w, r, http.StatusBadRequest, "invalid_request", "device must be this or other", nil)
		return
	}
	starter.DeviceIdentifier = s.cookies.device(w, r)
	starter = starter.Own() // the order may take longer than the request
	err := s.giveWay(r, v.login)
	if err != nil {
		s.fault(w, r, "cancel order", err)
		return
	}
	err = s.startOrder(r.Context(), v.login.ID, starter, first)
	var limit *login.LimitError
	var overload *login.OverloadError
	page := s.pageOf(v.page, by.Method, offered)
	failed := templates.Failed{Device: templates.Device(starter.Device), Platform: platform(launch), NoCode: noCode, Ask: askOf(asking, asks)}
	switch {
	case errors.As(err, &limit):
		s.tooMany(w, r, page, limit.RetryAfter, func(seconds int) templates.View {
			failed.Reason, failed.Wait = templates.ReasonRateLimited, seconds
			return failed
		})
	case errors.As(err, &overload):
		failed.Reason, failed.Wait = templates.ReasonBusy, retryAfter(w.Header(), overload.RetryAfter)
		s.render(w, r, http.StatusServiceUnavailable, contentPolicy, page, failed)
	case errors.Is(err, storage.ErrNotFound):
		s.foreign(w, r)
	case errors.Is(err, login.ErrDisabled):
		s.disabled(w, r, v.client)
	case err == nil, errors.Is(err, login.ErrNoOrders), errors.Is(err, storage.ErrBusy), errors.Is(err, storage.ErrConflict):
		s.redirect(w, r, basePath(v.login.ID)) // the page shows how the login stands
	default:
		s.fault(w, r, "start order", err)
	}
}

// giveWay ends what would stand in the way of another start: an approval that nobody has come back from the app with.
func (s *Site) giveWay(r *http.Request, l *storage.Login) error {
	if l.State != storage.LoginComplete || l.Answerable() {
		return nil
	}
	_, err := s.Engine.Cancel(r.Context(), l.ID, ClientIP(r))
	if errors.Is(err, storage.ErrNotFound) {
		return nil // the start finds the same
	}
	return err
}

// startOrder makes an order and returns when it is made or startPatience is over, whichever comes first. It has no patience
// with the store: a page that was made before the store knows of the click would show that nothing has been clicked.
func (s *Site) startOrder(ctx context.Context, id string, starter storage.Starter, first bool) error {
	working := context.WithoutCancel(ctx)
	begun, err := s.Engine.Begin(working, id, starter, first)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	s.background.Do(func() {
		_, err := begun.Finish(working)
		done <- err
	})
	wait := startPatience
	if !starter.Person.IsZero() { // how long the service takes may tell of the person
		wait = 0
	}
	patience := time.NewTimer(wait)
	defer patience.Stop()
	select {
	case err := <-done:
		return err
	case <-patience.C:
	case <-ctx.Done():
	}
	s.background.Do(func() {
		if err := <-done; err != nil && !errors.Is(err, storage.ErrConflict) && !errors.Is(err, storage.ErrNotFound) {
			s.log.ErrorContext(working, "request failed", "doing", "start order", "login", id, "err", err)
		}
	})
	return nil
}

// cancel ends the order and stays on the page. That BankID cannot be reached is no reason to keep the person.
func (s *Site) cancel(w http.ResponseWriter, r *http.Request, v *visit) {
	if _, err := s.Engine.Cancel(r.Context(), v.login.ID, ClientIP(r)); err != nil && !errors.Is(err, storage.ErrNotFound) {
		s.fault(w, r, "cancel order", err)
		return
	}
	s.redirect(w, r, basePath(v.login.ID))
}

// leave ends the order and goes back to the client with access_denied and why: what ended the login before the person left,
// or that they did.
func (s *Site) leave(w http.ResponseWriter, r *http.Request, v *visit) {
	l, err := s.Engine.Cancel(r.Context(), v.login.ID, ClientIP(r))
	switch {
	case errors.Is(err, storage.ErrNotFound):
		s.foreign(w, r)
	case err != nil:
		s.fault(w, r, "cancel order", err)
	case l.State == storage.LoginAnswered:
		s.redirect(w, r, basePath(l.ID))
	default:
		why := login.ReasonCancelled
		if v.login.State == storage.LoginFailed {
			why = v.login.Failure.Reason
		}
		s.Refuse(w, r, l, codeAccessDenied, s.Engine.Description(v.login, why))
		s.Engine.Tell(l.ID)
	}
}

// automaticField is in the form of done when no person has pressed its button.
const automaticField = "automatic"

// done gives the client its answer, and again to a person who presses while nobody has redeemed the code: a tab that sends it by
// itself would take the answer from the one whose client is about to. A login that is not there yet, or has been answered, shows its
// page instead.
func (s *Site) done(w http.ResponseWriter, r *http.Request, v *visit) {
	again := r.PostForm.Get(automaticField) == "" && s.Engine.AnswerOpen(r.Context(), v.login)
	if !v.login.Answerable() && !again {
		s.redirect(w, r, basePath(v.login.ID))
		return
	}
	s.rememberMethod(w, r, v)
	s.cookies.set(w, cookieChoice, v.login.Starter().Device, keepLife)
	s.Answer(w, r, v.login)
	s.Engine.Tell(v.login.ID)
}

// ReturnURL returns the address at which the BankID app hands the person back to the page of a login: what the login engine
// puts into an order. The nonce in it is a secret.
func ReturnURL(issuer, loginID string, nonce secret.String) secret.String {
	return secret.New(strings.TrimSuffix(issuer, "/") + basePath(loginID) + "/return?" + returnParameter + "=" + url.QueryEscape(nonce.Reveal()))
}

// comeBack is where the BankID app hands the person back. The cookie is looked at first, so that another browser neither
// uses the nonce up nor learns anything; only then does the nonce count. What a browser fetches ahead counts for nothing.
func (s *Site) comeBack(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || handling.Prefetch(r) {
		guard(w.Header(), contentPolicyNoForms)
		plain(w, http.StatusServiceUnavailable)
		return
	}
	v, err := s.visit(r)
	switch {
	case errors.Is(err, errForeign):
		s.notice(w, r, http.StatusNotFound, templates.NoticeReturnedAstray)
		return
	case errors.Is(err, errDisabled):
		s.disabled(w, r, v.client)
		return
	case err != nil:
		s.fault(w, r, "read login", err)
		return
	}
	if nonce := query(r).Get(returnParameter); nonce != "" && len(nonce) <= maxNonce {
		_, err = s.Engine.Return(r.Context(), v.login.ID, secret.New(nonce), ClientIP(r))
		if err != nil && !errors.Is(err, login.ErrReturnRefused) && !errors.Is(err, storage.ErrNotFound) {
			s.fault(w, r, "record return", err)
			return
		}
	}
	s.redirect(w, r, basePath(v.login.ID))
}
