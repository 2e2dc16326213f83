package eid

import (
	"slices"
	"testing"

	"brygga/storage"
)

// TestDemandsOf holds each demand of a whole policy against the kind of order that it is for.
func TestDemandsOf(t *testing.T) {
	identify, sign := storage.KindIdentify, storage.KindSign
	for name, test := range map[string]struct {
		policy         storage.Policy
		identify, sign []Demand
	}{
		"what holds by default": {storage.Policy{}, nil, []Demand{DemandSignPinCode}},
		"the code":              {storage.Policy{PinCode: "yes", SignPinCode: "no"}, []Demand{DemandPinCode}, nil},
		"all": {
			storage.Policy{PinCode: "yes", MRTD: "yes", CardReader: "class1", CertificatePolicies: []string{"1.2.3.4"}},
			[]Demand{DemandPinCode, DemandMRTD, DemandCardReader, DemandCertificatePolicies}, []Demand{DemandSignPinCode, DemandMRTD, DemandCardReader, DemandCertificatePolicies},
		},
	} {
		policy := test.policy.Over(storage.Policy{})
		if got := DemandsOf(identify, policy); !slices.Equal(got, test.identify) {
			t.Errorf("%s: of a login %q", name, got)
		}
		if got := DemandsOf(sign, policy); !slices.Equal(got, test.sign) {
			t.Errorf("%s: of a signature %q", name, got)
		}
		if got := DemandsOf(storage.KindPayment, policy); !slices.Equal(got, test.sign) {
			t.Errorf("%s: of a payment %q", name, got)
		}
		all, none := Traits{Demands: Demands()}, Traits{}
		if len(all.Unheeded(identify, policy)) > 0 || !slices.Equal(none.Unheeded(sign, policy), test.sign) {
			t.Errorf("%s: unheeded are %q", name, all.Unheeded(identify, policy))
		}
	}
}
