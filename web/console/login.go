package console

import (
	"encoding/json"
	"errors"

	"brygga/account"
	"brygga/secret"
)

// loginPages are those by which one logs in and out.
func loginPages() []page {
	return []page{
		{pattern: "GET /login", handle: askLogin, access: anybody},
		{pattern: "POST /login", handle: logIn, access: anybody},
		{pattern: "POST /login/bankid", handle: beginBankID, access: anybody},
		{pattern: "GET /login/bankid/return", handle: returnFromBankID, access: anybody},
		{pattern: "GET /login/bankid/finish", handle: finishBankID, access: anybody},
		{pattern: "POST /login/passkey", handle: logInByPasskey, access: anybody},
		{pattern: "POST /login/code/passkey", handle: codeByPasskey, access: anybody},
		{pattern: "GET /login/code", handle: askCode, access: anybody},
		{pattern: "POST /login/code", handle: takeCode, access: anybody},
		{pattern: "POST /logout", handle: logOut, access: anybody},
	}
}

func askLogin(v *visit) error {
	next := ours(v.r.URL.Query().Get("next"))
	if v.session != nil {
		return v.leave(next, "")
	}
	return v.show(v.text("login.title"), loginBody(v, newForm(), next))
}

// passkeyLogin is what a browser is asked for a login by passkey, empty where the console's address has no name.
func (v *visit) passkeyLogin() json.RawMessage {
	options, err := v.Accounts.PasskeyLogin()
	if err != nil {
		return nil
	}
	return options
}

func logInByPasskey(v *visit) error {
	f, next := v.form(), ours(v.sent.Get("next"))
	s, err := v.Accounts.LogInByPasskey(v, []byte(v.sent.Get("response")), v.from)
	if v.refused(f, "passkey", err) {
		return v.refuse(v.text("login.title"), loginBody(v, f, next))
	}
	if err != nil {
		return err
	}
	return v.loggedIn(s, next)
}

// logIn takes a user name or an e-mail address, and a password. Whatever is refused gets the same answer.
func logIn(v *visit) error {
	f, next := v.form(), ours(v.sent.Get("next"))
	s, err := v.Accounts.LogIn(v, f.get("user"), secret.New(v.sent.Get("password")), v.from)
	if v.refused(f, "user", err) {
		return v.refuse(v.text("login.title"), loginBody(v, f, next))
	}
	if err != nil {
		return err
	}
	return v.loggedIn(s, next)
}

// typed are the fields that are typed into; what is wrong with others stands above the form.
var typed = map[string]string{"user": "user", "code": "code"}

// refused adds the fault of a login that was refused, and reports whether it was.
func (v *visit) refused(f *form, field string, err error) bool {
	if wait, ok := errors.AsType[*account.WaitError](err); ok {
		f.fault("", v.text("login.wait", "until", v.moment(wait.Until)))
		return true
	}
	if errors.Is(err, account.ErrRefused) {
		f.fault(typed[field], v.text("login.refused."+field))
		return true
	}
	return false
}

// loggedIn ends the session that the browser had, gives it the new one and leads on: to the second factor where that is still to be shown.
func (v *visit) loggedIn(s *account.Session, next string) error {
	if err := v.Accounts.LogOut(v, v.token()); err != nil {
		return err
	}
	v.setCookie(cookieSession, s.Token.Reveal(), 0)
	if s.Pending {
		return v.leave(withNext(at("login", "code"), next), "")
	}
	return v.welcome(s, next)
}

// welcome leads on, and says when and from where the operator logged in before: who was not that somebody shall notice.
func (v *visit) welcome(s *account.Session, next string) error {
	before := s.Operator.LoginBefore
	if before.At.IsZero() {
		return v.leave(next, "")
	}
	v.session = s
	v.lang = v.language() // as the page that shows it
	return v.leave(next, "login.before", "trace", v.trace(before))
}

// pending returns the session that waits for its second factor.
func (v *visit) pending() (*account.Session, error) {
	s, err := v.Accounts.Look(v, v.token())
	if err == nil && !s.Pending {
		err = account.ErrNoSession
	}
	return s, err
}

func askCode(v *visit) error {
	if v.session != nil {
		return v.leave(ours(v.r.URL.Query().Get("next")), "")
	}
	s, err := v.pending()
	if err != nil {
		return err
	}
	return v.show(v.text("code.title"), codeBody(v, s, newForm(), ours(v.r.URL.Query().Get("next"))))
}

// takeCode takes a code of an authenticator app, or a recovery code.
func takeCode(v *visit) error {
	return v.second(func() (*account.Session, error) {
		return v.Accounts.SecondFactor(v, v.token(), v.sent.Get("code"), v.from)
	}, "code")
}

// codeByPasskey takes a passkey in place of a code.
func codeByPasskey(v *visit) error {
	return v.second(func() (*account.Session, error) {
		return v.Accounts.StepUpByPasskey(v, v.token(), []byte(v.sent.Get("response")), v.from)
	}, "passkey")
}

// second takes the second factor of a session that waits for it.
func (v *visit) second(show func() (*account.Session, error), field string) error {
	f, next := v.form(), ours(v.sent.Get("next"))
	waiting, err := v.pending()
	if err == nil {
		var s *account.Session
		if s, err = show(); err == nil {
			v.setCookie(cookieSession, s.Token.Reveal(), 0)
			return v.welcome(s, next)
		}
	}
	if v.refused(f, field, err) {
		f.forget("code")
		return v.refuse(v.text("code.title"), codeBody(v, waiting, f, next))
	}
	if errors.Is(err, account.ErrNoSession) {
		return v.leave(withNext(at("login"), next), "login.late")
	}
	return err
}

func logOut(v *visit) error {
	if err := v.Accounts.LogOut(v, v.token()); err != nil {
		return err
	}
	v.setCookie(cookieSession, "", 0)
	v.w.Header().Set("Clear-Site-Data", `"cache"`)
	return v.leave(at("login"), "login.out")
}
