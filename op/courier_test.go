package op

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"brygga/audit"
	"brygga/storage"
)

// Run delivers what a logout in this process brought about, and does not return before the call under way has ended.
func TestRunWaits(t *testing.T) {
	in := newInbox(t)
	b := told(t, in)
	began, proceed := make(chan struct{}), make(chan struct{})
	in.answer = func(http.ResponseWriter, *http.Request) { close(began); <-proceed }
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := b.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	ended := make(chan struct{})
	go func() { running.Wait(); close(ended) }()
	b.get("/logout", url.Values{"id_token_hint": {b.logIn("hr-a").IDToken}})
	<-began
	stop()
	select {
	case <-ended:
		t.Error("Run has returned with a call under way")
	case <-time.After(50 * time.Millisecond):
	}
	close(proceed)
	<-ended
	if len(b.waiting()) != 0 {
		t.Error("what was delivered at the end is delivered again")
	}
}

// A client that hangs gets few calls at once, and holds up nobody else.
func TestDeadClientHoldsUpNobody(t *testing.T) {
	dead, alive := newInbox(t), newInbox(t)
	release, told := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex
	now, most := 0, 0
	dead.answer = func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		<-release
		mu.Lock()
		now--
		mu.Unlock()
	}
	alive.answer = func(http.ResponseWriter, *http.Request) { close(told) }
	h := newHarness(t, func(o *Options) {
		reach(o, time.Minute, dead, alive)
	})
	b := h.newTab(func(c *storage.Client) {
		if c.BackchannelLogoutURI = dead.URL + "/" + c.ID; c.ID == "pay" {
			c.BackchannelLogoutURI = alive.URL + "/pay"
		}
	})
	for range 12 {
		other := h.openTab()
		other.get("/logout", url.Values{"id_token_hint": {other.logIn("hr-a").IDToken}})
	}
	b.get("/logout", url.Values{"id_token_hint": {b.logIn("pay").IDToken}})
	c := &courier{p: h.Provider, hosts: make(map[string]*noticeHost)}
	c.collect(t.Context())
	<-told // while the others hang
	close(release)
	c.work.Wait()
	if got := len(dead.got("/hr-a")); got != 12 || most > noticesPerHost || len(h.waiting()) != 0 {
		t.Errorf("told %d times, %d at once; waiting %v", got, most, h.waiting())
	}
}

// What waits for a host that turns out to be dead is put back without a call.
func TestDeadHostIsNotCalledOn(t *testing.T) {
	dead := newInbox(t)
	dead.answer = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	h := newHarness(t, func(o *Options) {
		reach(o, 300*time.Millisecond, dead)
	})
	h.newTab(func(c *storage.Client) { c.BackchannelLogoutURI = dead.URL + "/" + c.ID })
	for i := range 3 * noticesPerHost {
		b := h.openTab()
		b.get("/logout", url.Values{"id_token_hint": {b.logIn("hr-a").IDToken}})
		if ended := len(h.audited(audit.SessionEnded)); ended != i+1 {
			t.Fatalf("%d logouts ended %d sessions", i+1, ended)
		}
	}
	h.deliver()
	if got, waiting := len(dead.got("/hr-a")), len(h.waiting()); got > noticesPerHost || waiting != 3*noticesPerHost {
		t.Errorf("called %d times, waiting %d; given up %v, delivered %v", got, waiting, h.audited(audit.LogoutFailed), h.audited(audit.LogoutDelivered))
	}
}

// Once a host has not answered, what waits for it is put back, and it is tried by one call until it answers.
func TestHostThatFailsIsPaused(t *testing.T) {
	h := newHarness(t, nil)
	c := &courier{p: h.Provider, hosts: make(map[string]*noticeHost)}
	enter := func(want bool) *noticeHost {
		t.Helper()
		host, ok := c.enter("app.example.se")
		if ok != want {
			t.Fatalf("may enter: %t", ok)
		}
		return host
	}
	first, second := enter(true), enter(true)
	c.note(first, noticeTimeout, 0)
	if c.mayCall(second) {
		t.Error("what waited for a host that failed is sent")
	}
	enter(false)
	if other, ok := c.enter("other.example.se"); !ok || !c.mayCall(other) {
		t.Error("another host is paused too")
	}
	c.leave("app.example.se", first)
	c.leave("app.example.se", second)
	enter(false)
	h.move(hostPause)
	try := enter(true)
	enter(false) // one call at a time
	if !c.mayCall(try) {
		t.Error("the host is never tried again")
	}
	c.note(try, noticeStatus, http.StatusInternalServerError) // it answers, if not well
	enter(true)
	c.note(try, noticeStatus, http.StatusServiceUnavailable)
	enter(false)
	h.move(hostPause)
	c.note(try, noticeDelivered, http.StatusOK)
	enter(true)
}

// There is never more in hand than there is room for, and what was left is fetched when there is room again.
func TestCourierHasRoomForSome(t *testing.T) {
	h := newHarness(t, nil)
	c := &courier{p: h.Provider, hosts: make(map[string]*noticeHost)}
	var in []*noticeHost
	for i := range noticesAtOnce {
		host, ok := c.enter(fmt.Sprint(i))
		if !ok {
			t.Fatal("no room")
		}
		in = append(in, host)
	}
	if c.room() != 0 {
		t.Errorf("room for %d more", c.room())
	}
	for i, host := range in {
		c.leave(fmt.Sprint(i), host)
	}
	if c.room() != noticeBatch || len(h.notices) != 1 || len(c.hosts) != 0 {
		t.Errorf("room for %d, woken %d times, %d hosts kept", c.room(), len(h.notices), len(c.hosts))
	}
}

func TestRetryNotice(t *testing.T) {
	least := noticeRetry
	for attempt := 1; attempt < 70; attempt++ {
		for range 20 {
			if wait := retryNotice(attempt); wait < least || wait >= least*5/4 {
				t.Fatalf("attempt %d waits %s", attempt, wait)
			}
		}
		least = min(least*2, noticeRetryMost)
	}
	if retryNotice(0) < noticeRetry {
		t.Error("no wait")
	}
}
