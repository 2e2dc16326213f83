package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"brygga/storage"
)

const iPadAsMac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15"

// first returns the device that a page offers first.
func (p page) first() string {
	_, rest, _ := strings.Cut(p.body, `name="device" value="`)
	device, _, _ := strings.Cut(rest, `"`)
	return device
}

// U-13: the person's last completed choice comes first the next time; one that was only tried does not.
func TestChoiceIsRemembered_U13(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, nil).browser(iPhone)
	path := b.begin("app")
	if p := b.get(path); p.first() != "this" {
		t.Errorf("a phone is offered %q first", p.first())
	}
	order := b.scan(path)
	if p := b.get(b.begin("other")); p.first() != "this" {
		t.Errorf("a choice that was not completed is offered first: %q", p.first())
	}
	b.sign(order)
	b.await(path, "complete")
	b.post(path + "/done")
	if p := b.get(b.begin("app")); p.first() != "other" || !p.has("som förra gången") {
		t.Errorf("after a login by QR code a phone is offered %q first", p.first())
	}
	// The browser's word is not taken for more than it is.
	b.http.Jar.SetCookies(mustURL(t, b.url), []*http.Cookie{{Name: "brygga-choice", Value: "<b>"}})
	if p := b.get(b.begin("app")); p.first() != "this" || p.has("<b>\"") {
		t.Errorf("with a broken cookie a phone is offered %q first", p.first())
	}
}

// U-13: an iPad that calls itself a Mac becomes a tablet once its script has told how many fingers it feels.
func TestTabletByTouchPoints_U13(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, nil).browser(iPadAsMac)
	path := b.begin("app")
	if u := b.status(path); u.View != "choose" || !strings.Contains(u.HTML, "den här datorn") {
		t.Errorf("without touch points the page shows %q", u.View)
	}
	if u := b.status(path + "/status?touch_points=5"); u.View != "choose.tablet" || !strings.Contains(u.HTML, "den här surfplattan") {
		t.Errorf("with touch points the page shows %q", u.View)
	}
	b.post(path+"/start", "device", "this", "touch_points", "5")
	if p := b.get(path); !p.has(`href="https://app.bankid.com/`) {
		t.Errorf("an iPad is given another link:\n%s", p.body)
	}
}

// U-14: from every waiting state the person can change to the other device, also when the approval never came back to this
// browser. The order before is void then.
func TestChangeOfDevice_U14(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, nil).browser(iPhone)
	path := b.begin("app")
	b.post(path+"/start", "device", "this")
	b.await(path, "app-wait")
	b.post(path+"/start", "device", "other")
	b.await(path, "qr-wait")
	b.scan(path)
	b.await(path, "confirm")
	order := b.open(path)
	b.sign(order)
	b.await(path, "await-return")
	if answer := b.post(path+"/start", "device", "other"); answer.location != path {
		t.Fatalf("start = %d to %q", answer.status, answer.location)
	}
	b.await(path, "qr-wait")
	// Coming back now with the old order's nonce is too late, and voids what was started in its place.
	back, err := url.Parse(*order.ReturnURL)
	must(t, err)
	b.get(back.RequestURI())
	if l := b.login(path); l.State == storage.LoginComplete || l.Answerable() {
		t.Errorf("the old order's return made the login %s", l.State)
	}
}
