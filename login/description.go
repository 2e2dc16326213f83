package login

import (
	"brygga/eid"
	"brygga/storage"
)

// descriptions says in plain ASCII why a login ended, for the client's error_description (RFC 6749 §4.1.2.1). They tell an
// app's log what happened and nothing of the person. A method may say the same in words of its own.
var descriptions = map[string]string{
	ReasonCancelled:         "The user cancelled the login.",
	ReasonExpired:           "The user did not open the app in time.",
	ReasonUnanswered:        "Nobody answered on the other device in time.",
	ReasonLost:              "The eID service no longer knew the order.",
	ReasonAlreadyInProgress: "Another order for the same person was in progress.",
	ReasonUnavailable:       "The eID service could not be reached.",
	ReasonMaintenance:       "The eID service was closed for maintenance.",
	ReasonRefused:           "The eID service did not accept the certificate of the login service.",
	ReasonRejected:          "The eID service did not accept the order.",
	ReasonOtherPerson:       "Another person than the requested one completed the order.",
	ReasonIncomplete:        "The result was incomplete.",
	ReasonReturn:            "The return from the app did not belong to this login.",
	ReasonRisk:              "The risk of the login was too high.",
	ReasonOtherAddress:      "The login was completed on a device at another address.",
	ReasonNoWayBack:         "No address leads back from the app to the user's browser.",
	ReasonTooMany:           "The login used up its orders.",
	ReasonUnverified:        "The result could not be verified.",
	ReasonForeignResult:     "The result belonged to another order.",
	ReasonUnmet:             "The result lacked a check that was asked for.",
	ReasonTooYoung:          "The user is younger than the application allows.",
	ReasonNoIdentifier:      "The user has no identifier by which the application knows people.",
	ReasonQRExcluded:        "The application does not allow another device.",
	ReasonMethodGone:        "The eID service of the login is not in use any more.",
}

// Description returns why a login ended, for its client: an ASCII sentence for a reason of this package or a word of its
// method, and a general one for any other.
func (e *Engine) Description(l *storage.Login, reason string) string {
	return DescriptionOf(e.methodOf(l.Order).Words, reason)
}

// DescriptionOf returns the description of a reason where a method has those words.
func DescriptionOf(words map[string]eid.Word, reason string) string {
	if text := words[reason].Description; text != "" {
		return text
	}
	if text := descriptions[reason]; text != "" {
		return text
	}
	return "The login failed."
}

// EndingOf returns the event that an order ends with for a reason or a word of its method: LoginEnded where somebody cancelled or let it
// expire, LoginFailed for all others.
func EndingOf(words map[string]eid.Word, reason string) string {
	if reason == ReasonCancelled || reason == ReasonExpired || reason == ReasonUnanswered || words[reason].Lapsed {
		return LoginEnded
	}
	return LoginFailed
}
