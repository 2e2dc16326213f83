package web_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"brygga/storage"
)

var (
	shownView  = regexp.MustCompile(`data-view="([^"]+)"`)
	shownForm  = regexp.MustCompile(`(?s)<form method="post" action="([^"]+)"[^>]*>(.*?)</form>`)
	shownField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)
)

// shownForms returns the forms of a page that lead on, in their order: each the last part of its address, with what it sends.
func shownForms(body string) (forms []tabForm) {
	for _, found := range shownForm.FindAllStringSubmatch(body, -1) {
		form := tabForm{to: found[1][strings.LastIndexByte(found[1], '/')+1:], values: url.Values{}}
		for _, field := range shownField.FindAllStringSubmatch(found[2], -1) {
			form.values.Set(field[1], html.UnescapeString(field[2]))
		}
		forms = append(forms, form)
	}
	return forms
}

// tabForm is a form of a page.
type tabForm struct {
	to     string // "start", "cancel", "leave" or "done"
	values url.Values
}

// reload loads the page of a browser's login into one of its tabs, as a reload, a new tab and a way back through the history do, and
// returns its view. It holds the page against the login: nothing happens to it, the page is what a page that listens is told, and it
// leads on.
func (w *walk) reload(who, tab int) string {
	b := w.browsers[who]
	orders, before := w.service.made(), w.login(b.path)
	answer := w.send(who, "GET", b.path, "")
	body := answer.Body.String()
	b.tabs[tab] = body
	view := ""
	if found := shownView.FindStringSubmatch(body); found != nil {
		view = found[1]
	}
	part, _, _ := strings.Cut(view, ".")
	w.reached["page "+part]++
	after := w.login(b.path)
	switch told := w.update(who).View; {
	case view == "" || view != told:
		w.blame("the page of browser %d is %d %q, and a page that listens is told of %q", who, answer.Code, view, told)
	case w.service.made() != orders || after.State != before.State || after.Orders != before.Orders:
		w.blame("a reload in browser %d makes of %s, order %d: %s, order %d", who, before.State, before.Orders, after.State, after.Orders)
	case !strings.Contains(body, "data-live") && !strings.Contains(body, `class="button"`):
		w.blame("the page %s of browser %d leads nowhere", view, who)
	}
	return view
}

// press presses one of the buttons of a tab, whatever has become of the login since the tab was loaded, and follows to where it leads.
func (w *walk) press(who, tab, button int, slow time.Duration) {
	if w.browsers[who].tabs[tab] == "" {
		w.reload(who, tab)
	}
	if forms := shownForms(w.browsers[who].tabs[tab]); len(forms) > 0 {
		w.submit(who, tab, forms[button%len(forms)], slow)
	}
}

// submit sends a form of a browser's tab.
func (w *walk) submit(who, tab int, form tabForm, slow time.Duration) {
	b := w.browsers[who]
	if form.to == "start" {
		w.service.clicked(click{who, form.values.Get("device"), w.addresses[who], slow})
	}
	answer := w.send(who, "POST", b.path+"/"+form.to, form.values.Encode())
	leads := answer.Header().Get("Location")
	switch {
	case answer.Code >= 400 && answer.Code != http.StatusTooManyRequests && answer.Code != http.StatusConflict:
		w.blame("%s in browser %d is answered by %d", form.to, who, answer.Code)
	case form.to == "leave" && strings.HasPrefix(leads, callback):
		b.left = true
		w.reached["left"]++
	case form.to == "cancel":
		b.cancelled = time.Now()
	}
	if leads == b.path && w.fault == "" {
		w.reload(who, tab)
	}
}

// arrive lets the person at a browser do what its page says, after all that has happened: with an app at hand they come back to the
// client, logged in or not.
func (w *walk) arrive(who int) {
	for range 12 {
		view := w.reload(who, 0)
		if w.fault != "" || w.login(w.browsers[who].path).State == storage.LoginAnswered {
			return
		}
		n, framed := w.framed(who)
		switch forms := shownForms(w.browsers[who].tabs[0]); {
		case view == "qr-wait" && framed:
			if w.service.pickUp(n, "qr") {
				w.held[who] = n
				w.step(step{do: "approve", who: who, risk: "low"})
			}
		case len(forms) > 0:
			w.submit(who, 0, forms[wayOn(forms)], 0)
		}
		time.Sleep(3 * time.Second)
	}
	w.blame("the person at browser %d does not get on from %s", who, w.reload(who, 0))
}

// wayOn returns which of the forms a person presses who has another device at hand.
func wayOn(forms []tabForm) int {
	for _, wanted := range []func(tabForm) bool{
		func(f tabForm) bool { return f.to == "done" },
		func(f tabForm) bool { return f.values.Get("device") == storage.DeviceOther },
	} {
		if i := slices.IndexFunc(forms, wanted); i >= 0 {
			return i
		}
	}
	return 0
}
