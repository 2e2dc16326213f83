package eid

import (
	"slices"
	"time"

	"brygga/storage"
)

// Traits are what is fixed of a method. They are shared: nothing in them is changed.
type Traits struct {
	// StartLife is how long an order lives that no app picks up, and OrderLife is longer than any order lives: what cannot be collected
	// by then never will be.
	StartLife, OrderLife time.Duration
	// RenewAfter is how old an order gets that no app picks up before another takes its place, less than StartLife; 0 for never.
	RenewAfter time.Duration
	// CollectEvery is the time between two collects of an order, and LeastPause the shortest one.
	CollectEvery, LeastPause time.Duration
	// CanCancel says that an order can be ended at the service. One that cannot is left to end by itself.
	CanCancel bool
	// NoCode says that no other device can pick an order up by a code on the page: QR returns zero always.
	NoCode bool
	// Naming is how people are named whom the service asks on another device; nil for one that asks nobody so.
	Naming *Naming
	// Kinds and Channels are what orders there are.
	Kinds    []storage.Kind
	Channels []Channel
	// Risk says that the service judges the risk of each order, as Identity.Risk. Where it does not, an order for the device with the page counts only after
	// its return: there is none for a browser that no address leads back to.
	Risk bool
	// Binds says that the service lets nobody but the required person see what an order shows. Where it does not, no text is to be signed that is for one
	// person alone.
	Binds bool
	// Demands are what orders can be held to, as the app is asked for it or does it always. There is no order where a policy demands another one.
	Demands []Demand
	// Texts are what an app shows, by kind. A kind that is not there shows no text.
	Texts map[storage.Kind]TextLimits
	// Whole reports whether an identity has what each one of the method's must have; nil when it may have what it likes. By what a person is
	// known, a client's policy says.
	Whole func(*storage.Identity) bool
	// Words are the method's hints of orders that failed, and the reasons that it has other words for than every method.
	Words map[string]Word
	// Events are what the audit log calls orders of the method. The zero value are those of BankID, as of every number that is empty.
	Events Events
	// CustomIdentifier marks the method's audit events where the client has no mark of its own (field CUSTOMER_IDENTIFIER). It may be empty.
	CustomIdentifier string
}

// Events are numbers of the catalogue of package audit.
type Events struct{ Started, Completed, Failed, Ended string }

// Does reports whether there are orders of that kind through that channel. Payments are for programs alone: nobody else asks for them.
func (t *Traits) Does(kind storage.Kind, channel Channel) bool {
	return slices.Contains(t.Kinds, kind) && slices.Contains(t.Channels, channel) && (kind != storage.KindPayment || channel == ChannelAPI)
}

// PlainText is the format of a text without marks, which every method shows that shows texts.
const PlainText = "plaintext"

// TextLimits are what an app can show.
type TextLimits struct {
	// Bytes is the length of the longest text.
	Bytes int
	// Formats are those with marks.
	Formats []string
	// Marked reports whether a plain text might look otherwise in one of Formats. It may be nil when there are none.
	Marked func(text string) bool
	// Shows reports whether a plain text within Bytes is shown exactly as it is; nil when every one is.
	Shows func(text string) bool
	// Data is how many bytes can be signed along with a text; 0 for as many as may be asked for.
	Data int
}

// Signs reports whether a text of that format can be signed exactly as it is, with that many bytes of data.
func (l *TextLimits) Signs(text, format string, data int) bool {
	return l.Takes(format) && len(text) <= l.Bytes && (l.Shows == nil || l.Shows(text)) && (l.Data == 0 || data <= l.Data)
}

// Takes reports whether a text of that format can be shown.
func (l *TextLimits) Takes(format string) bool {
	return l.Bytes > 0 && (format == "" || format == PlainText || slices.Contains(l.Formats, format))
}

// Word is what a hint or a reason means.
type Word struct {
	// Description says why an order ended, for the log of a client: a sentence in ASCII with nothing of the person.
	Description string
	// Lapsed says that somebody cancelled or let it expire, and nothing went wrong.
	Lapsed bool
}
