package templates

import "encoding/base64"

// State is one state of a page with everything needed to show it.
type State struct {
	// Name is unique and fit for a file: the view's key, with the device or platform where that changes the page.
	Name string
	Page Page
	View View
}

// HintCodesPending and HintCodesFailed return the hint codes that BankID documents or is known to send (BankID API:
// collect), each of which has texts of its own.
func HintCodesPending() []string {
	return []string{
		"outstandingTransaction", "noClient", "started", "userMrtd", "userCallConfirm", "userSign",
		"processing", "userStepUp", "userFace",
	}
}

// HintCodesFailed: see [HintCodesPending].
func HintCodesFailed() []string {
	return []string{
		"startFailed", "expiredTransaction", "certificateErr", "userCancel", "cancelled", "userDeclinedCall",
		"notSupportedByUserApp", "transactionRiskBlocked", "mrtdVerificationFailed", "facialRecognitionFailed",
		"nfcNotSupportedByDevice", "multipleBankIdsOnDevice", "stepUpFailed",
	}
}

// ownReasons lists the reasons that are not hint codes.
var ownReasons = []Reason{
	ReasonAlreadyInProgress, ReasonStopped, ReasonWindowClosed, ReasonUnavailable, ReasonMaintenance, ReasonRefused,
	ReasonRateLimited, ReasonBusy, ReasonWrongPerson, ReasonRiskTooHigh, ReasonUnusable,
	ReasonTooYoung, ReasonUnmet, ReasonNoIdentifier, ReasonQRExcluded, ReasonNoWayBack, ReasonUnanswered, ReasonNoMethod, ReasonUnknown,
}

// notices lists the kinds of notice.
var notices = []NoticeKind{
	NoticeAlreadyDone, NoticeOtherBrowser, NoticeReturnedAstray, NoticeOtherTab, NoticeExpired, NoticeNotFound,
	NoticeBadRequest, NoticeRateLimited, NoticeFault, NoticeLoggedOut, NoticeBadLogOut,
}

// Preview lists every state of the pages in the given language, with made-up values: for golden tests, browser tests
// and for looking at them. The list is made anew on each call.
func Preview(lang string) []State {
	page := Page{
		Lang:        lang,
		ClientName:  "Norrby kommun",
		ClientURL:   "https://www.norrby.example/",
		ServiceName: "Brygga",
		BasePath:    "/login/preview",
		Reference:   "7QX4-2MKD",
		Links:       Links{Help: "https://www.norrby.example/help", Accessibility: "https://www.norrby.example/accessibility"},
	}
	states := append(previewWaiting(page), previewProgress(page)...)
	states = append(states, previewFailed(page)...)
	states = append(states, previewApart(page)...)
	states = append(states, previewSelect(page)...)
	states = append(states, previewNaming(page)...)
	return append(states, previewSigning(page)...)
}

// previewSigning are states of a signature that look otherwise than those of a login. What the app shows stands on none of them.
func previewSigning(p Page) []State {
	p.Signing = true
	left := Left{Seconds: 187, Of: 300}
	return []State{
		{"sign-choose-phone", p, Choose{Platform: Phone}},
		{"sign-choose-computer", p, Choose{Platform: Computer}},
		{"sign-confirm-qr", p, Progress{Step: StepConfirm, Device: OtherDevice, Platform: Computer, Left: left}},
		{"sign-confirm-computer", p, Progress{Step: StepConfirm, Device: ThisDevice, Platform: Computer, Left: left}},
		{"sign-await-return-phone", p, Progress{Step: StepReturn, Device: ThisDevice, Platform: Phone}},
		{"sign-failed-userCancel", p, Failed{Reason: "userCancel", Device: OtherDevice, Platform: Computer}},
		{"sign-failed-unusable", p, Failed{Reason: ReasonUnusable, Device: OtherDevice, Platform: Computer}},
		{"sign-notice-other-browser", p, Notice{Kind: NoticeOtherBrowser}},
	}
}

// previewNaming are the pages of an eID that asks people on another device.
func previewNaming(p Page) []State {
	p.Others, p.Chosen = true, "card"
	at := p
	at.Naming = true
	kinds, left := []string{"personalNumber", "hsaId", "email"}, Left{Seconds: 151, Of: 180}
	return []State{
		{"name-choose", p, Choose{Method: "card", Platform: Computer, NoCode: true, Ask: AskTyped}},
		{"name-choose-known", p, Choose{Method: "card", Platform: Phone, NoCode: true, Ask: AskKnown, Last: OtherDevice}},
		{"name", at, Name{Method: "card", Kinds: kinds, Platform: Computer}},
		{"name-wrong", at, Name{Method: "card", Kinds: kinds, Typed: "SE2321000016", Wrong: true, Platform: Phone}},
		{"name-number", at, Name{Method: "card", Kinds: kinds[:1], Platform: Phone}},
		{"ask-wait", p, AskWait{Left: left, App: "Norrby kommun (e-tjänster)", Platform: Computer, Typed: true}},
		{"ask-wait-known", p, AskWait{Left: left, Platform: Phone}},
		{"name-app-wait", p, AppWait{LaunchURL: "https://app.norrby.example/", Order: "1", Left: left, Platform: Phone, NoCode: true, Ask: AskTyped}},
		{"name-failed", p, Failed{Reason: ReasonUnanswered, Device: OtherDevice, Platform: Computer, NoCode: true, Ask: AskTyped}},
	}
}

