package bankid

import "slices"

// HintCode says more about a pending or failed order (BankID API: collect). BankID may add codes without notice: an
// unknown one changes nothing but the text shown.
type HintCode string

// Hint codes of a pending order.
const (
	HintOutstandingTransaction HintCode = "outstandingTransaction" // nobody has picked it up; only now may a QR code be shown
	HintNoClient               HintCode = "noClient"               // as the one before
	HintStarted                HintCode = "started"                // an app was started and looks for a usable BankID
	HintUserMRTD               HintCode = "userMrtd"               // waits for a passport or identity card to be read
	HintUserCallConfirm        HintCode = "userCallConfirm"        // waits for the person to confirm the phone call
	HintUserSign               HintCode = "userSign"               // waits for the security code
	HintProcessing             HintCode = "processing"             // BankID is working
	HintUserStepUp             HintCode = "userStepUp"             // waits for an extra verification
	HintUserFace               HintCode = "userFace"               // waits for a face check
)

// Hint codes of a failed order.
const (
	HintStartFailed             HintCode = "startFailed"             // not picked up in time, or no usable BankID
	HintExpiredTransaction      HintCode = "expiredTransaction"      // picked up and not finished in time
	HintCertificateErr          HintCode = "certificateErr"          // BankID blocked, revoked or invalid
	HintUserCancel              HintCode = "userCancel"              // the person pressed cancel
	HintCancelled               HintCode = "cancelled"               // another order for the same person came in between
	HintUserDeclinedCall        HintCode = "userDeclinedCall"        // the person says there is no such call
	HintNotSupportedByUserApp   HintCode = "notSupportedByUserApp"   // the app is too old
	HintTransactionRiskBlocked  HintCode = "transactionRiskBlocked"  // risk above the level once asked for
	HintMRTDVerificationFailed  HintCode = "mrtdVerificationFailed"  // the document check failed
	HintFacialRecognitionFailed HintCode = "facialRecognitionFailed" // the face check failed
	HintNFCNotSupportedByDevice HintCode = "nfcNotSupportedByDevice" // the phone cannot read the chip
	HintMultipleBankIDsOnDevice HintCode = "multipleBankIdsOnDevice" // several BankIDs on the device are in the way
	HintStepUpFailed            HintCode = "stepUpFailed"            // the extra verification failed
)

// PendingHintCodes returns every known hint code of a pending order.
func PendingHintCodes() []HintCode {
	return []HintCode{
		HintOutstandingTransaction, HintNoClient, HintStarted, HintUserMRTD, HintUserCallConfirm, HintUserSign,
		HintProcessing, HintUserStepUp, HintUserFace,
	}
}

// FailedHintCodes returns every known hint code of a failed order.
func FailedHintCodes() []HintCode {
	return []HintCode{
		HintStartFailed, HintExpiredTransaction, HintCertificateErr, HintUserCancel, HintCancelled, HintUserDeclinedCall,
		HintNotSupportedByUserApp, HintTransactionRiskBlocked, HintMRTDVerificationFailed, HintFacialRecognitionFailed,
		HintNFCNotSupportedByDevice, HintMultipleBankIDsOnDevice, HintStepUpFailed,
	}
}

// Known reports whether h is one of the constants.
func (h HintCode) Known() bool {
	return slices.Contains(PendingHintCodes(), h) || slices.Contains(FailedHintCodes(), h)
}

// ShowsQR reports whether a QR code may be shown while a pending order has this hint code.
func (h HintCode) ShowsQR() bool { return h == HintOutstandingTransaction }
