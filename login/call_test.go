package login_test

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"brygga/bankid/bankidsim"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
)

// call begins a login by telephone with the person, as a client called word.
func (h *simHouse) call(word, person string, sign *storage.SignRequest, life time.Duration) *storage.Login {
	h.t.Helper()
	err := h.store.CreateClient(h.t.Context(), storage.Client{ID: word, Name: "Appen " + word})
	if err != nil && !errors.Is(err, storage.ErrExists) {
		h.t.Fatal(err)
	}
	l, err := h.Call(h.t.Context(), storage.AuthRequest{
		ClientID: word, Sign: sign, RequiredPersonalNumber: secret.New(person),
		Program: &storage.Program{Owner: "program of " + word, Expires: time.Now().Add(life)}, Call: &storage.Call{Initiator: storage.CallByParty},
	}, secret.New("binding of "+word), storage.Starter{IP: "192.0.2.1", Language: "sv", DeviceIdentifier: word})
	if err != nil {
		h.t.Fatal(err)
	}
	return l
}

// ref returns the order of a call, once it is made.
func (h *simHouse) ref(l *storage.Login) string {
	h.t.Helper()
	return h.until(l.ID, storage.LoginPending).Order.Ref.Reveal()
}

// until waits for the login to be in that state.
func (h *simHouse) until(id string, state storage.LoginState) *storage.Login {
	h.t.Helper()
	for range 1500 {
		l, err := h.Login(h.t.Context(), id)
		if err != nil {
			h.t.Fatal(err)
		}
		if l.State == state {
			return l
		}
		time.Sleep(10 * time.Millisecond)
	}
	l, _ := h.Login(h.t.Context(), id)
	h.t.Fatalf("the login is %s, want %s: %+v", l.State, state, l.Failure)
	return nil
}

