package op

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"brygga/audit"
	"brygga/storage"
)

var offlineScopes = []string{"openid", "profile", "offline_access"}

func newOfflineHarness(t testing.TB) *harness {
	h := newHarness(t, nil)
	h.offline("web")
	h.offline("post")
	return h
}

func TestRefresh(t *testing.T) {
	h := newOfflineHarness(t)
	first := h.grantTokens(offlineScopes, nil)
	h.move(time.Minute)
	second := h.ok(refreshing(first.RefreshToken))
	if second.RefreshToken == "" || second.RefreshToken == first.RefreshToken || second.AccessToken == first.AccessToken ||
		second.TokenType != "Bearer" || second.ExpiresIn != 600 || second.Scope != "openid profile offline_access" {
		t.Errorf("%+v", second)
	}
	for _, token := range []string{first.AccessToken, second.AccessToken} {
		if status, claims := h.userinfo(token); status != http.StatusOK || claims["name"] != "Åsa Öberg" {
			t.Errorf("userinfo: %d %v", status, claims)
		}
	}
	was, is := payload(t, first.IDToken), payload(t, second.IDToken)
	for _, name := range strings.Fields("iss sub aud azp auth_time acr sid txn personalNumber name birthdate") {
		if is[name] == nil || is[name] != was[name] {
			t.Errorf("%s: %v, was %v", name, is[name], was[name])
		}
	}
	if _, has := is["nonce"]; has || is["iat"].(float64) < was["iat"].(float64)+60 || is["exp"].(float64)-is["iat"].(float64) != 300 {
		t.Errorf("%v", is)
	}
	if half := s256(second.AccessToken); is["at_hash"] == was["at_hash"] || !sameHalf(half, is["at_hash"].(string)) {
		t.Errorf("at_hash %v", is["at_hash"])
	}
	if third := h.ok(refreshing(second.RefreshToken)); third.RefreshToken == second.RefreshToken {
		t.Error("the token does not change")
	}
}

// sameHalf reports whether an at_hash is the left half of a SHA-256, both in base64url: 16 bytes end within a character.
func sameHalf(whole, half string) bool { return len(half) == 22 && whole[:21] == half[:21] }

func TestRefreshTokenOnlyForOfflineGrants(t *testing.T) {
	h := newOfflineHarness(t)
	if answer := h.grantTokens([]string{"openid"}, nil); answer.RefreshToken != "" {
		t.Error("a refresh token without offline_access")
	}
	code, token := h.codeFor(person, offlineScopes, nil), h.grantTokens(offlineScopes, nil).RefreshToken
	h.change("web", func(c *storage.Client) { c.Scopes = []string{"profile"} })
	if answer := h.ok(exchange(code)); answer.RefreshToken != "" {
		t.Error("a refresh token for a client that may not have one any more")
	}
	h.refused("the registration is gone", refreshing(token), 400, "unauthorized_client")
	h.offline("web")
	h.ok(refreshing(token))
}

// A token that comes back was stolen, from the client or by it: nothing of its family works from then on (RFC 9700 §4.14.2).
func TestRefreshTokenReuseEndsTheFamily(t *testing.T) {
	h := newOfflineHarness(t)
	first, other := h.grantTokens(offlineScopes, nil), h.grantTokens(offlineScopes, nil)
	second := h.ok(refreshing(first.RefreshToken))
	// What is wrong with the request otherwise does not hide the reuse.
	r := refreshing(first.RefreshToken, "scope", "openid admin")
	r.RemoteAddr = "192.0.2.7:1234"
	h.refused("reuse", r, 400, "invalid_grant")
	h.refused("the token after it", refreshing(second.RefreshToken), 400, "invalid_grant")
	for _, token := range []string{first.AccessToken, second.AccessToken} {
		if status, _ := h.userinfo(token); status != http.StatusUnauthorized {
			t.Errorf("an access token of the family lives on: %d", status)
		}
	}
	events, err := h.store.AuditEvents(t.Context(), time.Time{}, time.Now().Add(time.Hour), 10)
	if err != nil || len(events) != 1 {
		t.Fatalf("%d audit events, %v", len(events), err)
	}
	fields := events[0].Fields
	if events[0].Type != string(audit.TokenReused) || fields["CLIENT_ID"] != "web" || fields["SOURCE_ADDRESS"] != "192.0.2.7" ||
		fields["CUSTOMER_IDENTIFIER"] != "tag-7" || fields["OBJECT"] == "" {
		t.Errorf("%+v", events[0])
	}
	h.ok(refreshing(other.RefreshToken)) // another family is none of its business
}

func TestRefreshRaces(t *testing.T) {
	h := newOfflineHarness(t)
	token := h.grantTokens(offlineScopes, nil).RefreshToken
	var good, bad atomic.Int32
	var work sync.WaitGroup
	for range 16 {
		work.Go(func() {
			switch w := h.do(refreshing(token)); w.Code {
			case http.StatusOK:
				good.Add(1)
			case http.StatusBadRequest:
				bad.Add(1)
			}
		})
	}
	work.Wait()
	if good.Load() != 1 || bad.Load() != 15 {
		t.Errorf("%d succeeded, %d were refused", good.Load(), bad.Load())
	}
}

