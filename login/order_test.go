package login_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"brygga/audit"
	"brygga/bankid"
	"brygga/bankid/bankidsim"
	"brygga/eid"
	"brygga/login"
	"brygga/storage"
)

// TestWhatErrorsMean answers a start, and each collect for a while, with every error code that BankID knows (BankID API:
// errors), and asks what the login becomes. It never starts an order twice but for maintenance.
func TestWhatErrorsMean(t *testing.T) {
	h := newSimHouse(t, nil)
	tests := map[bankid.ErrorCode]struct {
		status         int
		start, collect string // reasons; an empty one means that the order is waited for, and completes
	}{
		bankid.CodeAlreadyInProgress:    {400, login.ReasonAlreadyInProgress, login.ReasonAlreadyInProgress},
		bankid.CodeInvalidParameters:    {400, login.ReasonRejected, login.ReasonLost},
		bankid.CodeUnauthorized:         {401, login.ReasonRefused, login.ReasonRefused},
		bankid.CodeNotFound:             {404, login.ReasonRejected, login.ReasonRejected},
		bankid.CodeMethodNotAllowed:     {405, login.ReasonRejected, login.ReasonRejected},
		bankid.CodeRequestTimeout:       {408, login.ReasonUnavailable, ""},
		bankid.CodeUnsupportedMediaType: {415, login.ReasonRejected, login.ReasonRejected},
		bankid.CodeTooManyRequests:      {429, login.ReasonUnavailable, ""},
		bankid.CodeInternalError:        {500, login.ReasonUnavailable, ""},
		bankid.CodeMaintenance:          {503, login.ReasonMaintenance, ""},
		"brandNewCode":                  {418, login.ReasonRejected, login.ReasonRejected},
	}
	pending := map[bankid.ErrorCode]*storage.Login{}
	for _, code := range append(bankid.ErrorCodes(), "brandNewCode") {
		tt, ok := tests[code]
		if !ok {
			t.Fatalf("nothing is expected of %s", code)
		}
		chaos := bankidsim.Chaos{Errors: -1, ErrorStatus: tt.status, ErrorCode: string(code)}
		h.spoiler.mu.Lock()
		h.spoiler.start["start "+string(code)], h.spoiler.collect["collect "+string(code)] = chaos, chaos
		h.spoiler.mu.Unlock()
		l := h.startAs("start "+string(code), storage.DeviceOther, storage.Policy{})
		if l.State != storage.LoginFailed || l.Failure.Reason != tt.start {
			t.Errorf("start answered with %s: login is %s (%q), want %q", code, l.State, l.Failure.Reason, tt.start)
		}
		pending[code] = h.startAs("collect "+string(code), storage.DeviceOther, storage.Policy{})
		h.approve(pending[code], asa, bankidsim.Approval{})
	}
	for code, l := range pending {
		if tests[code].collect != "" {
			continue
		}
		h.spoiler.failedCollect(t, l)
		if now, err := h.Login(t.Context(), l.ID); err != nil || now.State != storage.LoginPending {
			t.Errorf("collect answered with %s: login is %s (%q), want it to be waited for", code, now.State, now.Failure.Reason)
		}
		h.spoiler.mu.Lock()
		delete(h.spoiler.collect, "collect "+string(code))
		h.spoiler.mu.Unlock()
	}
	for code, l := range pending {
		state, want := storage.LoginFailed, tests[code].collect
		if want == "" {
			state = storage.LoginComplete
		}
		if l = h.settled(l); l.State != state || l.Failure.Reason != want {
			t.Errorf("collect answered with %s: login is %s (%q), want %s (%q)", code, l.State, l.Failure.Reason, state, want)
		}
	}
}

// failedCollect waits until collecting the login's order has failed.
func (s *spoiler) failedCollect(t *testing.T, l *storage.Login) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		s.mu.Lock()
		failed := s.failed[l.Order.Ref.Reveal()]
		s.mu.Unlock()
		if failed {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the order was never collected")
		}
	}
}

