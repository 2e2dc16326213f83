package login_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ocsp"

	"brygga/audit"
	"brygga/bankid"
	"brygga/bankid/bankidsim"
	"brygga/eid"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
)

const (
	asa  = "198502039822"
	erik = "197807159814"
)

// simulator is shared by the tests below, as its keys are slow to make.
var simulator = sync.OnceValue(func() *bankidsim.Simulator {
	sim, err := bankidsim.New(bankidsim.Options{})
	if err != nil {
		panic(err)
	}
	return sim
})

// spoiler is the method BankID against the simulator, which misbehaves differently for each login, so that many run at once.
// It knows them by the device identifier that they were started with.
type spoiler struct {
	eid.Method
	sim *bankidsim.Simulator

	mu sync.Mutex
	// start and collect are the misbehaviour while an order is made and collected.
	start, collect map[string]bankidsim.Chaos
	orders         map[string]string // login's word by order ref
	failed         map[string]bool   // order refs whose collect has failed
	asked          map[string]eid.Request
}

func (s *spoiler) during(chaos bankidsim.Chaos, do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.sim.SetChaos(chaos); err != nil {
		panic(err)
	}
	do()
	if err := s.sim.SetChaos(bankidsim.Chaos{}); err != nil {
		panic(err)
	}
}

func (s *spoiler) Start(ctx context.Context, r eid.Request) (order storage.Order, err error) {
	word := r.Starter.DeviceIdentifier
	s.during(s.start[word], func() { order, err = s.Method.Start(ctx, r) })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders[order.Ref.Reveal()], s.asked[word] = word, r
	return order, err
}

func (s *spoiler) Collect(ctx context.Context, o *storage.Order) (p eid.Progress, err error) {
	s.mu.Lock()
	chaos := s.collect[s.orders[o.Ref.Reveal()]]
	s.mu.Unlock()
	s.during(chaos, func() {
		if p, err = s.Method.Collect(ctx, o); err != nil {
			s.failed[o.Ref.Reveal()] = true
		}
	})
	return p, err
}

// simHouse is a house whose service is the simulator, over mutual TLS and in real time.
type simHouse struct {
	*house
	sim     *bankidsim.Simulator
	spoiler *spoiler
}

