package storage

import (
	"crypto/subtle"
	"strconv"
	"strings"
	"time"

	"brygga/secret"
)

// Kind is what the person of an order is asked for.
type Kind string

// The kinds of orders.
const (
	KindIdentify Kind = "identify"
	KindSign     Kind = "sign"
	KindPayment  Kind = "payment"
)

// Kinds returns all of them.
func Kinds() []Kind { return []Kind{KindIdentify, KindSign, KindPayment} }

// Commits reports whether whoever completes an order of that kind agrees to something by it, and does not only say who they are: then it is the result that
// counts, and nobody has logged in.
func (k Kind) Commits() bool { return k == KindSign || k == KindPayment }

// Phase is how far an app has come with an order. Its numbers are stored.
type Phase int

// The phases.
const (
	// PhaseWaiting: no app has picked the order up, as far as is known.
	PhaseWaiting Phase = iota
	// PhaseInApp: an app has it, and what it does there is not known.
	PhaseInApp
	// PhaseWorking: an app has it, and the service says what is being done in a word that its method knows.
	PhaseWorking
)

// Order is one order at an eID service, with what is needed to show and collect it.
type Order struct {
	// ID is ours; it may be logged. Each collector of an order knows it by another. Ref is the service's and may not be logged.
	ID string
	// Method names the eID service, and Kind says what the person is asked for.
	Method string
	Kind   Kind
	Ref    secret.String
	// AutoStartToken starts the app on the same device; it goes to the browser that started the order and nowhere else.
	AutoStartToken secret.String
	// QRStartToken and QRStartSecret make the QR frames; the secret never leaves the server.
	QRStartToken  secret.String
	QRStartSecret secret.String
	// Started is when the service's answer was received: second 0 of the QR code.
	Started time.Time
	// Phase is how far an app has come with it, and HintCode the service's own word for that, for texts and the log.
	Phase    Phase
	HintCode string
	// Starter is who asked for the order, and where; a renewal repeats that of the order before. Who may show, complete and answer
	// the order hangs on it, so it never changes.
	Starter Starter
	// Policy is what was demanded when the order was made: the client's Policy over the installation's, its Demands. Once the order is
	// complete it is what its result has met. A session that comes of the order stands for no more.
	Policy Policy
	// WindowEnds is when the round of the order ends: it is not renewed after that time.
	WindowEnds time.Time
	// ReturnNonceHash is the SHA-256 of the nonce in the order's return URL; all zero when the order has none.
	ReturnNonceHash [32]byte
	// Collector names the process that collects the order.
	Collector string
	// Sent is what the order was asked for, for the check of its result.
	Sent Sent
}

// Sent is what an order was asked for: its result must say the same, whenever and wherever that is checked.
type Sent struct {
	// Certificate names the certificate of ours that made the order; empty means the default one. The order can be collected
	// and cancelled with that one only.
	Certificate string
	// PartyName and PartyDisplay are we, as that certificate names us.
	PartyName, PartyDisplay string
	// VisibleText is what the app shows, and VisibleFormat how; NonVisible was signed along.
	VisibleText, VisibleFormat string
	NonVisible                 []byte
	// Salt is what the order alone had signed besides, for methods whose services make no such thing; empty of others.
	Salt []byte
	// CertificatePolicies are the kinds of eID that were allowed; empty means all.
	CertificatePolicies []string
	// MRTD says that a passport or identity card had to be read.
	MRTD bool
	// CallInitiator says of an order by telephone who called whom, as Call does; empty for any other order.
	CallInitiator string
	// Document is the sum of what was to be signed, zero when nothing was.
	Document Hash
}

// spent returns the order without what served to start, show, collect and cancel it.
func (o *Order) spent() *Order {
	if o == nil {
		return nil
	}
	ended := *o
	ended.Ref, ended.AutoStartToken, ended.QRStartToken, ended.QRStartSecret = secret.String{}, secret.String{}, secret.String{}, secret.String{}
	return &ended
}

// ofNobody returns the order without who was asked.
func (o *Order) ofNobody() *Order {
	if o == nil || o.Starter.Person.IsZero() {
		return o
	}
	own := *o
	own.Starter.Person = PersonKey{}
	return &own
}

