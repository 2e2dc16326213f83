package bankid

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"brygga/secret"
)

// Kind is the call that started an order. A result counts only for what was asked: a sign order is no identification.
type Kind string

// The kinds.
const (
	KindAuth      Kind = "auth"
	KindSign      Kind = "sign"
	KindPhoneAuth Kind = "phone/auth"
	KindPhoneSign Kind = "phone/sign"
	KindPayment   Kind = "payment"
)

// Phone reports whether the order reaches the app by the personal number, so that there is no QR code or launch link.
func (k Kind) Phone() bool { return k == KindPhoneAuth || k == KindPhoneSign }

// State is where an order stands. The package comment has the picture.
type State string

// The states. Complete and Failed are final.
const (
	Pending  State = "pending"
	Failed   State = "failed"
	Complete State = "complete"
)

// ErrOrderFinal is returned by Order.Next for an order that is complete or failed.
var ErrOrderFinal = errors.New("bankid: the order has ended")

// Order is one BankID order as a value: Auth and its like make it, Next moves it. Nothing in it may reach a browser but
// the AutoStartToken, inside a launch link, and the QRStartToken, inside a QR code.
type Order struct {
	Kind           Kind
	OrderRef       secret.String
	AutoStartToken secret.String // empty in a phone order, as the two below
	QRStartToken   secret.String
	QRStartSecret  secret.String // never leaves the server

	// ReceivedAt is when BankID's answer came, by Options.Now: QR codes count their seconds from it. While the process
	// lives it carries the monotonic clock; an order read from a store does not.
	ReceivedAt time.Time

	State          State
	HintCode       HintCode        // why it is pending or failed; empty when complete
	CompletionData *CompletionData // set when complete
}

// Next folds one collect response into o and returns the order that follows; it does no I/O. An unknown hintCode leaves a
// pending order pending, as BankID may add codes. A response about another order or with a status that cannot be used is
// ErrBadResponse and leaves o as it was; an order that has ended stays so, with ErrOrderFinal.
func (o Order) Next(c CollectResponse) (Order, error) {
	if o.State != Pending {
		return o, ErrOrderFinal
	}
	if !c.OrderRef.Equal(o.OrderRef) {
		return o, fmt.Errorf("bankid: %w: collect response about another order", ErrBadResponse)
	}
	switch {
	case c.Status == StatusPending:
		o.HintCode = c.HintCode
	case c.Status == StatusFailed:
		o.State, o.HintCode = Failed, c.HintCode
	case c.Status == StatusComplete && c.CompletionData != nil && !c.CompletionData.User.PersonalNumber.IsZero():
		o.State, o.HintCode, o.CompletionData = Complete, "", c.CompletionData
	default:
		return o, fmt.Errorf("bankid: %w: collect response cannot be used", ErrBadResponse)
	}
	return o, nil
}

// QRData returns the text of the QR frame to show at now, and an empty one unless a QR code may be shown: the order is
// pending, nobody has picked it up, and it is no phone order.
func (o Order) QRData(now time.Time) secret.String {
	if o.State != Pending || !o.HintCode.ShowsQR() || o.Kind.Phone() {
		return secret.String{}
	}
	return QRData(o.QRStartToken, o.QRStartSecret, now.Sub(o.ReceivedAt))
}

type wireOrder struct {
	OrderRef       string `json:"orderRef"`
	AutoStartToken string `json:"autoStartToken"`
	QRStartToken   string `json:"qrStartToken"`
	QRStartSecret  string `json:"qrStartSecret"`
}

// start sends a request that makes an order. The kind is the path.
func (a *API) start(ctx context.Context, kind Kind, request *wireRequest) (Order, error) {
	// BankID would refuse the handshake. The files may hold a newer certificate by now.
	a.cert.check(a.now())
	leaf := a.cert.current().Leaf
	if err := validAt(leaf.NotBefore, leaf.NotAfter, a.now()); err != nil {
		return Order{}, fmt.Errorf("bankid: %s: %w: our certificate: %w", kind, ErrUnavailable, err)
	}
	var o Order
	err := a.do(ctx, post(string(kind), request, func(body []byte) (err error) {
		o, err = parseOrder(kind, body)
		o.ReceivedAt = a.now()
		return err
	}))
	if err != nil {
		return Order{}, err
	}
	return o, nil
}

func parseOrder(kind Kind, body []byte) (Order, error) {
	var w wireOrder
	if err := json.Unmarshal(body, &w); err != nil {
		return Order{}, fmt.Errorf("%w: not JSON of the expected shape", ErrBadResponse)
	}
	started := w.AutoStartToken != "" && w.QRStartToken != "" && w.QRStartSecret != ""
	if w.OrderRef == "" || !started && !kind.Phone() {
		return Order{}, fmt.Errorf("%w: a token is missing", ErrBadResponse)
	}
	return Order{
		Kind:           kind,
		OrderRef:       secret.New(w.OrderRef),
		AutoStartToken: secret.New(w.AutoStartToken),
		QRStartToken:   secret.New(w.QRStartToken),
		QRStartSecret:  secret.New(w.QRStartSecret),
		State:          Pending,
		HintCode:       HintOutstandingTransaction,
	}, nil
}
