package netid_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"brygga/netid"
	"brygga/netid/netidsim"
	"brygga/secret"
)

const (
	astrid = "199001012385"
	omar   = "198507309865"
	kim    = "SE2321000016-KIM1"
	nonce  = "MzIgYnl0ZXMgdGhhdCBhcmUgbm9ib2R5IGVsc2Uncw=="
)

// TestIdentification goes all the way in every dialect.
func TestIdentification(t *testing.T) {
	for _, soap := range []netid.SOAP{netid.SOAP11, netid.SOAP12} {
		for version := 1; version <= 2; version++ {
			for _, format := range []netid.Format{netid.FormatPKCS7, netid.FormatRaw256, netid.FormatRaw512} {
				for _, id := range []string{astrid, ""} {
					t.Run(fmt.Sprintf("SOAP %s, version %d, %s, for %q", soap, version, format, id), func(t *testing.T) {
						t.Parallel()
						h := open(t, netidsim.Options{Settings: set(func(c *netidsim.Settings) { c.Version = version })}, func(o *netid.Options) { o.SOAP, o.Format = soap, format })
						h.register()
						order := h.begin(id)
						if c := h.collect(order); c.State != netid.Pending || c.Code != netid.CodeOutstandingTransaction {
							t.Fatalf("at first %v %s", c.State, c.Code)
						}
						h.sign(order, astrid)
						c := h.collect(order)
						if c.State != netid.Complete {
							t.Fatalf("when signed %v %s", c.State, c.Code)
						}
						proof, err := h.verifier(nil).Verify(c.Result, expected(order, id))
						if err != nil || proof.Person.ID.Reveal() != astrid || proof.Person.GivenName.Reveal() != "Astrid" || c.Result.Device.Name != "iOS" {
							t.Errorf("the proof is of %v, %v", proof.Issuer, err)
						}
						if _, err := h.api.Collect(t.Context(), order.Ref); !errors.Is(err, netid.ErrOrderGone) {
							t.Errorf("collected again: %v", err)
						}
					})
				}
			}
		}
	}
}

func TestRegistrationIsByCertificate(t *testing.T) {
	h := open(t, netidsim.Options{}, nil)
	if order, err := h.sim.Order(h.begin(astrid).Ref.Reveal()); err != nil || order.Caller != "Company ANY" {
		t.Errorf("unregistered we are %q, %v", order.Caller, err)
	}
	if got := h.register(); got.Caller.Name != "Provkommunen" || got.Caller.ID == "" || len(got.Caller.Image) == 0 || got.Provider.Name == "" {
		t.Errorf("registered as %q", got.Caller.Name)
	}
	if order, err := h.sim.Order(h.begin(astrid).Ref.Reveal()); err != nil || order.Caller != "Provkommunen" {
		t.Errorf("registered we are %q, %v", order.Caller, err)
	}
}

func TestSignature(t *testing.T) {
	h := open(t, netidsim.Options{}, nil)
	order, err := h.api.Sign(t.Context(), netid.SignRequest{
		AuthenticateRequest: netid.AuthenticateRequest{UserID: secret.New(kim), NonVisible: nonce}, Visible: "Jag godkänner <allt> & mer.\r\nÅ!",
	})
	if err != nil {
		t.Fatal(err)
	}
	h.sign(order, kim)
	result := h.collect(order).Result
	if _, err := h.verifier(nil).Verify(result, expected(order, kim)); err != nil {
		t.Error(err)
	}
	changed := expected(order, kim)
	changed.Visible += " "
	if _, err := h.verifier(nil).Verify(result, changed); refusedBy(err) != netid.CheckContent {
		t.Errorf("another text: %v", err)
	}
}

func TestPersonByPrincipalName(t *testing.T) {
	const upn = "Kim.Exempel@region.example"
	h := open(t, netidsim.Options{}, nil)
	order := h.begin(upn)
	h.sign(order, kim)
	v := h.verifier(func(o *netid.VerifierOptions) {
		o.Identifier, o.UserInfo = netid.FieldPrincipalName, netid.UserInfoUniqueName
	})
	proof, err := v.Verify(h.collect(order).Result, expected(order, upn))
	if err != nil || proof.Person.ID.Reveal() != strings.ToLower(upn) || proof.Person.SerialNumber.Reveal() != kim || proof.Person.Email.Reveal() == "" {
		t.Errorf("the proof is by %s, %v", proof.Issuer, err)
	}
}

