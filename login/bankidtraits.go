package login

import (
	"regexp"
	"time"

	"brygga/bankid"
	"brygga/eid"
	"brygga/storage"
)

// The pace of BankID orders.
const (
	// BankIDCollectEvery is the time between two collects of an order. BankID allows one a second.
	BankIDCollectEvery = 2 * time.Second
	// BankIDRenewAfter is how old an order gets that no app picks up: after 30 seconds it is dead (BankID API: QR code, autostart).
	BankIDRenewAfter = 28 * time.Second
)

// maxVisible is how many bytes of text an identification or a payment may show, maxSigned a signature: 1 500 and 40 000 characters of base64 (BankID API:
// auth, sign).
const (
	maxVisible = 1500 / 4 * 3
	maxSigned  = 40_000 / 4 * 3
)

// simpleMarkdown is BankID's format of a text with marks (BankID API: userVisibleDataFormat).
const simpleMarkdown = "simpleMarkdownV1"

// markup is what means something in simpleMarkdownV1, or might: BankID publishes no grammar.
var markup = regexp.MustCompile("[#*|_~<>\\[\\]\\\\`&\u2600-\u27bf\ufe0f\U0001f000-\U0010ffff]|(?m:^\\s*(?:[-+=]|\\d+[.)]))")

// BankIDTraits returns what is fixed of the method BankID.
func BankIDTraits() eid.Traits {
	return eid.Traits{
		StartLife: qrLife, OrderLife: 6 * time.Minute, RenewAfter: BankIDRenewAfter,
		CollectEvery: BankIDCollectEvery, LeastPause: time.Second, CanCancel: true, Risk: true, Binds: true, Demands: eid.Demands(),
		Kinds: []storage.Kind{storage.KindIdentify, storage.KindSign, storage.KindPayment}, Channels: []eid.Channel{eid.ChannelBrowser, eid.ChannelCall, eid.ChannelAPI},
		Texts: map[storage.Kind]eid.TextLimits{
			storage.KindIdentify: {Bytes: maxVisible, Formats: []string{simpleMarkdown}, Marked: markup.MatchString},
			storage.KindSign:     {Bytes: maxSigned, Formats: []string{simpleMarkdown}, Marked: markup.MatchString},
			storage.KindPayment:  {Bytes: maxVisible, Formats: []string{simpleMarkdown}, Marked: markup.MatchString},
		},
		Whole: wholeBankID, Words: bankIDWords,
	}
}

// Traits returns [BankIDTraits].
func (*bankIDMethod) Traits() eid.Traits { return BankIDTraits() }

// wholeBankID reports whether an identity has a personal number and the names that BankID always gives (BankID API: collect, user).
func wholeBankID(i *storage.Identity) bool {
	return !i.PersonalNumber.IsZero() && !i.Name.IsZero() && (!i.GivenName.IsZero() || !i.Surname.IsZero())
}

// bankIDWords are the hint codes of orders that failed (BankID API: collect), and what is said of BankID by its name.
var bankIDWords = map[string]eid.Word{
	ReasonExpired:           {Description: "The user did not open the BankID app in time."},
	ReasonLost:              {Description: "BankID no longer knew the order."},
	ReasonAlreadyInProgress: {Description: "Another BankID order for the same person was in progress."},
	ReasonUnavailable:       {Description: "BankID could not be reached."},
	ReasonMaintenance:       {Description: "BankID was closed for maintenance."},
	ReasonRefused:           {Description: "BankID did not accept the certificate of the login service."},
	ReasonRejected:          {Description: "BankID did not accept the order."},
	ReasonOtherPerson:       {Description: "Another person than the requested one used BankID."},
	ReasonIncomplete:        {Description: "The result from BankID was incomplete."},
	ReasonReturn:            {Description: "The return from the BankID app did not belong to this login."},
	ReasonTooMany:           {Description: "The login used up its BankID orders."},
	ReasonUnverified:        {Description: "The result from BankID could not be verified."},
	ReasonForeignResult:     {Description: "The result from BankID belonged to another order."},
	ReasonUnmet:             {Description: "The result from BankID lacked a check that was asked for."},
	ReasonQRExcluded:        {Description: "The application does not allow Mobile BankID from another device."},

	string(bankid.HintStartFailed):             {Description: "The BankID app was not started in time.", Lapsed: true},
	string(bankid.HintUserCancel):              {Description: "The user cancelled in the BankID app.", Lapsed: true},
	string(bankid.HintCancelled):               {Description: "The BankID order was cancelled, as another was started for the same person.", Lapsed: true},
	string(bankid.HintExpiredTransaction):      {Description: "The BankID order expired before the user was done.", Lapsed: true},
	string(bankid.HintCertificateErr):          {Description: "The BankID of the user is blocked or not valid."},
	string(bankid.HintUserDeclinedCall):        {Description: "The user declined the call in the BankID app.", Lapsed: true},
	string(bankid.HintNotSupportedByUserApp):   {Description: "The user's BankID app is too old."},
	string(bankid.HintTransactionRiskBlocked):  {Description: "BankID blocked the order because of its risk."},
	string(bankid.HintMRTDVerificationFailed):  {Description: "The identity document could not be verified."},
	string(bankid.HintFacialRecognitionFailed): {Description: "The face check failed."},
	string(bankid.HintNFCNotSupportedByDevice): {Description: "The user's phone cannot read an identity document."},
	string(bankid.HintMultipleBankIDsOnDevice): {Description: "Several BankIDs on the user's device were in the way."},
	string(bankid.HintStepUpFailed):            {Description: "The extra verification failed."},
}

// phaseOf returns how far an app has come with a pending order: BankID's codes say what is done there, and more of them may come.
func phaseOf(code bankid.HintCode) storage.Phase {
	switch {
	case code == "" || code == bankid.HintOutstandingTransaction || code == bankid.HintNoClient:
		return storage.PhaseWaiting
	case code.Known():
		return storage.PhaseWorking
	}
	return storage.PhaseInApp
}

// failedOrder returns the progress of an order that failed. Without an app it comes to three of the codes; any other one tells of an app.
func failedOrder(code bankid.HintCode) eid.Progress {
	p := eid.Progress{Status: eid.Failed, Phase: storage.PhaseInApp, HintCode: string(code), Unstarted: code == bankid.HintStartFailed}
	switch code {
	case bankid.HintStartFailed, bankid.HintExpiredTransaction, bankid.HintCancelled:
		p.Phase = storage.PhaseWaiting
	}
	return p
}