// previewSelect are the pages of an installation with several eIDs, of which the second has a name alone.
func previewSelect(p Page) []State {
	options := []Option{{Method: BuiltInMethod, Name: p.Messages.NameOf(p.Lang, BuiltInMethod), Hint: p.Messages.HintOf(p.Lang, BuiltInMethod)}, {Method: "card", Name: "Norrby-kortet"}}
	last := []Option{options[0], {Method: "card", Name: "Norrby-kortet", Last: true}}
	p.Others = true
	chosen, sign := p, p
	chosen.Chosen, chosen.AtChoice = BuiltInMethod, true
	sign.Signing = true
	return []State{
		{"select", p, Select{Options: options}},
		{"select-last", p, Select{Options: last}},
		{"select-sign", sign, Select{Options: options}},
		{"select-choose", chosen, Choose{Method: BuiltInMethod, Platform: Computer}},
		{"select-choose-phone", chosen, Choose{Method: BuiltInMethod, Platform: Phone, NoCode: true}},
		{"select-failed", p, Failed{Reason: ReasonStopped, Device: ThisDevice, Platform: Phone, NoCode: true}},
		{"select-qr", p, QRWait{Frame: previewFrame(), Left: Left{Seconds: 272, Of: 300}, Platform: Computer}},
	}
}

func previewWaiting(p Page) []State {
	left := Left{Seconds: 272, Of: 300}
	frame := previewFrame()
	appWait := AppWait{LaunchURL: "https://app.bankid.com/?autostarttoken=preview", Order: "1", Left: left, Platform: Phone, Shown: previewShown(p)}
	appWaitAuto, appWaitComputer := appWait, appWait
	appWaitAuto.AutoLaunch, appWaitAuto.Order = true, "" // nobody who looks at a preview wants to be sent to BankID
	appWaitComputer.LaunchURL, appWaitComputer.Platform = "bankid:///?autostarttoken=preview&redirect=null", Computer
	simulated := p
	simulated.Simulated = true
	phone := simulated
	phone.PhoneURL = "http://localhost:8082/"
	return []State{
		{"choose-phone", p, Choose{Platform: Phone}},
		{"choose-tablet", p, Choose{Platform: Tablet}},
		{"choose-computer", p, Choose{Platform: Computer}},
		{"choose-scan-only", p, Choose{Platform: ScanOnly}},
		{"choose-remembered", p, Choose{Platform: Phone, Last: OtherDevice}},
		{"choose-embedded", p, Choose{Platform: Phone, Embedded: true}},
		{"choose-simulated", simulated, Choose{Platform: Phone}},
		{"choose-virtual-phone", phone, Choose{Platform: Computer}},
		{"starting-qr", p, Starting{Device: OtherDevice, Platform: Computer}},
		{"starting-device", p, Starting{Device: ThisDevice, Platform: Phone}},
		{"qr-wait", p, QRWait{Frame: frame, Left: left, Platform: Computer}},
		{"qr-wait-phone", p, QRWait{Frame: frame, Left: left, Platform: Phone}},
		{"qr-wait-first", p, QRWait{Left: left, Platform: ScanOnly}},
		{"qr-wait-late", p, QRWait{Frame: frame, Left: Left{Seconds: 41, Of: 300}, Platform: Tablet}},
		{"app-wait-device", p, appWait},
		{"app-wait-auto", p, appWaitAuto},
		{"app-wait-computer", p, appWaitComputer},
		{"complete", p, Complete{}},
		{"complete-press", p, Complete{Press: true}},
	}
}

// previewShown is what the app shows where the certificate of a service is used for a client.
func previewShown(p Page) Shown {
	return Shown{Name: p.ServiceName + " (test)", Text: p.Messages.AppText(p.Lang, p.ClientName)}
}

func previewProgress(p Page) []State {
	var states []State
	add := func(name, hint string, d Device, on Platform) {
		v := Pending(Waiting{Taken: true, HintCode: hint, Device: d, Platform: on, Left: Left{Seconds: 187, Of: 300}, Shown: previewShown(p)})
		states = append(states, State{name, p, v})
	}
	for _, hint := range HintCodesPending() {
		if step, ok := steps[hint]; ok {
			add(string(step)+"-qr", hint, OtherDevice, Computer)
			add(string(step)+"-device", hint, ThisDevice, Phone)
			add(string(step)+"-computer", hint, ThisDevice, Computer)
		}
	}
	add(string(StepInProgress), "somethingNew", OtherDevice, Computer)
	for _, on := range []Platform{Phone, Computer} {
		states = append(states, State{string(StepReturn) + "-" + string(on), p, Progress{Step: StepReturn, Device: ThisDevice, Platform: on}})
	}
	return states
}

