package netid

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"brygga/secret"
)

// What went wrong, for errors.Is. A *ServiceError matches these by its code and status; other failures wrap them.
var (
	// ErrUnavailable: the service was not reached, did not answer in time, or failed inside. The person may try again.
	ErrUnavailable = errors.New("net id access is unavailable")
	// ErrRefused: the service does not accept our certificate. Operations must act.
	ErrRefused = errors.New("net id access refuses our certificate")
	// ErrUntrustedServer: the server's certificate does not chain to the pinned roots or has another name. Nothing was sent.
	ErrUntrustedServer = errors.New("the server does not prove to be net id access")
	// ErrBadResponse: the answer was no SOAP answer to the call, too long, or lacked what must be in it.
	ErrBadResponse = errors.New("net id access answered something unusable")
	// ErrUnsigned: an order is complete, and its result has no signature. It matches ErrBadResponse too.
	ErrUnsigned = fmt.Errorf("%w: a result without a signature", ErrBadResponse)
	// ErrRetry: the service has passing trouble. The person may try again; the call must not be repeated without them. It matches ErrUnavailable too.
	ErrRetry = errors.New("net id access asks to try again")
	// ErrUnknownUser: the service knows nobody by that identifier. Strangers must not learn that: it tells who has a credential.
	ErrUnknownUser = errors.New("net id access knows no such person")
	// ErrAlreadyInProgress: another order for the person runs, and this service does not replace it.
	ErrAlreadyInProgress = errors.New("an order for the same person is in progress")
	// ErrUserBlocked: the service takes no order for the person for a while after the one before.
	ErrUserBlocked = errors.New("net id access takes no order for the person for a while")
	// ErrOrderGone: the service does not know the order that was to be collected, or no longer.
	ErrOrderGone = errors.New("net id access does not know the order any longer")
	// ErrRejected: the service did not accept what was sent: a fault of ours or of the configuration.
	ErrRejected = errors.New("net id access rejects the request")
)

// ServiceError is a SOAP fault, a code in place of a result, or an HTTP status that is no answer.
type ServiceError struct {
	Call   string // Authenticate, Sign, Collect, Register or WSDL
	Status int    // HTTP status
	// Code is what the service said; CodeUnknown when it was no code, and "" when nothing could be read.
	Code Code

	details secret.String
	// said is what may be told of details; see Detail.
	said string
}

// Error names the call, the status and the code, and nothing that the service wrote besides.
func (e *ServiceError) Error() string {
	code := string(e.Code)
	if code == "" {
		code = "no code"
	}
	return fmt.Sprintf("netid: %s: HTTP %d, %s", e.Call, e.Status, code)
}

// Details returns the service's own text. It may quote the request: it is neither for logs that are kept nor for people.
func (e *ServiceError) Details() secret.String { return e.details }

// meanings are the codes that have an error of their own.
var meanings = map[Code][]error{
	CodeAccessDenied:      {ErrRefused},
	CodeRetry:             {ErrRetry, ErrUnavailable},
	CodeInternalError:     {ErrUnavailable},
	CodeUnknown:           {ErrUnavailable},
	CodeUnknownUser:       {ErrUnknownUser},
	CodeAlreadyInProgress: {ErrAlreadyInProgress},
	CodeUserBlocked:       {ErrUserBlocked},
	CodeAlreadyCollected:  {ErrOrderGone},
}

// Is makes errors.Is(err, ErrUserBlocked) and its like true for the errors that they stand for.
func (e *ServiceError) Is(target error) bool {
	for _, meaning := range meanings[e.Code] {
		if target == meaning {
			return true
		}
	}
	switch target {
	case ErrOrderGone:
		return e.Code == CodeInvalidParameters && e.Call == callCollect
	case ErrRejected:
		return e.Code == CodeInvalidParameters && e.Call != callCollect
	case ErrRefused:
		return e.Code == "" && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden)
	case ErrUnavailable:
		return e.Code == "" && (e.Status >= 500 || e.Status == http.StatusRequestTimeout || e.Status == http.StatusTooManyRequests)
	}
	return false
}

// InvalidRequestError says that a request breaks a limit, found before anything was sent. It never holds the value.
type InvalidRequestError struct {
	Field  string // the service's name of the element, such as userVisibleData
	Reason string // what is wrong, following the field in a sentence
}

// Error says which element is wrong and why.
func (e *InvalidRequestError) Error() string {
	return "netid: request refused before sending: " + e.Field + " " + e.Reason
}

// networkError says why no answer came. A call that its caller gave up is context.Canceled.
func networkError(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return context.Canceled
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Errorf("%w: %w", ErrUntrustedServer, err)
	}
	if refusedCertificate(err) {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// refusedCertificate reports whether the server ended the connection with an alert about our certificate. crypto/tls tells alerts apart by
// their text only; handshake_failure is what some servers send for want of a certificate.
func refusedCertificate(err error) bool {
	alert, ok := errors.AsType[*net.OpError](err)
	if !ok || alert.Op != "remote error" {
		return false
	}
	text := alert.Err.Error()
	return strings.Contains(text, "certificate") || strings.HasSuffix(text, "access denied") || strings.HasSuffix(text, "handshake failure")
}

// timedOut reports whether a call failed for want of time, and its caller still has some.
func timedOut(ctx context.Context, err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ctx.Err() == nil && (errors.Is(err, context.DeadlineExceeded) || ok && timeout.Timeout())
}
