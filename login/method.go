package login

import (
	"context"
	"time"

	"brygga/secret"
	"brygga/storage"
)

// Method is one eID service. Implementations are safe for concurrent use. Errors are *[Fault] where the service said what is
// wrong; anything else counts as the service being out of reach.
type Method interface {
	// Name returns the method's name in records and metrics, such as "bankid".
	Name() string
	// Start makes an order. It returns the order without ID, collector and return nonce, which are the engine's; Started is
	// the moment the answer came in. An order may have been made even when an error is returned.
	Start(ctx context.Context, request Request) (storage.Order, error)
	// Collect asks for the order's state. The service hands a final state out once.
	Collect(ctx context.Context, order *storage.Order) (Progress, error)
	// Cancel ends the order at the service. An order that has ended already is no error.
	Cancel(ctx context.Context, order *storage.Order) error
	// QR returns the text of the QR frame that is valid when elapsed has gone by since the order started, or zero when the
	// order cannot be started by QR code then.
	QR(order *storage.Order, elapsed time.Duration) secret.String
	// Launch returns how the browser of starter starts the app with the order; with a nil order the link is left out.
	Launch(order *storage.Order, starter storage.Starter) Launch
	// ReturnURL writes address as the browser of starter needs it to be opened there by the app, or returns zero when no
	// address leads back to that browser.
	ReturnURL(address secret.String, starter storage.Starter) secret.String
}

// Launch is how an app is started on the device that shows the page.
type Launch struct {
	// Possible is false when there is no app for such a device: offer the QR code only.
	Possible bool
	// URL is the link; it carries the autostart token and goes to the browser that started the order and nowhere else.
	URL secret.String
	// NeedsTap says that the link works only when a person taps it.
	NeedsTap bool
	// Phone and Tablet say what kind of device it is: which way to offer first.
	Phone, Tablet bool
	// Embedded says that the page is shown inside another app, where launch links often fail.
	Embedded bool
}

// Request is what an order is made from.
type Request struct {
	Starter storage.Starter
	// ReturnURL is where the app sends the person when done; empty for none.
	ReturnURL secret.String
	// ReferringDomain is the domain of the page that starts the order.
	ReferringDomain string
	// VisibleText is what the app shows: what the person is about to do, and for whom. VisibleFormat is its format, plaintext
	// or simpleMarkdownV1.
	VisibleText, VisibleFormat string
	// Binding ties the signed result to this login; the app does not show it.
	Binding []byte
	// RequiredPersonalNumber is the only person who may complete the order; zero for anyone.
	RequiredPersonalNumber secret.String
	// PinCode, MRTD, CardReader and CertificatePolicies are what the client demands of the person's eID; see storage.Policy.
	PinCode, MRTD       bool
	CardReader          string
	CertificatePolicies []string
	// Certificate names which certificate of ours makes the order; empty means the default one.
	Certificate string
}

// Status is how far an order has come.
type Status int

// The values of Status.
const (
	Pending Status = iota
	Failed
	Complete
)

// Progress is what collecting an order brought.
type Progress struct {
	Status Status
	// HintCode tells more of a pending or failed order, in the service's words; unknown ones occur.
	HintCode string
	// Identity is who completed the order, only when Complete.
	Identity storage.Identity
	// Unmet names a demand of the order which the result does not meet, such as "mrtd"; empty means none. Only when Complete.
	Unmet string
	// Verify checks the evidence that came with Identity, from what was stored with the order; it does no I/O. It returns nil
	// when all is proven, and an *[UnverifiedError] or another error when not. A method without evidence leaves it nil, which
	// proves nothing. Only when Complete.
	Verify func() error
	// Evidence returns what came as proof, for a client that asked for it; it does no I/O. Nil when there is none. Only when
	// Complete.
	Evidence func() (*storage.Evidence, error)
}

// UnverifiedError says which check of a result's evidence failed.
type UnverifiedError struct {
	// Check is a stable word for the audit log, such as "signature".
	Check string
	Err   error
	// Excepted says that the check alone failed, and that whoever runs the service wants no login refused over it.
	Excepted bool
}

// Error returns the cause.
func (e *UnverifiedError) Error() string { return "login: result not verified: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *UnverifiedError) Unwrap() error { return e.Err }

// Reasons why an order brought no identity, beside the hint codes of the service. Each is a key of the message catalogue.
const (
	// ReasonCancelled: the person cancelled on the page.
	ReasonCancelled = "pageCancel"
	// ReasonExpired: nobody started the app in the whole window.
	ReasonExpired = "windowExpired"
	// ReasonLost: the service no longer knows the order, or the result could not be stored.
	ReasonLost = "orderLost"
	// ReasonAlreadyInProgress: the service has another order for the same person.
	ReasonAlreadyInProgress = "alreadyInProgress"
	// ReasonUnavailable: the service is out of reach or broken.
	ReasonUnavailable = "unavailable"
	// ReasonMaintenance: the service says that it is closed for maintenance.
	ReasonMaintenance = "maintenance"
	// ReasonRefused: the service does not accept our certificate.
	ReasonRefused = "certificateRefused"
	// ReasonRejected: the service did not accept what we sent.
	ReasonRejected = "requestRejected"
	// ReasonOtherPerson: somebody else than the required person completed the order.
	ReasonOtherPerson = "otherPerson"
	// ReasonIncomplete: the result lacks what an identity must have.
	ReasonIncomplete = "incompleteResult"
	// ReasonReturn: somebody came back from the app with a wrong return nonce.
	ReasonReturn = "returnMismatch"
	// ReasonRisk: the service judged the risk as high, or as not low where nothing else binds the result to the browser.
	ReasonRisk = "riskTooHigh"
	// ReasonOtherAddress: an order for this device was completed on a device elsewhere, and the policy or the lack of a way
	// back forbids that.
	ReasonOtherAddress = "otherAddress"
	// ReasonTooMany: the login has used up its orders.
	ReasonTooMany = "tooManyOrders"
	// ReasonUnverified: the signature or OCSP answer of the result does not prove it.
	ReasonUnverified = "resultUnverified"
	// ReasonForeignResult: the service handed out a result that is not the order's.
	ReasonForeignResult = "foreignResult"
	// ReasonUnmet: the result lacks what the order demanded, such as a passport that was read.
	ReasonUnmet = "demandUnmet"
	// ReasonTooYoung: the person is younger than the client allows.
	ReasonTooYoung = "tooYoung"
	// ReasonQRExcluded: the client allows no kind of BankID that can scan a QR code.
	ReasonQRExcluded = "otherDeviceExcluded"
)

// Reasons returns all reasons of this package, for those who must have a text for each.
func Reasons() []string {
	return []string{
		ReasonCancelled, ReasonExpired, ReasonLost, ReasonAlreadyInProgress, ReasonUnavailable, ReasonMaintenance,
		ReasonRefused, ReasonRejected, ReasonOtherPerson, ReasonIncomplete, ReasonReturn, ReasonRisk, ReasonOtherAddress,
		ReasonTooMany, ReasonUnverified, ReasonForeignResult, ReasonUnmet, ReasonTooYoung, ReasonQRExcluded,
	}
}

// Fault is an error of an eID service with what it means for the login.
type Fault struct {
	// Reason is one of the Reason constants.
	Reason string
	// Passing says that the same call may succeed later: an order goes on being collected.
	Passing bool
	// Wait is how long to wait before trying again, as far as the service says so; 0 if it does not.
	Wait time.Duration
	// Err is the cause, for the log.
	Err error
}

// Error returns the reason and the cause.
func (f *Fault) Error() string { return f.Reason + ": " + f.Err.Error() }

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }
