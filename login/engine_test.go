package login_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"brygga/audit"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
	"brygga/storage/bolt"
)

var (
	other = storage.Starter{Device: storage.DeviceOther, IP: "192.0.2.1", UserAgent: "test", Language: "sv"}
	this  = storage.Starter{Device: storage.DeviceThis, IP: "192.0.2.1", UserAgent: "test", Language: "sv"}
)

// sealer is AES-GCM under a fixed key, so that these tests do not depend on package keys.
type sealer struct{ cipher.AEAD }

func newSealer(t *testing.T) storage.Sealer {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		t.Fatal(err)
	}
	return sealer{aead}
}

func (s sealer) Seal(label string, text []byte) []byte {
	return s.AEAD.Seal(nil, nil, text, []byte(label))
}
func (s sealer) Open(label string, sealed []byte) ([]byte, error) {
	return s.AEAD.Open(nil, nil, sealed, []byte(label))
}

// house is an engine over a real store and a scripted service.
type house struct {
	*login.Engine
	t       *testing.T
	service *service
	store   storage.Store
	audit   *audit.Log
	stop    func()
}

func openStore(t *testing.T, path string) storage.Store {
	t.Helper()
	store, err := bolt.Open(path, newSealer(t), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// newHouse returns a house over a new store. Call it inside a synctest bubble and close it there.
func newHouse(t *testing.T, change func(*login.Options)) *house {
	t.Helper()
	store := openStore(t, filepath.Join(t.TempDir(), "store"))
	if err := store.CreateClient(t.Context(), storage.Client{ID: "app", Name: "Appen", CustomIdentifier: "tag"}); err != nil {
		t.Fatal(err)
	}
	return runHouse(t, store, newService(), change)
}

func runHouse(t *testing.T, store storage.Store, s *service, change func(*login.Options)) *house {
	t.Helper()
	log, err := audit.New(audit.Options{Store: store, PseudonymKey: bytes.Repeat([]byte{1}, 32)})
	if err != nil {
		t.Fatal(err)
	}
	options := login.Options{
		Store: store, Method: s, Audit: log,
		ReturnURL: func(id string, nonce secret.String) secret.String {
			return secret.New("https://id.example/login/" + id + "/return?n=" + nonce.Reveal())
		},
	}
	if change != nil {
		change(&options)
	}
	engine, err := login.New(options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { engine.Run(ctx) })
	return &house{Engine: engine, t: t, service: s, store: store, audit: log, stop: func() { cancel(); running.Wait() }}
}

func (h *house) close() {
	h.stop()
	if err := h.store.Close(); err != nil {
		h.t.Error(err)
	}
}

// begin returns a new login.
func (h *house) begin() *storage.Login {
	h.t.Helper()
	l, err := h.Create(h.t.Context(), storage.AuthRequest{ClientID: "app", Nonce: "n"}, secret.New("binding"), "192.0.2.1")
	if err != nil {
		h.t.Fatal(err)
	}
	return l
}

// started returns a new login with an order.
func (h *house) started(starter storage.Starter) *storage.Login {
	h.t.Helper()
	l, err := h.Start(h.t.Context(), h.begin().ID, starter)
	if err != nil {
		h.t.Fatal(err)
	}
	return l
}

// after lets the time go by and returns the login.
func (h *house) after(d time.Duration, l *storage.Login) *storage.Login {
	h.t.Helper()
	time.Sleep(d)
	synctest.Wait()
	l, err := h.Login(h.t.Context(), l.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	return l
}

func (h *house) events(types ...audit.Type) []storage.AuditEvent {
	h.t.Helper()
	all, err := h.store.AuditEvents(h.t.Context(), time.Time{}, time.Now().Add(time.Hour), 1000)
	if err != nil {
		h.t.Fatal(err)
	}
	var found []storage.AuditEvent
	for _, e := range all {
		for _, t := range types {
			if e.Type == string(t) {
				found = append(found, e)
			}
		}
	}
	return found
}

func (h *house) wantState(l *storage.Login, state storage.LoginState, reason string) {
	h.t.Helper()
	if l.State != state || l.Failure.Reason != reason {
		h.t.Fatalf("login is %s (%q), want %s (%q)", l.State, l.Failure.Reason, state, reason)
	}
}

func TestCollectsWithoutBrowser_U05_U06_RowA24(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.started(other)
		l = h.after(5*time.Second, l)
		if times := h.service.collected(1); len(times) != 2 || times[1].Sub(times[0]) != 2*time.Second {
			t.Errorf("collected at %v within 5 s, want every 2 s", times)
		}
		h.service.set(1, pending("userSign"), nil)
		if l = h.after(2*time.Second, l); l.Order.HintCode != "userSign" {
			t.Errorf("hint code is %q", l.Order.HintCode)
		}
		h.service.set(1, complete(tolvan()), nil)
		l = h.after(2*time.Second, l)
		h.wantState(l, storage.LoginComplete, "")
		if !l.Identity.PersonalNumber.Equal(secret.New("191212121212")) {
			t.Error("the identity is another person's")
		}
		collects := len(h.service.collected(1))
		h.after(time.Minute, l)
		if n := len(h.service.collected(1)); n != collects {
			t.Errorf("collected %d times after the end", n-collects)
		}
		done := h.events(audit.LoginStarted, audit.LoginCompleted)
		if len(done) != 2 || done[1].Fields["SOURCE_USER_NAME"] != h.audit.Pseudonym(secret.New("191212121212")) ||
			done[1].Fields["CUSTOMER_IDENTIFIER"] != "tag" || done[1].Fields["IDENTIFIER"] != l.ID {
			t.Errorf("audit events are %+v", done)
		}
	})
}

func TestRenewsWithinWindow_U07_RowA7_U19_A05(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.started(other)
		l = h.after(27*time.Second, l)
		if frame := h.Frame(l).Reveal(); frame != "qr1.27" {
			t.Errorf("frame is %q after 27 s", frame)
		}
		l = h.after(2*time.Second, l)
		h.wantState(l, storage.LoginPending, "")
		if h.service.orders() != 2 || l.Order.Ref.Reveal() != "order2" || !h.service.wasCancelled(1) {
			t.Fatalf("%d orders, current %v, first cancelled %v", h.service.orders(), l.Order.Ref.Reveal(), h.service.wasCancelled(1))
		}
		if frame := h.Frame(l).Reveal(); frame != "qr2.1" {
			t.Errorf("frame is %q a second after renewal", frame)
		}
		l = h.after(4*time.Minute+40*time.Second, l)
		h.wantState(l, storage.LoginFailed, login.ReasonExpired)
		orders := h.service.orders()
		if orders < 10 || orders > 12 || !h.service.wasCancelled(orders) {
			t.Errorf("%d orders in five minutes, last cancelled %v", orders, h.service.wasCancelled(orders))
		}
		h.after(5*time.Minute, l)
		if h.service.orders() != orders {
			t.Error("orders were made after the window")
		}
		if ended := h.events(audit.LoginEnded); len(ended) != 1 || ended[0].Fields["MESSAGE"] != login.ReasonExpired {
			t.Errorf("audit events are %+v", ended)
		}
		if len(h.events(audit.LoginStarted)) != 1 {
			t.Error("a renewal counts as another login")
		}
	})
}

func TestRenewsInTimeWhenAnswersAreSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		h.service.setFunc(1, func() (login.Progress, error) {
			time.Sleep(150 * time.Millisecond)
			return pending("outstandingTransaction"), nil
		})
		l := h.started(other)
		h.after(28*time.Second+500*time.Millisecond, l)
		times := h.service.collected(1)
		for i := 1; i < len(times); i++ {
			if times[i].Sub(times[i-1]) < time.Second {
				t.Errorf("collects %s apart", times[i].Sub(times[i-1]))
			}
		}
		if h.service.orders() != 2 || !h.service.wasCancelled(1) {
			t.Errorf("%d orders after 28.5 s, the first cancelled: %v", h.service.orders(), h.service.wasCancelled(1))
		}
	})
}

func TestStartFailedRenewsSilently_U07(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.started(other)
		h.service.set(1, failed("startFailed"), nil)
		l = h.after(3*time.Second, l)
		h.wantState(l, storage.LoginPending, "")
		if l.Order.Ref.Reveal() != "order2" || h.service.wasCancelled(1) {
			t.Errorf("current order is %s, dead one cancelled %v", l.Order.Ref.Reveal(), h.service.wasCancelled(1))
		}
	})
}

func TestNeverRenewsOncePickedUp_U04_RowA7(t *testing.T) {
	for _, hint := range []string{"started", "userSign", "userMrtd", "someNewHint"} {
		t.Run(hint, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, nil)
				defer h.close()
				l := h.started(other)
				h.service.set(1, pending(hint), nil)
				l = h.after(2*time.Minute, l)
				h.wantState(l, storage.LoginPending, "")
				if h.service.orders() != 1 || h.service.wasCancelled(1) {
					t.Errorf("%d orders, first cancelled %v", h.service.orders(), h.service.wasCancelled(1))
				}
				if !h.Frame(l).IsZero() {
					t.Error("a QR frame is shown for an order that an app has")
				}
				h.service.set(1, failed("expiredTransaction"), nil)
				h.wantState(h.after(3*time.Second, l), storage.LoginFailed, "expiredTransaction")
			})
		})
	}
}