// TestWhatHintCodesMean tells a login every hint code (BankID API: collect).
func TestWhatHintCodesMean(t *testing.T) {
	ended := map[string]bool{"userCancel": true, "cancelled": true, "expiredTransaction": true, "userDeclinedCall": true}
	for _, hint := range append(bankid.FailedHintCodes(), "brandNewHint") {
		t.Run("failed "+string(hint), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, nil)
				defer h.close()
				h.service.set(1, failed(string(hint)), nil)
				l := h.after(3*time.Second, h.started(other))
				if hint == bankid.HintStartFailed {
					h.wantState(l, storage.LoginPending, "")
					return
				}
				h.wantState(l, storage.LoginFailed, string(hint))
				event := audit.LoginFailed
				if ended[string(hint)] {
					event = audit.LoginEnded
				}
				if told := h.events(event); len(told) != 1 || told[0].Fields["MESSAGE"] != string(hint) {
					t.Errorf("audit events are %v, want one %s", told, event)
				}
			})
		})
	}
	for _, hint := range append(bankid.PendingHintCodes(), "brandNewHint") {
		t.Run("pending "+string(hint), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, nil)
				defer h.close()
				h.service.set(1, pending(string(hint)), nil)
				l := h.after(40*time.Second, h.started(other))
				h.wantState(l, storage.LoginPending, "")
				renewed, awaits := h.service.orders() > 1, hint == bankid.HintOutstandingTransaction || hint == bankid.HintNoClient
				if renewed != awaits {
					t.Errorf("%d orders, renewed is right only while no app has the order", h.service.orders())
				}
			})
		})
	}
}

// TestQuietRetries counts the orders that one start asks for.
func TestQuietRetries(t *testing.T) {
	maintenance := &eid.Fault{Reason: login.ReasonMaintenance, Passing: true, Err: errors.New("503")}
	lost := &eid.Fault{Reason: login.ReasonUnavailable, Passing: true, Err: errors.New("connection reset")}
	for _, tt := range []struct {
		name    string
		answers []error
		asked   int
		reason  string
	}{
		{"over at once", []error{maintenance}, 2, ""},
		{"over soon", []error{maintenance, maintenance}, 3, ""},
		{"goes on", []error{maintenance, maintenance, maintenance}, 3, login.ReasonMaintenance},
		{"lost answer", []error{lost}, 1, login.ReasonUnavailable},
		{"lost answer to the second", []error{maintenance, lost}, 2, login.ReasonUnavailable},
		{"already in progress", []error{&eid.Fault{Reason: login.ReasonAlreadyInProgress, Err: errors.New("400")}}, 1, login.ReasonAlreadyInProgress},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, nil)
				defer h.close()
				h.service.refuseNext = tt.answers
				l := h.started(other)
				if h.service.asked != tt.asked || l.Failure.Reason != tt.reason || (l.State == storage.LoginPending) != (tt.reason == "") {
					t.Errorf("asked %d times, login is %s (%q); want %d and %q", h.service.asked, l.State, l.Failure.Reason, tt.asked, tt.reason)
				}
			})
		})
	}
}

// TestQuietRetriesNeedTime: a service that is slow to say that it is closed is not asked again, as the claim of the order
// would run out.
func TestQuietRetriesNeedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		h.service.takes(6 * time.Second)
		h.service.refuseNext = []error{&eid.Fault{Reason: login.ReasonMaintenance, Err: errors.New("503")}}
		if l := h.started(other); h.service.asked != 1 || l.Failure.Reason != login.ReasonMaintenance {
			t.Errorf("asked %d times, login is %s (%q)", h.service.asked, l.State, l.Failure.Reason)
		}
	})
}

// TestDescriptions wants one in plain ASCII for whatever a login may end with.
func TestDescriptions(t *testing.T) {
	unknown := login.DescriptionOf(login.BankIDTraits().Words, "neverHeardOf")
	reasons := login.Reasons()
	for _, hint := range bankid.FailedHintCodes() {
		reasons = append(reasons, string(hint))
	}
	seen := map[string]string{}
	for _, reason := range reasons {
		text := login.DescriptionOf(login.BankIDTraits().Words, reason)
		if text == unknown || seen[text] != "" {
			t.Errorf("%s has no description of its own: %q", reason, text)
		}
		seen[text] = reason
		for _, c := range []byte(text) {
			if c < ' ' || c > '~' || c == '"' || c == '\\' { // RFC 6749 §4.1.2.1
				t.Errorf("the description of %s has the character %q", reason, c)
			}
		}
	}
}

