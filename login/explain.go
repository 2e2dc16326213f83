package login

// explanations say what each reason, and each hint code of a BankID order, means to those who run the service, and what they
// can do. docs/reasons.md has them too.
var explanations = map[string]string{
	ReasonCancelled:         "The person pressed cancel on the login page, or left it for the app they came from.",
	ReasonExpired:           "Nobody picked the order up while the page offered it. Nothing is wrong unless many people are affected.",
	ReasonLost:              "BankID no longer knew the order, or its result could not be stored. Look for errors in the log at that time.",
	ReasonAlreadyInProgress: "The person had another BankID order under way; BankID then ends both. They try again in a moment. If they did not start two, somebody else may have tried in their name.",
	ReasonUnavailable:       "BankID could not be reached, or did not answer in time. Look at the network, at \"brygga bankid check\" and at BankID's status page.",
	ReasonMaintenance:       "BankID said that it is closed for maintenance. It usually opens again within minutes.",
	ReasonRefused:           "BankID does not accept the certificate that the service presents. Run \"brygga bankid check\".",
	ReasonRejected:          "BankID did not accept what was sent. The log line of that time tells what it said; it is a fault of the configuration or of brygga.",
	ReasonOtherPerson:       "Somebody else logged in than the person that the app asked for.",
	ReasonIncomplete:        "BankID's result lacked a name or a personal number.",
	ReasonReturn:            "Somebody came back from the BankID app with a value that is not the order's. Either an old page was used, or somebody tried to have their login approved by another person.",
	ReasonRisk:              "BankID judged the risk as too high for the policy. The person should not be talked into trying again: ask whether somebody sent them the code or link.",
	ReasonOtherAddress:      "The app was on another network than the browser, and nothing else tied the two together. Mobile data beside Wi-Fi, or a VPN, has this effect; so has somebody who sends the link to another person.",
	ReasonTooMany:           "The login had used up its BankID orders. The person begins anew in the app they came from.",
	ReasonUnverified:        "The signature or OCSP answer of BankID's result did not prove it. Look at the clock, and at bankid.signature_root_file; the event names the check that failed.",
	ReasonForeignResult:     "BankID handed out a result that is not the order's. Report it to BankID.",
	ReasonUnmet:             "The result lacked what the app's policy demands, such as a passport that was read.",
	ReasonTooYoung:          "The person is younger than the app allows.",
	ReasonQRExcluded:        "The app allows no kind of BankID that can scan a QR code.",

	"outstandingTransaction": "The order waits for an app to pick it up.",
	"noClient":               "The order waits for an app to pick it up.",
	"started":                "An app was started and looks for a BankID that can be used.",
	"userMrtd":               "The app waits for a passport or identity card to be read.",
	"userCallConfirm":        "The app waits for the person to confirm a phone call.",
	"userSign":               "The app waits for the security code.",
	"processing":             "BankID is working on it.",
	"userStepUp":             "The app waits for an extra verification.",
	"userFace":               "The app waits for a face check.",

	"startFailed":             "No app picked the order up in time, or it has no BankID that can be used: none on the device, or it is too old or blocked.",
	"expiredTransaction":      "The person opened the order in the app and did not finish in time.",
	"certificateErr":          "The person's BankID is blocked, revoked or invalid, often after too many wrong security codes. They turn to their bank.",
	"userCancel":              "The person pressed cancel in the BankID app.",
	"cancelled":               "Another order for the same person came in between, and BankID ended this one.",
	"userDeclinedCall":        "The person said in the app that there is no such phone call.",
	"notSupportedByUserApp":   "The person's BankID app is too old. They update it.",
	"transactionRiskBlocked":  "BankID blocked the order because of its risk.",
	"mrtdVerificationFailed":  "The passport or identity card could not be verified.",
	"facialRecognitionFailed": "The face check failed.",
	"nfcNotSupportedByDevice": "The phone cannot read the chip of a passport or identity card.",
	"multipleBankIdsOnDevice": "Several BankIDs on the device are in the way.",
	"stepUpFailed":            "The extra verification failed.",
}

// Explain returns what a reason of this package or a hint code of BankID means, in English, for those who run the service; ""
// for what is neither.
func Explain(reason string) string { return explanations[reason] }