// TestCall has persons identify and sign on the telephone: the order reaches the app by the number, has nothing to show or to come back by, and
// its result is verified as one of a call.
func TestCall(t *testing.T) {
	h := newSimHouse(t, nil)
	for _, one := range []struct {
		word, person string
		sign         *storage.SignRequest
		kind         string
	}{{"identify", asa, nil, "phone/auth"}, {"sign", erik, toSign("sign"), "phone/sign"}} {
		l := h.call(one.word, one.person, one.sign, time.Minute)
		ref := h.ref(l)
		pending := h.until(l.ID, storage.LoginPending)
		if o := pending.Order; !o.AutoStartToken.IsZero() || !o.QRStartToken.IsZero() || o.ReturnRequired() || !h.Frame(pending).IsZero() || !h.Launch(pending).URL.IsZero() {
			t.Errorf("%s: the order has something to show or to come back by", one.word)
		}
		opened, err := h.sim.Open(bankidsim.Pickup{OrderRef: ref, PersonalNumber: one.person})
		if err != nil {
			t.Fatal(err)
		}
		if string(opened.Kind) != one.kind {
			t.Errorf("%s: an order of kind %s, want %s", one.word, opened.Kind, one.kind)
		}
		if _, err := h.sim.Sign(ref, bankidsim.Approval{}); err == nil {
			t.Errorf("%s: approved before the call was confirmed", one.word)
		}
		for range 500 {
			if l, _ := h.Login(t.Context(), l.ID); l.Order.Phase == storage.PhaseWorking && l.Order.HintCode == "userCallConfirm" {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if l, _ := h.Login(t.Context(), l.ID); l.Order.Phase != storage.PhaseWorking {
			t.Errorf("%s: the phase is %d while the call is to be confirmed", one.word, l.Order.Phase)
		}
		if _, err := h.sim.ConfirmCall(ref, true); err != nil {
			t.Fatal(err)
		}
		if _, err := h.sim.Sign(ref, bankidsim.Approval{}); err != nil {
			t.Fatal(err)
		}
		done := h.until(l.ID, storage.LoginComplete)
		if done.Identity.PersonalNumber.Reveal() != one.person || !done.Answerable() {
			t.Errorf("%s: not answerable with the person", one.word)
		}
	}
}

// TestCallEnds: who is not on the telephone says so, and a call whose time is over has its order cancelled, at BankID too.
func TestCallEnds(t *testing.T) {
	h := newSimHouse(t, nil)
	declined, late := h.call("declined", asa, nil, time.Minute), h.call("late", erik, nil, 3*time.Second)
	ref := h.ref(declined)
	if _, err := h.sim.Open(bankidsim.Pickup{OrderRef: ref, PersonalNumber: asa}); err != nil {
		t.Fatal(err)
	}
	lateRef := h.ref(late)
	if _, err := h.sim.Open(bankidsim.Pickup{OrderRef: lateRef, PersonalNumber: erik}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.sim.ConfirmCall(ref, false); err != nil {
		t.Fatal(err)
	}
	if l := h.until(declined.ID, storage.LoginFailed); l.Failure.Reason != "userDeclinedCall" || l.Orders != 1 || l.Order.AwaitsApp() {
		t.Errorf("ended as %q after %d orders, phase %d", l.Failure.Reason, l.Orders, l.Order.Phase)
	}
	if l := h.until(late.ID, storage.LoginFailed); l.Failure.Reason != login.ReasonExpired || l.Orders != 1 {
		t.Errorf("ended as %q after %d orders", l.Failure.Reason, l.Orders)
	}
	for range 500 {
		if _, err := h.sim.ConfirmCall(lateRef, true); err != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the order of a call whose time is over can be completed still")
}

// TestCallsArePushedAtStrangers: one person has one order at a time, and few in a while, whoever asks for them; the first of them goes on.
func TestCallsArePushedAtStrangers(t *testing.T) {
	h := newSimHouse(t, func(o *login.Options) { o.Limits.CallsPerPerson = 2 })
	first := h.call("first", asa, nil, time.Minute)
	end := func(l *storage.Login) {
		t.Helper()
		if _, err := h.sim.Fail(h.ref(l), "userCancel"); err != nil {
			t.Fatal(err)
		}
		h.until(l.ID, storage.LoginFailed)
	}
	h.ref(first)
	if l := h.until(h.call("second", asa, nil, time.Minute).ID, storage.LoginFailed); l.Failure.Reason != login.ReasonAlreadyInProgress || l.Orders != 0 {
		t.Errorf("a second order: %q, %d orders", l.Failure.Reason, l.Orders)
	}
	h.ref(h.call("other", erik, nil, time.Minute))
	end(first)
	end(h.call("second", asa, nil, time.Minute))
	if l := h.until(h.call("third", asa, nil, time.Minute).ID, storage.LoginFailed); l.Failure.Reason != login.ReasonTooMany || l.Orders != 0 {
		t.Errorf("a third order within minutes: %q, %d orders", l.Failure.Reason, l.Orders)
	}
}

// TestCallIsNeverRenewed: an order that nobody opens ends with the service's own time, and no other takes its place.
func TestCallIsNeverRenewed(t *testing.T) {
	h := newSimHouse(t, nil)
	l := h.call("unopened", asa, nil, time.Minute)
	ref := h.ref(l)
	if silence := h.CallSilence(); silence <= login.BankIDTraits().StartLife+login.BankIDCollectEvery {
		t.Errorf("who does not exist is told from who does not open the order after %s", silence)
	}
	if _, err := h.sim.Fail(ref, "startFailed"); err != nil {
		t.Fatal(err)
	}
	if l := h.until(l.ID, storage.LoginFailed); l.Failure.Reason != "startFailed" || l.Orders != 1 {
		t.Errorf("ended as %q after %d orders", l.Failure.Reason, l.Orders)
	}
}

// TestProgramsAreTold: whoever owns a login without a browser learns of its end, whichever it is, once; nobody else's login is told of.
func TestProgramsAreTold(t *testing.T) {
	var mu sync.Mutex
	ended := map[string][]storage.LoginState{}
	h := newSimHouse(t, func(o *login.Options) {
		o.Ended = func(l *storage.Login) {
			mu.Lock()
			defer mu.Unlock()
			ended[l.Request.ClientID] = append(ended[l.Request.ClientID], l.State)
		}
	})
	approved := h.call("approved", asa, nil, time.Minute)
	ref := h.ref(approved)
	busy := h.call("busy", asa, nil, time.Minute)
	h.until(busy.ID, storage.LoginFailed)
	declined, cancelled := h.call("declined", "200002029809", nil, time.Minute), h.call("cancelled", "200001019801", nil, time.Minute)
	if _, err := h.sim.Fail(h.ref(declined), "userCancel"); err != nil {
		t.Fatal(err)
	}
	h.ref(cancelled)
	if _, err := h.Cancel(t.Context(), cancelled.ID, "192.0.2.1"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.sim.Open(bankidsim.Pickup{OrderRef: ref, PersonalNumber: asa}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.sim.ConfirmCall(ref, true); err != nil {
		t.Fatal(err)
	}
	if _, err := h.sim.Sign(ref, bankidsim.Approval{}); err != nil {
		t.Fatal(err)
	}
	h.until(approved.ID, storage.LoginComplete)
	h.until(declined.ID, storage.LoginFailed)
	for range 500 {
		mu.Lock()
		n := len(ended)
		mu.Unlock()
		if n == 4 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	mu.Lock()
	defer mu.Unlock()
	want := map[string][]storage.LoginState{
		"approved": {storage.LoginComplete}, "busy": {storage.LoginFailed}, "declined": {storage.LoginFailed}, "cancelled": {storage.LoginFailed},
	}
	if !maps.EqualFunc(ended, want, slices.Equal) {
		t.Errorf("told of %v, want %v", ended, want)
	}
}
