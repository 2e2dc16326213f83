package templates

import (
	"strconv"
	"strings"
)

// Reason says why an attempt ended: a hint code of a failed order as BankID sent it, or one of the constants below. An
// unknown one shows a neutral text, as BankID may add codes.
type Reason string

// Reasons of our own, beside BankID's hint codes.
const (
	ReasonAlreadyInProgress Reason = "alreadyInProgress" // BankID: another order for the same person is open
	ReasonStopped           Reason = "stopped"           // cancelled on our page
	ReasonWindowClosed      Reason = "windowClosed"      // nobody opened or scanned within the login's window
	ReasonUnavailable       Reason = "unavailable"       // BankID does not answer, or answers with a fault of its own
	ReasonMaintenance       Reason = "maintenance"       // BankID says it is under maintenance
	ReasonRefused           Reason = "refused"           // BankID does not accept our certificate or our call
	ReasonRateLimited       Reason = "rateLimited"       // too many attempts; see Failed.Wait
	ReasonBusy              Reason = "busy"              // we have all we can do; see Failed.Wait
	ReasonWrongPerson       Reason = "wrongPerson"       // someone other than the person asked for identified themselves
	ReasonRiskTooHigh       Reason = "riskTooHigh"       // the risk BankID reports is above what the client accepts
	ReasonUnusable          Reason = "unusable"          // the result did not pass our checks
	ReasonTooYoung          Reason = "tooYoung"          // the client has an age limit
	ReasonUnmet             Reason = "demandUnmet"       // a check that the client demands was not made
	ReasonNoIdentifier      Reason = "identifierMissing" // the person has nothing by which the client knows people
	ReasonQRExcluded        Reason = "qrExcluded"        // the client takes no kind of BankID that can scan a QR code
	ReasonNoWayBack         Reason = "noWayBack"         // no address leads back from the app to this browser
	ReasonUnanswered        Reason = "unanswered"        // nobody answered who was asked on another device
	ReasonNoMethod          Reason = "noMethod"          // no eID is offered here
	ReasonUnknown           Reason = "unknown"           // anything else
)

// Failed tells why an attempt ended and what to do next.
type Failed struct {
	still
	Reason Reason
	// Own says that the reason is a word of an eID that has texts of its own for it, Lapsed that it means no fault but what somebody did. NoCode is
	// that of [Choose].
	Own, Lapsed, NoCode bool
	// Ask is that of [Choose].
	Ask Ask
	// Device and Platform choose the wording and what another try starts.
	Device   Device
	Platform Platform
	// Wait is for [ReasonRateLimited], [ReasonBusy] and [ReasonMaintenance]: seconds until another attempt is let through; zero says only "a moment".
	Wait int
	// Final leaves out everything but the way back, for when this login can start no more orders.
	Final bool
	// Follows says that the login itself stands here, so that the page goes on to what is done elsewhere; it is false for an answer
	// to a press, which the login knows nothing of.
	Follows bool
}

func (v Failed) live() bool { return v.Follows }

// Key returns "failed-" and the reason, "failed-unknown" for one that has no text.
func (v Failed) Key() string { return "failed-" + string(v.reason()) }

func (v Failed) heading(p Page) string { return v.text(p, "title") }

// Said returns what the page says: its heading and its text, as a person reads them.
func (v Failed) Said(p Page) string {
	return strings.ReplaceAll(v.text(p, "title")+". "+v.text(p, "text"), "\u00ad", "")
}

func (v Failed) reason() Reason {
	if v.Own || v.Reason != "" && hasMessage("failed."+string(v.Reason)+".title") {
		return v.Reason
	}
	return ReasonUnknown
}

// text returns the reason's message of the given kind in the wording for the situation.
func (v Failed) text(p Page, kind string) string {
	key := "failed." + string(v.reason()) + "." + kind
	if v.Final && hasMessage(key+".final") {
		return p.text(key + ".final")
	}
	if kind == "text" && v.waits() {
		return p.text(key+".wait", "seconds", strconv.Itoa(v.Wait))
	}
	return p.variant(key, v.situation())
}

// situation names the variant of the texts.
func (v Failed) situation() string {
	if v.Ask != "" && v.Device == OtherDevice {
		return "asked"
	}
	return situation(v.Device, v.Platform)
}

// waits tells whether the text says how long to wait; counted is that text with its placeholder, for the script to count in.
func (v Failed) waits() bool {
	return v.Wait > 0 && !v.Final && hasMessage("failed."+string(v.reason())+".text.wait")
}

func (v Failed) counted(p Page) string {
	return p.text("failed."+string(v.reason())+".text.wait", "seconds", "{seconds}")
}

// device is the one that was used, where there is one to use: what another try starts.
func (v Failed) device() Device {
	if v.NoCode && v.Ask == "" || v.Device == ThisDevice && v.Platform.known() != ScanOnly {
		return ThisDevice
	}
	return OtherDevice
}

// tone is the colour and picture of the failure: a choice of the person is none.
func (v Failed) tone() string {
	if v.Own && v.Lapsed {
		return "calm"
	}
	switch v.reason() {
	case "userCancel", "cancelled", ReasonStopped:
		return "calm"
	case "expiredTransaction", "startFailed", ReasonWindowClosed, ReasonRateLimited, ReasonBusy, ReasonMaintenance, ReasonUnmet, ReasonNoIdentifier, ReasonQRExcluded, ReasonNoWayBack, ReasonUnanswered:
		return "warning"
	}
	return "bad"
}
