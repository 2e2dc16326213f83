package console

import (
	"encoding/base64"
	"errors"

	"brygga/account"
	"brygga/secret"
	"brygga/storage"
)

// accountPages are those of the operator's own account.
func accountPages() []page {
	return []page{
		{pattern: "GET /account", handle: showAccount},
		{pattern: "POST /account/send-confirmation", handle: sendConfirmation},
		{pattern: "POST /account/language", handle: chooseOwnLanguage},
		{pattern: "GET /account/email", handle: askEmail, own: true},
		{pattern: "POST /account/email", handle: changeEmail, own: true},
		{pattern: "GET /account/password", handle: askPassword, own: true},
		{pattern: "POST /account/password", handle: changePassword, own: true},
		{pattern: "POST /account/sessions/end", handle: endSession},
		{pattern: "POST /account/sessions/end-others", handle: endOthers},
		{pattern: "POST /account/sessions/end-all", handle: endAll},
		{pattern: "POST /account/app", handle: beginApp, own: true},
		{pattern: "POST /account/app/confirm", handle: confirmApp, own: true},
		{pattern: "POST /account/app/remove", handle: removeApp, own: true},
		{pattern: "GET /account/passkeys/new", handle: askPasskey, own: true},
		{pattern: "POST /account/passkeys", handle: addPasskey, own: true},
		{pattern: "POST /account/passkeys/remove", handle: removePasskey, own: true},
		{pattern: "POST /account/recovery", handle: newRecoveryCodes, own: true},
	}
}

func showAccount(v *visit) error {
	return v.show(v.text("account.title"), accountBody(v, newForm("language", v.session.Operator.Language)))
}

func (v *visit) toAccount(key string) error { return v.leave(at("account"), key) }

func sendConfirmation(v *visit) error {
	if err := v.Accounts.AskConfirmation(v, v.session); err != nil {
		return err
	}
	return v.toAccount("account.confirm.sent")
}

// chooseOwnLanguage keeps a language in the account. One that was chosen for this browser alone counts no more.
func chooseOwnLanguage(v *visit) error {
	f := v.form()
	err := v.Accounts.ChooseLanguage(v, v.session, f.get("language"), v.from)
	if v.problems(f, err); f.faulty() {
		return v.refuse(v.text("account.title"), accountBody(v, f))
	}
	if err != nil {
		return err
	}
	v.setCookie(cookieLanguage, "", 0)
	return v.toAccount("account.language.done")
}

func askEmail(v *visit) error {
	return v.show(v.text("account.email.title"), emailBody(v, newForm()))
}

func changeEmail(v *visit) error {
	f := v.form()
	err := v.Accounts.AskEmailChange(v, v.session, secret.New(f.get("email")))
	if v.problems(f, err); f.faulty() {
		return v.refuse(v.text("account.email.title"), emailBody(v, f))
	}
	if err != nil {
		return err
	}
	return v.toAccount("account.email.sent")
}

func askPassword(v *visit) error {
	return v.show(v.text("account.password.title"), passwordBody(v, newForm()))
}

// changePassword sets another password, which ends the other sessions.
func changePassword(v *visit) error {
	f := v.form()
	typed := v.sent.Get("password")
	if typed != v.sent.Get("again") {
		f.fault("again", v.text("password.differs"))
		return v.refuse(v.text("account.password.title"), passwordBody(v, f))
	}
	s, err := v.Accounts.ChangePassword(v, v.session, secret.New(v.sent.Get("before")), secret.New(typed), v.from)
	if errors.Is(err, account.ErrRefused) {
		f.fault("before", v.text("account.password.wrong"))
	}
	if v.problems(f, err); f.faulty() {
		return v.refuse(v.text("account.password.title"), passwordBody(v, f))
	}
	if err != nil {
		return err
	}
	v.keep(s)
	return v.toAccount("account.password.done")
}

