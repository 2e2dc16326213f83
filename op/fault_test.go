package op

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/storage"
)

const mark = "marked-4711"

// marked is a store whose methods fail, or panic, with a marked text where they are told to.
type marked struct {
	Store
	fails  string
	panics bool
	full   bool // it fails because nothing can be stored now
}

func (m *marked) fault(method string) error {
	if m.fails != method {
		return nil
	}
	if m.panics {
		panic(errors.New(mark))
	}
	if m.full {
		return fmt.Errorf("%s: %w", mark, storage.ErrUnavailable)
	}
	return errors.New(mark)
}

func (m *marked) Client(ctx context.Context, id string) (*storage.Client, error) {
	if err := m.fault("Client"); err != nil {
		return nil, err
	}
	return m.Store.Client(ctx, id)
}

func (m *marked) AnswerLogin(ctx context.Context, id string, answer storage.Answer, now time.Time) (*storage.Login, error) {
	if err := m.fault("AnswerLogin"); err != nil {
		return nil, err
	}
	return m.Store.AnswerLogin(ctx, id, answer, now)
}

func (m *marked) RepeatAnswer(ctx context.Context, id string, code [32]byte, expires, now time.Time) (*storage.Login, error) {
	if err := m.fault("RepeatAnswer"); err != nil {
		return nil, err
	}
	return m.Store.RepeatAnswer(ctx, id, code, expires, now)
}

func (m *marked) RefuseLogin(ctx context.Context, id string, now time.Time, tell ...storage.Tell) (*storage.Login, error) {
	if err := m.fault("RefuseLogin"); err != nil {
		return nil, err
	}
	return m.Store.RefuseLogin(ctx, id, now, tell...)
}

func (m *marked) RedeemCode(ctx context.Context, redemption storage.Redemption) (*storage.Grant, error) {
	if err := m.fault("RedeemCode"); err != nil {
		return nil, err
	}
	return m.Store.RedeemCode(ctx, redemption)
}

func (m *marked) IssueToken(ctx context.Context, revision uint64, grant storage.Grant, token storage.AccessToken) error {
	if err := m.fault("IssueToken"); err != nil {
		return err
	}
	return m.Store.IssueToken(ctx, revision, grant, token)
}

func (m *marked) AccessToken(ctx context.Context, hash [32]byte, now time.Time) (*storage.AccessToken, *storage.Grant, error) {
	if err := m.fault("AccessToken"); err != nil {
		return nil, nil, err
	}
	return m.Store.AccessToken(ctx, hash, now)
}

func (m *marked) RevokeGrant(ctx context.Context, id string, now time.Time, events ...storage.AuditEvent) error {
	if err := m.fault("RevokeGrant"); err != nil {
		return err
	}
	return m.Store.RevokeGrant(ctx, id, now, events...)
}

func (m *marked) EndSessionID(ctx context.Context, sid string, now time.Time, tell ...storage.TellEnd) (storage.Ended, error) {
	if err := m.fault("EndSessionID"); err != nil {
		return storage.Ended{}, err
	}
	return m.Store.EndSessionID(ctx, sid, now, tell...)
}

func (m *marked) EndSession(ctx context.Context, id string, now time.Time, tell ...storage.TellEnd) (storage.Ended, error) {
	if err := m.fault("EndSession"); err != nil {
		return storage.Ended{}, err
	}
	return m.Store.EndSession(ctx, id, now, tell...)
}

