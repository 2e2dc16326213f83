package eid

import "time"

// Reasons of a [Fault].
const (
	// ReasonLost: the service no longer knows the order.
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
	// ReasonIncomplete: the result lacks what an identity must have.
	ReasonIncomplete = "incompleteResult"
	// ReasonForeignResult: the service handed out a result that is not the order's.
	ReasonForeignResult = "foreignResult"
	// ReasonQRExcluded: the client allows no kind of eID that can be used from another device.
	ReasonQRExcluded = "otherDeviceExcluded"
	// ReasonMethodGone: the method of the order is not configured any more.
	ReasonMethodGone = "methodGone"
)

// Fault is an error of an eID service with what it means for the login.
type Fault struct {
	// Reason is one of the reasons above.
	Reason string
	// Passing says that the same call may succeed later: an order goes on being collected.
	Passing bool
	// Wait is how long to wait before trying again, as far as the service says so; 0 if it does not.
	Wait time.Duration
	// Detail is what the service said, for the audit log: a code, or a text with nothing of a person. It may be empty.
	Detail string
	// Personal says that no order came about for a reason that tells of the person: that there is none, or what keeps them from being asked.
	Personal bool
	// Err is the cause, for the log.
	Err error
}

// Error returns the reason and the cause.
func (f *Fault) Error() string { return f.Reason + ": " + f.Err.Error() }

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }
