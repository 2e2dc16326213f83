package bankidsim

import (
	"time"
)

// orderFacts is what a result is made from, taken from the order under the lock.
type orderFacts struct {
	kind      Kind
	rp        relyingParty
	request   *startRequest
	person    Person
	bankID    BankID
	via       string
	device    string
	rpRef     string
	at        time.Time
	ipAddress string
	risk      string
	documents bool
}

func (o *order) facts() orderFacts {
	f := orderFacts{
		kind: o.kind, rp: o.rp, request: o.request, bankID: o.bankID, via: o.via, device: o.device, rpRef: o.rpRef,
		at: o.ended, ipAddress: o.ipAddress, risk: o.risk, documents: o.documents,
	}
	if o.person != nil {
		f.person = *o.person
	}
	return f
}

const (
	// farAddress is where a phone is that did not open a launch link, unless the control API says otherwise (RFC 5737).
	farAddress = "198.51.100.77"
	// foreignAddress is used by AttackOtherIP.
	foreignAddress = "203.0.113.66"
)

// result makes the completion data of an order (BankID API: collect), spoiled by attacks.
func (s *Simulator) result(f orderFacts, attacks map[string]bool) (*completionData, error) {
	doc := document{facts: f, signing: f.kind.signing(), uhi: hardwareID(f.person, f.device)}
	if attacks[AttackSignForAuth] {
		doc.signing = !doc.signing
	}
	signature, leaf, err := s.sign(doc, attacks)
	if err != nil {
		return nil, err
	}
	ocsp, err := s.ocspResponse(f, leaf, signature, attacks)
	if err != nil {
		return nil, err
	}
	d := &completionData{
		User:            &userData{f.person.PersonalNumber, f.person.Name(), f.person.GivenName, f.person.Surname},
		Device:          deviceData{f.ipAddress, doc.uhi},
		BankIDIssueDate: f.bankID.IssueDate,
		Signature:       signature,
		OCSPResponse:    ocsp,
	}
	if f.request.mrtd {
		d.StepUp = &stepUpData{MRTD: f.documents}
	}
	if f.request.returnRisk {
		d.Risk = f.risk
	}
	if attacks[AttackOtherIP] {
		d.Device.IPAddress = foreignAddress
	}
	if attacks[AttackOtherUser] {
		o := s.otherPerson(f.person)
		d.User = &userData{o.PersonalNumber, o.Name(), o.GivenName, o.Surname}
	}
	if attacks[AttackMissingUser] {
		d.User = nil
	}
	return d, nil
}

// otherPerson returns somebody else.
func (s *Simulator) otherPerson(p Person) Person {
	for _, other := range s.People() {
		if other.PersonalNumber != p.PersonalNumber {
			return other
		}
	}
	return p
}
