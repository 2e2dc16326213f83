package login_test

import (
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/bankid"
	"brygga/bankid/bankidsim"
	"brygga/eid"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
)

// newBankID returns the method BankID against the simulator, without an engine around it.
func newBankID(t *testing.T, change func(*login.BankIDOptions)) (eid.Method, *bankidsim.Simulator) {
	t.Helper()
	sim := simulator()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, served := sim.APIServer(), make(chan struct{})
	go func() { defer close(served); server.ServeTLS(l, "", "") }()
	t.Cleanup(func() { server.Close(); <-served })
	certificate := sim.ClientCertificate().TLS
	api, err := bankid.New(bankid.Options{
		BaseURL: "https://" + l.Addr().String() + "/rp/v6.0", Certificate: bankid.CertificateSource{TLS: &certificate}, RootCAsPEM: sim.ServerRootPEM(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(api.Close)
	o := login.BankIDOptions{APIs: map[string]*bankid.API{"": api}, MobilePolicy: bankid.PolicyTestMobile}
	if change != nil {
		change(&o)
	}
	m, err := login.BankID(o)
	if err != nil {
		t.Fatal(err)
	}
	return m, sim
}

var iphone = storage.Starter{
	Device: storage.DeviceThis, IP: "192.0.2.1", DeviceIdentifier: "device",
	UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
}

func TestBankIDOptions(t *testing.T) {
	api := &bankid.API{}
	for name, o := range map[string]login.BankIDOptions{
		"no API":              {MobilePolicy: "1.2.3.4.25"},
		"no default API":      {MobilePolicy: "1.2.3.4.25", APIs: map[string]*bankid.API{"second": api}},
		"no policy of phones": {APIs: map[string]*bankid.API{"": api}},
	} {
		if m, err := login.BankID(o); err == nil || m != nil {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
}

// TestBankIDOrdersFromAnyPage makes orders for pages and browsers that tell little: BankID refuses an empty object.
func TestBankIDOrdersFromAnyPage(t *testing.T) {
	m, _ := newBankID(t, nil)
	for _, domain := range []string{"", "example.se"} {
		for _, agent := range []string{"", "\xff", iphone.UserAgent, strings.Repeat("å", 300)} {
			for _, device := range []string{"", "device"} {
				starter := storage.Starter{Device: storage.DeviceOther, IP: "2001:db8::1", UserAgent: agent, DeviceIdentifier: device}
				order, err := m.Start(t.Context(), eid.Request{Starter: starter, ReferringDomain: domain})
				if err != nil {
					t.Errorf("page on %q, agent of %d bytes, device %q: %v", domain, len(agent), device, err)
					continue
				}
				if err := m.Cancel(t.Context(), &order); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// TestBankIDCancelsWhatIsGone: an order that BankID does not know any more is as good as cancelled.
func TestBankIDCancelsWhatIsGone(t *testing.T) {
	m, _ := newBankID(t, nil)
	order, err := m.Start(t.Context(), eid.Request{Starter: storage.Starter{Device: storage.DeviceOther, IP: "192.0.2.1"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, time := range []string{"first", "second"} {
		if err := m.Cancel(t.Context(), &order); err != nil {
			t.Errorf("the %s time: %v", time, err)
		}
	}
}

// TestBankIDQR stands on the edge of the 30 seconds that an order waits for the app (BankID API: QR code).
func TestBankIDQR(t *testing.T) {
	m, _ := newBankID(t, nil)
	order, err := m.Start(t.Context(), eid.Request{Starter: storage.Starter{Device: storage.DeviceOther, IP: "192.0.2.1"}})
	if err != nil {
		t.Fatal(err)
	}
	for elapsed, frame := range map[time.Duration]string{
		0: ".0.", time.Second - 1: ".0.", time.Second: ".1.", 30*time.Second - 1: ".29.", 30 * time.Second: "", time.Minute: "",
	} {
		got := m.QR(&order, elapsed).Reveal()
		if (got == "") != (frame == "") || !strings.Contains(got, frame) {
			t.Errorf("after %s: %q, want a frame with %q", elapsed, got, frame)
		}
	}
	order.QRStartToken = secret.String{}
	if got := m.QR(&order, 0); !got.IsZero() {
		t.Errorf("an order without token has the frame %q", got.Reveal())
	}
}

func TestBankIDLaunch(t *testing.T) {
	order := storage.Order{AutoStartToken: secret.New("token")}
	phone, err := bankid.ParseForm("http://localhost:8082/")
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		phone bankid.Form
		want  string
	}{
		"the app":         {"", "https://app.bankid.com/?autostarttoken=token&redirect=null"},
		"a virtual phone": {phone, "http://localhost:8082/?autostarttoken=token&redirect=null"},
	} {
		m, _ := newBankID(t, func(o *login.BankIDOptions) { o.Phone = tt.phone })
		if got := m.Launch(&order, iphone).URL.Reveal(); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// finished makes an order, approves it and collects the result.
func finished(t *testing.T, m eid.Method, sim *bankidsim.Simulator) eid.Progress {
	t.Helper()
	order, err := m.Start(t.Context(), eid.Request{Starter: storage.Starter{Device: storage.DeviceOther, IP: "192.0.2.1"}})
	if err != nil {
		t.Fatal(err)
	}
	ref := order.Ref.Reveal()
	if _, err := sim.Scan(bankidsim.Pickup{OrderRef: ref, PersonalNumber: asa}); err != nil {
		t.Fatal(err)
	}
	if _, err := sim.Sign(ref, bankidsim.Approval{}); err != nil {
		t.Fatal(err)
	}
	progress, err := m.Collect(t.Context(), &order)
	if err != nil || progress.Status != eid.Complete {
		t.Fatalf("%+v, %v", progress, err)
	}
	verify := progress.Verify
	progress.Verify = func(storage.Sent) error { return verify(order.Sent) }
	return progress
}

// TestBankIDWithoutVerifier shows that a result is not believed when nothing can check it.
func TestBankIDWithoutVerifier(t *testing.T) {
	m, sim := newBankID(t, nil)
	if err := finished(t, m, sim).Verify(storage.Sent{}); err == nil || !strings.Contains(err.Error(), "no verifier") {
		t.Errorf("verified: %v", err)
	}
	m, sim = newBankID(t, func(o *login.BankIDOptions) {
		o.Verifier = func() (*bankid.Verifier, error) { return nil, errors.New("no root") }
	})
	if err := finished(t, m, sim).Verify(storage.Sent{}); err == nil || !strings.Contains(err.Error(), "no root") {
		t.Errorf("verified: %v", err)
	}
}

// TestBankIDExceptedCheck has one check of a result fail, with and without an exception for it.
func TestBankIDExceptedCheck(t *testing.T) {
	for _, except := range [][]bankid.Check{nil, {bankid.CheckName}, {bankid.CheckRelyingParty}} {
		m, sim := newBankID(t, func(o *login.BankIDOptions) {
			o.Verifier = func() (*bankid.Verifier, error) {
				root, err := simulator().SignatureRootPEM()
				if err != nil {
					return nil, err
				}
				return bankid.NewVerifier(bankid.VerifierOptions{RootsPEM: root, CertificatePolicies: bankid.TestPolicies(), Except: except})
			}
		})
		if err := sim.SetChaos(bankidsim.Chaos{Attacks: []string{bankidsim.AttackForeignService}}); err != nil {
			t.Fatal(err)
		}
		err := finished(t, m, sim).Verify(storage.Sent{})
		if err := sim.SetChaos(bankidsim.Chaos{}); err != nil {
			t.Fatal(err)
		}
		unverified, ok := errors.AsType[*eid.UnverifiedError](err)
		if !ok || unverified.Check != "relying_party" || unverified.Excepted != slices.Contains(except, bankid.CheckRelyingParty) {
			t.Errorf("except %v: %+v", except, err)
		}
	}
}
