package netidlogin

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"brygga/eid"
	"brygga/netid"
	"brygga/secret"
	"brygga/storage"
)

// Name is that of the method in records and metrics.
const Name = "netid"

// Options are the parts of the method. APIs and Verifier are required.
type Options struct {
	// APIs holds one API for each certificate of ours, by the name that policies call it. The empty name is the default one.
	APIs map[string]*netid.API
	// Verifier checks results.
	Verifier *netid.Verifier
	// Format is that of signatures, as the verifier has it; empty means netid.FormatPKCS7, the only one in which texts are signed.
	Format netid.Format
	// AlwaysPIN says that every credential takes its PIN each time, as cards do: the security code that a policy demands is then written. Whether keys on
	// phones do, the service's vendor does not publish.
	AlwaysPIN bool
	// SerialNumberKey is what the serial number of a certificate's subject is. With storage.KeyPersonalNumber, or empty, it is a personal number or nothing that
	// anybody is known by, and with storage.KeyHSAID one of these or an HSA-ID. With storage.KeyEmployeeNumber it is a number of the employer and never a
	// personal number, whatever it looks like: an employer could make somebody another by a number.
	SerialNumberKey string
	// Issuers is what is known of single issuers, by the names that the verifier has for them. An employee's number is one of the name: successive
	// certificates of an authority need the same.
	Issuers map[string]Issuer
	// OtherDevice allows orders for another device, which the person who was named finds in an app, and Identifiers are the rules of names, in the order
	// in which they are tried; none means personal numbers alone.
	OtherDevice bool
	Identifiers []Identifier
	// RegisteredName is what we are registered as, and so what the app calls whoever asks; empty where that is not known.
	RegisteredName string
	// NoReturnElsewhere leaves the way back out of links for browsers that are not known to need it in a form of their own. Those of iOS have theirs;
	// what the app does with an address elsewhere is not published. Without a way back an engine may refuse the result.
	NoReturnElsewhere bool
	// CustomIdentifier marks the method's audit events where the client has no mark of its own.
	CustomIdentifier string
	// App is the address of a virtual app to which all launch links lead, such as http://localhost:8085/; for development only.
	App string

	Logger *slog.Logger     // nil means no logging
	Now    func() time.Time // nil means time.Now
}

// New returns the method, or an error that names the option that cannot be used.
func New(o Options) (eid.Method, error) {
	switch {
	case o.APIs[""] == nil:
		return nil, errors.New("netidlogin: no API with the default certificate")
	case o.Verifier == nil:
		return nil, errors.New("netidlogin: no verifier of results")
	case cmp.Or(o.Format, netid.FormatPKCS7) != cmp.Or(o.Verifier.Options().Format, netid.FormatPKCS7):
		return nil, errors.New("netidlogin: Format is not that of the verifier")
	}
	if err := o.checkKeys(); err != nil {
		return nil, err
	}
	if place, err := o.CheckIdentifiers(); err != nil {
		return nil, fmt.Errorf("netidlogin: %s: %w", place, err)
	}
	o.APIs, o.Issuers = maps.Clone(o.APIs), maps.Clone(o.Issuers)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &method{o}, nil
}

type method struct{ Options }

func (*method) Name() string { return Name }

