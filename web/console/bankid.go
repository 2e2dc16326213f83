package console

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"brygga/account"
	"brygga/secret"
	"brygga/storage"
)

// ErrNotIdentified means that nobody was identified: the person gave up, or what came back does not belong to what was begun.
var ErrNotIdentified = errors.New("console: nobody was identified")

// Identifier has operators identify themselves with BankID on the public site.
type Identifier interface {
	// Begin returns where to send the browser, and what it must keep until it comes back.
	Begin(lang string) (address string, keep secret.String, err error)
	// Finish returns who was identified just now, by what was kept and the query that the browser has come back with, or ErrNotIdentified.
	Finish(ctx context.Context, kept secret.String, query url.Values) (storage.Identity, error)
}

// cookieBankID keeps a login by BankID that is under way.
const cookieBankID = "-bankid"

// bankIDLife is how long that may take.
const bankIDLife = 10 * time.Minute

// keptBankID is what the cookie holds.
type keptBankID struct {
	Kept, Next string
	// Raise says that it is a proof in a session, and no login.
	Raise bool
}

// beginBankID sends the browser to the public site: to log in, or in a session to prove anew who is in it. The cookie comes back from there, so it is
// SameSite=Lax, unlike the session's; it is good for nothing but this.
func beginBankID(v *visit) error {
	if v.BankID == nil {
		return storage.ErrNotFound
	}
	address, kept, err := v.BankID.Begin(v.lang)
	if err != nil {
		return err
	}
	to := onwardOf(v.sent)
	if to.own != "" {
		return storage.ErrStepUp // which BankID is not enough for
	}
	text, err := json.Marshal(keptBankID{kept.Reveal(), to.next, v.session != nil})
	if err != nil {
		return err
	}
	http.SetCookie(v.w, &http.Cookie{
		Name: v.cookieName(cookieBankID), Value: base64.RawURLEncoding.EncodeToString(text), Path: "/", MaxAge: int(bankIDLife / time.Second),
		Secure: v.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	return v.leave(address, "")
}

// returnFromBankID takes the browser that comes back. Other sites have sent it here, so the browser has left out the session's cookie: the
// page that is shown asks for the next by itself, which has it.
func returnFromBankID(v *visit) error {
	next := at("login", "bankid", "finish") + "?" + v.r.URL.Query().Encode()
	v.askAgain(next)
	return nil
}

func finishBankID(v *visit) error {
	var kept keptBankID
	text, err := base64.RawURLEncoding.DecodeString(v.cookie(cookieBankID))
	if err != nil || json.Unmarshal(text, &kept) != nil || v.BankID == nil {
		return v.notIdentified(kept)
	}
	v.setCookie(cookieBankID, "", 0)
	identity, err := v.BankID.Finish(v, secret.New(kept.Kept), v.r.URL.Query())
	if errors.Is(err, ErrNotIdentified) {
		return v.notIdentified(kept)
	}
	if err != nil {
		return err
	}
	if kept.Raise {
		return v.raiseByBankID(identity, kept)
	}
	s, err := v.Accounts.LogInByBankID(v, identity, v.from)
	if errors.Is(err, account.ErrRefused) {
		return v.notIdentified(kept)
	}
	if err != nil {
		return err
	}
	return v.loggedIn(s, ours(kept.Next))
}

// raiseByBankID takes the proof in the session that asked for it.
func (v *visit) raiseByBankID(identity storage.Identity, kept keptBankID) error {
	if v.session == nil {
		return account.ErrNoSession
	}
	s, err := v.Accounts.StepUpByBankID(v, v.token(), identity, v.from)
	if errors.Is(err, account.ErrRefused) {
		return v.notIdentified(kept)
	}
	if err != nil {
		return err
	}
	v.keep(s)
	return v.leave(ours(kept.Next), "")
}

// notIdentified leads back to where it was begun.
func (v *visit) notIdentified(kept keptBankID) error {
	page := "login"
	if kept.Raise {
		page = "step-up"
	}
	return v.leave(withNext(at(page), ours(kept.Next)), "bankid.refused")
}