func TestRefreshRefuses(t *testing.T) {
	h := newOfflineHarness(t)
	answer := h.grantTokens(offlineScopes, nil)
	token := answer.RefreshToken
	other := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	h.refused("another client", asPost("/token", other), 400, "invalid_grant")
	h.refused("another client that asks for a scope", asPost("/token", with(other, "scope", "admin")), 400, "invalid_grant")
	h.refused("unknown", refreshing(storage.NewToken()), 400, "invalid_grant")
	h.refused("unknown, with a scope", refreshing(storage.NewToken(), "scope", "openid"), 400, "invalid_grant")
	h.refused("an access token", refreshing(answer.AccessToken), 400, "invalid_grant")
	h.refused("none", refreshing(""), 400, "invalid_request")
	h.refused("a scope beyond the grant", refreshing(token, "scope", "openid https://id.oidc.se/scope/naturalPersonNumber"), 400, "invalid_scope")
	h.refused("an unknown scope alone", refreshing(token, "scope", "admin"), 400, "invalid_scope")
	h.refused("a resource that was not granted", refreshing(token, "resource", "https://api.example.se"), 400, "invalid_target")
	if status, _ := h.userinfo(token); status != http.StatusUnauthorized {
		t.Errorf("a refresh token at userinfo: %d", status)
	}
	h.ok(refreshing(token)) // none of these has spent it
}

func TestRefreshNarrows(t *testing.T) {
	h := newOfflineHarness(t)
	h.change("web", func(c *storage.Client) { c.PersonalNumber = false })
	first := h.grantTokens(offlineScopes, nil)
	narrow := h.ok(refreshing(first.RefreshToken, "scope", "openid email openid nonsense"))
	if narrow.Scope != "openid" {
		t.Errorf("scope %q", narrow.Scope)
	}
	if _, claims := h.userinfo(narrow.AccessToken); claims["sub"] == nil || claims["name"] != nil {
		t.Errorf("userinfo: %v", claims)
	}
	if claims := payload(t, narrow.IDToken); claims["name"] != nil {
		t.Errorf("ID token: %v", claims)
	}
	bare := h.ok(refreshing(narrow.RefreshToken, "scope", "profile"))
	if bare.IDToken != "" {
		t.Error("an ID token without openid")
	}
	if status, body := h.userinfo(bare.AccessToken); status != http.StatusForbidden || body["error"] != "insufficient_scope" {
		t.Errorf("userinfo: %d %v", status, body)
	}
	whole := h.ok(refreshing(bare.RefreshToken)) // the refresh token was never narrowed (RFC 6749 §6)
	if _, claims := h.userinfo(whole.AccessToken); claims["name"] == nil {
		t.Errorf("userinfo: %v", claims)
	}
}

func TestRefreshTokensEnd(t *testing.T) {
	h := newOfflineHarness(t)
	idle := h.grantTokens(offlineScopes, nil).RefreshToken
	h.move(DefaultRefreshIdle)
	h.refused("unused for too long", refreshing(idle), 400, "invalid_grant")

	answer := h.grantTokens(offlineScopes, nil)
	for range 11 {
		h.move(DefaultRefreshIdle - time.Minute)
		answer = h.ok(refreshing(answer.RefreshToken))
	}
	h.move(DefaultRefreshIdle - time.Minute) // 12 minutes before the end
	answer = h.ok(refreshing(answer.RefreshToken))
	h.move(7 * time.Minute)
	if answer = h.ok(refreshing(answer.RefreshToken)); answer.ExpiresIn > 300 || answer.ExpiresIn < 200 {
		t.Errorf("an access token of %d s, its grant has 5 minutes", answer.ExpiresIn)
	}
	h.move(5 * time.Minute)
	h.refused("the grant is over", refreshing(answer.RefreshToken), 400, "invalid_grant")
}

func TestCodeReplayRevokesRefreshTokens(t *testing.T) {
	h := newOfflineHarness(t)
	code := h.codeFor(person, offlineScopes, nil)
	answer := h.ok(exchange(code))
	h.refused("replay", exchange(code), 400, "invalid_grant")
	h.refused("what the first one got", refreshing(answer.RefreshToken), 400, "invalid_grant")
}

// The claims are those of the login, however the client's own rights have changed since (OIDC Core §12.2).
func TestRefreshedClaimsFollowTheRightsOfNow(t *testing.T) {
	h := newOfflineHarness(t)
	first := h.grantTokens(offlineScopes, nil)
	h.change("web", func(c *storage.Client) { c.PersonalNumber = false })
	second := h.ok(refreshing(first.RefreshToken))
	if claims := payload(t, second.IDToken); claims["personalNumber"] != nil || claims["name"] != "Åsa Öberg" {
		t.Errorf("%v", claims)
	}
	if !slices.Contains(h.observed, "token ok") {
		t.Errorf("observed %v", h.observed)
	}
}

// A library repeats at each refresh what it asked for at the login, and gets the same of it.
func TestUnknownScopesAreIgnoredEverywhere(t *testing.T) {
	h := newOfflineHarness(t)
	const asked = "openid profile email offline_access address"
	first := h.ok(exchange(h.code(params("web", callback, "scope", asked, "prompt", "consent"))))
	second := h.ok(refreshing(first.RefreshToken, "scope", asked))
	if want := "openid profile offline_access"; first.Scope != want || slices.Compare(slices.Sorted(slices.Values(strings.Fields(second.Scope))), []string{"offline_access", "openid", "profile"}) != 0 {
		t.Errorf("scope %q, then %q, want %q", first.Scope, second.Scope, want)
	}
	if status, _ := h.userinfo(second.AccessToken); status != http.StatusOK {
		t.Errorf("userinfo: %d", status)
	}
}