func TestResultChecks_T11_T16_T10(t *testing.T) {
	incomplete, risky, elsewhere := tolvan(), tolvan(), tolvan()
	incomplete.PersonalNumber = secret.String{}
	risky.Risk = "high"
	elsewhere.DeviceIP = "198.51.100.9"
	nobody, unjudged := tolvan(), tolvan()
	nobody.Name = secret.String{}
	unjudged.Risk = ""
	for _, test := range []struct {
		name     string
		starter  storage.Starter
		noReturn bool
		required string
		identity storage.Identity
		want     string
	}{
		{"believed", other, false, "", tolvan(), ""},
		{"required person", other, false, "191212121212", tolvan(), ""},
		{"another person", other, false, "197001011234", tolvan(), login.ReasonOtherPerson},
		{"no personal number", other, false, "", incomplete, login.ReasonIncomplete},
		{"no name", other, false, "", nobody, login.ReasonIncomplete},
		{"high risk", other, false, "", risky, login.ReasonRisk},
		{"other device elsewhere", other, false, "", elsewhere, ""},
		{"this device elsewhere, return binds", this, false, "", elsewhere, ""},
		{"this device, no way back, same address, low risk", this, true, "", tolvan(), ""},
		{"this device, no way back, elsewhere", this, true, "", elsewhere, login.ReasonOtherAddress},
		{"this device, no way back, risk not judged", this, true, "", unjudged, login.ReasonRisk},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, nil)
				defer h.close()
				h.service.noReturn = test.noReturn
				h.service.set(1, complete(test.identity), nil)
				l, err := h.Create(t.Context(), storage.AuthRequest{
					ClientID: "app", RequiredPersonalNumber: secret.New(test.required),
				}, secret.New("binding"), "192.0.2.1")
				if err != nil {
					t.Fatal(err)
				}
				if l, err = h.Start(t.Context(), l.ID, test.starter); err != nil {
					t.Fatal(err)
				}
				l = h.after(3*time.Second, l)
				refused := h.events(audit.ResultRefused)
				if test.want == "" {
					h.wantState(l, storage.LoginComplete, "")
				} else if h.wantState(l, storage.LoginFailed, test.want); len(refused) != 1 || l.Identity != nil {
					t.Errorf("refused with %d events and identity %v", len(refused), l.Identity)
				}
			})
		})
	}
}

func TestCancelWinsOverResult_U08_RowA18(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		asked, answer := make(chan struct{}), make(chan struct{})
		h.service.setFunc(1, func() (login.Progress, error) {
			close(asked)
			<-answer
			return complete(tolvan()), nil
		})
		l := h.started(other)
		<-asked
		l, err := h.Cancel(t.Context(), l.ID, "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		h.wantState(l, storage.LoginFailed, login.ReasonCancelled)
		close(answer)
		l = h.after(5*time.Second, l)
		h.wantState(l, storage.LoginFailed, login.ReasonCancelled)
		if !h.service.wasCancelled(1) || len(h.events(audit.LoginEnded)) != 1 {
			t.Error("the order was not cancelled at the service, or not audited")
		}
		if _, err = h.Cancel(t.Context(), l.ID, ""); err != nil || len(h.events(audit.LoginEnded)) != 1 {
			t.Errorf("cancelling twice: %v", err)
		}
	})
}

func TestCancelWhileStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		h.service.hold = make(chan struct{})
		l := h.begin()
		done := make(chan error)
		go func() {
			_, err := h.Start(t.Context(), l.ID, other)
			done <- err
		}()
		synctest.Wait()
		if l, _ = h.Login(t.Context(), l.ID); !h.Starting(l) {
			t.Error("the login does not show that an order is being made")
		}
		if _, err := h.Start(t.Context(), l.ID, other); !errors.Is(err, storage.ErrBusy) {
			t.Errorf("a double click: %v, want ErrBusy", err)
		}
		if _, err := h.Cancel(t.Context(), l.ID, ""); err != nil {
			t.Fatal(err)
		}
		close(h.service.hold)
		if err := <-done; !errors.Is(err, storage.ErrConflict) {
			t.Errorf("Start returns %v after a cancel, want ErrConflict", err)
		}
		l = h.after(5*time.Second, l)
		h.wantState(l, storage.LoginFailed, login.ReasonCancelled)
		if !h.service.wasCancelled(1) || len(h.service.collected(1)) != 0 {
			t.Error("the unwanted order lives on")
		}
	})
}

func TestStartAgainReplaces_U02_U14(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.started(other)
		l, err := h.Start(t.Context(), l.ID, this)
		if err != nil {
			t.Fatal(err)
		}
		l = h.after(3*time.Second, l)
		if !h.service.wasCancelled(1) || l.Order.Ref.Reveal() != "order2" || len(h.service.collected(1)) > 0 {
			t.Errorf("first order cancelled %v, current %s", h.service.wasCancelled(1), l.Order.Ref.Reveal())
		}
		if !h.Frame(l).IsZero() || h.Launch(l).URL.Reveal() != "app:auto2" {
			t.Error("an order for this device has no launch link, or a QR frame")
		}
		h.service.refuse = &login.Fault{Reason: login.ReasonMaintenance, Err: errors.New("503")}
		if l, err = h.Start(t.Context(), l.ID, other); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		h.wantState(l, storage.LoginFailed, login.ReasonMaintenance)
		if !h.service.wasCancelled(2) {
			t.Error("the order before a failed start lives on")
		}
	})
}

func TestServiceFaults(t *testing.T) {
	gone := &login.Fault{Reason: login.ReasonLost, Err: errors.New("no such order")}
	down := &login.Fault{Reason: login.ReasonMaintenance, Passing: true, Err: errors.New("503")}
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.started(other)
		h.service.set(1, pending("userSign"), nil)
		l = h.after(3*time.Second, l)
		h.service.set(1, login.Progress{}, down)
		l = h.after(time.Minute, l)
		h.wantState(l, storage.LoginPending, "")
		h.service.set(1, pending("userSign"), nil)
		l = h.after(10*time.Second, l)
		before := len(h.service.collected(1))
		l = h.after(20*time.Second, l)
		if n := len(h.service.collected(1)) - before; n != 10 {
			t.Errorf("collected %d times in 20 s after the service came back, want 10", n)
		}
		h.service.set(1, complete(tolvan()), nil)
		h.wantState(h.after(3*time.Second, l), storage.LoginComplete, "")

		l = h.started(other)
		h.service.set(2, login.Progress{}, errors.New("connection reset"))
		h.wantState(h.after(20*time.Second, l), storage.LoginPending, "")
		h.wantState(h.after(7*time.Minute, l), storage.LoginFailed, login.ReasonUnavailable)

		l = h.started(other)
		h.service.set(h.service.orders(), login.Progress{}, gone)
		h.wantState(h.after(3*time.Second, l), storage.LoginFailed, login.ReasonLost)
	})
}

func TestRenewalFaultKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.started(other)
		l = h.after(20*time.Second, l)
		h.service.mu.Lock()
		h.service.refuse = &login.Fault{Reason: login.ReasonUnavailable, Passing: true, Err: errors.New("down")}
		h.service.mu.Unlock()
		l = h.after(15*time.Second, l)
		h.wantState(l, storage.LoginPending, "")
		h.service.mu.Lock()
		h.service.refuse = nil
		h.service.mu.Unlock()
		l = h.after(15*time.Second, l)
		h.wantState(l, storage.LoginPending, "")
		if l.Order.Ref.Reveal() != "order2" {
			t.Errorf("current order is %s after the service came back", l.Order.Ref.Reveal())
		}
		h.service.mu.Lock()
		h.service.refuse = &login.Fault{Reason: login.ReasonUnavailable, Passing: true, Err: errors.New("down")}
		h.service.mu.Unlock()
		h.wantState(h.after(90*time.Second, l), storage.LoginFailed, login.ReasonUnavailable)
	})
}

// nonceOf returns the nonce in the nth order's return URL.
func (h *house) nonceOf(n int) secret.String {
	_, nonce, _ := strings.Cut(h.service.request(n).ReturnURL.Reveal(), "?n=")
	return secret.New(nonce)
}

func TestReturn_T01(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.started(this)
		h.service.set(1, complete(tolvan()), nil)
		l = h.after(3*time.Second, l)
		h.wantState(l, storage.LoginComplete, "")
		if l.Answerable() {
			t.Fatal("a login for this device can be answered before the person is back")
		}
		l, err := h.Return(t.Context(), l.ID, h.nonceOf(1), "192.0.2.1")
		if err != nil || !l.Answerable() {
			t.Fatalf("after the return: %v, answerable %v", err, l.Answerable())
		}
		if l, err = h.Return(t.Context(), l.ID, h.nonceOf(1), "192.0.2.1"); err != nil || !l.Answerable() {
			t.Errorf("a reload of the return page: %v", err)
		}
	})
}

func TestReturnBeforeResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.started(this)
		l, err := h.Return(t.Context(), l.ID, h.nonceOf(1), "192.0.2.1")
		if err != nil || l.Answerable() {
			t.Fatalf("coming back before the result: %v, answerable %v", err, l.Answerable())
		}
		h.service.set(1, complete(tolvan()), nil)
		if l = h.after(3*time.Second, l); !l.Answerable() {
			t.Error("the return before the result does not count")
		}
	})
}

func TestReturnRefused_T02(t *testing.T) {
	for _, test := range []struct {
		name  string
		nonce func(h *house) secret.String
	}{
		{"guessed", func(*house) secret.String { return secret.New("guess") }},
		{"empty", func(*house) secret.String { return secret.String{} }},
		{"of another login", func(h *house) secret.String { return h.nonceOf(2) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, nil)
				defer h.close()
				l := h.started(this)
				h.started(this)
				h.service.set(1, complete(tolvan()), nil)
				l = h.after(3*time.Second, l)
				l, err := h.Return(t.Context(), l.ID, test.nonce(h), "203.0.113.5")
				if !errors.Is(err, login.ErrReturnRefused) {
					t.Fatalf("error is %v, want ErrReturnRefused", err)
				}
				h.wantState(l, storage.LoginFailed, login.ReasonReturn)
				if l.Identity != nil || l.Answerable() || len(h.events(audit.ReturnRefused)) != 1 {
					t.Error("the login keeps its identity, or nothing was audited")
				}
				if l, err = h.Return(t.Context(), l.ID, h.nonceOf(1), "203.0.113.5"); err != nil || l.Answerable() {
					t.Errorf("the right nonce afterwards: %v, answerable %v", err, l.Answerable())
				}
			})
		})
	}
}

func TestReturnOfReplacedOrderRefused_T02(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.started(this)
		if _, err := h.Start(t.Context(), l.ID, this); err != nil {
			t.Fatal(err)
		}
		h.service.set(2, complete(tolvan()), nil)
		l = h.after(3*time.Second, l)
		if _, err := h.Return(t.Context(), l.ID, h.nonceOf(1), ""); !errors.Is(err, login.ErrReturnRefused) {
			t.Errorf("the replaced order's nonce: %v, want ErrReturnRefused", err)
		}
	})
}

func TestGoesOnAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "store")
		store := openStore(t, path)
		if err := store.CreateClient(t.Context(), storage.Client{ID: "app"}); err != nil {
			t.Fatal(err)
		}
		h := runHouse(t, store, newService(), nil)
		l := h.started(other)
		l = h.after(3*time.Second, l)
		h.close()

		h = runHouse(t, openStore(t, path), h.service, nil)
		defer h.close()
		synctest.Wait()
		if frame := h.Frame(l).Reveal(); frame != "qr1.3" {
			t.Errorf("frame is %q after the restart, want that of second 3", frame)
		}
		h.service.set(1, complete(tolvan()), nil)
		h.wantState(h.after(3*time.Second, l), storage.LoginComplete, "")
	})
}

// brokenStore fails to complete logins a number of times.
type brokenStore struct {
	storage.Store
	mu    sync.Mutex
	times int
}

func (b *brokenStore) CompleteLogin(ctx context.Context, id, order string, r storage.Result, now time.Time) (*storage.Login, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.times--; b.times >= 0 {
		return nil, errors.New("disk full")
	}
	return b.Store.CompleteLogin(ctx, id, order, r, now)
}

func TestResultSurvivesStoreFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, func(o *login.Options) { o.Store = &brokenStore{Store: o.Store, times: 3} })
		defer h.close()
		l := h.started(other)
		h.service.set(1, complete(tolvan()), nil)
		h.wantState(h.after(20*time.Second, l), storage.LoginComplete, "")
		if n := len(h.service.collected(1)); n != 1 {
			t.Errorf("collected %d times, but the result is given once", n)
		}
	})
}

func TestLimits_T13_RowA23(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, func(o *login.Options) {
			o.MaxOrders = 3
			o.Limits = login.Limits{LoginsPerAddress: 20, OrdersPerAddress: 6, PendingOrders: 5}
		})
		defer h.close()
		var limit *login.LimitError
		l := h.begin()
		for range 3 {
			if _, err := h.Start(t.Context(), l.ID, other); err != nil {
				t.Fatal(err)
			}
		}
		last, err := h.Start(t.Context(), l.ID, other)
		if err != nil {
			t.Fatal(err)
		}
		h.wantState(last, storage.LoginFailed, login.ReasonTooMany)
		for range 2 {
			h.started(other)
		}
		if _, err := h.Start(t.Context(), h.begin().ID, other); !errors.As(err, &limit) || limit.RetryAfter <= 0 {
			t.Errorf("a seventh order within the minute: %v, want a *LimitError", err)
		}
		elsewhere := other
		elsewhere.IP = "2001:db8::1"
		for range 3 {
			if _, err := h.Start(t.Context(), h.begin().ID, elsewhere); err != nil {
				t.Fatal(err)
			}
		}
		elsewhere.IP = "2001:db8:1::1"
		if _, err := h.Start(t.Context(), h.begin().ID, elsewhere); !errors.As(err, &limit) {
			t.Errorf("a sixth pending order: %v, want a *LimitError", err)
		}
		for range 15 {
			if _, err = h.Create(t.Context(), storage.AuthRequest{ClientID: "app"}, secret.New("b"), "192.0.2.1"); err != nil {
				break
			}
		}
		if !errors.As(err, &limit) {
			t.Errorf("many logins from one address: %v, want a *LimitError", err)
		}
	})
}

func TestUnknownAndFinishedLogins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		if _, err := h.Start(t.Context(), "unknown", other); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("Start of an unknown login: %v", err)
		}
		l := h.begin()
		if _, err := h.store.RefuseLogin(t.Context(), l.ID, time.Now()); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Start(t.Context(), l.ID, other); !errors.Is(err, storage.ErrConflict) {
			t.Errorf("Start of an answered login: %v", err)
		}
		l = h.begin()
		time.Sleep(login.DefaultLife)
		if _, err := h.Start(t.Context(), l.ID, other); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("Start of an expired login: %v", err)
		}
		if h.service.orders() != 0 {
			t.Error("orders were made")
		}
	})
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.begin()
		changed, stop := h.Watch(l.ID)
		select {
		case <-changed:
			t.Error("a change was told before there was one")
		default:
		}
		if _, err := h.Start(t.Context(), l.ID, other); err != nil {
			t.Fatal(err)
		}
		<-changed
		stop()
		h.service.set(1, pending("userSign"), nil)
		h.after(3*time.Second, l)
		select {
		case <-changed:
			t.Error("a change was told after the end of the watch")
		default:
		}
	})
}
