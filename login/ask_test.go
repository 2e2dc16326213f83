package login_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"brygga/audit"
	"brygga/eid"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
)

// askFor is somebody who has named the holder of a tag, to be asked on another device.
func askFor(tag string) storage.Starter {
	by := byTag
	by.Device, by.Person = storage.DeviceOther, storage.PersonKey{Name: "tagId", Value: secret.New(tag)}
	return by
}

// personal is the error of a service that asks nobody.
func personal(reason string) error {
	return &eid.Fault{Reason: reason, Personal: true, Err: errors.New("the service says who has a tag")}
}

// look is what a stranger sees of a login.
func look(h *house, l *storage.Login) string {
	state := string(l.State)
	if l.State == storage.LoginPending || h.Starting(l) {
		state = "waits"
	}
	seen := fmt.Sprintf("%s %q %s launch %t frame %t", state, l.Failure.Reason, h.Remaining(l).Round(time.Second), !h.Launch(l).URL.IsZero(), !h.Frame(l).IsZero())
	if l.Order != nil {
		seen += fmt.Sprintf(" %d %q", l.Order.Phase, l.Order.HintCode)
	}
	return seen
}

// TestStrangersSeeTheSame looks each second at logins for people who were named, whatever the service says of them and whatever they and others do.
func TestStrangersSeeTheSame(t *testing.T) {
	in := func(p eid.Progress) func(*house, *service) {
		return func(_ *house, tag *service) { tag.set(1, p, nil) }
	}
	fault := func(reason string) func(*house, *service) {
		return func(_ *house, tag *service) {
			tag.set(1, eid.Progress{}, &eid.Fault{Reason: reason, Err: errors.New("a code")})
		}
	}
	var want []string
	for _, c := range []struct {
		name string
		do   func(*house, *service)
	}{
		{"known, and does nothing", func(*house, *service) {}},
		{"unknown", func(_ *house, tag *service) { tag.refuse = personal(login.ReasonRejected) }},
		{"blocked", func(_ *house, tag *service) { tag.refuse = personal(login.ReasonAlreadyInProgress) }},
		{"unknown, after a while", func(_ *house, tag *service) {
			tag.takes(4 * time.Second)
			tag.refuse = personal(login.ReasonRejected)
		}},
		{"the service is slow", func(_ *house, tag *service) { tag.takes(7 * time.Second) }},
		{"opens the app", in(eid.Progress{Phase: storage.PhaseInApp, HintCode: tagRead})},
		{"works in the app", in(eid.Progress{Phase: storage.PhaseWorking, HintCode: tagRead})},
		{"declines", in(eid.Progress{Status: eid.Failed, Phase: storage.PhaseInApp, HintCode: tagWithdrawn})},
		{"was asked by another service", in(eid.Progress{Status: eid.Failed, HintCode: "replaced", Unstarted: true})},
		{"expires early", in(eid.Progress{Status: eid.Failed, HintCode: tagUnseen, Unstarted: true})},
		{"unknown when asked for", fault(login.ReasonRejected)},
		{"lost", fault(login.ReasonLost)},
		{"the service goes down", func(_ *house, tag *service) {
			tag.set(1, eid.Progress{}, &eid.Fault{Reason: login.ReasonUnavailable, Passing: true, Err: errors.New("503")})
		}},
		{"hangs", func(_ *house, tag *service) {
			tag.hangs = 9 * time.Second
		}},
		{"is asked by another login", func(h *house, _ *service) { h.started(askFor("T1")) }},
		{"was asked too often", func(h *house, _ *service) {
			for range 5 {
				l := h.started(askFor("T1"))
				if _, err := h.Cancel(h.t.Context(), l.ID, "192.0.2.9"); err != nil {
					h.t.Fatal(err)
				}
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, tag := newTagHouse(t, nil)
				defer h.close()
				c.do(h, tag)
				l := h.begin()
				begun, err := h.Begin(t.Context(), l.ID, askFor("T1"), true)
				if err != nil {
					t.Fatal(err)
				}
				made := make(chan error, 1)
				go func() { _, err := begun.Finish(t.Context()); made <- err }()
				var seen []string
				for range 190 {
					l = h.after(time.Second, l)
					seen = append(seen, look(h, l))
				}
				if err := <-made; err != nil {
					t.Error(err)
				}
				if want == nil {
					want = withoutMaking(seen)
				}
				for i, got := range withoutMaking(seen) {
					if got != want[i] {
						t.Fatalf("after %d s a stranger sees %s, and of somebody who does nothing %s", i+1, got, want[i])
					}
				}
				if !strings.HasPrefix(seen[189], `failed "unanswered"`) {
					t.Errorf("in the end: %s", seen[189])
				}
			})
		})
	}
}

// withoutMaking leaves out what no page tells: what an order is like before it is made.
func withoutMaking(seen []string) (shown []string) {
	for _, s := range seen {
		shown = append(shown, strings.TrimSuffix(s, ` 0 ""`))
	}
	return shown
}

