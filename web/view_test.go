package web

import (
	"strings"
	"testing"
	"time"

	"brygga/bankid"
	"brygga/eid"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
	"brygga/templates"
)

var (
	phone    = eid.Launch{Possible: true, Phone: true, NeedsTap: true, URL: secret.New("https://app.bankid.com/?autostarttoken=t")}
	computer = eid.Launch{Possible: true, URL: secret.New("bankid:///?autostarttoken=t")}
	scanOnly = eid.Launch{}
)

func stored(state storage.LoginState, device, hint string) *storage.Login {
	l := &storage.Login{Request: new(storage.AuthRequest), ID: "id", State: state, Orders: 3, Claim: storage.Claim{Starter: storage.Starter{Device: device}}}
	if state != storage.LoginOpen {
		l.Order = &storage.Order{ID: "order", HintCode: hint, Starter: storage.Starter{Device: device}}
		if hint != "" && hint != "outstandingTransaction" && hint != "noClient" {
			l.Order.Phase = storage.PhaseWorking
		}
	}
	if state == storage.LoginComplete {
		l.Identity = &storage.Identity{}
	}
	return l
}

func TestViewOf(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	returning := stored(storage.LoginComplete, "this", "userSign")
	returning.Order.ReturnNonceHash[0] = 1
	returned := *returning
	returned.Returned = now.Add(-time.Minute)
	tooMany := stored(storage.LoginFailed, "other", "")
	tooMany.Failure.Reason = login.ReasonTooMany
	later := stored(storage.LoginFailed, "other", "")
	later.Failure = storage.Failure{Reason: login.ReasonMaintenance, Retry: now.Add(1500 * time.Millisecond)}

	scanned := stored(storage.LoginPending, "other", "userSign")
	scanned.Order.Sent = storage.Sent{PartyDisplay: "Bron AB", VisibleText: "# Banken", VisibleFormat: "simpleMarkdownV1"}

	for _, tc := range []struct {
		name string
		situation
		want templates.View
	}{
		{"open on a phone", situation{login: stored(storage.LoginOpen, "", ""), launch: phone}, templates.Choose{Platform: templates.Phone}},
		{"open on a tablet", situation{login: stored(storage.LoginOpen, "", ""), launch: eid.Launch{Possible: true, Tablet: true}}, templates.Choose{Platform: templates.Tablet}},
		{"open on a computer", situation{login: stored(storage.LoginOpen, "", ""), launch: computer}, templates.Choose{Platform: templates.Computer}},
		{"open where there is no app", situation{login: stored(storage.LoginOpen, "", ""), launch: scanOnly}, templates.Choose{Platform: templates.ScanOnly}},
		{
			"open inside another app",
			situation{login: stored(storage.LoginOpen, "", ""), launch: eid.Launch{Possible: true, Phone: true, Embedded: true}},
			templates.Choose{Platform: templates.Phone, Embedded: true},
		},
		{
			"first order being made", situation{login: stored(storage.LoginOpen, "other", ""), starting: true, launch: computer},
			templates.Starting{Device: templates.OtherDevice, Platform: templates.Computer},
		},
		{
			"another order being made", situation{login: stored(storage.LoginPending, "this", ""), starting: true, launch: phone},
			templates.Starting{Device: templates.ThisDevice, Platform: templates.Phone},
		},
		{
			"retry being made", situation{login: stored(storage.LoginFailed, "other", ""), starting: true, launch: scanOnly},
			templates.Starting{Device: templates.OtherDevice, Platform: templates.ScanOnly},
		},
		{
			"app link that needs a tap", situation{login: stored(storage.LoginPending, "this", ""), launch: phone, firstOrder: true},
			templates.AppWait{LaunchURL: phone.URL.Reveal(), Order: "3", Platform: templates.Phone},
		},
		{
			"link that opens by itself", situation{login: stored(storage.LoginPending, "this", ""), launch: computer, firstOrder: true},
			templates.AppWait{LaunchURL: computer.URL.Reveal(), Order: "3", AutoLaunch: true, Platform: templates.Computer},
		},
		{
			"link of a renewed order", situation{login: stored(storage.LoginPending, "this", "noClient"), launch: computer},
			templates.AppWait{LaunchURL: computer.URL.Reveal(), Order: "3", Platform: templates.Computer},
		},
		{
			"complete without return", situation{login: returning, launch: phone},
			templates.Progress{Step: templates.StepReturn, Device: templates.ThisDevice, Platform: templates.Phone},
		},
		{"complete after return", situation{login: &returned, launch: phone}, templates.Complete{}},
		{
			"complete after return, page opened after it",
			situation{login: &returned, launch: phone, since: now}, templates.Complete{},
		},
		{
			"complete after return in another tab",
			situation{login: &returned, launch: phone, since: now.Add(-time.Hour)}, templates.Notice{Kind: templates.NoticeOtherTab},
		},
		{
			"complete by QR code, page open all the time",
			situation{login: stored(storage.LoginComplete, "other", "userSign"), since: now.Add(-time.Hour), launch: computer}, templates.Complete{},
		},
		{
			"approving what the app shows", situation{login: scanned, launch: scanOnly},
			templates.Progress{
				Step: templates.StepConfirm, Device: templates.OtherDevice, Platform: templates.ScanOnly,
				Shown: templates.Shown{Name: "Bron AB", Text: "# Banken", Markdown: true},
			},
		},
		{"complete, for an app", situation{login: &returned, launch: phone, leadsOut: true}, templates.Complete{Press: true}},
		{"answered, and the code not redeemed", situation{login: stored(storage.LoginAnswered, "other", "userSign"), open: true}, templates.Complete{Press: true}},
		{"answered", situation{login: stored(storage.LoginAnswered, "other", "userSign")}, templates.Notice{Kind: templates.NoticeAlreadyDone}},
		{"answered before any order", situation{login: &storage.Login{Request: new(storage.AuthRequest), State: storage.LoginAnswered}}, templates.Notice{Kind: templates.NoticeAlreadyDone}},
		{
			"no more orders", situation{login: tooMany, launch: computer},
			templates.Failed{Reason: templates.ReasonRateLimited, Device: templates.OtherDevice, Platform: templates.Computer, Final: true, Follows: true},
		},
		{
			"retry later", situation{login: later, launch: computer, now: now},
			templates.Failed{Reason: templates.ReasonMaintenance, Device: templates.OtherDevice, Platform: templates.Computer, Wait: 2, Follows: true},
		},
	} {
		if got := viewOf(tc.situation); !equal(got, tc.want) {
			t.Errorf("%s: %s %+v, want %s %+v", tc.name, got.Key(), got, tc.want.Key(), tc.want)
		}
	}
}