func newSimHouse(t *testing.T, change func(*login.Options)) *simHouse {
	t.Helper()
	sim := simulator()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, served := sim.APIServer(), make(chan struct{})
	go func() { defer close(served); server.ServeTLS(l, "", "") }()
	t.Cleanup(func() { server.Close(); <-served })
	second, err := sim.IssueRPCertificate(bankidsim.RPSubject{Name: "Andra namnet", OrgNumber: "5599990016"})
	if err != nil {
		t.Fatal(err)
	}
	apis := map[string]*bankid.API{}
	for name, certificate := range map[string]bankidsim.RPCertificate{"": sim.ClientCertificate(), "second": second} {
		if apis[name], err = bankid.New(bankid.Options{
			BaseURL: "https://" + l.Addr().String() + "/rp/v6.0", Certificate: bankid.CertificateSource{TLS: &certificate.TLS}, RootCAsPEM: sim.ServerRootPEM(),
		}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(apis[name].Close)
	}
	method, err := login.BankID(login.BankIDOptions{APIs: apis, MobilePolicy: bankid.PolicyTestMobile, Verifier: sync.OnceValues(func() (*bankid.Verifier, error) {
		root, err := sim.SignatureRootPEM()
		if err != nil {
			return nil, err
		}
		return bankid.NewVerifier(bankid.VerifierOptions{RootsPEM: root, CertificatePolicies: bankid.TestPolicies()})
	})})
	if err != nil {
		t.Fatal(err)
	}
	s := &spoiler{Method: method, sim: sim, start: map[string]bankidsim.Chaos{}, collect: map[string]bankidsim.Chaos{}, orders: map[string]string{}, failed: map[string]bool{}, asked: map[string]eid.Request{}}
	h := newHouse(t, func(o *login.Options) {
		o.Methods, o.CollectEvery, o.ReferringDomain, o.Issuer = []eid.Method{s}, time.Second, "id.example", "https://id.example"
		o.VisibleText = func(c *storage.Client, _ string) string { return "Logga in på " + c.Name }
		if change != nil {
			change(o)
		}
	})
	t.Cleanup(h.close)
	return &simHouse{h, sim, s}
}

// startAs starts a login that the test calls word, as a client with that policy, on a device.
func (h *simHouse) startAs(word, device string, policy storage.Policy) *storage.Login {
	h.t.Helper()
	return h.startWith(word, device, storage.Client{Policy: policy})
}

// startWith is startAs as a client with those settings.
func (h *simHouse) startWith(word, device string, client storage.Client) *storage.Login {
	h.t.Helper()
	client.ID, client.Name = word, "Appen "+word
	if err := h.store.CreateClient(h.t.Context(), client); err != nil {
		h.t.Fatal(err)
	}
	l, err := h.Create(h.t.Context(), storage.AuthRequest{ClientID: word, Nonce: word, Evidence: word == "evidence"}, secret.New("binding"), "192.0.2.1")
	if err != nil {
		h.t.Fatal(err)
	}
	starter := other
	starter.Device, starter.DeviceIdentifier = device, word
	starter.UserAgent = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
	if l, err = h.Start(h.t.Context(), l.ID, starter); err != nil {
		h.t.Fatal(err)
	}
	return l
}

// approve opens the app with the order and approves.
func (h *simHouse) approve(l *storage.Login, number string, approval bankidsim.Approval) {
	h.t.Helper()
	pickup := bankidsim.Pickup{OrderRef: l.Order.Ref.Reveal(), PersonalNumber: number}
	pick := h.sim.Scan
	if l.Order.Starter.Device == storage.DeviceThis {
		pickup, pick = bankidsim.Pickup{AutoStartToken: l.Order.AutoStartToken.Reveal(), PersonalNumber: number}, h.sim.Open
	}
	if _, err := pick(pickup); err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.sim.Sign(l.Order.Ref.Reveal(), approval); err != nil {
		h.t.Fatal(err)
	}
}

// settled waits until the login is pending no more.
func (h *simHouse) settled(l *storage.Login) *storage.Login {
	h.t.Helper()
	changed, stop := watch(h.Engine, l.ID)
	defer stop()
	patience := time.NewTimer(20 * time.Second)
	defer patience.Stop()
	for {
		now, err := h.Login(h.t.Context(), l.ID)
		if err != nil {
			h.t.Fatal(err)
		}
		if now.State != storage.LoginPending && now.State != storage.LoginOpen {
			return now
		}
		select {
		case <-changed:
		case <-patience.C:
			h.t.Fatalf("login %s is still %s", l.Starter().DeviceIdentifier, now.State)
		}
	}
}

// told returns the messages of the login's audit events of that type. The event of a failure is written after the state.
func (h *simHouse) told(l *storage.Login, of audit.Type) (messages []string) {
	h.t.Helper()
	last := audit.LoginCompleted
	if l.State == storage.LoginFailed {
		last = audit.LoginFailed
	}
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		messages = nil
		ended := false
		for _, e := range h.events(of, last, audit.LoginEnded) {
			if e.Fields["IDENTIFIER"] != l.ID {
				continue
			}
			if e.Type == string(of) {
				messages = append(messages, e.Fields["MESSAGE"])
			}
			ended = ended || e.Type == string(last) || e.Type == string(audit.LoginEnded)
		}
		if ended || time.Now().After(deadline) {
			return messages
		}
	}
}

