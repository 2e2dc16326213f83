package bankid

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"testing"
)

func TestRelyingPartyOf(t *testing.T) {
	cert := relyingParty()
	// pkix.Name writes country, organisation, common name, serial number, then the extra names.
	want := RelyingParty{"name=Exempeltjänsten,serialNumber=5560000001,cn=Exempel FP,o=Exempelbanken AB,c=SE", "Exempeltjänsten"}
	if got := RelyingPartyOf(cert.Leaf); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	a := newAPI(t, blankOptions(cert))
	if got := a.RelyingParty(); got != want {
		t.Errorf("the API says %+v", got)
	}
	other := bankRoot().issue(x509.Certificate{Subject: pkix.Name{CommonName: "Another"}})
	a.cert.active.Store(&other)
	if got := a.RelyingParty(); got.Name != "cn=Another" {
		t.Errorf("with another certificate the API says %+v", got)
	}
}

func TestPolicyIn(t *testing.T) {
	for _, tt := range []struct {
		pattern, policy string
		want            bool
	}{
		{"1.2.752.78.1.5", "1.2.752.78.1.5", true},
		{"1.2.752.78.1.5", "1.2.752.78.1.50", false},
		{"1.2.752.78.*", "1.2.752.78.1.5", true},
		{"1.2.752.78.*", "1.2.752.78.", false},
		{"1.2.752.78.*", "1.2.752.780.1.5", false},
		{"1.2.752.78.*.5", "1.2.752.78.1.5", true},
		{"1.2.752.78.*.5", "1.2.752.78.1.6", false},
		{"1.2.752.78.*.5", "1.2.752.78.1.9.5", false},
		{"1.2.752.78.*.5", "1.2.752.78..5", false},
	} {
		if got := policyIn([]string{"1.1", tt.pattern}, tt.policy); got != tt.want {
			t.Errorf("%s for %s: %v", tt.policy, tt.pattern, got)
		}
	}
	if policyIn(nil, "1.2.3.4.5") {
		t.Error("an empty list allows something")
	}
}

func TestClientVersion(t *testing.T) {
	for text, want := range map[string]string{
		b64("7.28.0"): "7.28.0",
		b64("Personal=7.14.0.16&BankID_exe=7.14.0.17&BISP=1.0&platform=macosx&uhi=abc&"): "7.14.0.17",
		b64("Personal=7.14.0.16&BankID_exe=a b&"):                                        "",
		b64("Personal=7.14.0.16&"):                                                       "",
		b64("line\nbreak"):                                                               "",
		"not base64":                                                                     "",
	} {
		if got := clientVersion([]byte(text)); got != want {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
}