// TestLeadsOut: browsers follow a way into an app for a person's press alone.
func TestLeadsOut(t *testing.T) {
	web, native := &storage.Client{}, &storage.Client{Native: true}
	for _, tt := range []struct {
		uri    string
		client *storage.Client
		want   bool
	}{
		{"https://app.example/cb", web, false}, {"https://app.example/cb", native, true}, {"http://127.0.0.1:4711/cb", native, false},
		{"http://localhost/cb", web, false}, {"se.example.app:/cb", native, true}, {"se.example.app://cb", web, true},
		{"https://localhost:8081/cb", native, false}, {"https://[::1]/cb", native, false}, {"://", native, false},
	} {
		if got := leadsOut(tt.uri, tt.client); got != tt.want {
			t.Errorf("%s, native %t: %t", tt.uri, tt.client.Native, got)
		}
	}
}

// equal compares views; only QRWait cannot be compared by ==, as it holds a picture.
func equal(a, b templates.View) bool {
	if _, ok := a.(templates.QRWait); ok {
		return false
	}
	return a == b
}

// Every hint code of a pending order × device has its view; the QR code and the link are there only while no app has the
// order (BankID API: QR code).
func TestViewOfPendingHints_U04_RowA6(t *testing.T) {
	keys := map[string]string{
		"started": "started", "userSign": "confirm", "userMrtd": "mrtd", "userCallConfirm": "call-confirm",
		"processing": "processing", "userStepUp": "step-up", "userFace": "face", "someNewCode": "in-progress",
	}
	frame := templates.Frame{Bits: strings.Repeat("\x00", 211), Size: 41}
	hints := []string{"", "someNewCode"}
	for _, hint := range bankid.PendingHintCodes() {
		hints = append(hints, string(hint))
	}
	for _, hint := range hints {
		for device, launch := range map[string]eid.Launch{"this": phone, "other": computer} {
			view := viewOf(situation{
				login: stored(storage.LoginPending, device, hint), launch: launch, frame: frame, left: templates.Left{Seconds: 9, Of: 300},
			})
			want := keys[hint]
			if hint == "" || hint == "outstandingTransaction" || hint == "noClient" {
				want = map[string]string{"this": "app-wait.3", "other": "qr-wait"}[device]
			}
			if view.Key() != want || !moves(view) {
				t.Errorf("%q on %s device: %q, want %q, and live", hint, device, view.Key(), want)
			}
			if qr, ok := view.(templates.QRWait); ok && (qr.Frame.Size != 41 || qr.Left.Seconds != 9) {
				t.Errorf("%q: the QR view lost its frame or its time", hint)
			}
			if tick := templates.NewTick(view); (tick.QR != "") != (want == "qr-wait") {
				t.Errorf("%q on %s device: QR code shown: %t", hint, device, tick.QR != "")
			}
		}
	}
}

// Every reason that an order can end for has a text of its own.
func TestViewOfFailures_A13(t *testing.T) {
	all := login.Reasons()
	for _, hint := range bankid.FailedHintCodes() {
		all = append(all, string(hint))
	}
	for _, reason := range all {
		l := stored(storage.LoginFailed, "other", "")
		l.Failure.Reason = reason
		view := viewOf(situation{login: l, launch: computer})
		if view.Key() == "failed-unknown" && reason != login.ReasonLost {
			t.Errorf("%s has no text", reason)
		}
		if moves(view) || !follows(view) {
			t.Errorf("%s awaits something, or does not go on to what is begun in another tab", reason)
		}
	}
	l := stored(storage.LoginFailed, "this", "")
	l.Failure.Reason = "someNewCode"
	if key := viewOf(situation{login: l, launch: phone}).Key(); key != "failed-unknown" {
		t.Errorf("an unknown reason shows %q", key)
	}
}
