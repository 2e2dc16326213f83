package op

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestAnswerAgain: a browser that lost its answer gets another with a code of its own, as long as nobody has redeemed the last one.
// The code before is unknown then, which revokes nothing; of all of them one is redeemed, and its replay is known as one.
func TestAnswerAgain(t *testing.T) {
	h := newHarness(t, nil)
	again := func(id string) (code string) {
		t.Helper()
		login, err := h.store.Login(t.Context(), id, h.now())
		if err != nil {
			t.Fatal(err)
		}
		base, values := redirected(t, h.answer(login))
		if base != callback || values.Get("state") != login.Request.State || values.Get("iss") != issuer {
			t.Errorf("answered again at %s with %v", base, values)
		}
		return values.Get("code")
	}
	login := h.complete(h.begin(params("web", callback)), person)
	_, values := redirected(t, h.answer(login))
	lost := values.Get("code")
	h.move(DefaultCodeLife / 2)
	code := again(login.ID)
	h.move(DefaultCodeLife * 3 / 4) // the lost one would be dead by now
	last := again(login.ID)
	for _, old := range []string{lost, code} {
		if w := h.do(exchange(old)); w.Code != http.StatusBadRequest {
			t.Errorf("a code that was replaced = %d", w.Code)
		}
	}
	w := h.do(exchange(last))
	if w.Code != http.StatusOK {
		t.Fatalf("the last code = %d %s", w.Code, w.Body)
	}
	used := decode(t, w)
	if answered, err := h.store.Login(t.Context(), login.ID, h.now()); err != nil || h.answer(answered).Code != http.StatusConflict {
		t.Errorf("a login whose code was redeemed is answered again (error %v)", err)
	}
	if status, _ := h.userinfo(used.AccessToken); status != http.StatusOK {
		t.Errorf("userinfo = %d", status)
	}
	h.do(exchange(last))
	if status, _ := h.userinfo(used.AccessToken); status != http.StatusUnauthorized {
		t.Errorf("after a replay userinfo = %d", status)
	}
}

// TestAnswerAgainTooLate: when the last code has died unused, the login is over.
func TestAnswerAgainTooLate(t *testing.T) {
	h := newHarness(t, nil)
	login := h.complete(h.begin(params("web", callback)), person)
	h.answer(login)
	h.move(DefaultCodeLife)
	answered, err := h.store.Login(t.Context(), login.ID, h.now())
	if err != nil || !answered.Repeatable() {
		t.Fatalf("the login is %+v (error %v)", answered, err)
	}
	if w := h.answer(answered); w.Code != http.StatusConflict || !strings.HasSuffix(w.Body.String(), "(back to web)") {
		t.Errorf("answered again %d %s %s", w.Code, w.Header().Get("Location"), w.Body)
	}
}

// TestOverLeadsToTheClient: whoever is too late, by a click or by what another tab has done meanwhile, gets a page that leads on.
func TestOverLeadsToTheClient(t *testing.T) {
	h := newHarness(t, nil)
	stale := h.complete(h.begin(params("web", callback)), person)
	if w := h.answer(stale); w.Code != http.StatusFound {
		t.Fatalf("no answer: %d %s", w.Code, w.Body)
	}
	for name, do := range map[string]func(http.ResponseWriter, *http.Request){
		"answer": func(w http.ResponseWriter, r *http.Request) { h.Answer(w, r, stale) },
		"refuse": func(w http.ResponseWriter, r *http.Request) { h.Refuse(w, r, stale, "access_denied", "too late") },
	} {
		w := httptest.NewRecorder()
		do(w, httptest.NewRequest(http.MethodPost, issuer+"/login/x/done", nil))
		if w.Code != http.StatusConflict || w.Body.String() != "page: "+LoginOver+": the login has expired or has been answered (back to web)" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}
