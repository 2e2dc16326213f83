package eid

import (
	"context"
	"time"

	"brygga/secret"
	"brygga/storage"
)

// Method is one eID service. Implementations are safe for concurrent use. Errors are *[Fault] where the service said what is
// wrong; anything else counts as the service being out of reach.
type Method interface {
	// Name returns the method's name in records and metrics, such as "bankid".
	Name() string
	// Traits returns what is fixed of the method. It is asked once.
	Traits() Traits
	// Start makes an order. It returns the order without ID, method, kind, collector and return nonce, which are the engine's; Started
	// is the moment the answer came in. An order may have been made even when an error is returned.
	Start(ctx context.Context, request Request) (storage.Order, error)
	// Collect asks for the order's state. The service hands a final state out once.
	Collect(ctx context.Context, order *storage.Order) (Progress, error)
	// Cancel ends the order at the service. An order that has ended already is no error. It is called only if Traits.CanCancel.
	Cancel(ctx context.Context, order *storage.Order) error
	// QR returns the text of the QR frame that is valid when elapsed has gone by since the order started, or zero when the
	// order cannot be started by QR code then.
	QR(order *storage.Order, elapsed time.Duration) secret.String
	// Launch returns how the browser of starter starts the app with the order; with a nil order the link is left out.
	Launch(order *storage.Order, starter storage.Starter) Launch
	// ReturnURL writes address as the browser of starter needs it to be opened there by the app, or returns zero when no
	// address leads back to that browser.
	ReturnURL(address secret.String, starter storage.Starter) secret.String
}

// Launch is how an app is started on the device that shows the page.
type Launch struct {
	// Possible is false when there is no app for such a device: offer the QR code only.
	Possible bool
	// URL is the link; it carries the autostart token and goes to the browser that started the order and nowhere else.
	URL secret.String
	// NeedsTap says that the link works only when a person taps it.
	NeedsTap bool
	// Phone and Tablet say what kind of device it is: which way to offer first.
	Phone, Tablet bool
	// Embedded says that the page is shown inside another app, where launch links often fail.
	Embedded bool
}

// Channel is how a person is met who is to complete an order.
type Channel string

// The channels.
const (
	ChannelBrowser Channel = "browser" // on a page of ours
	ChannelCall    Channel = "call"    // on the telephone
	ChannelAPI     Channel = "api"     // by a program of somebody else's
)

// Request is what an order is made from.
type Request struct {
	// Kind is what the person is asked for, and Channel how: one of each in the traits of the method.
	Kind    storage.Kind
	Channel Channel
	Starter storage.Starter
	// ReturnURL is where the app sends the person when done; empty for none.
	ReturnURL secret.String
	// ReferringDomain is the domain of the page that starts the order.
	ReferringDomain string
	// VisibleText is what the app shows: what the person is about to do, and for whom. VisibleFormat is its format, plaintext
	// or simpleMarkdownV1.
	VisibleText, VisibleFormat string
	// Binding ties the signed result to this login; the app does not show it. Of a signature it is empty where Data is not.
	Binding []byte
	// Data is signed along with the text of a signature, as it is; the app does not show it.
	Data []byte
	// Payment is what the app shows and the person approves, of KindPayment alone.
	Payment *storage.Payment
	// Required is the only person who may complete the order, by a key that the method's identities have; zero for anyone.
	Required storage.PersonKey
	// CallInitiator says who made the call of ChannelCall, as storage.Call does. Such an order needs a Required personal number, and has no
	// QR code, no launch link and no return.
	CallInitiator string
	// PinCode, MRTD, CardReader and CertificatePolicies are what the client demands of the person's eID; see storage.Policy.
	PinCode, MRTD       bool
	CardReader          string
	CertificatePolicies []string
	// Certificate names which certificate of ours makes the order; empty means the default one.
	Certificate string
}
