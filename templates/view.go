package templates

import (
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

// View is one state of a page. The views are the exported structs of this package whose comments say so; each is a plain
// value, filled in by the caller.
type View interface {
	// Key names the state for the page script and for tests, such as "qr-wait". Two views with different keys are shown
	// in turn by swapping the main part. What follows a dot is a variant of the same screen, whose swap goes unannounced.
	Key() string

	// heading is the text of the h1, which also begins the title.
	heading(p Page) string
	// body is the content of the main part.
	body(p Page) templ.Component
	// live tells whether the page should go on listening; refreshes whether it awaits something by itself, so that it reloads
	// without the script.
	live() bool
	refreshes() bool
	// left is the time left; its zero value means that none is shown.
	left() Left
}

// Left is the time left of a login's window.
type Left struct {
	Seconds int // until the window closes
	Of      int // the whole window in seconds; zero hides the time
	// mark stands in place of the seconds in a stencil.
	mark string
}

// Title returns the document's title: the heading of v and who asks.
func Title(p Page, v View) string {
	heading := strings.ReplaceAll(v.heading(p), softHyphen, "")
	if p.ClientName == "" {
		return p.text("page.title.service", "heading", heading)
	}
	return p.text("page.title", "heading", heading)
}

// softHyphen marks where a long word of a heading may be broken. Titles cannot break, and some programs show it there.
const softHyphen = "\u00AD"

// Document renders a whole page in state v.
func Document(p Page, v View) templ.Component { return document(p, v) }

// Fragment renders the inner HTML of the page's main part in state v.
func Fragment(p Page, v View) templ.Component { return v.body(p) }

// text is empty while there is time, and then the time in words: a clock that runs for minutes only hurries people.
func (l Left) text(p Page) string {
	if l.Seconds >= lastMinute {
		return ""
	}
	return p.text("time.seconds", "s", l.seconds())
}

// lastMinute is from when on the time is told, in seconds.
const lastMinute = 60

// seconds is the time left as an attribute's value.
func (l Left) seconds() string {
	if l.mark != "" {
		return l.mark
	}
	return number(l.Seconds)
}

// number is n as an attribute's value.
func number(n int) string { return strconv.Itoa(max(n, 0)) }

// asks tells whether in v the client is asking who the person is.
func asks(v View) bool {
	switch v.(type) {
	case Notice, FormPost, WayOut, AskLogOut:
		return false
	}
	return true
}

// still is embedded by views that await nothing, moving by those that do, and following by those that only what the person does
// changes, in this tab or in another.
type (
	still     struct{}
	moving    struct{}
	following struct{ still }
)

func (still) live() bool       { return false }
func (still) refreshes() bool  { return false }
func (still) left() Left       { return Left{} }
func (moving) live() bool      { return true }
func (moving) refreshes() bool { return true }
func (following) live() bool   { return true }

// alive marks the card of a view that goes on listening for the script, as idle where it need not while nobody looks.
func alive(v View) templ.Attributes {
	switch {
	case v.refreshes():
		return templ.Attributes{"data-live": true}
	case v.live():
		return templ.Attributes{"data-live": "idle"}
	}
	return nil
}

// Choose is the first view: which device has BankID? No order exists yet.
type Choose struct {
	following
	// Platform decides which of the two comes first, and whether there are two.
	Platform Platform
	// Last is the device that this browser's last login was completed with; empty when none is remembered. It comes first.
	Last Device
	// Method is the eID that was chosen before, empty where there is but one. NoCode says that its app cannot scan a code from another device.
	// Ask is how it asks a person there instead.
	Method string
	NoCode bool
	Ask    Ask
	// Embedded says that the page is shown inside another app, where launch links often fail; the person is told.
	Embedded bool
}

// Key returns "choose", with the eID behind a dot where it was chosen, and on a tablet with ".tablet": the script asks anew when the page takes a
// tablet for a computer.
func (v Choose) Key() string {
	key := "choose"
	if v.Method != "" {
		key += "." + v.Method
	}
	if v.Platform == Tablet {
		key += ".tablet"
	}
	return key
}

// devices lists what is offered, the likely one first: what the person used last, this device on a phone, the QR code on a
// computer.
func (v Choose) devices() []Device {
	switch on := v.Platform.known(); {
	case v.NoCode && v.Ask == "":
		return []Device{ThisDevice}
	case v.NoCode && v.Last != OtherDevice:
		return []Device{ThisDevice, OtherDevice}
	case on == ScanOnly:
		return []Device{OtherDevice}
	case v.Last == OtherDevice, v.Last != ThisDevice && on == Computer:
		return []Device{OtherDevice, ThisDevice}
	}
	return []Device{ThisDevice, OtherDevice}
}

// stands reports whether d is the primary choice.
func (v Choose) stands(d Device) bool { return d == v.devices()[0] }

// hint is the second line of the choice of d.
func (v Choose) hint(p Page, d Device) string {
	hint := p.text("choose." + string(d) + "." + string(v.Platform.known()) + ".hint")
	if d == OtherDevice && v.Ask != "" {
		hint = p.text("choose.asked.hint")
	}
	if v.Last == d {
		return p.text("choose.last", "hint", hint)
	}
	return hint
}

func (Choose) heading(p Page) string { return p.text("choose.title") }

// Starting is shown while the order is being made.
type Starting struct {
	moving
	Device   Device
	Platform Platform
	NoCode   bool // those of [Choose]
	Ask      Ask
}

// Key returns "starting".
func (Starting) Key() string { return "starting" }

func (Starting) left() Left            { return Left{} }
func (Starting) heading(p Page) string { return p.text("starting.title") }

// QRWait shows the QR code. The caller shows it only while the order waits for an app (hint outstandingTransaction or
// noClient), also through renewals.
type QRWait struct {
	moving
	Frame    Frame
	Left     Left
	Platform Platform
}

// Key returns "qr-wait".
func (QRWait) Key() string { return "qr-wait" }

func (v QRWait) left() Left          { return v.Left }
func (QRWait) heading(p Page) string { return p.text("qr-wait.title") }

// AppWait opens BankID on this device.
type AppWait struct {
	moving
	// LaunchURL is the launch link with the autostart token: scheme bankid, https or http, others are not shown.
	LaunchURL string
	// Order tells the orders of one login apart ("1", "2", …), never an order reference. It is part of the key, so that a
	// renewed order brings its new link to the page, and keeps one order from being launched twice.
	Order string
	// AutoLaunch makes the script follow the link by itself once for each Order, for browsers that allow it; never where Order is
	// empty.
	AutoLaunch bool
	Left       Left
	Platform   Platform
	// Shown is drawn on phones and tablets, where the app hides the page once it is open.
	Shown Shown
	// NoCode and Ask are those of [Choose].
	NoCode bool
	Ask    Ask
}

// Key returns "app-wait." and the order.
func (v AppWait) Key() string { return "app-wait." + v.Order }

func (v AppWait) left() Left            { return v.Left }
func (v AppWait) heading(p Page) string { return p.variant("app-wait.title", v.situation()) }

// draws reports whether the page is of a kind that draws what the app shows.
func (v AppWait) draws() bool { return v.Platform.known() != Computer }

// situation names the variant of the text: what the person has to do.
func (v AppWait) situation() string {
	if sit := situation(ThisDevice, v.Platform); sit == "computer" || v.AutoLaunch {
		return sit
	}
	return "tap"
}

// Complete is shown for the moment between BankID's yes and the way back to the client. Its form posts to
// {BasePath}/done; the script submits it, a button does so otherwise.
type Complete struct {
	following
	// Press leaves the form to the person: it leads into an app, where browsers let only a press lead, or it was sent before.
	Press bool
}

// Key returns "complete", with a variant where the form waits for the person.
func (v Complete) Key() string {
	if v.Press {
		return "complete.press"
	}
	return "complete"
}

func (Complete) heading(p Page) string { return p.text("complete.title") }