// TestAttacksOfTheService has the simulator hand out each result that must not be believed.
func TestAttacksOfTheService(t *testing.T) {
	h := open(t, netidsim.Options{}, nil)
	want := map[string]netid.Check{
		netidsim.AttackOtherNonce: netid.CheckContent, netidsim.AttackOtherText: netid.CheckContent, netidsim.AttackOtherIssuer: netid.CheckIssuer,
		netidsim.AttackExpired: netid.CheckValidity, netidsim.AttackOtherPerson: netid.CheckRequestedUser, netidsim.AttackOtherCard: netid.CheckUserInfo,
		netidsim.AttackOtherUser: netid.CheckUserInfo, netidsim.AttackNobody: netid.CheckUserInfo, netidsim.AttackOtherCertificate: netid.CheckSigner,
		netidsim.AttackWeakDigest: netid.CheckAlgorithm, netidsim.AttackRevoked: netid.CheckOCSPStatus, netidsim.AttackNoOCSP: netid.CheckOCSPMissing,
		netidsim.AttackOtherOCSP: netid.CheckOCSPCertificate, netidsim.AttackOwnOCSP: netid.CheckOCSPSignature, netidsim.AttackOldOCSP: netid.CheckOCSPTime,
		netidsim.AttackOtherOrder: netid.CheckRequestedUser,
	}
	for _, attack := range netidsim.Attacks() {
		t.Run(attack, func(t *testing.T) {
			if err := h.sim.SetChaos(netidsim.Chaos{Attacks: []string{attack}}); err != nil {
				t.Fatal(err)
			}
			order := h.begin(astrid)
			h.sign(order, astrid)
			c, err := h.api.Collect(t.Context(), order.Ref)
			if attack == netidsim.AttackUnsigned {
				if !errors.Is(err, netid.ErrUnsigned) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := h.verifier(nil).Verify(c.Result, expected(order, astrid)); refusedBy(err) != want[attack] {
				t.Errorf("refused by %q, want %q", refusedBy(err), want[attack])
			}
		})
	}
}

// TestResultOfAnotherOrder gives one order's result to another: of the same person, and at the same time.
func TestResultOfAnotherOrder(t *testing.T) {
	h := open(t, netidsim.Options{}, nil)
	first := h.begin("")
	second, err := h.api.Authenticate(t.Context(), netid.AuthenticateRequest{NonVisible: "YW5vdGhlcg=="})
	if err != nil {
		t.Fatal(err)
	}
	h.sign(first, astrid)
	if _, err := h.verifier(nil).Verify(h.collect(first).Result, expected(second, "")); refusedBy(err) != netid.CheckContent {
		t.Errorf("got %v", err)
	}
}

func TestOrdersOfOnePerson(t *testing.T) {
	h := open(t, netidsim.Options{}, nil)
	first := h.begin(astrid)
	h.begin(omar)
	h.begin(astrid)
	if c := h.collect(first); c.State != netid.Failed || c.Code != netid.CodeCancelled {
		t.Errorf("replaced: %v %s", c.State, c.Code)
	}
	h = open(t, netidsim.Options{Settings: set(func(c *netidsim.Settings) { c.Busy = netidsim.BusyRefused })}, nil)
	h.begin(astrid)
	again := netid.AuthenticateRequest{UserID: secret.New(astrid), NonVisible: nonce}
	if _, err := h.api.Authenticate(t.Context(), again); !errors.Is(err, netid.ErrAlreadyInProgress) {
		t.Errorf("refused: %v", err)
	}
	h = open(t, netidsim.Options{Settings: set(func(c *netidsim.Settings) { c.Busy, c.BlockSeconds = netidsim.BusyBlocked, 60 })}, nil)
	order := h.begin(astrid)
	if _, err := h.sim.Open(order.Ref.Reveal(), astrid); err != nil {
		t.Fatal(err)
	}
	if _, err := h.sim.Cancel(order.Ref.Reveal()); err != nil {
		t.Fatal(err)
	}
	if c := h.collect(order); c.State != netid.Failed || c.Code != netid.CodeUserCancel {
		t.Errorf("declined: %v %s", c.State, c.Code)
	}
	if _, err := h.api.Authenticate(t.Context(), again); !errors.Is(err, netid.ErrUserBlocked) {
		t.Errorf("blocked: %v", err)
	}
	if _, err := h.sim.Advance(time.Minute); err != nil {
		t.Fatal(err)
	}
	h.begin(astrid)
}

func TestOrdersEnd(t *testing.T) {
	for _, asFault := range []bool{false, true} {
		h := open(t, netidsim.Options{Settings: set(func(c *netidsim.Settings) { c.EndsAsFault = asFault })}, nil)
		order := h.begin(astrid)
		if _, err := h.sim.Advance(netidsim.OrderLife); err != nil {
			t.Fatal(err)
		}
		if c := h.collect(order); c.State != netid.Failed || c.Code != netid.CodeExpiredTransaction {
			t.Errorf("expired: %v %s", c.State, c.Code)
		}
	}
}

func TestStrangersAndOthersOrders(t *testing.T) {
	h := open(t, netidsim.Options{}, nil)
	_, err := h.api.Authenticate(t.Context(), netid.AuthenticateRequest{UserID: secret.New("191212121212"), NonVisible: nonce})
	if !errors.Is(err, netid.ErrUnknownUser) || strings.Contains(err.Error(), "1912") {
		t.Errorf("a stranger: %v", err)
	}
	if _, err := h.api.Collect(t.Context(), secret.New("00000000-0000-4000-8000-000000000000")); !errors.Is(err, netid.ErrOrderGone) {
		t.Errorf("an order that is none: %v", err)
	}
	other, err := h.sim.IssueClientCertificate("Another organisation")
	if err != nil {
		t.Fatal(err)
	}
	o := h.options
	o.Profile.Certificate = func() (*tls.Certificate, error) { return &other.TLS, nil }
	if _, err := h.client(o).Collect(t.Context(), h.begin(astrid).Ref); !errors.Is(err, netid.ErrOrderGone) {
		t.Errorf("an order of another caller: %v", err)
	}
	if _, err := h.sim.Open(h.begin(astrid).Ref.Reveal(), omar); err == nil {
		t.Error("another person opened the order")
	}
}

// TestMisbehaviour has every way in which the simulator's answers are no answers.
func TestMisbehaviour(t *testing.T) {
	for name, c := range map[string]struct {
		chaos netidsim.Chaos
		want  error
	}{
		"a fault":           {netidsim.Chaos{Faults: 1}, netid.ErrUnavailable},
		"a fault by name":   {netidsim.Chaos{Faults: 1, FaultText: "ACCESS_DENIED_RP"}, netid.ErrRefused},
		"an unknown fault":  {netidsim.Chaos{Faults: 1, FaultText: "Object reference not set to an instance of an object."}, netid.ErrUnavailable},
		"down":              {netidsim.Chaos{Down: 1}, netid.ErrUnavailable},
		"a web page":        {netidsim.Chaos{HTML: 1}, netid.ErrBadResponse},
		"truncated":         {netidsim.Chaos{Truncated: 1}, netid.ErrBadResponse},
		"malformed":         {netidsim.Chaos{Malformed: 1}, netid.ErrBadResponse},
		"another namespace": {netidsim.Chaos{OtherNamespace: 1}, netid.ErrBadResponse},
		"a document type":   {netidsim.Chaos{DocType: 1}, netid.ErrBadResponse},
		"no answer":         {netidsim.Chaos{DropAnswer: 1}, netid.ErrUnavailable},
		"a refusal":         {netidsim.Chaos{RejectCertificate: true}, netid.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, netidsim.Options{Chaos: &c.chaos}, nil)
			_, err := h.api.Authenticate(t.Context(), netid.AuthenticateRequest{UserID: secret.New(astrid), NonVisible: nonce})
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// TestServiceHangsOnce shows that the second attempt brings the order.
func TestServiceHangsOnce(t *testing.T) {
	h := open(t, netidsim.Options{Chaos: &netidsim.Chaos{Hang: 1}}, func(o *netid.Options) { o.Profile.Timeout = 300 * time.Millisecond })
	h.begin(astrid)
}

func TestProbe(t *testing.T) {
	for version, want := range map[int]netid.Version{1: netid.Version1, 2: netid.Version2} {
		h := open(t, netidsim.Options{Settings: set(func(c *netidsim.Settings) { c.Version = version })}, nil)
		if got, err := h.api.Probe(t.Context()); err != nil || got != want {
			t.Errorf("version %d is %q, %v", version, got, err)
		}
		if len(h.sim.Orders()) != 0 {
			t.Error("an order was made")
		}
		if err := h.sim.SetChaos(netidsim.Chaos{RejectCertificate: true}); err != nil {
			t.Fatal(err)
		}
		h.api.Close()
		if _, err := h.api.Probe(t.Context()); !errors.Is(err, netid.ErrRefused) {
			t.Errorf("refused: %v", err)
		}
	}
}

func TestScript(t *testing.T) {
	h := open(t, netidsim.Options{}, nil)
	if err := h.sim.Script(astrid, []string{"NO_CLIENT", "STARTED", "SOMETHING_NEW", "USER_SIGN", "COMPLETE"}); err != nil {
		t.Fatal(err)
	}
	order := h.begin(astrid)
	for _, want := range []netid.Code{netid.CodeNoClient, netid.CodeStarted, "SOMETHING_NEW", netid.CodeUserSign} {
		if c := h.collect(order); c.State != netid.Pending || c.Code != want {
			t.Errorf("%v %s, want %s", c.State, c.Code, want)
		}
	}
	if _, err := h.verifier(nil).Verify(h.collect(order).Result, expected(order, astrid)); err != nil {
		t.Error(err)
	}
}
