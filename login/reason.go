package login

import "brygga/eid"

// Reasons why an order brought no identity, beside the hint codes of the service. Each is a key of the message catalogue.
const (
	// ReasonCancelled: the person cancelled on the page.
	ReasonCancelled = "pageCancel"
	// ReasonExpired: nobody started the app in the whole window.
	ReasonExpired = "windowExpired"
	// ReasonUnanswered: a person who was named did not complete the order on another device. Why, a page must not say.
	ReasonUnanswered = "unanswered"
	// ReasonOtherPerson: somebody else than the required person completed the order.
	ReasonOtherPerson = "otherPerson"
	// ReasonReturn: somebody came back from the app with a wrong return nonce.
	ReasonReturn = "returnMismatch"
	// ReasonRisk: the service judged the risk as high, or as not low where nothing else binds the result to the browser.
	ReasonRisk = "riskTooHigh"
	// ReasonOtherAddress: an order for this device was completed on a device elsewhere, and the policy or the lack of a way
	// back forbids that.
	ReasonOtherAddress = "otherAddress"
	// ReasonNoWayBack: no address leads back from the app to the browser, and the method has nothing else that tells who began.
	ReasonNoWayBack = "noWayBack"
	// ReasonTooMany: the login has used up its orders.
	ReasonTooMany = "tooManyOrders"
	// ReasonUnverified: the signature or OCSP answer of the result does not prove it.
	ReasonUnverified = "resultUnverified"
	// ReasonUnmet: the result lacks what the order demanded, such as a passport that was read.
	ReasonUnmet = "demandUnmet"
	// ReasonTooYoung: the person is younger than the client allows.
	ReasonTooYoung = "tooYoung"
	// ReasonNoIdentifier: the person has none of the keys by which the client knows people.
	ReasonNoIdentifier = "identifierMissing"
)

// Reasons of a method.
const (
	ReasonLost              = eid.ReasonLost
	ReasonAlreadyInProgress = eid.ReasonAlreadyInProgress
	ReasonUnavailable       = eid.ReasonUnavailable
	ReasonMaintenance       = eid.ReasonMaintenance
	ReasonRefused           = eid.ReasonRefused
	ReasonRejected          = eid.ReasonRejected
	ReasonIncomplete        = eid.ReasonIncomplete
	ReasonForeignResult     = eid.ReasonForeignResult
	ReasonQRExcluded        = eid.ReasonQRExcluded
	ReasonMethodGone        = eid.ReasonMethodGone
)

// Reasons returns all reasons of this package, for those who must have a text for each.
func Reasons() []string {
	return []string{
		ReasonCancelled, ReasonExpired, ReasonLost, ReasonAlreadyInProgress, ReasonUnavailable, ReasonMaintenance,
		ReasonRefused, ReasonRejected, ReasonOtherPerson, ReasonIncomplete, ReasonReturn, ReasonRisk, ReasonOtherAddress,
		ReasonTooMany, ReasonUnverified, ReasonForeignResult, ReasonUnmet, ReasonTooYoung, ReasonNoIdentifier, ReasonQRExcluded,
		ReasonMethodGone, ReasonNoWayBack, ReasonUnanswered,
	}
}