// TestWhyNobodyAnsweredIsNoted: what strangers do not see is in the log of events, and the service is not asked again for an order that has ended.
func TestWhyNobodyAnsweredIsNoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, tag := newTagHouse(t, nil)
		defer h.close()
		tag.set(1, eid.Progress{Status: eid.Failed, Phase: storage.PhaseInApp, HintCode: tagWithdrawn}, nil)
		l := h.after(4*time.Minute, h.started(askFor("T1")))
		h.wantState(l, storage.LoginFailed, login.ReasonUnanswered)
		if n := len(tag.collected(1)); n != 1 {
			t.Errorf("it was asked for %d times", n)
		}
		ended := h.events(audit.LoginEnded)
		if len(ended) != 1 || ended[0].Fields["MESSAGE"] != "unanswered: "+tagWithdrawn || ended[0].Fields["SOURCE_USER_NAME"] == "" {
			t.Errorf("noted is %+v", ended)
		}
	})
}

// TestAskedOneAtATime: while a person is asked nobody else has them asked, and the same login may anew.
func TestAskedOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, tag := newTagHouse(t, nil)
		defer h.close()
		first := h.started(askFor("T1"))
		second := h.started(askFor("T1"))
		if h.started(askFor("T2")); tag.orders() != 2 || second.State != storage.LoginPending {
			t.Fatalf("%d orders were made for two people", tag.orders())
		}
		if _, err := h.Start(t.Context(), first.ID, askFor("T1")); err != nil || tag.orders() != 3 {
			t.Errorf("the login itself has %d orders, %v", tag.orders(), err)
		}
		if _, err := h.Start(t.Context(), first.ID, this); err != nil { // and gives the person up
			t.Fatal(err)
		}
		if h.started(askFor("T1")); tag.orders() != 4 {
			t.Error("a person whom nobody asks any more is not asked")
		}
	})
}

// TestAsksHaveLimits: a person is asked five times in ten minutes and no more, by whomever; an address names so many people and no more.
func TestAsksHaveLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, tag := newTagHouse(t, func(o *login.Options) { o.Limits.AsksPerAddress = 7 })
		defer h.close()
		for i := range 7 {
			by := askFor("T1")
			by.IP = fmt.Sprintf("198.51.%d.1", 100+i)
			l := h.started(by)
			if _, err := h.Cancel(t.Context(), l.ID, by.IP); err != nil || l.State != storage.LoginPending {
				t.Fatal(err, l.State)
			}
		}
		if tag.orders() != 5 {
			t.Errorf("one person was asked %d times", tag.orders())
		}
		for i := range 8 {
			_, err := h.Start(t.Context(), h.begin().ID, askFor(fmt.Sprint("T", 10+i)))
			if limit, ok := errors.AsType[*login.LimitError](err); ok != (i == 7) || ok && limit.RetryAfter <= 0 {
				t.Errorf("person %d: %v", i, err)
			}
		}
		if _, err := h.Start(t.Context(), h.begin().ID, byTag); err != nil {
			t.Errorf("who names nobody is held back too: %v", err)
		}
	})
}

// TestSpellingsCountTogether: who is asked by one name in many spellings is one person for the limits.
func TestSpellingsCountTogether(t *testing.T) {
	spellings := []string{"T\u00e5sa", "Ta\u030asa", "T\u00c5SA", "tasa", "T\ufe0f\u00e5sa", "T\u00e5s\u034fa", "T\u00e5sa\u115f", "\uff34\u00e5sa"}
	synctest.Test(t, func(t *testing.T) {
		h, tag := newTagHouse(t, nil)
		defer h.close()
		h.started(askFor("T\u00e5sa"))
		for _, spelling := range spellings {
			if h.started(askFor(spelling)); tag.orders() != 1 {
				t.Errorf("%+q is somebody else", spelling)
			}
		}
		if h.started(askFor("T\u00e5sb")); tag.orders() != 2 {
			t.Error("somebody else is not asked")
		}
	})
}

// TestAskNeedsTheRight: nobody is asked for a client without the right, or by a method that asks nobody.
func TestAskNeedsTheRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, tag := newTagHouse(t, func(o *login.Options) { o.Methods[1].(*service).traits.NoCode = true })
		defer h.close()
		nobody := askFor("T1")
		nobody.Person = storage.PersonKey{}
		start := func(request storage.AuthRequest, by storage.Starter) (*storage.Login, error) {
			l, err := h.Create(t.Context(), request, secret.New("binding"), by.IP)
			if err != nil {
				t.Fatal(err)
			}
			return h.Start(t.Context(), l.ID, by)
		}
		if _, err := start(storage.AuthRequest{ClientID: "app"}, nobody); !errors.Is(err, login.ErrNoOrders) {
			t.Errorf("nobody was named: %v", err)
		}
		if _, err := start(storage.AuthRequest{ClientID: "app", RequiredPersonalNumber: secret.New("191212121212")}, askFor("T1")); !errors.Is(err, login.ErrNoOrders) {
			t.Errorf("the app requires somebody whom the method cannot name: %v", err)
		}
		thisDevice := askFor("T1")
		thisDevice.Device = storage.DeviceThis
		if l, err := start(storage.AuthRequest{ClientID: "app"}, thisDevice); err != nil || !l.Order.Starter.Person.IsZero() {
			t.Errorf("who was named for this device: %v", err)
		}
		byCode := askFor("T1")
		byCode.Method = "fake"
		if l, err := start(storage.AuthRequest{ClientID: "app"}, byCode); err != nil || !l.Order.Starter.Person.IsZero() || h.Frame(l).IsZero() {
			t.Errorf("who was named to a method with codes: %v", err)
		}
		if err := h.store.CreateClient(t.Context(), storage.Client{ID: "plain", Name: "Plain", Methods: []string{"tag"}}); err != nil {
			t.Fatal(err)
		}
		if _, err := start(storage.AuthRequest{ClientID: "plain"}, askFor("T1")); !errors.Is(err, login.ErrNoOrders) {
			t.Errorf("a client without the right: %v", err)
		}
		if tag.orders() != 1 {
			t.Errorf("%d orders were made", tag.orders())
		}
	})
}

