package op

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"brygga/audit"
	"brygga/storage"
)

// newGraceHarness has the grace that an installation has, which the other tests do without.
func newGraceHarness(t *testing.T) *harness {
	h := newHarness(t, func(o *Options) { o.RefreshGrace = 0 })
	h.offline("web")
	h.offline("post")
	h.offline("app")
	return h
}

// over demands that a use of the token is a theft that ends its family, of which live is an access token.
func (h *harness) over(what, token, live string) {
	h.t.Helper()
	h.refused(what, refreshing(token), 400, "invalid_grant")
	if status, _ := h.userinfo(live); status != http.StatusUnauthorized {
		h.t.Errorf("%s: the family lives on", what)
	}
	if !h.recorded(audit.TokenReused) {
		h.t.Errorf("%s: not recorded", what)
	}
}

func (h *harness) recorded(kind audit.Type) bool {
	events, err := h.store.AuditEvents(h.t.Context(), time.Time{}, time.Now().Add(240*time.Hour), 1000)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, e := range events {
		if e.Type == string(kind) {
			return true
		}
	}
	return false
}

// Four workers of one app refresh at once: all are answered, and whichever of the answers the app keeps goes on.
func TestRefreshesAtOnce(t *testing.T) {
	for keep := range 4 {
		h := newGraceHarness(t)
		first := h.grantTokens(offlineScopes, nil)
		answers := make([]tokens, 4)
		var work sync.WaitGroup
		for i := range answers {
			work.Go(func() { answers[i] = decode(t, h.do(refreshing(first.RefreshToken))) })
		}
		work.Wait()
		next := h.ok(refreshing(answers[keep].RefreshToken))
		seen := map[string]bool{}
		for i, a := range append(answers, first, next) {
			if status, _ := h.userinfo(a.AccessToken); status != http.StatusOK || seen[a.AccessToken] {
				t.Errorf("answer %d: %+v, userinfo %d", i, a, status)
			}
			seen[a.AccessToken] = true
		}
		h.ok(refreshing(next.RefreshToken))
		if h.recorded(audit.TokenReused) {
			t.Error("a theft is recorded")
		}
	}
}

// The answer may be lost with the server that gave it: the one that comes after it gives it again.
func TestLostAnswerIsGivenAgain(t *testing.T) {
	h := newGraceHarness(t)
	first := h.grantTokens(offlineScopes, nil)
	lost := h.ok(refreshing(first.RefreshToken))
	h.move(DefaultRefreshGrace - time.Second)
	var err error
	if h.Provider, err = New(h.options); err != nil {
		t.Fatal(err)
	}
	again := h.ok(refreshing(first.RefreshToken, "scope", "openid"))
	if again.RefreshToken != lost.RefreshToken || again.AccessToken == lost.AccessToken || again.Scope != "openid" || again.IDToken == "" {
		t.Errorf("%+v, then %+v", lost, again)
	}
	h.refused("more than was granted", refreshing(first.RefreshToken, "scope", "openid "+numberScope), 400, "invalid_scope")
	whole := h.ok(refreshing(again.RefreshToken))
	if whole.Scope != "openid profile offline_access" {
		t.Errorf("scope %q", whole.Scope)
	}
	h.over("once more, when the next is used", first.RefreshToken, whole.AccessToken)
}

// A theft is still known as one: after the grace, of a token before last, and once the token that followed is used.
func TestTheftsWithinAGrace(t *testing.T) {
	h := newGraceHarness(t)
	late := h.grantTokens(offlineScopes, nil)
	next := h.ok(refreshing(late.RefreshToken))
	h.move(DefaultRefreshGrace)
	h.over("after the grace", late.RefreshToken, next.AccessToken)
	h.refused("what followed it", refreshing(next.RefreshToken), 400, "invalid_grant")

	h = newGraceHarness(t)
	old := h.grantTokens(offlineScopes, nil)
	last := h.ok(refreshing(h.ok(refreshing(old.RefreshToken)).RefreshToken))
	h.over("a token before last", old.RefreshToken, last.AccessToken)
	h.refused("the last one", refreshing(last.RefreshToken), 400, "invalid_grant")
}

