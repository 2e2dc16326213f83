package bankid

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"brygga/bankid/bankidsim"
	"brygga/secret"
)

// simulator is shared by the tests below, as its keys are slow to make. They run one after the other.
var simulator = sync.OnceValue(func() *bankidsim.Simulator { return must(bankidsim.New(bankidsim.Options{RPName: "Exempeltjänsten"})) })

const (
	simulatedPerson = "198502039822"
	simulatedOnFile = "196209309852" // has a BankID on file too
)

// simulated is a relying party of the simulator, with the real client over mutual TLS.
type simulated struct {
	*bankidsim.Simulator
	url      string
	api      *API
	verifier *Verifier
}

func newSimulated(t testing.TB) *simulated {
	t.Helper()
	s := simulator()
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	server, done := s.APIServer(), make(chan struct{})
	go func() { defer close(done); server.ServeTLS(l, "", "") }()
	cert := s.ClientCertificate().TLS
	url := "https://" + l.Addr().String() + "/rp/v6.0"
	api := must(New(Options{
		BaseURL: url, Certificate: CertificateSource{TLS: &cert}, RootCAsPEM: s.ServerRootPEM(),
	}))
	t.Cleanup(func() {
		if err := s.SetChaos(bankidsim.Chaos{}); err != nil {
			t.Error(err)
		}
		api.Close()
		server.Close()
		<-done
	})
	return &simulated{s, url, api, must(NewVerifier(VerifierOptions{RootsPEM: must(s.SignatureRootPEM()), CertificatePolicies: TestPolicies()}))}
}

// simulatedOrder is what a test asks for.
type simulatedOrder struct {
	kind           Kind
	person, policy string
	text           string
	format         DataFormat
	hidden         []byte
	policies       []string
	paid           Transaction
}

// complete runs an order to its end and returns the result, or the error of collect, and what to expect.
func (s *simulated) complete(t testing.TB, o simulatedOrder) (*CompletionData, Expected, error) {
	t.Helper()
	want := Expected{
		Kind: o.kind, UserVisibleData: o.text, UserVisibleDataFormat: o.format, UserNonVisibleData: o.hidden,
		CertificatePolicies: o.policies, RelyingParty: s.api.RelyingParty(), StartedAt: time.Now(),
	}
	request := AuthRequest{
		EndUserIP: netip.MustParseAddr("192.0.2.1"), UserVisibleData: o.text, UserVisibleDataFormat: o.format, UserNonVisibleData: o.hidden,
		Requirement: Requirement{CertificatePolicies: o.policies},
	}
	phone := PhoneAuthRequest{
		PersonalNumber: secret.New(o.person), CallInitiator: CallByUser, UserVisibleData: o.text, UserVisibleDataFormat: o.format, UserNonVisibleData: o.hidden,
		Requirement: request.Requirement,
	}
	order := must(map[Kind]func() (Order, error){
		KindAuth:      func() (Order, error) { return s.api.Auth(t.Context(), request) },
		KindSign:      func() (Order, error) { return s.api.Sign(t.Context(), SignRequest(request)) },
		KindPhoneAuth: func() (Order, error) { return s.api.PhoneAuth(t.Context(), phone) },
		KindPhoneSign: func() (Order, error) { return s.api.PhoneSign(t.Context(), PhoneSignRequest(phone)) },
		KindPayment: func() (Order, error) {
			return s.api.Payment(t.Context(), PaymentRequest{AuthRequest: request, Transaction: o.paid, RiskFlags: RiskFlags()})
		},
	}[o.kind]())
	ref := order.OrderRef.Reveal()
	pickup := bankidsim.Pickup{AutoStartToken: order.AutoStartToken.Reveal(), PersonalNumber: o.person, Policy: o.policy}
	if o.kind.Phone() {
		pickup = bankidsim.Pickup{OrderRef: ref, PersonalNumber: o.person, Policy: o.policy}
	}
	must(s.Open(pickup))
	if o.kind.Phone() {
		must(s.ConfirmCall(ref, true))
	}
	must(s.Simulator.Sign(ref, bankidsim.Approval{}))
	c, err := s.api.Collect(t.Context(), order.OrderRef)
	if err != nil {
		return nil, want, err
	}
	order, err = order.Next(c)
	want.EndedAt = time.Now()
	return order.CompletionData, want, err
}

