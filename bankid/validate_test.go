package bankid

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"brygga/secret"
)

func TestRequestLimits_U16_U17(t *testing.T) {
	s := strings.Repeat
	type change func(*AuthRequest)
	tests := []struct {
		name   string
		change change
		field  string // of the fault, or empty if the request is right
	}{
		{"least", func(*AuthRequest) {}, ""},
		{"no address", func(r *AuthRequest) { r.EndUserIP = netip.Addr{} }, "endUserIp"},
		{"address with zone", func(r *AuthRequest) { r.EndUserIP = netip.MustParseAddr("fe80::1%eth0") }, "endUserIp"},
		{"longest visible text", func(r *AuthRequest) { r.UserVisibleData = s("a", 1125) }, ""},
		{"visible text too long", func(r *AuthRequest) { r.UserVisibleData = s("a", 1126) }, "userVisibleData"},
		{"visible text not UTF-8", func(r *AuthRequest) { r.UserVisibleData = "\xff" }, "userVisibleData"},
		{"longest hidden data", func(r *AuthRequest) { r.UserNonVisibleData = slices.Repeat([]byte{0}, 1125) }, ""},
		{"hidden data too long", func(r *AuthRequest) { r.UserNonVisibleData = slices.Repeat([]byte{0}, 1126) }, "userNonVisibleData"},
		{"plain text", func(r *AuthRequest) { r.UserVisibleDataFormat = FormatPlainText }, ""},
		{"other format", func(r *AuthRequest) { r.UserVisibleDataFormat = "html" }, "userVisibleDataFormat"},
		{"longest return address", func(r *AuthRequest) { r.ReturnURL = secret.New("https://a/" + s("x", 502)) }, ""},
		{"return address too long", func(r *AuthRequest) { r.ReturnURL = secret.New("https://a/" + s("x", 503)) }, "returnUrl"},
		{"return address of an app", func(r *AuthRequest) { r.ReturnURL = secret.New("googlechromes://a/") }, ""},
		{"return path", func(r *AuthRequest) { r.ReturnURL = secret.New("/return") }, "returnUrl"},
		{"return address broken", func(r *AuthRequest) { r.ReturnURL = secret.New("https://a/%zz") }, "returnUrl"},
		{"web and app", func(r *AuthRequest) { r.Web, r.App = &Web{UserAgent: "x"}, &App{DeviceOS: "x"} }, "web"},
		{"web without members", func(r *AuthRequest) { r.Web = &Web{} }, "web"},
		{"app without members", func(r *AuthRequest) { r.App = &App{} }, "app"},
		{"longest domain", func(r *AuthRequest) { r.Web = &Web{ReferringDomain: s("a", 253)} }, ""},
		{"domain too long", func(r *AuthRequest) { r.Web = &Web{ReferringDomain: s("a", 254)} }, "web.referringDomain"},
		{"domain too short", func(r *AuthRequest) { r.Web = &Web{ReferringDomain: "se"} }, "web.referringDomain"},
		{"domain in capitals", func(r *AuthRequest) { r.Web = &Web{ReferringDomain: "Example.se"} }, "web.referringDomain"},
		{"domain with å", func(r *AuthRequest) { r.Web = &Web{ReferringDomain: "bål.se"} }, "web.referringDomain"},
		{"domain with port", func(r *AuthRequest) { r.Web = &Web{ReferringDomain: "example.se:443"} }, "web.referringDomain"},
		{"punycode", func(r *AuthRequest) { r.Web = &Web{ReferringDomain: "xn--bl-yia.se"} }, ""},
		{"longest device", func(r *AuthRequest) { r.Web = &Web{DeviceIdentifier: secret.New(s("d", 64))} }, ""},
		{"device too long", func(r *AuthRequest) { r.Web = &Web{DeviceIdentifier: secret.New(s("d", 65))} }, "web.deviceIdentifier"},
		{"device not UTF-8", func(r *AuthRequest) { r.Web = &Web{DeviceIdentifier: secret.New("\xff")} }, "web.deviceIdentifier"},
		{"long user agent", func(r *AuthRequest) { r.Web = &Web{UserAgent: s("u", 5000)} }, ""},
		{"app device too long", func(r *AuthRequest) { r.App = &App{DeviceIdentifier: secret.New(s("d", 65))} }, "app.deviceIdentifier"},
		{"app identifier too long", func(r *AuthRequest) { r.App = &App{AppIdentifier: s("d", 257)} }, "app.appIdentifier"},
		{"app system too long", func(r *AuthRequest) { r.App = &App{DeviceOS: s("d", 257)} }, "app.deviceOS"},
		{"app model too long", func(r *AuthRequest) { r.App = &App{DeviceModelName: s("d", 257)} }, "app.deviceModelName"},
		{"card reader", func(r *AuthRequest) { r.Requirement.CardReader = CardReaderClass1 }, ""},
		{"other card reader", func(r *AuthRequest) { r.Requirement.CardReader = "class3" }, "requirement.cardReader"},
		{"number of 10 digits", func(r *AuthRequest) { r.Requirement.PersonalNumber = secret.New("1212121212") }, "requirement.personalNumber"},
		{"number with dash", func(r *AuthRequest) { r.Requirement.PersonalNumber = secret.New("19121212-121") }, "requirement.personalNumber"},
		{"policies", func(r *AuthRequest) {
			r.Requirement.CertificatePolicies = []string{PolicyOnFile, PolicyOnCard, PolicyTestMobile, "1.2.752.78.*"}
		}, ""},
		{"empty policy", func(r *AuthRequest) { r.Requirement.CertificatePolicies = []string{""} }, "requirement.certificatePolicies"},
		{"wildcard too early", func(r *AuthRequest) { r.Requirement.CertificatePolicies = []string{"1.2.752.*"} }, "requirement.certificatePolicies"},
		{"two wildcards", func(r *AuthRequest) { r.Requirement.CertificatePolicies = []string{"1.2.752.78.*.*"} }, "requirement.certificatePolicies"},
		{"policy in words", func(r *AuthRequest) { r.Requirement.CertificatePolicies = []string{"mobile"} }, "requirement.certificatePolicies"},
		{"policy with a gap", func(r *AuthRequest) { r.Requirement.CertificatePolicies = []string{"1..2"} }, "requirement.certificatePolicies"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := AuthRequest{EndUserIP: endUser}
			tt.change(&r)
			_, err := r.wire(authLimits)
			checkField(t, err, tt.field)
		})
	}
}

