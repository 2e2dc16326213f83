package eid

import (
	"time"

	"brygga/storage"
)

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
	// Phase is how far an app has come with the order. Of a failed one it is not waiting when an app had it, as far as that can be told.
	Phase storage.Phase
	// HintCode tells more of a pending or failed order, in the service's words; unknown ones occur. It is for texts and the log.
	HintCode string
	// Detail is what else the service said of a failed order, as that of a [Fault] is.
	Detail string
	// Unverified says of a failed order that the service itself did not find the signature good.
	Unverified bool
	// Unstarted says of a failed order that nobody picked it up in time: another may take its place.
	Unstarted bool
	// Identity is who completed the order, only when Complete.
	Identity storage.Identity
	// Identify returns who completed the order where that can be told only with all that was sent, in place of Identity: of a signature, a text does not stand with
	// the order. It does no I/O. Nil where Identity says.
	Identify func(sent storage.Sent) storage.Identity
	// Unmet names a demand of the order which the result does not meet, such as "mrtd"; empty means none. Only when Complete.
	Unmet string
	// Verify checks the evidence that came with Identity against what was sent with the order; it does no I/O. It returns nil
	// when all is proven, and an *[UnverifiedError] or another error when not. A method without evidence leaves it nil, which
	// proves nothing. Only when Complete.
	Verify func(sent storage.Sent) error
	// Evidence returns what came as proof, for a client that asked for it; it does no I/O. Nil when there is none. Only when
	// Complete.
	Evidence func() (*storage.Evidence, error)
	// Record returns the line of package evidence that proves the result for years; it does no I/O. Nil when there is none. Only when Complete.
	Record func(about About) ([]byte, error)
}

// About is what a record of evidence says besides the result itself.
type About struct {
	// ID is the record's, and Issuer that of the installation.
	ID, Issuer string
	// ClientID and ClientName are whom the result is for, Transaction what the client knows it by.
	ClientID, ClientName, Transaction string
	// Kind, Sent and Payment are what was asked for, Started and Ended when. Payment is nil but of KindPayment.
	Kind           storage.Kind
	Sent           storage.Sent
	Payment        *storage.Payment
	Started, Ended time.Time
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
func (e *UnverifiedError) Error() string { return "eid: result not verified: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *UnverifiedError) Unwrap() error { return e.Err }
