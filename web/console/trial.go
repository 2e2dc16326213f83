package console

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"

	"brygga/account"
	"brygga/admin"
	"brygga/secret"
	"brygga/storage"
)

// Trials has operators try a login to an app on the public site.
type Trials interface {
	// Begin returns where to send the browser, and what it must keep until it comes back.
	Begin(client *storage.Client, lang string) (address string, keep secret.String, err error)
	// Finish returns how the login came out, by what was kept and the query that the browser has come back with, or ErrNotIdentified when that
	// is no answer to what was begun.
	Finish(ctx context.Context, kept secret.String, query url.Values) (*Trial, error)
}

// Trial is what an app would have got.
type Trial struct {
	ClientID     string
	Began, Ended time.Time
	// Error and Description are what the app would have been told, empty for a login that came about.
	Error, Description string
	// Claims are those of the ID token, and Algorithm its signature's; Userinfo is what that answers.
	Claims    map[string]any
	Algorithm string
	Userinfo  map[string]any
}

// cookieTrial keeps a trial that is under way.
const cookieTrial = "-try"

// trialPages are those on which a login to an app is tried.
func trialPages() []page {
	return []page{
		{pattern: "GET /clients/{id}/try", operation: admin.TryClient, handle: askTrial},
		{pattern: "POST /clients/{id}/try", operation: admin.TryClient, handle: beginTrial},
		{pattern: "GET /clients/+try/return", handle: returnFromTrial, access: anybody},
		{pattern: "GET /clients/+try/finish", operation: admin.TryClient, handle: finishTrial},
	}
}

func askTrial(v *visit) error {
	c, err := v.Admin.TryClient(v, v.actor, v.clientID())
	if err != nil {
		return err
	}
	return v.show(nameOf(v, c), trialBody(v, c))
}

func beginTrial(v *visit) error {
	c, err := v.Admin.TryClient(v, v.actor, v.clientID())
	if err != nil {
		return err
	}
	if v.Trials == nil {
		return storage.ErrNotFound
	}
	address, kept, err := v.Trials.Begin(c, v.lang)
	if err != nil {
		return err
	}
	v.setCookie(cookieTrial, kept.Reveal(), bankIDLife)
	return v.leave(address, "")
}

// returnFromTrial takes the browser that comes back, without the cookies that other sites cannot have it send; see returnFromBankID.
func returnFromTrial(v *visit) error {
	v.askAgain(at("clients", "+try", "finish") + "?" + v.r.URL.Query().Encode())
	return nil
}

// finishTrial shows what the app would have got. It lets nobody in: the session is the one that began it.
func finishTrial(v *visit) error {
	kept := v.cookie(cookieTrial)
	v.setCookie(cookieTrial, "", 0)
	if v.session == nil {
		return account.ErrNoSession
	}
	if v.Trials == nil || kept == "" {
		return v.show(v.text("try.over"), trialOver(v))
	}
	trial, err := v.Trials.Finish(v, secret.New(kept), v.r.URL.Query())
	if errors.Is(err, ErrNotIdentified) {
		return v.show(v.text("try.over"), trialOver(v))
	}
	if err != nil {
		return err
	}
	c, err := v.Admin.TryClient(v, v.actor, trial.ClientID)
	if err != nil {
		return err
	}
	return v.show(nameOf(v, c), trialResult(v, c, trial))
}

// rows are claims with their values as JSON has them, by name.
func rows(claims map[string]any) (all [][2]string) {
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		value, isText := claims[name].(string)
		if number, isNumber := claims[name].(float64); isNumber {
			value, isText = strconv.FormatFloat(number, 'f', -1, 64), true
		}
		if !isText {
			text, err := json.Marshal(claims[name])
			if err != nil {
				continue
			}
			value = string(text)
		}
		all = append(all, [2]string{name, value})
	}
	return all
}

// claim returns a claim that is a text, empty where there is none.
func (t *Trial) claim(name string) string {
	text, _ := t.Claims[name].(string)
	return text
}

// authTime is when the person was identified.
func (t *Trial) authTime() time.Time {
	seconds, ok := t.Claims["auth_time"].(float64)
	if !ok {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0)
}

// took is how long the login took in all, in whole seconds.
func (t *Trial) took() int { return int(t.Ended.Sub(t.Began).Seconds()) }