// TestRequiredPersonIsAsked: nobody names another one than the person whom the app requires.
func TestRequiredPersonIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, tag := newTagHouse(t, func(o *login.Options) {
			o.Methods[1].(*service).traits.Naming = &eid.Naming{Kinds: []string{"number"}, Read: func(typed string) (storage.PersonKey, bool) {
				return storage.PersonKey{Name: storage.KeyPersonalNumber, Value: secret.New(typed)}, true
			}}
		})
		defer h.close()
		l, err := h.Create(t.Context(), storage.AuthRequest{ClientID: "app", RequiredPersonalNumber: secret.New("191212121212")}, secret.New("binding"), "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Start(t.Context(), l.ID, askFor("T1")); err != nil {
			t.Fatal(err)
		}
		if r := tag.request(1); r.Required.Name != storage.KeyPersonalNumber || r.Required.Value.Reveal() != "191212121212" {
			t.Errorf("asked is a person known by %s", r.Required.Name)
		}
	})
}

// TestLateAnswerOfAnAskedPerson: an order that was given up, by cancelling or for another eID, brings nobody in, however late its person answers.
func TestLateAnswerOfAnAskedPerson(t *testing.T) {
	for name, giveUp := range map[string]func(*house, *storage.Login) error{
		"cancelled": func(h *house, l *storage.Login) error {
			_, err := h.Cancel(h.t.Context(), l.ID, "192.0.2.1")
			return err
		},
		"another eID": func(h *house, l *storage.Login) error {
			_, err := h.Start(h.t.Context(), l.ID, other)
			return err
		},
		"another person": func(h *house, l *storage.Login) error {
			_, err := h.Start(h.t.Context(), l.ID, askFor("T2"))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, tag := newTagHouse(t, func(o *login.Options) { o.Policy.PersonKeys = []string{"tagId"} })
				defer h.close()
				asked, answer := make(chan struct{}), make(chan struct{})
				tag.setFunc(1, func() (eid.Progress, error) { close(asked); <-answer; return complete(holder("T1")), nil })
				l := h.started(askFor("T1"))
				<-asked
				if err := giveUp(h, l); err != nil {
					t.Fatal(err)
				}
				close(answer)
				if l = h.after(time.Second, l); l.Identity != nil || l.State == storage.LoginComplete {
					t.Errorf("it is %s", l.State)
				}
				if l.State == storage.LoginPending && l.Order.Starter.Person.Value.Reveal() == "T1" {
					t.Error("the order that was given up is back")
				}
			})
		})
	}
}

// TestAskedOrderGoesOn: after a restart an order that asks nobody waits as any other does.
func TestAskedOrderGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, tag := newTagHouse(t, nil)
		tag.refuse = personal(login.ReasonRejected)
		l := h.after(time.Minute, h.started(askFor("T1")))
		h.stop()
		h = runHouse(t, h.store, h.service, func(o *login.Options) { o.Methods = append(o.Methods, tag) })
		defer h.close()
		h.wantState(h.after(119*time.Second, l), storage.LoginPending, "")
		h.wantState(h.after(time.Second, l), storage.LoginFailed, login.ReasonUnanswered)
	})
}

// TestNamed has whoever is typed, and nobody where that is none or too long. Whom the request requires takes the place of anybody, so that nobody learns
// who that is by trying.
func TestNamed(t *testing.T) {
	key := func(value string) storage.PersonKey {
		return storage.PersonKey{Name: storage.KeyPersonalNumber, Value: secret.New(value)}
	}
	naming := &eid.Naming{Read: func(typed string) (storage.PersonKey, bool) { return key(strings.TrimSpace(typed)), typed != "" }}
	for typed, want := range map[string]string{"anna": "anna", "bo": "bo", "": "", "anna" + strings.Repeat(" ", login.MaxNamed): ""} {
		free, named := login.Asking{Naming: naming}.Named(typed)
		if named != (want != "") || named && !free.Equal(key(want)) {
			t.Errorf("%q: %t", typed, named)
		}
		if bound, ok := (login.Asking{Naming: naming, Person: key("anna")}).Named(typed); ok != named || ok && !bound.Equal(key("anna")) {
			t.Errorf("%q where anna is required: %t", typed, ok)
		}
	}
}