// Start calls Authenticate or Sign. For another device it names the person, for this one it does not: then the engine judges who it was.
func (m *method) Start(ctx context.Context, r eid.Request) (storage.Order, error) {
	api := m.APIs[r.Certificate]
	if api == nil {
		return storage.Order{}, &eid.Fault{Reason: eid.ReasonRefused, Err: fmt.Errorf("no Net iD Access certificate is called %q", r.Certificate)}
	}
	sent := storage.Sent{Certificate: r.Certificate, NonVisible: []byte(base64.StdEncoding.EncodeToString(newNonce(r.Binding)))}
	if r.Kind == storage.KindSign {
		sent = storage.Sent{Certificate: r.Certificate, VisibleText: r.VisibleText, NonVisible: r.Data, Salt: newNonce(r.Binding)}
		if r.VisibleFormat != "" && r.VisibleFormat != eid.PlainText || !netid.CanShow(r.VisibleText) {
			return storage.Order{}, &eid.Fault{Reason: eid.ReasonRejected, Err: errors.New("a text that the app cannot show as it is")}
		}
	}
	request := netid.AuthenticateRequest{NonVisible: m.hidden(&sent)}
	if r.Starter.Device != storage.DeviceThis {
		if !m.OtherDevice || r.Required.IsZero() {
			return storage.Order{}, &eid.Fault{Reason: eid.ReasonQRExcluded, Err: errors.New("no person is named for an order on another device, or such orders are not allowed")}
		}
		request.UserID = r.Required.Value
	}
	order, err := start(ctx, api, request, sent.VisibleText)
	if err != nil {
		return storage.Order{}, faultOf(request.UserID, err)
	}
	return storage.Order{
		Ref: order.Ref, AutoStartToken: link(order.AutoStartToken, r.ReturnURL), Started: m.Now(),
		Phase: storage.PhaseWaiting, HintCode: string(netid.CodeOutstandingTransaction),
		Sent: sent,
	}, nil
}

// start makes an order: with a text it is one to sign.
func start(ctx context.Context, api *netid.API, request netid.AuthenticateRequest, text string) (netid.Order, error) {
	if text == "" {
		return api.Authenticate(ctx, request)
	}
	return api.Sign(ctx, netid.SignRequest{AuthenticateRequest: request, Visible: text})
}

// newNonce returns what the person's key is to sign: of the login, and new with each order, so that the result of an order before is none of this one.
func newNonce(binding []byte) []byte {
	h := sha256.New()
	h.Write(binding)
	h.Write([]byte(rand.Text()))
	return h.Sum(nil)
}

// hidden returns what is signed and not shown. Of an identification it has the form that clients are known to send, a SHA-256 in base64.
func (m *method) hidden(sent *storage.Sent) string {
	if len(sent.Salt) == 0 {
		return string(sent.NonVisible)
	}
	return m.Verifier.Options().Layout.Hidden(sent.Salt, sent.VisibleText, sent.NonVisible)
}

// faultOf returns an error of a start with what it means, and whether it tells of the person who was named, who is zero for none.
func faultOf(person secret.String, err error) error {
	said := fault(err)
	if known, ok := errors.AsType[*eid.Fault](said); ok && !person.IsZero() {
		known.Personal = tellsOfPerson(err)
	}
	return said
}

// ours are the codes that speak of the service or of us. Any other one may tell of whoever was named, such as a card that is blocked, and so may words that
// are not known: what is sent differs by the person alone.
var ours = []netid.Code{"", netid.CodeAccessDenied, netid.CodeRetry, netid.CodeInternalError}

func tellsOfPerson(err error) bool {
	answer, ok := errors.AsType[*netid.ServiceError](err)
	return ok && !slices.Contains(ours, answer.Code)
}

// api returns the API that made the order, or a *Fault.
func (m *method) api(order *storage.Order) (*netid.API, error) {
	if api := m.APIs[order.Sent.Certificate]; api != nil {
		return api, nil
	}
	return nil, &eid.Fault{Reason: eid.ReasonLost, Err: errors.New("the Net iD Access certificate of the order is gone")}
}

// Collect calls Collect. The service hands a result out once. An identity comes of a proven one alone.
func (m *method) Collect(ctx context.Context, order *storage.Order) (eid.Progress, error) {
	api, err := m.api(order)
	if err != nil {
		return eid.Progress{}, err
	}
	c, err := api.Collect(ctx, order.Ref)
	switch {
	case err != nil:
		return eid.Progress{}, fault(err)
	case c.State == netid.Pending:
		return eid.Progress{Phase: phaseOf(c.Code), HintCode: string(c.Code)}, nil
	case c.State == netid.Failed:
		return failed(c.Code, c.Detail), nil
	}
	return (&outcome{method: m, order: order, result: c.Result}).progress(), nil
}

// Cancel does nothing: the service has no such call.
func (*method) Cancel(context.Context, *storage.Order) error { return nil }

// QR returns none: the app reads no codes for logins.
func (*method) QR(*storage.Order, time.Duration) secret.String { return secret.String{} }
