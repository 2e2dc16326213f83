package web_test

import (
	"net/http/cookiejar"
	"net/url"
	"testing"

	"brygga/audit"
	"brygga/storage"
)

// Every way back from the BankID app ends on a page that says what to do. Each case has approved an order on the phone that
// shows the page, and tells what the return address shows then, and what the login is.
func TestReturns_U10_T05(t *testing.T) {
	t.Parallel()
	type visit struct {
		*browser
		path, returnTo string
	}
	for _, tt := range []struct {
		name string
		come func(t *testing.T, v visit) page
		view string
		has  []string
		want storage.LoginState
	}{
		{"in the same tab", func(t *testing.T, v visit) page { return v.follow(v.returnTo) },
			"complete", []string{"/done"}, storage.LoginComplete},
		{"in a new tab: the one before leaves the rest to it", func(t *testing.T, v visit) page {
			before := v.listen(v.path)
			before.until("await-return")
			fresh := v.follow(v.returnTo)
			if u := before.until("other-tab"); u.HTML == "" {
				t.Error("the tab from before is told nothing")
			}
			before.end()
			return fresh
		}, "complete", []string{"/done"}, storage.LoginComplete},
		{"again, by reload", func(t *testing.T, v visit) page { v.follow(v.returnTo); return v.follow(v.returnTo) },
			"complete", []string{"/done"}, storage.LoginComplete},
		{"in another browser", func(t *testing.T, v visit) page { return v.house.browser(iPhone).follow(v.returnTo) },
			"returned-astray", []string{"Gå tillbaka till den första"}, storage.LoginComplete},
		{"in another browser that has a login of its own", func(t *testing.T, v visit) page {
			stranger := v.house.browser(iPhone)
			stranger.begin("other")
			return stranger.follow(v.returnTo)
		}, "returned-astray", nil, storage.LoginComplete},
		{"with the cookies lost", func(t *testing.T, v visit) page {
			jar, err := cookiejar.New(nil)
			must(t, err)
			v.http.Jar = jar
			if p := v.get(v.path); p.status != 404 || !p.has(`data-view="other-browser"`) {
				t.Errorf("without cookies the page itself = %d", p.status)
			}
			return v.follow(v.returnTo)
		}, "returned-astray", nil, storage.LoginComplete},
		{"when all is done", func(t *testing.T, v visit) page {
			v.follow(v.returnTo)
			v.post(v.path + "/done")
			v.redeem(v.path)
			return v.follow(v.returnTo)
		}, "already-done", []string{"https://app.example/"}, storage.LoginAnswered},
		{"when the person has left for the client", func(t *testing.T, v visit) page {
			v.post(v.path + "/leave")
			return v.follow(v.returnTo)
		}, "already-done", []string{"https://app.example/"}, storage.LoginAnswered},
		{"when it was cancelled meanwhile", func(t *testing.T, v visit) page {
			v.post(v.path + "/cancel")
			return v.follow(v.returnTo)
		}, "failed-stopped", []string{"/start", "/leave"}, storage.LoginFailed},
		{"without its nonce", func(t *testing.T, v visit) page { return v.follow(v.path + "/return") },
			"await-return", []string{"/start", "/cancel"}, storage.LoginComplete},
		{"with a nonce of somebody's own", func(t *testing.T, v visit) page { return v.follow(v.path + "/return?n=guessed") },
			"failed-unusable", []string{"/start", "/leave"}, storage.LoginFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, shared, nil)
			b := h.browser(iPhone)
			path := b.begin("app")
			order := b.sign(b.open(path))
			b.await(path, "await-return")
			address, err := url.Parse(*order.ReturnURL)
			must(t, err)
			got := tt.come(t, visit{b, path, address.RequestURI()})
			if !got.has(`data-view="`+tt.view+`"`) || !got.has(tt.has...) {
				t.Errorf("the page is %d, want %s with %q:\n%s", got.status, tt.view, tt.has, got.body)
			}
			if tt.view == "returned-astray" && (got.status != 404 || got.has("Appen") || got.has(path+"/")) {
				t.Errorf("a stranger is told of the login: %d\n%s", got.status, got.body)
			}
			if l := h.login(path); l.State != tt.want {
				t.Errorf("the login is %s, want %s", l.State, tt.want)
			}
			if astray := tt.view == "returned-astray"; astray && h.audits(audit.BindingRefused) == 0 {
				t.Error("no audit event tells of the stranger")
			}
		})
	}
}

// follow opens an address and the page that it leads to.
func (b *browser) follow(path string) page {
	b.t.Helper()
	p := b.get(path)
	for p.location != "" {
		p = b.get(p.location)
	}
	return p
}