// TestOrderKeepsItsCertificate takes a certificate out of the configuration while an order waits for it.
func TestOrderKeepsItsCertificate(t *testing.T) {
	h := newSimHouse(t, nil)
	l := h.startAs("second", storage.DeviceOther, storage.Policy{Certificate: "second"})
	h.approve(l, erik, bankidsim.Approval{})
	if _, err := h.spoiler.Method.Collect(t.Context(), &storage.Order{Ref: l.Order.Ref}); err == nil {
		t.Error("another certificate collects the order")
	}
	gone := *l.Order
	gone.Sent.Certificate = "third"
	var fault *eid.Fault
	if _, err := h.spoiler.Method.Collect(t.Context(), &gone); !errors.As(err, &fault) || fault.Reason != login.ReasonLost {
		t.Errorf("collect without the certificate: %v", err)
	}
	if err := h.spoiler.Method.Cancel(t.Context(), &gone); !errors.As(err, &fault) {
		t.Errorf("cancel without the certificate: %v", err)
	}
	if l = h.settled(l); l.State != storage.LoginComplete {
		t.Errorf("login is %s (%q)", l.State, l.Failure.Reason)
	}
	l = h.startAs("third", storage.DeviceOther, storage.Policy{Certificate: "third"})
	if l.State != storage.LoginFailed || l.Failure.Reason != login.ReasonRefused {
		t.Errorf("with an unknown certificate, login is %s (%q)", l.State, l.Failure.Reason)
	}
	l = h.startAs("card", storage.DeviceOther, storage.Policy{CertificatePolicies: []string{bankid.PolicyTestOnCard}})
	if l.State != storage.LoginFailed || l.Failure.Reason != login.ReasonQRExcluded {
		t.Errorf("with a QR code for BankID on card, login is %s (%q)", l.State, l.Failure.Reason)
	}
}

// TestResultIsJudgedByWhatWasSent collects one result as that of orders which were asked for something else.
func TestResultIsJudgedByWhatWasSent(t *testing.T) {
	h := newSimHouse(t, func(o *login.Options) { o.CollectEvery = time.Hour }) // the test collects
	for name, tt := range map[string]struct {
		change       func(*storage.Sent)
		unmet, check string
	}{
		"as sent":        {func(*storage.Sent) {}, "", ""},
		"document":       {func(s *storage.Sent) { s.MRTD = true }, "mrtd", ""},
		"another login":  {func(s *storage.Sent) { s.NonVisible = []byte("another") }, "", "non_visible_data"},
		"another text":   {func(s *storage.Sent) { s.VisibleText = "another" }, "", "visible_data"},
		"another format": {func(s *storage.Sent) { s.VisibleFormat = "simpleMarkdownV1" }, "", "visible_data"},
		"another kind":   {func(s *storage.Sent) { s.CertificatePolicies = []string{bankid.PolicyTestOnCard} }, "", "policy"},
		"another name":   {func(s *storage.Sent) { s.PartyDisplay = "another" }, "", "relying_party"},
	} {
		l := h.startAs(name, storage.DeviceOther, storage.Policy{})
		h.approve(l, asa, bankidsim.Approval{})
		order := *l.Order
		tt.change(&order.Sent)
		progress, err := h.spoiler.Method.Collect(t.Context(), &order)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var unverified *eid.UnverifiedError
		if err := progress.Verify(order.Sent); (tt.check == "") != (err == nil) || tt.check != "" && (!errors.As(err, &unverified) || unverified.Check != tt.check) {
			t.Errorf("%s: verified with %v, want check %q", name, err, tt.check)
		}
		if progress.Unmet != tt.unmet {
			t.Errorf("%s: unmet %q, want %q", name, progress.Unmet, tt.unmet)
		}
	}
}

// TestDocumentLogin demands that a passport is read.
func TestDocumentLogin(t *testing.T) {
	h := newSimHouse(t, nil)
	l := h.startAs("mrtd", storage.DeviceOther, storage.Policy{MRTD: "yes"})
	ref := l.Order.Ref.Reveal()
	if _, err := h.sim.Scan(bankidsim.Pickup{OrderRef: ref, PersonalNumber: asa}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.sim.ReadDocument(ref, true); err != nil {
		t.Fatal(err)
	}
	if _, err := h.sim.Sign(ref, bankidsim.Approval{}); err != nil {
		t.Fatal(err)
	}
	if l = h.settled(l); l.State != storage.LoginComplete || !l.Identity.MRTD {
		t.Errorf("login is %s (%q) of %v", l.State, l.Failure.Reason, l.Identity)
	}
	l = h.startAs("plain", storage.DeviceOther, storage.Policy{})
	h.approve(l, asa, bankidsim.Approval{})
	if l = h.settled(l); l.State != storage.LoginComplete || l.Identity.MRTD {
		t.Errorf("without a document, login is %s (%q) of %v", l.State, l.Failure.Reason, l.Identity)
	}
}
