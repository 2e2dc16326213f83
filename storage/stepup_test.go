package storage

import (
	"reflect"
	"slices"
	"testing"
)

// TestStepUpIsStricter: of each demand the stricter one counts, whichever side it stands on, so that nothing a request asks for takes a demand
// of the client's away.
func TestStepUpIsStricter(t *testing.T) {
	easy := Policy{PinCode: "no", SignPinCode: "no", MRTD: "no", ModerateRisk: ActionAccept, HighRisk: ActionAudit, Return: ReturnBalanced, AddressCheck: ActionOff}
	hard := Policy{
		PinCode: "yes", SignPinCode: "yes", MRTD: "yes", CardReader: "class2", CertificatePolicies: []string{"1.2.752.78.1.2"},
		ModerateRisk: ActionRefuse, HighRisk: ActionRefuse, Return: ReturnStrict, AddressCheck: ActionRefuse, MinimumAge: 18,
	}
	for name, got := range map[string]Policy{"over the easy one": and(t, easy, hard), "under the easy one": and(t, hard, easy), "over nothing": and(t, Policy{}, hard), "under nothing": and(t, hard, Policy{})} {
		if !reflect.DeepEqual(got, hard) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := and(t, easy, Policy{PinCode: "yes"}); !got.SignPinCode.On() {
		t.Error("a demand for the security code is none for signatures")
	}
	named := and(t, Policy{Certificate: "second", PersonKeys: []string{"hsaId"}, VisibleText: map[string]string{"sv": "Hej"}}, Policy{Certificate: "x", PersonKeys: []string{"x"}, VisibleText: map[string]string{"sv": "x"}})
	if named.Certificate != "second" || named.PersonKeys[0] != "hsaId" || named.VisibleText["sv"] != "Hej" {
		t.Errorf("what is no demand was stepped up: %+v", named)
	}
}

func and(t *testing.T, p, step Policy) Policy {
	t.Helper()
	both, ok := p.And(step)
	if !ok {
		t.Errorf("%+v and %+v exclude each other", p, step)
	}
	return both
}

// TestStepUpOfKinds: what both lists allow, a pattern standing for all of its kinds; two lists that have nothing in common do not become none,
// which would allow all.
func TestStepUpOfKinds(t *testing.T) {
	const file, card, mobile, all = "1.2.752.78.1.1", "1.2.752.78.1.2", "1.2.752.78.1.5", "1.2.752.78.1.*"
	for _, tt := range []struct {
		client, step, want []string
		possible           bool
	}{
		{nil, nil, nil, true},
		{nil, []string{card}, []string{card}, true},
		{[]string{card}, nil, []string{card}, true},
		{[]string{card, mobile}, []string{file, card}, []string{card}, true},
		{[]string{all}, []string{card}, []string{card}, true},
		{[]string{card}, []string{all}, []string{card}, true},
		{[]string{all}, []string{"1.2.752.*"}, []string{all}, true},
		{[]string{all, mobile}, []string{all}, []string{all, mobile}, true},
		{[]string{mobile}, []string{card}, nil, false},
		{[]string{"1.2.752.78.1.51"}, []string{mobile}, nil, false},
	} {
		got, possible := Policy{CertificatePolicies: tt.client}.And(Policy{CertificatePolicies: tt.step})
		if !slices.Equal(got.CertificatePolicies, tt.want) || possible != tt.possible {
			t.Errorf("%v and %v: %v, %v", tt.client, tt.step, got.CertificatePolicies, possible)
		}
	}
}