func previewFailed(p Page) []State {
	var states []State
	add := func(v Failed) {
		states = append(states, State{v.Key() + "-" + situation(v.Device, v.Platform), p, v})
	}
	for _, hint := range append(HintCodesFailed(), "alreadyInProgress", "windowClosed") {
		add(Failed{Reason: Reason(hint), Device: OtherDevice, Platform: Computer})
		add(Failed{Reason: Reason(hint), Device: ThisDevice, Platform: Phone})
		add(Failed{Reason: Reason(hint), Device: ThisDevice, Platform: Computer})
	}
	for _, r := range ownReasons {
		if r != ReasonAlreadyInProgress && r != ReasonWindowClosed {
			add(Failed{Reason: r, Device: OtherDevice, Platform: Computer})
		}
	}
	return append(states,
		State{"failed-rateLimited-wait", p, Failed{Reason: ReasonRateLimited, Device: ThisDevice, Platform: Phone, Wait: 20}},
		State{"failed-maintenance-wait", p, Failed{Reason: ReasonMaintenance, Device: ThisDevice, Platform: Phone, Wait: 40}},
		State{"failed-final", p, Failed{Reason: ReasonRateLimited, Device: ThisDevice, Platform: Phone, Final: true}},
	)
}

func previewApart(p Page) []State {
	var states []State
	for _, k := range notices {
		v := Notice{Kind: k}
		q := p
		switch k {
		case NoticeBadRequest:
			v.Code, v.Detail = "invalid_request", "The redirect_uri is not registered for this client."
			q = Page{Lang: p.Lang, ServiceName: p.ServiceName, Reference: p.Reference, Links: p.Links}
		case NoticeBadLogOut:
			v.Code, v.Detail = "invalid_request", "state is given more than once or has characters that are not allowed"
			q = Page{Lang: p.Lang, ServiceName: p.ServiceName, Reference: p.Reference, Links: p.Links}
		case NoticeNotFound, NoticeFault:
			q = Page{Lang: p.Lang, ServiceName: p.ServiceName, Reference: p.Reference, Links: p.Links}
		case NoticeRateLimited:
			v.Wait = 30
		case NoticeLoggedOut:
			q.BasePath = ""
		}
		states = append(states, State{"notice-" + v.Key(), q, v})
	}
	apart := p
	apart.BasePath = ""
	alone := Page{Lang: p.Lang, ServiceName: p.ServiceName, Links: p.Links}
	fields := []Field{{"code", "preview"}, {"state", "preview"}}
	const astray = "post_logout_redirect_uri is not one that the client has registered"
	return append(states,
		State{"form-post", p, FormPost{Action: "https://www.norrby.example/callback", Fields: fields}},
		State{"way-out", apart, WayOut{Target: "se.norrby.app:/callback?code=preview&state=preview"}},
		State{"way-out-refused", apart, WayOut{Target: "se.norrby.app:/callback?error=invalid_scope", After: NoticeBadRequest, Code: "invalid_scope"}},
		State{"way-out-logged-out", apart, WayOut{Target: "se.norrby.app:/bye", After: NoticeLoggedOut}},
		State{"ask-log-out", apart, AskLogOut{Action: "/logout/confirm", Fields: fields[1:]}},
		State{"ask-log-out-alone", alone, AskLogOut{Action: "/logout/confirm"}},
		State{"ask-log-out-astray", apart, AskLogOut{Action: "/logout/confirm", Detail: astray}},
		State{"notice-logged-out-alone", alone, Notice{Kind: NoticeLoggedOut}},
		State{"notice-logged-out-astray", alone, Notice{Kind: NoticeLoggedOut, Detail: astray}},
	)
}

// previewFrame is the QR code of the order whose secrets BankID's documentation publishes as an example, at second zero.
func previewFrame() Frame {
	bits, err := base64.StdEncoding.DecodeString(previewBits)
	if err != nil {
		panic("templates: preview frame: " + err.Error())
	}
	return Frame{Bits: string(bits), Size: 41}
}

const previewBits = "/jGZmb/BPqye0G6sBi4rt0yqBzXboAATmuwR8QztB/qqqqr+Ae2aqQDvp35k4lxdFTJx5JsyuyJ1MwPMmAAvAExj" +
	"GceIhjGN7giLAf/L6u/IwGOEbm6g2FI3JlP2uIuAnW+X7avwOuCr3foIbf/kVQ+c7/Ag5iid3M5rHpd8TrSIgRIjG+PRExCJ7TESi5wN" +
	"KgBsQhsHqrYhLuyQEiI+wKrr2DuWZmbG/QBTMWNEf6CKkGqwXv2L8busq6TPjdL9wmJO6/bqIy8FGZibOv6d3s2VgA=="
