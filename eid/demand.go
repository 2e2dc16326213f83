package eid

import (
	"slices"

	"brygga/storage"
)

// Demand is something that a policy may demand of the app and the eID, by its key there. What is demanded of a result (the risk, the return, an age) is none:
// the engine judges that.
type Demand string

// The demands.
const (
	DemandPinCode             Demand = "pin_code"
	DemandSignPinCode         Demand = "sign_pin_code"
	DemandMRTD                Demand = "mrtd"
	DemandCardReader          Demand = "card_reader"
	DemandCertificatePolicies Demand = "certificate_policies"
)

// Demands returns all of them.
func Demands() []Demand {
	return []Demand{DemandPinCode, DemandSignPinCode, DemandMRTD, DemandCardReader, DemandCertificatePolicies}
}

// DemandsOf returns what a policy demands of an order of that kind. The policy is a whole one, with the installation's and the defaults; see
// storage.Policy.Over.
func DemandsOf(kind storage.Kind, p storage.Policy) (demanded []Demand) {
	sign := kind.Commits()
	for _, one := range [...]struct {
		demand Demand
		is     bool
	}{
		{DemandPinCode, !sign && p.PinCode.On()}, {DemandSignPinCode, sign && p.SignPinCode.On()}, {DemandMRTD, p.MRTD.On()},
		{DemandCardReader, p.CardReader != ""}, {DemandCertificatePolicies, len(p.CertificatePolicies) > 0},
	} {
		if one.is {
			demanded = append(demanded, one.demand)
		}
	}
	return demanded
}

// Unheeded returns what a policy demands of an order of that kind and the method's orders cannot be held to.
func (t *Traits) Unheeded(kind storage.Kind, p storage.Policy) []Demand {
	return slices.DeleteFunc(DemandsOf(kind, p), func(d Demand) bool { return slices.Contains(t.Demands, d) })
}
