package console

import (
	"errors"
	"net/http"
	"net/url"

	"brygga/account"
	"brygga/secret"
	"brygga/storage"
)

// linkPages are those that the links of mail and of the command line lead to, and those that ask for such a link. A GET changes nothing, as programs
// open the links of mail too.
func linkPages() []page {
	all := []page{
		{pattern: "GET /forgotten", handle: askForgotten, access: anybody},
		{pattern: "POST /forgotten", handle: forgotten, access: anybody},
		{pattern: "GET /forgotten/name", handle: askForgottenName, access: anybody},
		{pattern: "POST /forgotten/name", handle: forgottenName, access: anybody},
	}
	for _, purpose := range []storage.Purpose{storage.LinkBootstrap, storage.LinkInvite, storage.LinkReset} {
		l := link{purpose, true}
		all = append(all, page{pattern: "GET /account/" + string(purpose), handle: l.ask, access: anybody},
			page{pattern: "POST /account/" + string(purpose), handle: l.setPassword, access: anybody})
	}
	for _, purpose := range []storage.Purpose{storage.LinkConfirm, storage.LinkEmailChange} {
		l := link{purpose, false}
		all = append(all, page{pattern: "GET /account/" + string(purpose), handle: l.ask, access: anybody},
			page{pattern: "POST /account/" + string(purpose), handle: l.confirm, access: anybody})
	}
	return all
}

// link is what a link of that purpose leads to: a form for a password, or a button.
type link struct {
	purpose  storage.Purpose
	password bool
}

// title is the heading of its page.
func (l link) title(v *visit) string { return v.text("link." + string(l.purpose)) }

func (l link) ask(v *visit) error {
	token := secret.New(v.r.URL.Query().Get("token"))
	o, err := v.Accounts.LookLink(v, l.purpose, token)
	if err != nil {
		return v.deadLink(err)
	}
	return v.show(l.title(v), linkBody(v, l, o, token, newForm()))
}

// deadLink is the page of a link that does not work; other errors are returned.
func (v *visit) deadLink(err error) error {
	if !errors.Is(err, account.ErrLink) {
		return err
	}
	return v.send(http.StatusGone, v.text("link.dead"), deadLinkBody(v))
}

// setPassword sets the password of the form by the link.
func (l link) setPassword(v *visit) error {
	f, token := v.form(), secret.New(v.sent.Get("token"))
	o, err := v.Accounts.LookLink(v, l.purpose, token)
	if err != nil {
		return v.deadLink(err)
	}
	typed := v.sent.Get("password")
	if typed != v.sent.Get("again") {
		f.fault("again", v.text("password.differs"))
	} else if l.purpose == storage.LinkReset {
		_, err = v.Accounts.Reset(v, token, secret.New(typed))
	} else {
		_, err = v.Accounts.Accept(v, l.purpose, token, secret.New(typed))
	}
	if v.problems(f, err); f.faulty() {
		return v.refuse(l.title(v), linkBody(v, l, o, token, f))
	}
	if err != nil {
		return v.deadLink(err)
	}
	return v.leave(at("login"), "link."+string(l.purpose)+".done")
}

func (l link) confirm(v *visit) error {
	_, err := v.Accounts.Confirm(v, l.purpose, secret.New(v.sent.Get("token")))
	if errors.Is(err, storage.ErrExists) {
		return v.send(http.StatusConflict, v.text("link.dead"), deadLinkBody(v))
	}
	if err != nil {
		return v.deadLink(err)
	}
	return v.leave(at("account"), "link.confirmed")
}

// problems adds what is wrong with what was asked for of accounts, each beside its field.
func (v *visit) problems(f *form, err error) {
	problems, _ := errors.AsType[account.Problems](err)
	for _, p := range problems {
		f.fault(p.Field, v.text("problem."+p.Field+"."+p.Problem))
	}
}

func askForgotten(v *visit) error {
	return v.show(v.text("forgotten.title"), forgottenBody(v, newForm()))
}

// forgotten sends a link for another password. The answer is the same whether or not there is such an account.
func forgotten(v *visit) error {
	f := v.form()
	err := v.Accounts.Forgotten(v, f.get("user"), v.from)
	if v.refused(f, "user", err) {
		return v.refuse(v.text("forgotten.title"), forgottenBody(v, f))
	}
	if err != nil {
		return err
	}
	return v.leave(at("login"), "forgotten.sent")
}

func askForgottenName(v *visit) error {
	return v.show(v.text("forgotten.name.title"), forgottenNameBody(v, newForm()))
}

// forgottenName sends the user name to an address, with the same answer for every address.
func forgottenName(v *visit) error {
	f := v.form()
	err := v.Accounts.ForgottenName(v, f.get("email"), v.from)
	if v.refused(f, "email", err) {
		return v.refuse(v.text("forgotten.name.title"), forgottenNameBody(v, f))
	}
	if err != nil {
		return err
	}
	return v.leave(at("login"), "forgotten.name.sent")
}

// withNext is the address of a login page that leads on.
func withNext(address, next string) string { return address + "?next=" + url.QueryEscape(next) }
