package storage

import (
	"crypto/subtle"
	"strconv"
	"strings"
	"time"

	"brygga/secret"
)

// Order is one order at an eID service, with what is needed to show and collect it.
type Order struct {
	// ID is ours; it may be logged. Each collector of an order knows it by another. Ref is the service's and may not be logged.
	ID     string
	Method string
	Ref    secret.String
	// AutoStartToken starts the app on the same device; it goes to the browser that started the order and nowhere else.
	AutoStartToken secret.String
	// QRStartToken and QRStartSecret make the QR frames; the secret never leaves the server.
	QRStartToken  secret.String
	QRStartSecret secret.String
	// Started is when the service's answer was received: second 0 of the QR code.
	Started  time.Time
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
	// CertificatePolicies are the kinds of eID that were allowed; empty means all.
	CertificatePolicies []string
	// MRTD says that a passport or identity card had to be read.
	MRTD bool
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

// AwaitsApp reports whether no app has picked the order up, as far as is known: only then may a QR code be shown or the
// order be renewed (BankID API: collect, hintCode).
func (o *Order) AwaitsApp() bool {
	return o != nil && (o.HintCode == "" || o.HintCode == "outstandingTransaction" || o.HintCode == "noClient")
}

// Failure says why an order brought no identity.
type Failure struct {
	// Reason is a hint code of the eID service, or one of package login's own reasons. It is a key of the message catalogue.
	Reason string
	// Retry is when trying again makes sense at the earliest; the zero time means at once.
	Retry time.Time
}

// Result is what a completed order brought, after all checks.
type Result struct {
	Identity Identity
	// Met is what the result was found to meet: it becomes the order's Policy.
	Met Policy
	// ReturnWaived becomes that of the login.
	ReturnWaived bool
}

// Identity is a person, as the eID service named them (BankID API: collect, completionData).
type Identity struct {
	Method string
	// PersonalNumber has twelve digits.
	PersonalNumber secret.String
	Name           secret.String
	GivenName      secret.String
	Surname        secret.String
	// DeviceIP is the address of the device with the eID, as the service saw it.
	DeviceIP string
	// IssueDate is when the eID was issued, as YYYY-MM-DD.
	IssueDate string
	// Risk is low, moderate, high or empty.
	Risk string
	// Evidence is what the service gave as proof, nil unless the client asked for it.
	Evidence *Evidence
}

// Evidence is what an eID service gave as proof of a login, for those who check it themselves (BankID API: collect,
// completionData).
type Evidence struct {
	// Certificate is the DER of the person's certificate, ValidFrom and ValidTo the times that stand in it.
	Certificate        []byte
	ValidFrom, ValidTo time.Time
	// OCSP is the DER of the answer that the certificate was good.
	OCSP []byte
}
