package bankid

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"brygga/secret"
)

// What went wrong, for errors.Is. An *APIError matches these by its status and code; other failures wrap them.
var (
	// ErrUnavailable: BankID was not reached, did not answer in time, or answered 408, 429 or 5xx. A later attempt by the
	// person may succeed. The caller of Auth and Sign does not repeat the call by itself.
	ErrUnavailable = errors.New("bankid is unavailable")
	// ErrMaintenance: BankID answered 503, a short outage. It matches ErrUnavailable too; a few silent retries are allowed.
	ErrMaintenance = errors.New("bankid is under maintenance")
	// ErrCertificateRefused: BankID does not accept our certificate (401, 403 or a TLS alert). Operations must act.
	ErrCertificateRefused = errors.New("bankid refuses the relying party certificate")
	// ErrUntrustedServer: the server's certificate does not chain to the pinned root or has another name. Nothing was sent.
	ErrUntrustedServer = errors.New("the server does not prove to be bankid")
	// ErrBadResponse: the answer was too long, not JSON, or lacked what must be in it.
	ErrBadResponse = errors.New("bankid answered something unusable")
	// ErrForeignResult: collect answered about another order than the one asked for. It matches ErrBadResponse too; somebody
	// may be mixing results up, and the answer must not be used.
	ErrForeignResult = fmt.Errorf("%w: a result that is not this order's", ErrBadResponse)
	// ErrNamelessResult: collect named nobody in a complete result. It matches ErrBadResponse too.
	ErrNamelessResult = fmt.Errorf("%w: a result without a person", ErrBadResponse)
	// ErrAlreadyInProgress: an order for this person was open, and has been dropped. Tell the person; do not retry.
	ErrAlreadyInProgress = errors.New("an order for the same person is in progress")
	// ErrOrderGone: collect or cancel for an order that BankID does not know, or no longer.
	ErrOrderGone = errors.New("bankid does not know the order any longer")
)

// ErrorCode is BankID's word for an error (BankID API: errors). BankID may add codes without notice.
type ErrorCode string

// The known error codes.
const (
	CodeAlreadyInProgress    ErrorCode = "alreadyInProgress"
	CodeInvalidParameters    ErrorCode = "invalidParameters"
	CodeUnauthorized         ErrorCode = "unauthorized"
	CodeNotFound             ErrorCode = "notFound"
	CodeMethodNotAllowed     ErrorCode = "methodNotAllowed"
	CodeRequestTimeout       ErrorCode = "requestTimeout"
	CodeUnsupportedMediaType ErrorCode = "unsupportedMediaType"
	CodeTooManyRequests      ErrorCode = "tooManyRequests"
	CodeInternalError        ErrorCode = "internalError"
	CodeMaintenance          ErrorCode = "maintenance"
)

// ErrorCodes returns every known error code.
func ErrorCodes() []ErrorCode {
	return []ErrorCode{
		CodeAlreadyInProgress, CodeInvalidParameters, CodeUnauthorized, CodeNotFound, CodeMethodNotAllowed,
		CodeRequestTimeout, CodeUnsupportedMediaType, CodeTooManyRequests, CodeInternalError, CodeMaintenance,
	}
}

// Known reports whether c is one of the constants.
func (c ErrorCode) Known() bool {
	_, known := parseErrorCode(string(c))
	return known
}

// parseErrorCode returns the constant that text names, whatever its letter case. Of an unknown code it keeps what is
// harmless in a log, with # for each digit: a code could carry anything, a personal number among it.
func parseErrorCode(text string) (code ErrorCode, known bool) {
	for _, code := range ErrorCodes() {
		if strings.EqualFold(text, string(code)) {
			return code, true
		}
	}
	word := strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return '#'
		}
		return r
	}, harmless(text))
	if strings.Trim(word, "#._-") == "" {
		return "", false
	}
	return ErrorCode(word), false
}

// MaxRetryAfter is the longest wait that is taken over from BankID: what asks for more tells nobody anything.
const MaxRetryAfter = 15 * time.Minute

// APIError is an answer from BankID, or from something in front of it, with a status other than 200.
type APIError struct {
	Call   string    // "auth", "sign", "phone/auth", "phone/sign", "payment", "collect", "cancel", "probe"
	Status int       // HTTP status
	Code   ErrorCode // one of the constants whatever BankID's letter case, or an unknown word, or empty if none could be read
	// RetryAfter is how long BankID asks to wait before the next call (RFC 9110 §10.2.3), at most MaxRetryAfter; 0 if it does not say.
	RetryAfter time.Duration

	details secret.String
}

// Error names the status and the code, and nothing that BankID wrote besides. The error around it names the call.
func (e *APIError) Error() string {
	code := string(e.Code)
	if code == "" {
		code = "no error code"
	}
	return fmt.Sprintf("HTTP %d, %s", e.Status, code)
}

// Details returns BankID's text for developers. It may quote the request, so it is not for logs that are kept, never for
// people, and never to branch on.
func (e *APIError) Details() secret.String { return e.details }

// Temporary reports whether the trouble lies with BankID or the network and may pass: 408, 429 and 5xx.
func (e *APIError) Temporary() bool {
	switch e.Code {
	case CodeRequestTimeout, CodeTooManyRequests, CodeInternalError, CodeMaintenance:
		return true
	}
	return e.Status == http.StatusRequestTimeout || e.Status == http.StatusTooManyRequests || e.Status >= 500
}

// Is makes errors.Is(err, ErrMaintenance) and its like true for the errors that they stand for.
func (e *APIError) Is(target error) bool {
	switch target {
	case ErrUnavailable:
		return e.Temporary()
	case ErrMaintenance:
		return e.Status == http.StatusServiceUnavailable || e.Code == CodeMaintenance
	case ErrCertificateRefused:
		return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden || e.Code == CodeUnauthorized
	case ErrAlreadyInProgress:
		return e.Code == CodeAlreadyInProgress
	case ErrOrderGone:
		return e.Code == CodeInvalidParameters && (e.Call == "collect" || e.Call == "cancel")
	}
	return false
}

// InvalidRequestError says that a request breaks one of BankID's limits, found before anything was sent. It is a fault of
// the caller. It never holds the value.
type InvalidRequestError struct {
	Field  string // BankID's name of the member, such as "userVisibleData" or "web.referringDomain"
	Reason string // what is wrong, following the field in a sentence
}

// Error says which member is wrong and why.
func (e *InvalidRequestError) Error() string {
	return fmt.Sprintf("bankid: request refused before sending: %s %s", e.Field, e.Reason)
}

// harmless returns text if it looks like a code, up to 64 ASCII letters, digits, dots, dashes and underscores, and else
// nothing: what comes from outside and ends up in logs must not break a line or carry data.
func harmless(text string) string {
	if len(text) > 64 {
		return ""
	}
	for i := range len(text) {
		c := text[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '_' && c != '-' && c != '.' {
			return ""
		}
	}
	return text
}
