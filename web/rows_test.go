package web_test

import (
	"net/http"
	"strings"
	"testing"

	"brygga/bankid/bankidsim"
)

// TestReturnURLIsOurs_T03: whatever the page, its address or the client says, the app is told our own return address, and the
// page goes nowhere else.
func TestReturnURLIsOurs_T03(t *testing.T) {
	t.Parallel()
	const evil = "https://evil.example/"
	b := newHouse(t, shared, nil).browser(iPhone)
	path := b.get("/authorize?client_id=app&state=app&returnUrl=" + evil + "&redirect=" + evil).location
	forged := []string{"device", "this"}
	for _, name := range []string{"returnUrl", "return_url", "redirect", "redirect_uri", "next"} {
		forged = append(forged, name, evil)
	}
	b.get(path + "?redirect=" + evil + "&returnUrl=" + evil)
	if answer := b.post(path+"/start", forged...); answer.location != path {
		t.Errorf("start leads to %q", answer.location)
	}
	launch := link(t, b.get(path+"?redirect="+evil).body)
	order, err := b.peer.Open(bankidsim.Pickup{URL: launch, PersonalNumber: b.peer.person(t)})
	must(t, err)
	order = b.sign(order)
	if order.ReturnURL == nil || !strings.HasPrefix(*order.ReturnURL, b.url+path+"/return?n=") || strings.Contains(launch, "evil") {
		t.Fatalf("the app was told to return to %v", order.ReturnURL)
	}
	if back := b.get(*order.ReturnURL + "&redirect=" + evil); back.location != path {
		t.Errorf("the return leads to %q", back.location)
	}
	b.await(path, "complete")
	if answer := b.post(path+"/done", forged...); answer.location != callback+"/app?code=code-app" {
		t.Errorf("done leads to %q", answer.location)
	}
}

// TestNoOrderForAPersonalNumber_T12: the page takes no personal number: an order that was asked for with one is an ordinary
// one, for whoever scans it, and a victim's own order lives on.
func TestNoOrderForAPersonalNumber_T12(t *testing.T) {
	t.Parallel()
	h := newHouse(t, shared, nil)
	victim, attacker := h.browser(windowsPC), h.browser(windowsPC)
	victimPath := victim.begin("app")
	victimOrder := victim.scan(victimPath)
	path := attacker.begin("app")
	form := []string{"device", "other"}
	for _, name := range []string{"personalNumber", "personal_number", "pno", "login_hint"} {
		form = append(form, name, victimOrder.PersonalNumber)
	}
	attacker.post(path+"/start?personalNumber="+victimOrder.PersonalNumber, form...)
	attacker.await(path, "qr-wait")
	order, err := h.peer.Order(h.login(path).Order.Ref.Reveal())
	must(t, err)
	if order.Kind != bankidsim.KindAuth || order.PersonalNumber != "" || !h.login(path).Request.RequiredPersonalNumber.IsZero() {
		t.Errorf("the order is of kind %s, and for a person: %t", order.Kind, order.PersonalNumber != "")
	}
	somebody, err := h.peer.Scan(bankidsim.Pickup{OrderRef: order.OrderRef, PersonalNumber: h.peer.person(t)})
	must(t, err)
	attacker.sign(somebody)
	attacker.await(path, "complete")
	victim.sign(victimOrder)
	victim.await(victimPath, "complete")
}

// TestStatusCanBePolled_RowA5: a page that gets no events learns all from one address: state, words, time left and frame.
func TestStatusCanBePolled_RowA5(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, nil).browser(windowsPC)
	path := b.begin("app")
	b.post(path+"/start", "device", "other")
	b.await(path, "qr-wait")
	waiting := b.status(path)
	if waiting.Title == "" || !strings.Contains(waiting.HTML, "Skanna") || waiting.QR == "" || waiting.Seconds == nil || *waiting.Seconds <= 0 {
		t.Errorf("waiting: %+v", waiting)
	}
	order := b.scan(path)
	b.await(path, "confirm")
	if got := b.status(path); got.QR != "" || got.HTML == waiting.HTML || got.Title == waiting.Title {
		t.Errorf("picked up: %+v", got)
	}
	if answer := b.get(path + "/status"); answer.status != http.StatusOK || answer.header.Get("Cache-Control") != "no-store" {
		t.Errorf("status = %d, cache %q", answer.status, answer.header.Get("Cache-Control"))
	}
	b.sign(order)
	b.await(path, "complete")
}

// TestClientIsTheStoredOne_RowA15: what a page sends names no client. Another one's words, address and answer cannot be had.
func TestClientIsTheStoredOne_RowA15(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, nil).browser(windowsPC)
	path := b.begin("app")
	forged := []string{"device", "other", "client_id", "other", "redirect_uri", callback + "/other", "state", "other"}
	b.post(path+"/start?client_id=other", forged...)
	b.await(path, "qr-wait")
	if p := b.get(path + "?client_id=other"); !p.has("Appen") || p.has("Andra") {
		t.Error("the page shows the client of the request's own choice")
	}
	order, err := b.peer.Scan(bankidsim.Pickup{OrderRef: b.login(path).Order.Ref.Reveal(), PersonalNumber: b.peer.person(t)})
	must(t, err)
	b.sign(order)
	b.await(path, "complete")
	if answer := b.post(path+"/done?client_id=other", forged...); answer.location != callback+"/app?code=code-app" {
		t.Errorf("done leads to %q", answer.location)
	}
}

// TestDeviceIdentifierLasts_U16: BankID gets the same identifier from one browser in each login, and another from another.
func TestDeviceIdentifierLasts_U16(t *testing.T) {
	t.Parallel()
	h := newHouse(t, shared, nil)
	b := h.browser(windowsPC)
	identifier := func(b *browser) string {
		path := b.begin("app")
		answer := b.post(path+"/start", "device", "other")
		for _, c := range (&http.Response{Header: answer.header}).Cookies() {
			if strings.HasSuffix(c.Name, "-device") && c.MaxAge < 300*24*3600 {
				t.Errorf("the cookie is kept for %d s", c.MaxAge)
			}
		}
		starter := h.login(path).Starter()
		if starter.UserAgent != windowsPC {
			t.Errorf("the user agent is %q", starter.UserAgent)
		}
		return starter.DeviceIdentifier
	}
	first, again, other := identifier(b), identifier(b), identifier(h.browser(windowsPC))
	if len(first) < 20 || len(first) > 64 || again != first || other == first {
		t.Errorf("identifiers %q, %q in the same browser, %q in another", first, again, other)
	}
}