// handedOver returns the order as another collector has it, under an ID that no collector has had.
func (o *Order) handedOver(collector string, revision uint64) *Order {
	if o == nil {
		return nil
	}
	order := *o
	first, _, _ := strings.Cut(o.ID, ".")
	order.ID, order.Collector = first+"."+strconv.FormatUint(revision, 10), collector
	return &order
}

// ReturnRequired reports whether the login may be answered only after the app has sent the person back with the nonce.
func (o *Order) ReturnRequired() bool { return o != nil && o.ReturnNonceHash != [32]byte{} }

// returnsWith reports whether the nonce of that hash is the one in the order's return URL.
func (o *Order) returnsWith(nonceHash [32]byte) bool {
	return o.ReturnRequired() && subtle.ConstantTimeCompare(o.ReturnNonceHash[:], nonceHash[:]) == 1
}

// AwaitsApp reports whether no app has picked the order up, as far as is known: only then may a code or link be shown or the
// order be renewed.
func (o *Order) AwaitsApp() bool { return o != nil && o.Phase == PhaseWaiting }

// beforeKinds gives an order of a version that knew no kinds and no phases what it lacks. Whether an app has it stood in the service's word alone:
// with one, nobody shows its code or renews it until the next collect says more.
func (o *Order) beforeKinds() {
	o.Kind = KindIdentify
	if o.HintCode != "" {
		o.Phase = PhaseInApp
	}
}

// Failure says why an order brought no identity.
type Failure struct {
	// Reason is a hint code of the eID service, or one of package login's own reasons. It is a key of the message catalogue.
	Reason string
	// Retry is when trying again makes sense at the earliest; the zero time means at once.
	Retry time.Time
	// At is when that was; zero for a failure of a version that did not note it.
	At time.Time `json:",omitzero"`
	// Detail is what the eID service said of it beside the reason, such as its code; empty when that is all.
	Detail string `json:",omitzero"`
	// Method names the eID of an order that could not be made, where the person had chosen one.
	Method string `json:",omitzero"`
}

// Result is what a completed order brought, after all checks.
type Result struct {
	Identity Identity
	// Met is what the result was found to meet: it becomes the order's Policy.
	Met Policy
	// ReturnWaived becomes that of the login.
	ReturnWaived bool
	// Record is stored as the evidence of the result, in the same step; nil for none.
	Record *EvidenceRecord
}

// Identity is a person, as the eID service named them. What must be in it, the service's method judges.
type Identity struct {
	Method string
	// PersonalNumber has twelve digits; zero when the service named none. Keys are what the person is known by beside it.
	PersonalNumber secret.String
	Keys           []PersonKey
	Name           secret.String
	GivenName      secret.String
	Surname        secret.String
	// Email is the address in the person's certificate. Nobody is known by it, and nobody has had mail at it as far as is known here.
	Email secret.String
	// Work is what the certificate says of the person at work; nil for nothing.
	Work *Work
	// Issuer is who has issued the certificate, as the installation calls them; empty where all are the same.
	Issuer string
	// DeviceIP is the address of the device with the eID, as the service saw it, and DeviceName and DeviceVersion what it says of its system.
	DeviceIP                  string
	DeviceName, DeviceVersion string
	// IssueDate is when the eID was issued, as YYYY-MM-DD.
	IssueDate string
	// Risk is low, moderate, high or empty.
	Risk string
	// MRTD says that the person's passport or identity card was read in this login.
	MRTD bool
	// Evidence is what the service gave as proof, nil unless the client asked for it.
	Evidence *Evidence
}

// Work is what a certificate says of a person at work. Any value may be empty.
type Work struct {
	// OrganizationNumber has ten digits.
	Organization, OrganizationNumber string
	Unit                             string
	// Title is the person's occupation.
	Title string
}

// Evidence is what an eID service gave as proof of a login, for those who check it themselves (BankID API: collect,
// completionData).
type Evidence struct {
	// Certificate is the DER of the person's certificate, ValidFrom and ValidTo the times that stand in it.
	Certificate        []byte
	ValidFrom, ValidTo time.Time
	// OCSP is the DER of the answer that the certificate was good.
	OCSP []byte
	// Signature is what the person has signed, as the service gave it; nil unless a program may have it.
	Signature []byte
}
