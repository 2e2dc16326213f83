package netid

import "strings"

// Code is the service's word for how far an order has come, or for what is wrong. It comes as progressStatus, or as the text of a SOAP fault;
// the service may add words without a new version of its interface.
type Code string

// The known codes, which are those of the service's clients together.
const (
	CodeOutstandingTransaction Code = "OUTSTANDING_TRANSACTION" // no app has the order
	CodeNoClient               Code = "NO_CLIENT"               // the same, after a while
	CodeStarted                Code = "STARTED"                 // an app has it, and has found no credential yet
	CodeUserSign               Code = "USER_SIGN"               // an app shows it and waits for the PIN
	CodePending                Code = "PENDING"

	CodeComplete Code = "COMPLETE"

	CodeFailed             Code = "FAILED"
	CodeUserCancel         Code = "USER_CANCEL"
	CodeCancelled          Code = "CANCELLED" // another order for the same person took its place, or the service ended it
	CodeExpiredTransaction Code = "EXPIRED_TRANSACTION"
	CodeStartFailed        Code = "START_FAILED" // no app was started with the autostart token
	CodeCertificateErr     Code = "CERTIFICATE_ERR"
	CodeClientErr          Code = "CLIENT_ERR"
	CodeInvalidDeviceSW    Code = "INVALID_DEVICESW" // the app is too old
	CodeSignValidation     Code = "SIGN_VALIDATION_FAILED"

	CodeAlreadyCollected  Code = "ALREADY_COLLECTED"
	CodeUnknownUser       Code = "UNKNOWN_USER"
	CodeAlreadyInProgress Code = "ALREADY_IN_PROGRESS"
	CodeUserBlocked       Code = "USER_BLOCKED" // for a while, after an order before
	CodeInvalidParameters Code = "INVALID_PARAMETERS"
	CodeAccessDenied      Code = "ACCESS_DENIED_RP" // our certificate is not accepted
	CodeRetry             Code = "RETRY"            // the person may try again; we must not
	CodeInternalError     Code = "INTERNAL_ERROR"

	CodeUnknown Code = "UNKNOWN" // ours: the service said something else
)

// Class is what a code means for an order.
type Class int

// The classes.
const (
	ClassUnknown  Class = iota
	ClassProgress       // the order goes on
	ClassComplete
	ClassEnded // the order has ended, by the person, the app or time
	ClassFault // the call failed; an order that was collected has ended too
)

var classes = []struct {
	code  Code
	class Class
}{
	{CodeOutstandingTransaction, ClassProgress}, {CodeNoClient, ClassProgress}, {CodeStarted, ClassProgress}, {CodeUserSign, ClassProgress},
	{CodePending, ClassProgress},
	{CodeComplete, ClassComplete},
	{CodeFailed, ClassEnded}, {CodeUserCancel, ClassEnded}, {CodeCancelled, ClassEnded}, {CodeExpiredTransaction, ClassEnded},
	{CodeStartFailed, ClassEnded}, {CodeCertificateErr, ClassEnded}, {CodeClientErr, ClassEnded}, {CodeInvalidDeviceSW, ClassEnded},
	{CodeSignValidation, ClassEnded},
	{CodeAlreadyCollected, ClassFault}, {CodeUnknownUser, ClassFault}, {CodeAlreadyInProgress, ClassFault}, {CodeUserBlocked, ClassFault},
	{CodeInvalidParameters, ClassFault}, {CodeAccessDenied, ClassFault}, {CodeRetry, ClassFault}, {CodeInternalError, ClassFault},
	{CodeUnknown, ClassUnknown},
}

// Codes returns every known code.
func Codes() []Code {
	all := make([]Code, len(classes))
	for i, row := range classes {
		all[i] = row.code
	}
	return all
}

// Class returns what c means: ClassUnknown of CodeUnknown, and of a word that is not one of the constants.
func (c Code) Class() Class {
	for _, row := range classes {
		if row.code == c {
			return row.class
		}
	}
	return ClassUnknown
}

// maxCode bounds the length of a word that may be a code.
const maxCode = 48

// parseCode reads the bare code that a progressStatus or the text of a fault is. An unknown one is kept when it looks like those that there
// are; any other text, which could carry anything, is CodeUnknown.
func parseCode(text string) Code {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > maxCode {
		return CodeUnknown
	}
	for _, r := range text {
		if r != '_' && (r < 'A' || r > 'Z') {
			return CodeUnknown
		}
	}
	return Code(text)
}
