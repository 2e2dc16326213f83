package op

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"brygga/storage"
)

func (m *marked) Session(ctx context.Context, hash [32]byte, now time.Time) (*storage.Session, error) {
	if err := m.fault("Session"); err != nil {
		return nil, err
	}
	return m.Store.Session(ctx, hash, now)
}

func (m *marked) AnswerFromSession(ctx context.Context, id string, at time.Time, code storage.Code, grant storage.Grant, released []string, now time.Time, events ...storage.AuditEvent) error {
	if err := m.fault("AnswerFromSession"); err != nil {
		return err
	}
	return m.Store.AnswerFromSession(ctx, id, at, code, grant, released, now, events...)
}

func (m *marked) PushRequest(ctx context.Context, request storage.PushedRequest) error {
	if err := m.fault("PushRequest"); err != nil {
		return err
	}
	return m.Store.PushRequest(ctx, request)
}

func (m *marked) TakePushedRequest(ctx context.Context, hash [32]byte, clientID string, now time.Time) (*storage.PushedRequest, error) {
	if err := m.fault("TakePushedRequest"); err != nil {
		return nil, err
	}
	return m.Store.TakePushedRequest(ctx, hash, clientID, now)
}

// The steps of sessions and pushed requests fail without a word of why, and without a redirect.
func TestSessionFaultsStayInside(t *testing.T) {
	store := new(marked)
	h := newHarness(t, func(o *Options) { store.Store, o.Store = o.Store, store })
	h.add("one", func(c *storage.Client) { c.SessionGroup = "hr" })
	b := h.browser()
	b.logIn(params("one", callback), person)
	login := h.complete(h.begin(params("one", callback, "prompt", "login")), person)
	for _, test := range []struct {
		method string
		do     func() *httptest.ResponseRecorder
	}{
		{"Session", func() *httptest.ResponseRecorder { return b.get("/authorize", params("one", callback)) }},
		{"Session", func() *httptest.ResponseRecorder {
			return b.visit(httptest.NewRequest(http.MethodPost, issuer, nil), func(w http.ResponseWriter, r *http.Request) { h.Answer(w, r, login) })
		}},
		{"AnswerFromSession", func() *httptest.ResponseRecorder { return b.get("/authorize", params("one", callback)) }},
		{"PushRequest", func() *httptest.ResponseRecorder { return h.do(formRequest("/authorize", params("one", callback))) }},
		{"PushRequest", func() *httptest.ResponseRecorder { return h.pushes("one", params("one", callback)) }},
		{"TakePushedRequest", func() *httptest.ResponseRecorder {
			return h.get("/authorize", url.Values{"client_id": {"one"}, "request_uri": {pushedPrefix + "x"}, "redirect_uri": {callback}})
		}},
	} {
		store.fails = test.method
		h.logs.Reset()
		w := test.do()
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), mark) || !strings.Contains(w.Body.String(), "server_error") ||
			w.Header().Get("Location") != "" || !strings.Contains(h.logs.String(), mark) {
			t.Errorf("%s: %d %v %s; log %s", test.method, w.Code, w.Header(), w.Body, h.logs)
		}
	}
	store.fails = ""
	if got, _ := b.outcome(params("one", callback)); got != "code" {
		t.Errorf("the session is gone after faults: %s", got)
	}
}

// A session that ends, or is renewed, between the look at it and the answer gives no code.
func TestSessionThatIsGone(t *testing.T) {
	store := new(vanishing)
	h := newHarness(t, func(o *Options) { store.Store, o.Store = o.Store, store })
	h.add("one", func(c *storage.Client) { c.SessionGroup = "hr" })
	b := h.browser()
	b.logIn(params("one", callback), person)
	for _, store.err = range []error{storage.ErrNotFound, storage.ErrConflict} {
		if got, _ := b.outcome(params("one", callback)); got != "login" {
			t.Errorf("%v: %s", store.err, got)
		}
		if got, _ := b.outcome(params("one", callback, "prompt", "none")); got != "login_required" {
			t.Errorf("%v, prompt=none: %s", store.err, got)
		}
	}
}

// vanishing is a store whose sessions are gone when they are to answer.
type vanishing struct {
	Store
	err error
}

func (v *vanishing) AnswerFromSession(context.Context, string, time.Time, storage.Code, storage.Grant, []string, time.Time, ...storage.AuditEvent) error {
	return v.err
}

// What sessions and request objects carry must not reach the log.
func TestSessionLogsHoldNoSecrets(t *testing.T) {
	h := newHarness(t, nil)
	h.add("one", withKeys(func(c *storage.Client) { c.SessionGroup = "hr" }))
	b := h.browser()
	tokens := b.redeem("one", b.logIn(params("one", callback), person))
	_, code := b.outcome(params("one", callback, "id_token_hint", tokens.IDToken))
	key, stranger := objectKeys()
	object := signed(t, stranger, "", members("one", map[string]any{"login_hint": number}))
	h.get("/authorize", beside("one", object))
	uri := h.pushed("one", url.Values{"request": {signed(t, key, "", members("one", nil))}}).Get("request_uri")
	h.get("/authorize", url.Values{"client_id": {"one"}, "request_uri": {uri}})
	h.get("/authorize", url.Values{"client_id": {"one"}, "request_uri": {uri}})
	for name, text := range map[string]string{
		"personal number": number, "name": "Åsa", "code": code, "cookie": b.jar["session-hr"].Value, "ID token": tokens.IDToken, "object": object,
		"request_uri": strings.TrimPrefix(uri, pushedPrefix), "state": "inside",
	} {
		if text == "" || strings.Contains(h.logs.String(), text) {
			t.Errorf("%s %q in the log: %s", name, text, h.logs)
		}
	}
	if !strings.Contains(h.logs.String(), "WEB_100105") {
		t.Errorf("the use of a session is not in the audit log: %s", h.logs)
	}
}