func TestSignAndPhoneLimits(t *testing.T) {
	sign := func(visible, hidden int) error {
		_, err := AuthRequest{EndUserIP: endUser, UserVisibleData: strings.Repeat("a", visible), UserNonVisibleData: make([]byte, hidden)}.wire(signLimits)
		return err
	}
	checkField(t, sign(30_000, 150_000), "")
	checkField(t, sign(0, 0), "userVisibleData")
	checkField(t, sign(30_001, 0), "userVisibleData")
	checkField(t, sign(1, 150_001), "userNonVisibleData")

	number := secret.New("191212121212")
	phone := func(r PhoneAuthRequest, l limits) error {
		_, err := r.wire(l)
		return err
	}
	checkField(t, phone(PhoneAuthRequest{PersonalNumber: number, CallInitiator: CallByUser}, authLimits), "")
	checkField(t, phone(PhoneAuthRequest{CallInitiator: CallByUser}, authLimits), "personalNumber")
	checkField(t, phone(PhoneAuthRequest{PersonalNumber: secret.New("1"), CallInitiator: CallByUser}, authLimits), "personalNumber")
	checkField(t, phone(PhoneAuthRequest{PersonalNumber: number}, authLimits), "callInitiator")
	checkField(t, phone(PhoneAuthRequest{PersonalNumber: number, CallInitiator: "rp"}, authLimits), "callInitiator")
	checkField(t, phone(PhoneAuthRequest{PersonalNumber: number, CallInitiator: CallByUser, Requirement: Requirement{PersonalNumber: number}},
		authLimits), "requirement.personalNumber")
	checkField(t, phone(PhoneAuthRequest{PersonalNumber: number, CallInitiator: CallByUser}, signLimits), "userVisibleData")
}

// TestInvalidRequestsAreNotSent calls each method with a fault in it.
func TestInvalidRequestsAreNotSent(t *testing.T) {
	p := newPeer(t, func(http.ResponseWriter, *http.Request) { t.Error("something was sent") })
	a := newAPI(t, p.options())
	_, auth := a.Auth(t.Context(), AuthRequest{})
	_, sign := a.Sign(t.Context(), SignRequest{EndUserIP: endUser})
	_, phoneAuth := a.PhoneAuth(t.Context(), PhoneAuthRequest{})
	_, phoneSign := a.PhoneSign(t.Context(), PhoneSignRequest{PersonalNumber: secret.New("191212121212"), CallInitiator: CallByUser})
	checkField(t, auth, "endUserIp")
	checkField(t, sign, "userVisibleData")
	checkField(t, phoneAuth, "personalNumber")
	checkField(t, phoneSign, "userVisibleData")
}

func checkField(t *testing.T, err error, field string) {
	t.Helper()
	e, invalid := errors.AsType[*InvalidRequestError](err)
	switch {
	case field == "" && err != nil:
		t.Errorf("refused: %v", err)
	case field != "" && (!invalid || e.Field != field || e.Reason == ""):
		t.Errorf("got error %v, want one about %s", err, field)
	}
}

func TestUserAgentIsCut_U16(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"short", "Mozilla", "Mozilla"},
		{"exact", strings.Repeat("u", 256), strings.Repeat("u", 256)},
		{"one too many", strings.Repeat("u", 257), strings.Repeat("u", 256)},
		{"two bytes across the border", strings.Repeat("u", 255) + "åäö", strings.Repeat("u", 255)},
		{"four bytes across the border", strings.Repeat("u", 253) + "😀", strings.Repeat("u", 253)},
		{"four bytes up to the border", strings.Repeat("u", 252) + "😀x", strings.Repeat("u", 252) + "😀"},
		{"bytes that are no UTF-8", "a\xffb\x80", "ab"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, err := AuthRequest{EndUserIP: endUser, Web: &Web{UserAgent: tt.in}}.wire(authLimits)
			if err != nil {
				t.Fatal(err)
			}
			if got := w.Web.UserAgent; got != tt.want || !utf8.ValidString(got) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
