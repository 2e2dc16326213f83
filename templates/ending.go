package templates

import "strings"

// way is one thing that a person can do when an attempt has ended.
type way string

// The ways on. All but the last four make a new order.
const (
	tryAgain    way = "retry"        // on the device that was used
	tryBankID   way = "retry.bankid" // the same, for who has another BankID
	tryMine     way = "retry.mine"   // the same, for who is sure that the attempt was their own
	tryLater    way = "retry.later"  // the same, once the wait is over; see Failed.Wait
	takeOther   way = "other"        // the QR code, for another device
	takeThis    way = "this"         // BankID on this computer
	takeUnused  way = "switch"       // on the other of the two devices
	getApp      way = "install"      // where the app is had
	updateApp   way = "update"       // the same, for who has an old one on this device
	goBack      way = "back"         // to the client, with access_denied
	installPage     = "https://install.bankid.com/"
)

// ending is what a failure leads to: as the large button the first way of next that is possible, and below it, quietly and in this
// order, those of more that are.
type ending struct{ next, more []way }

// endings says what comes next after each failure. A new try is not the large button where it would fail in the same way, or where
// the text asks whether somebody else is behind the attempt.
var endings = map[Reason]ending{
	"startFailed":             {[]way{tryAgain}, []way{takeUnused, getApp, goBack}},
	"expiredTransaction":      {[]way{tryAgain}, []way{takeUnused, goBack}},
	"certificateErr":          {[]way{tryBankID}, []way{takeUnused, goBack}},
	"userCancel":              {[]way{tryAgain}, []way{takeUnused, goBack}},
	"cancelled":               {[]way{tryAgain}, []way{takeUnused, goBack}},
	"userDeclinedCall":        {[]way{goBack}, []way{tryMine}},
	"notSupportedByUserApp":   {[]way{updateApp, tryAgain}, []way{tryAgain, takeUnused, goBack}},
	"transactionRiskBlocked":  {[]way{goBack}, []way{tryMine}},
	"mrtdVerificationFailed":  {[]way{tryAgain}, []way{takeUnused, goBack}},
	"facialRecognitionFailed": {[]way{tryAgain}, []way{takeUnused, goBack}},
	"nfcNotSupportedByDevice": {[]way{takeOther, tryAgain}, []way{goBack}},
	"multipleBankIdsOnDevice": {[]way{takeOther, tryAgain}, []way{tryAgain, goBack}},
	"stepUpFailed":            {[]way{tryAgain}, []way{takeUnused, goBack}},
	ReasonAlreadyInProgress:   {[]way{goBack}, []way{tryMine}},
	ReasonStopped:             {[]way{tryAgain}, []way{takeUnused, goBack}},
	ReasonWindowClosed:        {[]way{tryAgain}, []way{takeUnused, goBack}},
	ReasonUnavailable:         {[]way{tryAgain}, []way{goBack}},
	ReasonMaintenance:         {[]way{goBack}, []way{tryAgain}},
	ReasonRefused:             {[]way{goBack}, []way{tryAgain}},
	ReasonRateLimited:         {[]way{tryLater}, []way{goBack}},
	ReasonBusy:                {[]way{tryLater}, []way{goBack}},
	ReasonWrongPerson:         {[]way{tryAgain}, []way{takeUnused, goBack}},
	ReasonRiskTooHigh:         {[]way{goBack}, []way{tryMine}},
	ReasonUnusable:            {[]way{tryAgain}, []way{takeUnused, goBack}},
	ReasonTooYoung:            {[]way{goBack}, nil}, // another BankID would be somebody else's
	ReasonUnmet:               {[]way{tryAgain}, []way{takeUnused, goBack}},
	ReasonNoIdentifier:        {[]way{goBack}, []way{tryAgain}}, // it would be the same with the same card
	ReasonQRExcluded:          {[]way{takeThis, goBack}, []way{goBack}},
	ReasonNoWayBack:           {[]way{goBack}, nil}, // it would be the same in this browser
	ReasonUnanswered:          {[]way{tryAgain}, []way{takeUnused, goBack}},
	ReasonNoMethod:            {[]way{goBack}, nil},
	ReasonUnknown:             {[]way{tryAgain}, []way{takeUnused, goBack}},
}

// next returns the way on that stands as the large button, and those that stand quietly below it.
func (v Failed) next() (first way, more []way) {
	if v.Final {
		return goBack, nil
	}
	e, known := endings[v.reason()]
	if !known || v.Own {
		e = endings[ReasonUnknown]
	}
	for _, w := range e.next {
		if v.possible(w) {
			first = w
			break
		}
	}
	for _, w := range e.more {
		if w != first && v.possible(w) {
			more = append(more, w)
		}
	}
	return first, more
}

// possible reports whether a way leads anywhere from the device that was used.
func (v Failed) possible(w way) bool {
	switch w {
	case takeOther, takeUnused:
		if v.NoCode && v.Ask == "" {
			return false
		}
	}
	switch w {
	case takeOther, updateApp:
		return v.device() == ThisDevice
	case takeThis:
		return v.device() == OtherDevice && v.Platform.known() == Computer
	case takeUnused:
		return v.device() == ThisDevice || v.Platform.known() != ScanOnly
	}
	return true
}

// starts returns the device that a way makes an order for.
func (v Failed) starts(w way) Device {
	other := w == takeOther || w == takeUnused && v.device() == ThisDevice
	this := w == takeThis || w == takeUnused && !other
	switch {
	case other:
		return OtherDevice
	case this:
		return ThisDevice
	}
	return v.device()
}

// names reports whether a way leads to where a person is named.
func (v Failed) names(w way) bool { return v.Ask == AskTyped && v.starts(w) == OtherDevice }

// label is what stands on the button of a way.
func (v Failed) label(p Page, w way) string {
	switch w {
	case goBack:
		return p.text("action.back")
	case getApp, updateApp:
		return p.text("failed." + string(w))
	case takeOther, takeThis, takeUnused:
		if v.starts(w) == OtherDevice {
			return p.text("switch.other")
		}
		return p.text("switch.this." + string(v.Platform.known()))
	}
	return p.variant("action.retry", strings.TrimPrefix(string(w), "retry."))
}
