package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"brygga/account"
	"brygga/secret"
	"brygga/storage"
)

// onward is where a step-up leads: to a page, or to the form that was sent there, which is sent once more.
type onward struct {
	next string
	// again is the form, encoded; empty for a page that was only asked for.
	again string
	// own is not empty when it changes what the operator logs in by, for which BankID is no proof.
	own string
}

// onwardOf reads where to go on from a form or an address.
func onwardOf(values url.Values) onward {
	return onward{ours(values.Get("next")), values.Get("again"), values.Get("own")}
}

// unkept are the fields that are written into no page: what is typed there is not shown again. A form with one is begun anew after the proof.
var unkept = []string{"password", "before", "code", "response", "personal_number", "number"}

// keptOf is a form as it is kept until the proof was given, empty for one that is not.
func keptOf(sent url.Values) string {
	if slices.ContainsFunc(unkept, sent.Has) {
		return ""
	}
	return sent.Encode()
}

// fields are the fields of the form that is sent once more.
func (o onward) fields() (pairs []string) {
	values, err := url.ParseQuery(o.again)
	if err != nil {
		return nil
	}
	for name, list := range values {
		for _, value := range list {
			pairs = append(pairs, name, value)
		}
	}
	return pairs
}

// toStepUp asks who is logged in to prove itself anew, and keeps what it was about to do.
func (v *visit) toStepUp() {
	own := ""
	if v.page.own {
		own = "1"
	}
	if v.r.Method != http.MethodPost {
		v.leave(at("step-up")+"?"+url.Values{"next": {v.here()}, "own": {own}}.Encode(), "")
		return
	}
	to := onward{v.here(), keptOf(v.sent), own}
	if err := v.show(v.text("step-up.title"), stepUpBody(v, newForm(), to)); err != nil {
		v.fault(http.StatusInternalServerError, err)
	}
}

func askStepUp(v *visit) error {
	return v.show(v.text("step-up.title"), stepUpBody(v, newForm(), onwardOf(v.r.URL.Query())))
}

// stepUp takes a password, with a code where the operator has an authenticator app.
func stepUp(v *visit) error {
	to, f := onwardOf(v.sent), v.form()
	s, err := v.Accounts.StepUpByPassword(v, v.token(), secret.New(v.sent.Get("password")), v.from)
	if err == nil {
		v.keep(s)
		if code := f.get("code"); code != "" || v.asksCode() {
			s, err = v.Accounts.SecondFactor(v, s.Token, code, v.from)
		}
	}
	if errors.Is(err, account.ErrRefused) {
		f.fault("password", v.text("step-up.refused"))
		return v.refuse(v.text("step-up.title"), stepUpBody(v, f, to))
	}
	if err != nil {
		return err
	}
	return v.steppedUp(s, to)
}

// stepUpByPasskey takes a browser's answer to what the page has asked for.
func stepUpByPasskey(v *visit) error {
	to, f := onwardOf(v.sent), v.form()
	s, err := v.Accounts.StepUpByPasskey(v, v.token(), []byte(v.sent.Get("response")), v.from)
	if errors.Is(err, account.ErrRefused) {
		f.fault("", v.text("passkey.failed"))
		return v.refuse(v.text("step-up.title"), stepUpBody(v, f, to))
	}
	if err != nil {
		return err
	}
	return v.steppedUp(s, to)
}

// asksCode reports whether the operator has to show a code beside the password.
func (v *visit) asksCode() bool { return v.session.Operator.HasSecondFactor() }

// steppedUp goes on under the session's new token.
func (v *visit) steppedUp(s *account.Session, to onward) error {
	v.keep(s)
	if to.again == "" {
		return v.leave(to.next, "")
	}
	return v.show(v.text("step-up.done"), goOn(v, to))
}

// keep gives the browser the session's token, where it is another than before.
func (v *visit) keep(s *account.Session) {
	if !s.Token.IsZero() {
		v.setCookie(cookieSession, s.Token.Reveal(), 0)
	}
	if !s.Pending {
		v.enter(s)
	}
}

// hasTOTP reports whether the operator has an authenticator app.
func hasTOTP(o *storage.Operator) bool { return !o.TOTP.Confirmed.IsZero() }

// passkeyOptions is what a browser is asked for a proof by passkey, empty where the operator has none.
func (v *visit) passkeyOptions(s *account.Session) json.RawMessage {
	if len(s.Operator.Passkeys) == 0 {
		return nil
	}
	options, err := v.Accounts.PasskeyStepUp(s)
	if err != nil {
		return nil // the console's address may have no name
	}
	return options
}

// hasPerson reports whether an owner has entered the operator's personal number.
func hasPerson(o *storage.Operator) bool { return o.PersonHandle != (storage.Hash{}) }