// The library shows strangers the text of errors that it is given. None of ours may reach it, nor a panic's.
func TestFaultsStayInside(t *testing.T) {
	store := new(marked)
	h := newHarness(t, func(o *Options) { store.Store, o.Store = o.Store, store })
	code, spent := h.code(params("web", callback)), h.code(params("web", callback))
	used := decode(t, h.do(exchange(spent)))
	login := h.complete(h.begin(params("web", callback)), person)
	answered := h.complete(h.begin(params("web", callback)), person)
	h.answer(answered)
	answered, err := h.store.Login(t.Context(), answered.ID, h.now())
	if err != nil {
		t.Fatal(err)
	}
	bearer := httptest.NewRequest(http.MethodGet, issuer+"/userinfo", nil)
	bearer.Header.Set("Authorization", "Bearer "+used.AccessToken)

	for _, test := range []struct {
		method, endpoint string
		do               func() *httptest.ResponseRecorder
	}{
		{"Client", "authorize", func() *httptest.ResponseRecorder { return h.get("/authorize", params("web", callback)) }},
		{"Client", "token", func() *httptest.ResponseRecorder { return h.do(exchange(code)) }},
		{"Client", "userinfo", func() *httptest.ResponseRecorder { return h.do(bearer.Clone(t.Context())) }},
		{"Client", "logout", func() *httptest.ResponseRecorder { return h.get("/logout", url.Values{"client_id": {"web"}}) }},
		{"Client", "", func() *httptest.ResponseRecorder { return h.answer(login) }},
		{"AnswerLogin", "", func() *httptest.ResponseRecorder { return h.answer(login) }},
		{"RepeatAnswer", "", func() *httptest.ResponseRecorder { return h.answer(answered) }},
		{"RefuseLogin", "", func() *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			h.Refuse(w, httptest.NewRequest(http.MethodPost, issuer, nil), login, "access_denied", "no")
			return w
		}},
		{"RedeemCode", "token", func() *httptest.ResponseRecorder { return h.do(exchange(code)) }},
		{"RevokeGrant", "token", func() *httptest.ResponseRecorder { return h.do(exchange(spent)) }},
		{"AccessToken", "userinfo", func() *httptest.ResponseRecorder { return h.do(bearer.Clone(t.Context())) }},
		{"EndSessionID", "logout", func() *httptest.ResponseRecorder {
			return h.get("/logout", url.Values{"id_token_hint": {used.IDToken}})
		}},
	} {
		store.fails, store.panics, store.full, h.observed = test.method, false, true, nil
		if w := test.do(); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), mark) {
			t.Errorf("%s cannot store at %q: %d %v %s", test.method, test.endpoint, w.Code, w.Header(), w.Body)
		}
		if test.endpoint != "" && !slices.Contains(h.observed, test.endpoint+" server_error") {
			t.Errorf("%s cannot store: observed %v", test.method, h.observed)
		}
		store.full = false
		h.logs.Reset()
		h.observed = nil
		check := func(how string, w *httptest.ResponseRecorder) {
			if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), mark) || !strings.Contains(w.Body.String(), "server_error") ||
				w.Header().Get("Location") != "" {
				t.Errorf("%s %s at %q: %d %v %s", test.method, how, test.endpoint, w.Code, w.Header(), w.Body)
			}
			if test.endpoint != "" && !slices.Contains(h.observed, test.endpoint+" server_error") {
				t.Errorf("%s %s: observed %v", test.method, how, h.observed)
			}
		}
		check("fails", test.do())
		if !strings.Contains(h.logs.String(), mark) {
			t.Errorf("%s fails: the cause is not in the log: %s", test.method, h.logs)
		}
		if test.endpoint == "" {
			continue // a panic there is for the caller's handler
		}
		store.panics = true
		h.logs.Reset()
		check("panics", test.do())
		if strings.Contains(h.logs.String(), mark) || !strings.Contains(h.logs.String(), "panic") {
			t.Errorf("%s panics: log %s", test.method, h.logs)
		}
	}
	store.fails = ""
	if w := h.do(exchange(code)); w.Code != http.StatusOK {
		t.Errorf("a fault burnt the code: %d %s", w.Code, w.Body)
	}
}

// Whole flows at debug level, good and bad, leave no trace of what must not be logged (design rule 1).
func TestLogsHoldNoSecrets(t *testing.T) {
	h := newHarness(t, nil)
	standard := slog.Default()
	slog.SetDefault(h.log)
	t.Cleanup(func() { slog.SetDefault(standard) })
	code := h.code(params("web", callback, "login_hint", number))
	answer := decode(t, h.do(exchange(code)))
	h.do(exchange(code))
	h.do(exchange(code, "code_verifier", "x", "client_secret", webSecret))
	h.userinfo(answer.AccessToken)
	h.userinfo("marked-token")
	h.get("/logout", url.Values{"id_token_hint": {answer.IDToken}})
	h.get("/logout", url.Values{"id_token_hint": {answer.IDToken + "x"}})
	if !strings.Contains(h.logs.String(), "SEC_200003") || !strings.Contains(h.logs.String(), "request refused") {
		t.Fatalf("the log is empty: %s", h.logs)
	}
	for name, text := range map[string]string{
		"personal number": number, "name": "Åsa", "surname": "Öberg", "code": code, "access token": answer.AccessToken, "ID token": answer.IDToken,
		"verifier": verifier, "challenge": challenge43, "client secret": webSecret, "bad token": "marked-token", "nonce": "n-1",
	} {
		if strings.Contains(h.logs.String(), text) {
			t.Errorf("%s in the log: %s", name, h.logs)
		}
	}
}

func TestObserve(t *testing.T) {
	h := newHarness(t, nil)
	h.tokensOf(params("web", callback))
	h.get("/authorize", params("web", callback, "prompt", "none"))
	h.get("/authorize", params("nobody", callback))
	h.do(exchange("x"))
	h.userinfo("x")
	want := []string{
		"authorize ok", "answer ok", "token ok", "authorize login_required", "authorize invalid_client", "token invalid_grant", "userinfo invalid_token",
	}
	if !slices.Equal(h.observed, want) {
		t.Errorf("observed %v, want %v", h.observed, want)
	}
	if want := []string{"web", "web", "web", "web", "", "web", ""}; !slices.Equal(h.parties, want) {
		t.Errorf("observed for %q, want %q", h.parties, want)
	}
}