// TestEveryAttackIsRefused_T09_T10 plays every attack of the simulator: each is refused with an audit event of its own.
func TestEveryAttackIsRefused_T09_T10(t *testing.T) {
	h := newSimHouse(t, nil)
	strict := storage.Policy{AddressCheck: storage.ActionRefuse}
	attacks := map[string]struct {
		reason  string
		event   audit.Type
		message string
	}{
		bankidsim.AttackOtherIP:          {login.ReasonOtherAddress, audit.ResultRefused, login.ReasonOtherAddress},
		bankidsim.AttackTamperedValue:    {login.ReasonUnverified, audit.ResultUnverified, string(bankid.CheckSignature)},
		bankidsim.AttackTamperedData:     {login.ReasonUnverified, audit.ResultUnverified, string(bankid.CheckDigest)},
		bankidsim.AttackWrongNonce:       {login.ReasonUnverified, audit.ResultUnverified, string(bankid.CheckNonce)},
		bankidsim.AttackForeignService:   {login.ReasonUnverified, audit.ResultUnverified, string(bankid.CheckRelyingParty)},
		bankidsim.AttackWrongRoot:        {login.ReasonUnverified, audit.ResultUnverified, string(bankid.CheckChain)},
		bankidsim.AttackOtherPersonOCSP:  {login.ReasonUnverified, audit.ResultUnverified, string(bankid.CheckOCSPCertificate)},
		bankidsim.AttackRevoked:          {login.ReasonUnverified, audit.ResultUnverified, string(bankid.CheckOCSPStatus)},
		bankidsim.AttackSignForAuth:      {login.ReasonUnverified, audit.ResultUnverified, string(bankid.CheckFunction)},
		bankidsim.AttackOtherUser:        {login.ReasonUnverified, audit.ResultUnverified, string(bankid.CheckPerson)},
		bankidsim.AttackMissingUser:      {login.ReasonIncomplete, audit.ResultRefused, login.ReasonIncomplete},
		bankidsim.AttackOtherOrderRef:    {login.ReasonForeignResult, audit.ResultRefused, login.ReasonForeignResult},
		bankidsim.AttackChangedUserText:  {login.ReasonUnverified, audit.ResultUnverified, string(bankid.CheckVisibleData)},
		bankidsim.AttackWrongCertificate: {login.ReasonUnverified, audit.ResultUnverified, string(bankid.CheckKeyUsage)},
	}
	logins := map[string]*storage.Login{}
	for _, attack := range bankidsim.Attacks() {
		if attacks[attack].reason == "" {
			t.Fatalf("nothing is expected of the attack %s", attack)
		}
		h.spoiler.mu.Lock()
		h.spoiler.collect[attack] = bankidsim.Chaos{Attacks: []string{attack}}
		h.spoiler.mu.Unlock()
		logins[attack] = h.startAs(attack, storage.DeviceThis, strict)
		h.approve(logins[attack], asa, bankidsim.Approval{})
	}
	for attack, want := range attacks {
		l := h.settled(logins[attack])
		if l.State != storage.LoginFailed || l.Failure.Reason != want.reason || l.Identity != nil {
			t.Errorf("%s: login is %s (%q), want %q", attack, l.State, l.Failure.Reason, want.reason)
		}
		if got := h.told(l, want.event); len(got) != 1 || got[0] != want.message {
			t.Errorf("%s: %s events say %q, want %q", attack, want.event, got, want.message)
		}
	}
}