// Who is not the client gets nothing of the grace, and ends nothing.
func TestGraceIsTheClientsOwn(t *testing.T) {
	h := newGraceHarness(t)
	first := h.grantTokens(offlineScopes, nil)
	next := h.ok(refreshing(first.RefreshToken))
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first.RefreshToken}}
	h.refused("another client", asPost("/token", form), 400, "invalid_grant")
	h.refused("no secret", formRequest("/token", with(form, "client_id", "web")), 401, "invalid_client")
	form.Del("client_id")
	public := formRequest("/token", form)
	public.SetBasicAuth("app", "")
	h.refused("a public client", public, 400, "invalid_grant")
	h.ok(refreshing(next.RefreshToken))
}

// A public client proves nothing: whoever comes second may be the thief (RFC 9700 §4.14.2), whatever its registration says.
func TestPublicClientsHaveNoGrace(t *testing.T) {
	for _, rotation := range []string{"", storage.RefreshKeep} {
		h := newGraceHarness(t)
		h.change("app", func(c *storage.Client) { c.RefreshRotation = rotation })
		const back = "http://127.0.0.1/callback"
		as := func(form url.Values) *http.Request { return formRequest("/token", with(form, "client_id", "app")) }
		first := h.ok(as(url.Values{
			"grant_type": {"authorization_code"}, "code": {h.code(params("app", back, "scope", "openid offline_access", "prompt", "consent"))},
			"redirect_uri": {back}, "code_verifier": {verifier},
		}))
		refresh := func(token string) *http.Request {
			return as(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
		}
		next := h.ok(refresh(first.RefreshToken))
		if next.RefreshToken == first.RefreshToken {
			t.Errorf("%q: the token is kept", rotation)
		}
		h.refused("twice", refresh(first.RefreshToken), 400, "invalid_grant")
		h.refused("the next one", refresh(next.RefreshToken), 400, "invalid_grant")
		if !h.recorded(audit.TokenReused) {
			t.Error("not recorded")
		}
	}
}

// A client that is registered so keeps one refresh token, until it is unused for too long or the grant ends.
func TestKeptRefreshTokens(t *testing.T) {
	h := newGraceHarness(t)
	h.change("web", func(c *storage.Client) { c.RefreshRotation = storage.RefreshKeep })
	first := h.grantTokens(offlineScopes, nil)
	for range 5 {
		h.move(DefaultRefreshIdle - time.Second)
		if next := h.ok(refreshing(first.RefreshToken)); next.RefreshToken != first.RefreshToken || next.AccessToken == first.AccessToken {
			t.Errorf("%+v", next)
		}
	}
	last := h.ok(refreshing(first.RefreshToken))
	h.move(DefaultRefreshIdle)
	h.refused("unused for too long", refreshing(first.RefreshToken), 400, "invalid_grant")

	rotating := h.grantTokens(offlineScopes, nil)
	h.ok(refreshing(rotating.RefreshToken))
	h.change("web", func(c *storage.Client) { c.RefreshRotation = storage.RefreshRotate })
	next := h.ok(refreshing(rotating.RefreshToken))
	h.move(DefaultRefreshGrace)
	h.over("twice, when it rotates again", rotating.RefreshToken, next.AccessToken)
	if last.RefreshToken == rotating.RefreshToken {
		t.Error("two grants have one refresh token")
	}
}

// Nobody can make the token that follows out of the one that is used: it takes our key, and the time to the microsecond.
func TestSuccessorsAreUnforeseeable(t *testing.T) {
	h, token := newGraceHarness(t), storage.NewToken()
	other := newHarness(t, func(o *Options) { o.SubjectKey = []byte(strings.Repeat("another", 5)) })
	at := h.now()
	made := h.successor(token, at)
	if len(made) != storage.TokenLength || made != h.successor(token, at) {
		t.Errorf("%q is no token", made)
	}
	for name, differs := range map[string]string{
		"key": other.successor(token, at), "time": h.successor(token, at.Add(time.Microsecond)), "token": h.successor(storage.NewToken(), at),
	} {
		if differs[6:] == made[6:] {
			t.Errorf("another %s makes the same token", name)
		}
	}
}
