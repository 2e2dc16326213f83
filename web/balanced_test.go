package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"brygga/audit"
	"brygga/login"
	"brygga/storage"
)

// Under the balanced policy a login on this device is answered without the return, but only to a browser that still has
// the device cookie of the one that started.
func TestBalancedReturnNeedsTheDeviceCookie_T04(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, func(s *settings) { s.engine.Policy = storage.Policy{Return: storage.ReturnBalanced} }).browser(iPhone)
	path := b.begin("app")
	order := b.open(path)
	without, events := b.without("-device"), b.without("-device").listen(path)
	b.sign(order)
	b.await(path, "complete")
	without.await(path, "await-return")
	if answer := without.post(path + "/done"); answer.location != path {
		t.Errorf("done without the device cookie = %d to %q, want 303 to the page", answer.status, answer.location)
	}
	if u := events.until("await-return"); u.View != "await-return" {
		t.Errorf("the stream shows %q", u.View)
	}
	if answer := b.post(path + "/done"); answer.location != callback+"/app?code=code-app" {
		t.Errorf("done leads to %q", answer.location)
	}
	before := b.login(path).Code
	if answer := without.post(path + "/done"); answer.location != path || b.login(path).Code != before {
		t.Errorf("done again without the device cookie = %d to %q, want 303 to the page and the code as it was", answer.status, answer.location)
	}
	if page := without.get(path); page.has(path + "/done") {
		t.Error("without the device cookie the answer is offered again")
	}
	if n := b.audits(audit.ReturnWaived); n != 1 {
		t.Errorf("%d waived returns in the audit log, want 1", n)
	}
}

// What the policy refuses has a page with a way back, no new try where it would be somebody else's BankID, and no identity.
func TestRefusedResultShowsAPage_T16(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, func(s *settings) { s.engine.Policy = storage.Policy{MinimumAge: 120} }).browser(iPhone)
	path := b.begin("app")
	b.sign(b.scan(path))
	b.await(path, "failed-tooYoung")
	if l := b.login(path); l.Failure.Reason != login.ReasonTooYoung || l.Identity != nil {
		t.Errorf("login failed with %q", l.Failure.Reason)
	}
	if page := b.get(path); strings.Contains(page.body, path+"/start") || !strings.Contains(page.body, path+"/leave") {
		t.Errorf("a new try, or no way back, from:\n%s", page.body)
	}
}

// without returns the browser as it is when it has lost the cookie whose name ends so.
func (b *browser) without(suffix string) *browser {
	b.t.Helper()
	address, err := url.Parse(b.url)
	must(b.t, err)
	other, lost := b.house.browser(b.agent), false
	var kept []*http.Cookie
	for _, cookie := range b.http.Jar.Cookies(address) {
		if strings.HasSuffix(cookie.Name, suffix) {
			lost = true
		} else {
			kept = append(kept, cookie)
		}
	}
	if !lost {
		b.t.Fatalf("no cookie ends in %s", suffix)
	}
	other.http.Jar.SetCookies(address, kept)
	return other
}