// TestUnattackedResultsAreBelieved is the other half: the same logins without an attack, in each of the ways that change what is
// sent.
func TestUnattackedResultsAreBelieved(t *testing.T) {
	h := newSimHouse(t, nil)
	markdown := storage.Policy{
		VisibleText: map[string]string{"sv": "# Hej\nLogga in på {client}"}, VisibleFormat: "simpleMarkdownV1", PinCode: "yes",
		CertificatePolicies: []string{"1.2.3.4.*"}, CardReader: "class2",
	}
	logins := map[string]*storage.Login{
		"this":        h.startAs("this", storage.DeviceThis, storage.Policy{AddressCheck: storage.ActionRefuse}),
		"other":       h.startAs("other", storage.DeviceOther, storage.Policy{}),
		"markdown":    h.startAs("markdown", storage.DeviceOther, markdown),
		"certificate": h.startAs("certificate", storage.DeviceOther, storage.Policy{Certificate: "second"}),
		"card":        h.startAs("card", storage.DeviceThis, markdown),
		"evidence":    h.startAs("evidence", storage.DeviceOther, storage.Policy{}),
	}
	if sent := logins["markdown"].Order.Sent; sent.VisibleText != "# Hej\nLogga in på Appen markdown" || len(sent.CertificatePolicies) != 1 || sent.CertificatePolicies[0] != bankid.PolicyTestMobile {
		t.Errorf("sent %+v", sent)
	}
	if sent := logins["certificate"].Order.Sent; sent.Certificate != "second" || sent.PartyDisplay != "Andra namnet" {
		t.Errorf("sent %+v", sent)
	}
	for _, l := range logins {
		h.approve(l, asa, bankidsim.Approval{Risk: "low"})
	}
	for name, l := range logins {
		l = h.settled(l)
		if l.State != storage.LoginComplete || !l.Identity.PersonalNumber.Equal(secret.New(asa)) {
			t.Errorf("%s: login is %s (%q)", name, l.State, l.Failure.Reason)
		}
		if got := h.told(l, audit.ResultUnverified); len(got) > 0 {
			t.Errorf("%s: not verified: %v", name, got)
		}
		if name != "evidence" {
			if l.Identity != nil && l.Identity.Evidence != nil {
				t.Errorf("%s: evidence is kept that nobody asked for", name)
			}
			continue
		}
		checkEvidence(t, l.Identity.Evidence)
	}
}

// checkEvidence reads the certificate and the OCSP answer as an app would that checks them itself.
func checkEvidence(t *testing.T, e *storage.Evidence) {
	t.Helper()
	if e == nil {
		t.Fatal("no evidence is kept")
	}
	if e.Signature != nil {
		t.Error("the signature is kept, which is a program's alone")
	}
	certificate, err := x509.ParseCertificate(e.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	if certificate.Subject.SerialNumber != asa || !certificate.NotBefore.Equal(e.ValidFrom) || !certificate.NotAfter.Equal(e.ValidTo) {
		t.Errorf("the certificate is %s's, %s to %s", certificate.Subject, e.ValidFrom, e.ValidTo)
	}
	answer, err := ocsp.ParseResponse(e.OCSP, nil)
	if err != nil || answer.Status != ocsp.Good || answer.SerialNumber.Cmp(certificate.SerialNumber) != 0 {
		t.Errorf("the OCSP answer is %+v, %v", answer, err)
	}
}

// TestVerifyModes plays one forgery in each mode.
func TestVerifyModes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		options := h.Options
		options.Verify = "maybe"
		if _, err := login.New(options); err == nil || !strings.Contains(err.Error(), "maybe") {
			t.Errorf("an unknown mode: %v", err)
		}
	})
	for mode, want := range map[login.VerifyMode]struct {
		state storage.LoginState
		told  int
	}{
		"":                  {storage.LoginFailed, 1},
		login.VerifyRequire: {storage.LoginFailed, 1},
		login.VerifyLog:     {storage.LoginComplete, 1},
		login.VerifyOff:     {storage.LoginComplete, 0},
	} {
		t.Run("mode "+string(mode), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, func(o *login.Options) { o.Verify = mode })
				defer h.close()
				forged, unproven, unable := complete(tolvan()), complete(tolvan()), complete(tolvan())
				forged.Verify = func(storage.Sent) error { return &eid.UnverifiedError{Check: "nonce", Err: errors.New("forged")} }
				unproven.Verify = nil
				unable.Verify = func(storage.Sent) error { return errors.New("no root") }
				for n, progress := range []eid.Progress{forged, unproven, unable} {
					h.service.set(n+1, progress, nil)
					l := h.after(3*time.Second, h.started(other))
					told := h.events(audit.ResultUnverified)
					if l.State != want.state || len(told) != (n+1)*want.told {
						t.Errorf("login is %s with events %v", l.State, told)
					}
					if word := []string{"nonce", "evidence", "unable"}[n]; want.told > 0 && told[n].Fields["MESSAGE"] != word {
						t.Errorf("the event says %q, want %s", told[n].Fields["MESSAGE"], word)
					}
				}
			})
		})
	}
}
