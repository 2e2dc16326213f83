package login

// descriptions says in plain ASCII why a login ended, for the client's error_description (RFC 6749 §4.1.2.1). They tell an
// app's log what happened and nothing of the person.
var descriptions = map[string]string{
	ReasonCancelled:         "The user cancelled the login.",
	ReasonExpired:           "The user did not open the BankID app in time.",
	ReasonLost:              "BankID no longer knew the order.",
	ReasonAlreadyInProgress: "Another BankID order for the same person was in progress.",
	ReasonUnavailable:       "BankID could not be reached.",
	ReasonMaintenance:       "BankID was closed for maintenance.",
	ReasonRefused:           "BankID did not accept the certificate of the login service.",
	ReasonRejected:          "BankID did not accept the order.",
	ReasonOtherPerson:       "Another person than the requested one used BankID.",
	ReasonIncomplete:        "The result from BankID was incomplete.",
	ReasonReturn:            "The return from the BankID app did not belong to this login.",
	ReasonRisk:              "The risk of the login was too high.",
	ReasonOtherAddress:      "The login was completed on a device at another address.",
	ReasonTooMany:           "The login used up its BankID orders.",
	ReasonUnverified:        "The result from BankID could not be verified.",
	ReasonForeignResult:     "The result from BankID belonged to another order.",
	ReasonUnmet:             "The result from BankID lacked a check that was asked for.",
	ReasonTooYoung:          "The user is younger than the application allows.",
	ReasonQRExcluded:        "The application does not allow Mobile BankID from another device.",

	hintStartFailed:           "The BankID app was not started in time.",
	"userCancel":              "The user cancelled in the BankID app.",
	"cancelled":               "The BankID order was cancelled, as another was started for the same person.",
	"expiredTransaction":      "The BankID order expired before the user was done.",
	"certificateErr":          "The BankID of the user is blocked or not valid.",
	"userDeclinedCall":        "The user declined the call in the BankID app.",
	"notSupportedByUserApp":   "The user's BankID app is too old.",
	"transactionRiskBlocked":  "BankID blocked the order because of its risk.",
	"mrtdVerificationFailed":  "The identity document could not be verified.",
	"facialRecognitionFailed": "The face check failed.",
	"nfcNotSupportedByDevice": "The user's phone cannot read an identity document.",
	"multipleBankIdsOnDevice": "Several BankIDs on the user's device were in the way.",
	"stepUpFailed":            "The extra verification failed.",
}

// Description returns why a login ended, for its client: an ASCII sentence for a reason of this package or a failed hint code
// of the service, and a general one for any other.
func Description(reason string) string {
	if text := descriptions[reason]; text != "" {
		return text
	}
	return "The login failed."
}
