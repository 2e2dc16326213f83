package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"brygga/login"
	"brygga/storage"
)

func TestBadForms(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, nil).browser(windowsPC)
	path := b.begin("app")
	const form = "application/x-www-form-urlencoded"
	for _, tc := range []struct {
		name, contentType, body string
		want                    int
	}{
		{"JSON", "application/json", `{"device":"other"}`, http.StatusUnsupportedMediaType},
		{"plain text", "text/plain", "device=other", http.StatusUnsupportedMediaType},
		{"no type", "", "device=other", http.StatusUnsupportedMediaType},
		{"too long", form, "device=other&x=" + strings.Repeat("x", 5000), http.StatusRequestEntityTooLarge},
		{"broken escape", form, "device=%zz", http.StatusBadRequest},
		{"no device", form, "", http.StatusBadRequest},
		{"unknown device", form, "device=both", http.StatusBadRequest},
	} {
		answer := b.do("POST", path+"/start", tc.contentType, tc.body)
		if answer.status != tc.want || !answer.has(`data-view="bad-request"`) {
			t.Errorf("%s = %d, want %d with a page", tc.name, answer.status, tc.want)
		}
	}
	if l := b.login(path); l.State != storage.LoginOpen || l.Revision != 1 {
		t.Errorf("bad forms changed the login: %s", l.State)
	}
	if answer := b.do("POST", path+"/start?x=a;b", form, "device=other&note=a;b"); answer.status != http.StatusSeeOther || b.login(path).State == storage.LoginOpen {
		t.Errorf("a form with a semicolon = %d", answer.status)
	}
	if answer := b.get("/authorize?x=" + strings.Repeat("x", 70_000)); answer.status != http.StatusRequestURITooLong {
		t.Errorf("a very long query = %d", answer.status)
	}
}

func TestLimits_T06_T13_RowA23(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, func(s *settings) {
		s.engine.Limits = login.Limits{LoginsPerAddress: 1, OrdersPerAddress: 1}
	}).browser(windowsPC)
	path := b.begin("app")
	if answer := b.get("/authorize?client_id=app"); answer.status != 429 || !waits(answer, 60) || !answer.has(`data-view="rate-limited"`) {
		t.Errorf("second login = %d, Retry-After %q", answer.status, answer.header.Get("Retry-After"))
	}
	b.post(path+"/start", "device", "other")
	if answer := b.post(path+"/start", "device", "other"); answer.status != 429 || !waits(answer, 60) || !answer.has(`data-view="failed-rateLimited"`) {
		t.Errorf("second start = %d, Retry-After %q", answer.status, answer.header.Get("Retry-After"))
	}
}

// waits reports whether the answer names a time to wait, of so many seconds at most.
func waits(answer page, most int) bool {
	seconds, err := strconv.Atoi(answer.header.Get("Retry-After"))
	return err == nil && seconds > 0 && seconds <= most
}

// TestOverloadShowsThatManyAreHere: while frames are late nobody gets an order, and is told so. Who has one keeps it.
func TestOverloadShowsThatManyAreHere(t *testing.T) {
	t.Parallel()
	house := newHouse(t, shared, func(s *settings) { s.engine.CollectEvery = time.Hour })
	b, early := house.browser(windowsPC), house.browser(windowsPC)
	path, before := b.begin("app"), early.begin("app")
	early.post(before+"/start", "device", "other")
	stream := early.listen(before)
	for all := 0; all < 2; all, _ = house.engine.Work() { // its frames tell whether they are in time
		_, err := stream.next()
		must(t, err)
	}
	for range 300 {
		house.engine.Behind(login.WorkFrame, time.Second)
	}
	if answer := b.post(path+"/start", "device", "other"); answer.status != 503 || !waits(answer, 60) || !answer.has(`data-view="failed-busy"`) {
		t.Errorf("a start = %d, Retry-After %q", answer.status, answer.header.Get("Retry-After"))
	}
	if l := b.login(path); l.State != storage.LoginOpen || l.Orders != 0 {
		t.Errorf("the login is %s with %d orders", l.State, l.Orders)
	}
	if l := early.login(before); l.State != storage.LoginPending {
		t.Errorf("the login before is %s", l.State)
	}
	if answer := b.get("/authorize?client_id=app"); answer.status >= 400 {
		t.Errorf("a new login = %d", answer.status)
	}
}

func TestLoginThatIsOver(t *testing.T) {
	t.Parallel()
	var later atomic.Int64
	b := newHouse(t, shared, func(s *settings) {
		s.engine.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	}).browser(windowsPC)
	path := b.begin("app")
	later.Store(int64(31 * time.Minute))
	for _, answer := range []page{b.get(path), b.post(path+"/start", "device", "other"), b.post(path + "/done")} {
		if answer.status != 404 || !answer.has(`data-view="expired"`) {
			t.Errorf("a login that is over = %d", answer.status)
		}
	}
	for _, tail := range []string{"/status", "/events"} {
		if answer := b.get(path + tail); answer.status != 404 {
			t.Errorf("%s of a login that is over = %d", tail, answer.status)
		}
	}
}

// failing is a client store with a fault that strangers must not read.
type failing struct{}

func (failing) Client(context.Context, string) (*storage.Client, error) {
	return nil, errors.New("disk /dev/marked-cause is on fire")
}

// full is a client store that is out of order for a while.
type full struct{}

func (full) Client(context.Context, string) (*storage.Client, error) {
	return nil, fmt.Errorf("look up client: %w", storage.ErrUnavailable)
}

func TestUnavailableStore(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, func(s *settings) { s.web.Store = full{} }).browser(windowsPC)
	path := b.begin("app")
	for _, answer := range []page{b.get(path), b.post(path + "/done"), b.get(path + "/status")} {
		if answer.status != http.StatusServiceUnavailable || answer.header.Get("Retry-After") == "" {
			t.Errorf("a store that takes nothing = %d %v", answer.status, answer.header)
		}
	}
}

func TestFaults_RowA19(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, func(s *settings) {
		s.web.Store = failing{}
		inner := s.web.Provider
		s.web.Provider = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/token" {
				panic("marked-panic")
			}
			inner.ServeHTTP(w, r)
		})
	}).browser(windowsPC)
	path := b.begin("app")
	for _, answer := range []page{b.get(path), b.post(path + "/done"), b.get(path + "/return?n=x"), b.post("/token")} {
		shown := reference.FindString(answer.body)
		if answer.status != 500 || !answer.has(`data-view="fault"`) || answer.has("marked") || shown == "" {
			t.Errorf("fault = %d:\n%s", answer.status, answer.body)
		}
		if !strings.Contains(b.log.String(), `"request_id":"`+shown+`"`) {
			t.Errorf("the log does not have the reference %q", shown)
		}
	}
	if answer := b.get(path + "/status"); answer.status != 500 || answer.has("marked") {
		t.Errorf("status = %d: %s", answer.status, answer.body)
	}
	if text := b.log.String(); !strings.Contains(text, "marked-cause") || strings.Contains(text, "marked-panic") {
		t.Error("the log must hold the cause of a fault, and not the value of a panic")
	}
}

// The provider's own limits have the same page, with the wait that it has worked out.
func TestShowErrorTellsTheWait(t *testing.T) {
	t.Parallel()
	h := newHouse(t, shared, nil)
	w := httptest.NewRecorder()
	w.Header().Set("Retry-After", "7")
	h.ShowError(w, httptest.NewRequest(http.MethodGet, "/authorize", nil), http.StatusTooManyRequests, "temporarily_unavailable", "too many requests", nil)
	if body := w.Body.String(); w.Code != 429 || w.Header().Get("Retry-After") != "7" || !strings.Contains(body, `data-view="rate-limited"`) ||
		!strings.Contains(body, " 7 ") {
		t.Errorf("%d %v %s", w.Code, w.Header(), body)
	}
}

// TestAbortedAnswer: an answer that its handler breaks off is broken off for the browser too, and is no fault of ours: whoever took the
// half of it for the whole would be misled.
func TestAbortedAnswer(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, func(s *settings) {
		s.web.Provider = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte("half an answer"))
			panic(http.ErrAbortHandler)
		})
	}).browser(windowsPC)
	answer, err := b.http.Get(b.url + "/token")
	if err == nil {
		defer answer.Body.Close()
		_, err = io.ReadAll(answer.Body)
	}
	if err == nil {
		t.Error("the browser takes the half of an answer for the whole")
	}
	if log := b.log.String(); strings.Contains(log, `"panic"`) || !strings.Contains(log, `"request"`) {
		t.Errorf("the log: %s", log)
	}
}
