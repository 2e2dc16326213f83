package web_test

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"brygga/bankid/bankidsim"
	"brygga/eid"
	"brygga/login"
	"brygga/storage"
)

// inApp is a browser inside another app: no address leads back to it.
const inApp = "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/UQ1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0.0.0 Mobile Safari/537.36 Instagram 333.0.0.0"

const (
	attackersAddress = "198.51.100.7"
	victimsAddress   = "203.0.113.99"
)

// slowly is a method whose orders are made when the test lets them.
type slowly struct {
	eid.Method
	mu    sync.Mutex
	hold  chan struct{} // nil: at once
	asked int           // how many orders were asked for
}

func (s *slowly) Start(ctx context.Context, r eid.Request) (storage.Order, error) {
	s.mu.Lock()
	s.asked++
	hold := s.hold
	s.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return storage.Order{}, ctx.Err()
		}
	}
	return s.Method.Start(ctx, r)
}

// orders returns how many orders were asked for.
func (s *slowly) orders() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// wait makes orders wait from now on, until the returned function is called.
func (s *slowly) wait() (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold = make(chan struct{})
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		close(s.hold)
		s.hold = nil
	})
}

// attacker is a browser at the attacker's address, whose BankID is slow when the test says so.
type attacker struct {
	*browser
	*slowly
	clicks sync.WaitGroup
}

func newAttacker(t *testing.T, agent string) *attacker {
	t.Helper()
	var slow slowly
	h := newHouse(t, shared, func(s *settings) {
		s.web.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		if slow.Method == nil { // a process after a crash has the same
			slow.Method = s.engine.Methods[0]
		}
		s.engine.Methods = []eid.Method{&slow}
	})
	b := h.browser(agent)
	b.header.Set("X-Forwarded-For", attackersAddress)
	return &attacker{browser: b, slowly: &slow}
}

// click asks for an order in the background, as BankID may be slow, and returns when the click has been noted and BankID asked: a clock
// that is put forward before would have the order given up, and the one before cancelled.
func (b *attacker) click(path, device string) {
	b.t.Helper()
	before, asked := b.login(path).Claim.ID, b.orders()
	b.clicks.Go(func() { b.post(path+"/start", "device", device) })
	for range 500 {
		if b.login(path).Claim.ID != before && b.orders() > asked {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.t.Fatal("the click is not noted")
}

// noLink fails when the page leads to the app.
func (b *attacker) noLink(path, when string) {
	b.t.Helper()
	for _, text := range []string{b.get(path).body, b.status(path).HTML} {
		if strings.Contains(text, "autostarttoken") {
			b.t.Errorf("%s: the page has a launch link of an order that was not made for this device", when)
		}
	}
}

// TestLinkOfAQRCodeIsNeverShown_T04: who opens a launch link logs in the browser that shows it, unless the order demands the
// return. An order for the QR code demands none, so its link must not be shown, whatever was clicked since.
func TestLinkOfAQRCodeIsNeverShown_T04(t *testing.T) {
	t.Parallel()
	for name, agent := range map[string]string{"computer": windowsPC, "phone": iPhone, "in an app": inApp} {
		for _, clicks := range [][]string{{"this"}, {"this", "this"}, {"other", "this"}, {"this", "other", "this"}} {
			for _, crash := range []bool{false, true} {
				t.Run(name+" "+strings.Join(clicks, "+"), func(t *testing.T) {
					t.Parallel()
					b := newAttacker(t, agent)
					defer b.clicks.Wait()
					path := b.begin("app")
					b.post(path+"/start", "device", "other")
					if b.status(path).QR == "" {
						t.Fatal("no QR code is shown")
					}
					release := b.wait()
					defer release()
					for _, device := range clicks {
						b.click(path, device)
						b.noLink(path, "while BankID is slow")
						b.ahead.Add(int64(storage.ClaimLife)) // nobody waits for that order any more
						b.noLink(path, "when the claim is dead")
					}
					if crash {
						b.crash()
						b.noLink(path, "after the crash")
					}
				})
			}
		}
	}
}

// TestApprovalIsJudgedAsItWasAsked_T04: the order of a browser without a way back counts only when the same address approves
// it. Another click while it waits changes nothing of that.
func TestApprovalIsJudgedAsItWasAsked_T04(t *testing.T) {
	t.Parallel()
	for name, clicks := range map[string][]string{
		"no click": {}, "the QR code": {"other"}, "this device": {"this"}, "both": {"other", "this"}, "both the other way": {"this", "other"},
	} {
		for _, crash := range []bool{false, true} {
			for _, address := range []string{victimsAddress, attackersAddress} {
				if address == attackersAddress && name != "the QR code" {
					continue // one honest approval shows that the test tells them apart
				}
				t.Run(name+" approved at "+address, func(t *testing.T) {
					t.Parallel()
					b := newAttacker(t, inApp)
					defer b.clicks.Wait()
					path := b.begin("app")
					order := b.open(path) // by the victim, who was sent the link
					b.await(path, "confirm")
					release := b.wait()
					defer release()
					for i, device := range clicks {
						if i > 0 {
							b.ahead.Add(int64(storage.ClaimLife))
						}
						b.header.Set("X-Forwarded-For", victimsAddress) // as if the second click came from there
						b.click(path, device)
					}
					if crash {
						b.crash()
						b.ahead.Add(int64(storage.ClaimLife))
					}
					_, err := b.peer.Sign(order.OrderRef, bankidsim.Approval{IPAddress: address})
					must(t, err)
					l := b.settled(path, order)
					if address == attackersAddress {
						if l.State != storage.LoginComplete {
							t.Errorf("an honest approval leaves the login %s (%s)", l.State, l.Failure.Reason)
						}
						return
					}
					if l.State != storage.LoginFailed || l.Failure.Reason != login.ReasonOtherAddress {
						t.Errorf("the login is %s (%q)", l.State, l.Failure.Reason)
					}
					if answer := b.post(path + "/done"); answer.location != path {
						t.Errorf("the attacker's browser is led to %q", answer.location)
					}
				})
			}
		}
	}
}

// settled waits until the order has been collected for the last time and returns the login as it then is.
func (b *attacker) settled(path string, order bankidsim.Order) *storage.Login {
	b.t.Helper()
	for range 1000 {
		if l := b.login(path); l.State != storage.LoginPending {
			return l
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.t.Fatalf("order %s is not settled", order.State)
	return nil
}