// TestVerifyAgainstSimulator runs whole orders of every kind over mutual TLS.
func TestVerifyAgainstSimulator(t *testing.T) {
	s := newSimulated(t)
	for name, o := range map[string]simulatedOrder{
		"auth":            {kind: KindAuth, person: simulatedPerson},
		"auth with texts": {kind: KindAuth, person: simulatedPerson, text: "Logga in på *Exempel* åäö\n", format: FormatSimpleMarkdownV1, hidden: []byte{0, 1, 255}},
		"auth on file":    {kind: KindAuth, person: simulatedOnFile, policy: PolicyTestOnFile, policies: []string{"1.2.3.4.5", "1.2.3.4.10"}},
		"sign":            {kind: KindSign, person: simulatedPerson, text: "Jag godkänner.", format: FormatPlainText, hidden: make([]byte, 100_000)},
		"phone auth":      {kind: KindPhoneAuth, person: simulatedPerson, text: "Hej"},
		"phone sign":      {kind: KindPhoneSign, person: simulatedPerson, text: "Hej"},
		"payment":         {kind: KindPayment, person: simulatedPerson, text: "Hej", hidden: []byte("sum"), paid: cardPayment},
		"no payment":      {kind: KindPayment, person: simulatedPerson, paid: Transaction{Type: TransactionNonPayment, Recipient: "Butiken", RiskWarning: "Se upp"}},
	} {
		t.Run(name, func(t *testing.T) {
			data, want, err := s.complete(t, o)
			if err != nil {
				t.Fatal(err)
			}
			e, err := s.verifier.Verify(data, want)
			if err != nil {
				t.Fatal(err)
			}
			policy, platform := PolicyTestMobile, "IPHONE"
			if o.policy != "" {
				policy, platform = o.policy, "OS_X"
			}
			if e.Policy != policy || e.Platform != platform || !e.UHI.Equal(data.Device.UHI) || e.Kind != o.kind || len(e.Certificate) != 64 {
				t.Errorf("evidence %+v", e)
			}
			if age := want.EndedAt.Sub(e.SignedAt); age < -time.Second || age > time.Minute {
				t.Errorf("signed %v before the end", age)
			}
		})
	}
}

// TestVerifyRefusesAttacks_T10 plays every attack of the simulator and names the check that sees it.
func TestVerifyRefusesAttacks_T10(t *testing.T) {
	s := newSimulated(t)
	const transport = "the client refuses it already"
	attacks := []struct {
		name       string
		auth, sign Check
	}{
		{bankidsim.AttackTamperedValue, CheckSignature, CheckSignature},
		{bankidsim.AttackTamperedData, CheckDigest, CheckDigest},
		{bankidsim.AttackWrongNonce, CheckNonce, CheckNonce},
		{bankidsim.AttackForeignService, CheckRelyingParty, CheckRelyingParty},
		{bankidsim.AttackWrongRoot, CheckChain, CheckChain},
		{bankidsim.AttackOtherPersonOCSP, CheckOCSPCertificate, CheckOCSPCertificate},
		{bankidsim.AttackRevoked, CheckOCSPStatus, CheckOCSPStatus},
		{bankidsim.AttackSignForAuth, CheckFunction, CheckFunction},
		{bankidsim.AttackOtherUser, CheckPerson, CheckPerson},
		{bankidsim.AttackChangedUserText, CheckVisibleData, CheckVisibleData},
		{bankidsim.AttackWrongCertificate, CheckKeyUsage, CheckKeyUsage},
		{bankidsim.AttackMissingUser, transport, transport},
		{bankidsim.AttackOtherOrderRef, transport, transport},
		{bankidsim.AttackOtherIP, "", ""}, // no signature says where a person is
	}
	for _, attack := range attacks {
		for kind, check := range map[Kind]Check{KindAuth: attack.auth, KindSign: attack.sign} {
			t.Run(attack.name+" "+string(kind), func(t *testing.T) {
				if err := s.SetChaos(bankidsim.Chaos{Attacks: []string{attack.name}}); err != nil {
					t.Fatal(err)
				}
				data, want, err := s.complete(t, simulatedOrder{kind: kind, person: simulatedPerson, text: "Hej", hidden: []byte("request")})
				if check == transport {
					if !errors.Is(err, ErrBadResponse) {
						t.Errorf("collect: %v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				_, err = s.verifier.Verify(data, want)
				wantCheck(t, err, check)
			})
		}
	}
}

// TestVerifyResultOfAnotherOrder_T09 gives a genuine result to the wrong order: of the same person, at the same time.
func TestVerifyResultOfAnotherOrder_T09(t *testing.T) {
	s := newSimulated(t)
	o := simulatedOrder{kind: KindAuth, person: simulatedPerson, text: "Hej", hidden: []byte("one request")}
	one, _, err := s.complete(t, o)
	if err != nil {
		t.Fatal(err)
	}
	o.hidden = []byte("two request")
	two, want, err := s.complete(t, o)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.verifier.Verify(one, want)
	wantCheck(t, err, CheckNonVisibleData)
	mixed := *two
	mixed.OCSPResponse = one.OCSPResponse
	_, err = s.verifier.Verify(&mixed, want)
	wantCheck(t, err, CheckNonce)
	mixed = *one
	mixed.OCSPResponse = two.OCSPResponse
	_, err = s.verifier.Verify(&mixed, want)
	wantCheck(t, err, CheckNonce)
}

// TestVerifyConcurrently meets unknown authorities in many goroutines at once.
func TestVerifyConcurrently(t *testing.T) {
	s := newSimulated(t)
	data, want, err := s.complete(t, simulatedOrder{kind: KindAuth, person: simulatedPerson})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := s.verifier.Verify(data, want); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