func endSession(v *visit) error {
	if err := v.Accounts.EndSession(v, v.session, v.sent.Get("id")); err != nil {
		return err
	}
	return v.toAccount("account.sessions.ended")
}

func endOthers(v *visit) error {
	if err := v.Accounts.LogOutEverywhere(v, v.session, false); err != nil {
		return err
	}
	return v.toAccount("account.sessions.ended")
}

// endAll logs out everywhere, here too.
func endAll(v *visit) error {
	if err := v.Accounts.LogOutEverywhere(v, v.session, true); err != nil {
		return err
	}
	v.setCookie(cookieSession, "", 0)
	return v.leave(at("login"), "login.out")
}

// beginApp shows the secret for an authenticator app.
func beginApp(v *visit) error {
	app, err := v.Accounts.BeginTOTP(v, v.session)
	if errors.Is(err, storage.ErrExists) {
		return v.toAccount("account.app.exists")
	}
	if err != nil {
		return err
	}
	return v.show(v.text("account.app.title"), appBody(v, app, newForm()))
}

// confirmApp takes a first code of the app. A wrong one asks for another, of the same secret.
func confirmApp(v *visit) error {
	f := v.form()
	codes, err := v.Accounts.ConfirmTOTP(v, v.session, f.get("code"))
	if errors.Is(err, account.ErrRefused) {
		f.fault("code", v.text("account.app.wrong"))
		f.forget("code")
		app := v.Accounts.PendingTOTP(v.session)
		if app.Secret.IsZero() {
			return v.toAccount("account.app.again")
		}
		return v.refuse(v.text("account.app.title"), appBody(v, app, f))
	}
	if err != nil {
		return err
	}
	return v.show(v.text("account.codes.title"), codesBody(v, codes))
}

func removeApp(v *visit) error {
	if err := v.Accounts.RemoveTOTP(v, v.session); err != nil {
		return err
	}
	return v.toAccount("account.app.removed")
}

func askPasskey(v *visit) error {
	options, err := v.Accounts.BeginPasskey(v.session)
	if err != nil {
		return err
	}
	return v.show(v.text("account.passkey.title"), passkeyBody(v, options, newForm()))
}

func addPasskey(v *visit) error {
	f := v.form()
	codes, err := v.Accounts.AddPasskey(v, v.session, f.get("label"), []byte(v.sent.Get("response")))
	switch {
	case errors.Is(err, account.ErrRefused):
		f.fault("label", v.text("account.passkey.refused"))
	case errors.Is(err, storage.ErrExists):
		f.fault("label", v.text("account.passkey.exists"))
	}
	if v.problems(f, err); f.faulty() {
		options, err := v.Accounts.BeginPasskey(v.session)
		if err != nil {
			return err
		}
		return v.refuse(v.text("account.passkey.title"), passkeyBody(v, options, f))
	}
	if err != nil {
		return err
	}
	if len(codes) > 0 {
		return v.show(v.text("account.codes.title"), codesBody(v, codes))
	}
	return v.toAccount("account.passkey.added")
}

func removePasskey(v *visit) error {
	id, err := base64.RawURLEncoding.DecodeString(v.sent.Get("id"))
	if err != nil {
		return storage.ErrNotFound
	}
	if err := v.Accounts.RemovePasskey(v, v.session, id); err != nil {
		return err
	}
	return v.toAccount("account.passkey.removed")
}

func newRecoveryCodes(v *visit) error {
	codes, err := v.Accounts.NewRecoveryCodes(v, v.session)
	if err != nil {
		return err
	}
	return v.show(v.text("account.codes.title"), codesBody(v, codes))
}

func passkeyID(p storage.Passkey) string { return base64.RawURLEncoding.EncodeToString(p.ID) }

// unused counts the recovery codes that are left.
func unused(o *storage.Operator) (n int) {
	for _, c := range o.Recovery {
		if c.Used.IsZero() {
			n++
		}
	}
	return n
}
