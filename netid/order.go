package netid

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	"brygga/secret"
)

// Bounds of what is sent. The service publishes none; these are those of this package.
const (
	MaxVisible    = 40_000 // bytes of a text to sign
	MaxNonVisible = 8_000
	maxUserID     = 200
	maxReference  = 256
)

// AuthenticateRequest is what an identification is asked for with.
type AuthenticateRequest struct {
	// UserID is who is to identify themselves, by what the service knows them by: a personal number, an HSA-ID, a UPN. Zero is for an app on
	// the same device: the person is whoever holds the credential.
	UserID secret.String
	// NonVisible is what the person's key signs: a nonce of ours, as text. Without it the service makes one up, and the result would prove nothing to us.
	NonVisible string
	// EndUserInfo is passed on; services make no use of it so far.
	EndUserInfo string
}

// SignRequest is what a signature is asked for with.
type SignRequest struct {
	AuthenticateRequest
	// Visible is the text that the app shows and the person signs. Each end of a line becomes one line feed. It is for FormatPKCS7 alone.
	Visible string
}

// Order is an order that runs.
type Order struct {
	// Ref names the order at the service. It is never for logs.
	Ref secret.String
	// AutoStartToken starts the app with the order on the same device. It is zero for an order with a UserID; else it is the reference, and so
	// whoever has it can collect the order: it goes to the browser that started the order and nowhere else.
	AutoStartToken secret.String
	// NonVisible and Visible are what was sent, for the check of the result.
	NonVisible, Visible string
	// StartedAt is when it was asked for.
	StartedAt time.Time
}

// Authenticate starts an identification. An *InvalidRequestError means that nothing was sent. After any other error an order may exist all the
// same; nobody has its reference.
func (a *API) Authenticate(ctx context.Context, r AuthenticateRequest) (Order, error) {
	if err := r.check(); err != nil {
		return Order{}, err
	}
	return a.start(ctx, callAuthenticate, SignRequest{AuthenticateRequest: r})
}

// Sign starts a signature. It is as Authenticate, with a text.
func (a *API) Sign(ctx context.Context, r SignRequest) (Order, error) {
	r.Visible = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(r.Visible)
	if err := r.AuthenticateRequest.check(); err != nil {
		return Order{}, err
	}
	switch {
	case r.Visible == "" || len(r.Visible) > MaxVisible:
		return Order{}, &InvalidRequestError{"userVisibleData", fmt.Sprintf("has 1 to %d bytes", MaxVisible)}
	case !isXMLText(r.Visible):
		return Order{}, &InvalidRequestError{"userVisibleData", "has characters that XML cannot carry"}
	case a.o.Format != FormatPKCS7:
		return Order{}, &InvalidRequestError{"userVisibleData", "cannot be signed in raw form"}
	}
	return a.start(ctx, callSign, r)
}

func (r AuthenticateRequest) check() error {
	id := r.UserID.Reveal()
	switch {
	case !r.UserID.IsZero() && (strings.TrimSpace(id) == "" || len(id) > maxUserID):
		return &InvalidRequestError{"personalNumber", fmt.Sprintf("is blank, or has more than %d bytes", maxUserID)}
	case !isXMLText(id) || strings.ContainsFunc(id, unicode.IsControl):
		return &InvalidRequestError{"personalNumber", "has characters that no identifier has"}
	case r.NonVisible == "" || len(r.NonVisible) > MaxNonVisible:
		return &InvalidRequestError{"userNonVisibleData", fmt.Sprintf("has 1 to %d bytes", MaxNonVisible)}
	case !isXMLText(r.NonVisible) || strings.TrimSpace(r.NonVisible) != r.NonVisible || strings.Contains(r.NonVisible, "\n"):
		return &InvalidRequestError{"userNonVisibleData", "is text that may not come through as it is"}
	case !isXMLText(r.EndUserInfo):
		return &InvalidRequestError{"endUserInfo", "has characters that XML cannot carry"}
	}
	return nil
}

func (a *API) start(ctx context.Context, operation string, r SignRequest) (Order, error) {
	fields := []field{{"personalNumber", r.UserID.Reveal()}} // there, and empty, for the same device
	fields = append(fields, optional("userVisibleData", r.Visible)...)
	fields = append(fields, field{"userNonVisibleData", r.NonVisible})
	fields = append(fields, optional("endUserInfo", r.EndUserInfo)...)
	fields = append(fields, optional("options", a.o.ServiceOptions)...)
	order := Order{NonVisible: r.NonVisible, Visible: r.Visible, StartedAt: a.o.Now()}
	result, err := a.call(ctx, operation, fields)
	if err != nil {
		return Order{}, err
	}
	text := strings.TrimSpace(result.text.String())
	if code := parseCode(text); code.Class() != ClassUnknown {
		return Order{}, &ServiceError{Call: operation, Status: 200, Code: code}
	}
	if order.Ref = secret.New(text); len(result.children) > 0 || !isToken(order.Ref) {
		return Order{}, fmt.Errorf("%w: no order reference", ErrBadResponse)
	}
	if r.UserID.IsZero() {
		order.AutoStartToken = order.Ref
	}
	return order, nil
}
