package bankidsim

import (
	"regexp"
	"testing"
	"time"
)

func testStartAnswer(t *testing.T) {
	r := newRig(t, Options{})
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	a := r.auth()
	seen := map[string]bool{}
	for _, v := range []string{a.OrderRef, a.AutoStartToken, a.QRStartToken, a.QRStartSecret} {
		if !uuid.MatchString(v) || seen[v] {
			t.Errorf("%q is not a fresh UUID", v)
		}
		seen[v] = true
	}
	p := r.start("phone/auth", `{"personalNumber":"`+asa+`","callInitiator":"RP"}`)
	if !uuid.MatchString(p.OrderRef) || p.AutoStartToken+p.QRStartToken+p.QRStartSecret != "" {
		t.Errorf("phone order %+v", p)
	}
}

func testOrderThatNobodyPicksUp(t *testing.T) {
	r := newRig(t, Options{})
	o := r.auth()
	r.advance(startWindow - time.Millisecond)
	r.wantOutcome(o.OrderRef, "pending/outstandingTransaction")
	r.advance(time.Millisecond)
	_, err := r.Open(Pickup{AutoStartToken: o.AutoStartToken, PersonalNumber: asa})
	wantRefusal(t, err, "orderEnded")
	r.wantOutcome(o.OrderRef, "failed/startFailed")
	r.wantOutcome(o.OrderRef, badRequest) // the result is told once
}

func testOrderThatNobodyFinishes(t *testing.T) {
	r := newRig(t, Options{})
	o := r.auth()
	r.advance(20 * time.Second)
	must(t)(r.Scan(Pickup{OrderRef: o.OrderRef, PersonalNumber: asa}))
	r.advance(finishWindow - time.Millisecond)
	r.wantOutcome(o.OrderRef, "pending/userSign")
	r.advance(time.Millisecond)
	_, err := r.Sign(o.OrderRef, Approval{})
	wantRefusal(t, err, "orderEnded")
	r.wantOutcome(o.OrderRef, "failed/expiredTransaction")
	r.wantOutcome(o.OrderRef, badRequest)
}

func testResultsAreKeptForAWhile(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(r *rig, o startResponse)
		keep time.Duration
		want string
	}{
		{"complete", func(r *rig, o startResponse) {
			must(r.t)(r.Scan(Pickup{OrderRef: o.OrderRef, PersonalNumber: asa}))
			must(r.t)(r.Sign(o.OrderRef, Approval{}))
		}, keepComplete, "complete/"},
		{"failed", func(r *rig, o startResponse) {
			must(r.t)(r.Scan(Pickup{OrderRef: o.OrderRef, PersonalNumber: asa}))
			must(r.t)(r.Cancel(o.OrderRef, ""))
		}, keepFailed, "failed/userCancel"},
		{"never picked up", func(r *rig, o startResponse) { r.advance(startWindow) }, keepNeverPickedUp, "failed/startFailed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, late := range []bool{false, true} {
				r := newRig(t, Options{})
				o := r.auth()
				tt.end(r, o)
				want := tt.want
				r.advance(tt.keep - time.Millisecond)
				if late {
					want = badRequest
					r.advance(time.Millisecond)
				}
				r.wantOutcome(o.OrderRef, want)
				if late {
					r.auth() // starting sweeps
					if n := len(r.orders.byRef); n != 1 || len(r.orders.queue) != 1 || len(r.orders.byQR) != 1 || len(r.orders.byPerson) != 0 {
						t.Errorf("%d orders are left after the sweep", n)
					}
				}
			}
		})
	}
}

func testResultIsToldOnce(t *testing.T) {
	r := newRig(t, Options{})
	o := r.auth()
	must(t)(r.Scan(Pickup{OrderRef: o.OrderRef, PersonalNumber: asa}))
	must(t)(r.Sign(o.OrderRef, Approval{}))
	r.wantOutcome(o.OrderRef, "complete/")
	r.wantOutcome(o.OrderRef, badRequest)
	if status, _ := r.call("cancel", `{"orderRef":"`+o.OrderRef+`"}`); status != 400 {
		t.Errorf("cancel after the end: %d", status)
	}
}

func testCancelByRP(t *testing.T) {
	r := newRig(t, Options{})
	o := r.auth()
	body := `{"orderRef":"` + o.OrderRef + `"}`
	must(t)(r.Scan(Pickup{OrderRef: o.OrderRef, PersonalNumber: asa}))
	if status, m := r.call("cancel", body); status != 200 || len(m) != 0 {
		t.Fatalf("cancel: %d %v", status, m)
	}
	if status, m := r.call("cancel", body); status != 400 || m["errorCode"] != "invalidParameters" {
		t.Errorf("second cancel: %d %v", status, m)
	}
	_, err := r.Sign(o.OrderRef, Approval{})
	wantRefusal(t, err, "orderEnded")
	r.wantOutcome(o.OrderRef, badRequest)
	if n := r.Misuse().Counts[MisuseAfterEnd]; n != 0 {
		t.Errorf("a collect that crosses a cancel was counted as misuse")
	}

	done := r.auth()
	must(t)(r.Scan(Pickup{OrderRef: done.OrderRef, PersonalNumber: asa}))
	must(t)(r.Sign(done.OrderRef, Approval{}))
	if status, _ := r.call("cancel", `{"orderRef":"`+done.OrderRef+`"}`); status != 400 {
		t.Errorf("cancel after completion: %d", status)
	}
	r.wantOutcome(done.OrderRef, "complete/")
}

func testSecondPickUpEndsTheFirst(t *testing.T) {
	r := newRig(t, Options{})
	first, second, other := r.auth(), r.auth(), r.auth()
	must(t)(r.Scan(Pickup{OrderRef: first.OrderRef, PersonalNumber: asa}))
	must(t)(r.Scan(Pickup{OrderRef: other.OrderRef, PersonalNumber: erik}))
	must(t)(r.Open(Pickup{AutoStartToken: second.AutoStartToken, PersonalNumber: asa}))
	r.wantOutcome(first.OrderRef, "failed/cancelled")
	r.wantOutcome(second.OrderRef, "pending/userSign")
	r.wantOutcome(other.OrderRef, "pending/userSign")
}

func testTakenOrder(t *testing.T) {
	r := newRig(t, Options{})
	o := r.auth()
	must(t)(r.Scan(Pickup{OrderRef: o.OrderRef, PersonalNumber: asa}))
	must(t)(r.Open(Pickup{AutoStartToken: o.AutoStartToken, PersonalNumber: asa})) // the same person again: no harm
	_, err := r.Open(Pickup{AutoStartToken: o.AutoStartToken, PersonalNumber: erik})
	wantRefusal(t, err, "taken")
	_, err = r.Sign(o.OrderRef, Approval{PersonalNumber: erik})
	wantRefusal(t, err, "wrongPerson")
	r.wantOutcome(o.OrderRef, "pending/userSign")
}

func testRequirements(t *testing.T) {
	for _, tt := range []struct {
		name, requirement string
		scan              bool
		person, policy    string
		refusal, hint     string
	}{
		{"right person", `"personalNumber":"` + asa + `"`, true, asa, "", "", "userSign"},
		{"wrong person scans", `"personalNumber":"` + asa + `"`, true, erik, "", "wrongPerson", "outstandingTransaction"},
		{"wrong person opens", `"personalNumber":"` + asa + `"`, false, erik, "", "wrongPerson", "started"},
		{"mobile only, with file", `"certificatePolicies":["1.2.3.4.25"]`, false, both, PolicyFile, "wrongBankID", "started"},
		{"file only", `"certificatePolicies":["1.2.3.4.5"]`, false, both, "", "", "userSign"},
		{"file only, scanned", `"certificatePolicies":["1.2.3.4.5"]`, true, both, "", "wrongBankID", "outstandingTransaction"},
		{"file only, has none", `"certificatePolicies":["1.2.3.4.5"]`, false, asa, "", "wrongBankID", "started"},
		{"wildcard", `"certificatePolicies":["1.2.3.4.*"]`, false, asa, "", "", "userSign"},
		{"production policy", `"certificatePolicies":["1.2.752.78.*"]`, false, asa, "", "wrongBankID", "started"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, Options{})
			o := r.start("auth", `{"endUserIp":"192.0.2.1","requirement":{`+tt.requirement+`}}`)
			p := Pickup{PersonalNumber: tt.person, Policy: tt.policy}
			var err error
			if tt.scan {
				p.OrderRef = o.OrderRef
				_, err = r.Scan(p)
			} else {
				p.AutoStartToken = o.AutoStartToken
				_, err = r.Open(p)
			}
			if tt.refusal != "" {
				wantRefusal(t, err, tt.refusal)
			} else if err != nil {
				t.Fatal(err)
			}
			r.wantOutcome(o.OrderRef, "pending/"+tt.hint)
		})
	}
}

func testLaunchLinks(t *testing.T) {
	const back = "https://id.example.se/back?n=1"
	for _, tt := range []struct {
		name, returnURL, link, want string
	}{
		{"app link", "", "https://app.bankid.com/?autostarttoken=TOKEN&redirect=https%3A%2F%2Frp.example.se%2Fr", "https://rp.example.se/r"},
		{"scheme", "", "bankid:///?autostarttoken=TOKEN&redirect=null", ""},
		{"phone page", "", "http://localhost:8082/?autostarttoken=TOKEN&redirect=http%3A%2F%2Flocalhost%2Fr", "http://localhost/r"},
		{"return wins", back, "https://app.bankid.com/?autostarttoken=TOKEN&redirect=https%3A%2F%2Frp.example.se%2Fr", back},
		{"return wins over null", back, "bankid:///?autostarttoken=TOKEN&redirect=null", back},
		{"nothing", "", "bankid:///?autostarttoken=TOKEN", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, Options{})
			body := `{"endUserIp":"192.0.2.1"`
			if tt.returnURL != "" {
				body += `,"returnUrl":"` + tt.returnURL + `"`
			}
			o := r.start("auth", body+"}")
			link := regexp.MustCompile("TOKEN").ReplaceAllString(tt.link, o.AutoStartToken)
			must(t)(r.Open(Pickup{URL: link, PersonalNumber: asa}))
			v := must(t)(r.Sign(o.OrderRef, Approval{}))
			got := ""
			if v.ReturnURL != nil {
				got = *v.ReturnURL
			}
			if got != tt.want {
				t.Errorf("the app opens %q, want %q", got, tt.want)
			}
		})
	}

	r := newRig(t, Options{})
	o := r.start("auth", `{"endUserIp":"192.0.2.1","returnUrl":"`+back+`"}`)
	for link, code := range map[string]string{
		"bankid:///?AutoStartToken=" + o.AutoStartToken:                 "badLaunchLink",
		"bankid:///?redirect=null":                                      "badLaunchLink",
		"bankid:///?autostarttoken=" + o.OrderRef:                       "unknownOrder",
		"bankid:///?autostarttoken=" + o.AutoStartToken + "&rpref=c2g=": "badLaunchLink",
		"::": "badLaunchLink",
	} {
		_, err := r.Open(Pickup{URL: link, PersonalNumber: asa})
		wantRefusal(t, err, code)
	}
	if v := must(t)(r.Scan(Pickup{OrderRef: o.OrderRef, PersonalNumber: asa})); v.ReturnURL != nil {
		t.Errorf("a scanned order opens %q", *v.ReturnURL)
	}
}

func testOldApp(t *testing.T) {
	r := newRig(t, Options{})
	o := r.start("auth", `{"endUserIp":"192.0.2.1","returnUrl":"https://id.example.se/back"}`)
	must(t)(r.Open(Pickup{AutoStartToken: o.AutoStartToken, PersonalNumber: erik, OldApp: true}))
	r.wantOutcome(o.OrderRef, "failed/cancelled")

	plain := r.auth() // nothing that an old app does not know
	must(t)(r.Open(Pickup{AutoStartToken: plain.AutoStartToken, PersonalNumber: erik, OldApp: true}))
	r.wantOutcome(plain.OrderRef, "pending/userSign")
}

func testStartedFirst(t *testing.T) {
	r := newRig(t, Options{})
	o := r.auth()
	must(t)(r.Open(Pickup{AutoStartToken: o.AutoStartToken, PersonalNumber: asa, Started: true}))
	r.wantOutcome(o.OrderRef, "pending/started")
	must(t)(r.Open(Pickup{AutoStartToken: o.AutoStartToken, PersonalNumber: asa}))
	r.wantOutcome(o.OrderRef, "pending/userSign")
}

func testPhoneOrders(t *testing.T) {
	r := newRig(t, Options{})
	body := `{"personalNumber":"` + asa + `","callInitiator":"user"}`
	o := r.start("phone/auth", body)
	must(t)(r.Open(Pickup{OrderRef: o.OrderRef, PersonalNumber: asa}))
	r.wantOutcome(o.OrderRef, "pending/userCallConfirm")
	_, err := r.Sign(o.OrderRef, Approval{})
	wantRefusal(t, err, "callNotConfirmed")
	must(t)(r.ConfirmCall(o.OrderRef, true))
	r.wantOutcome(o.OrderRef, "pending/userSign")
	must(t)(r.Sign(o.OrderRef, Approval{}))

	declined := r.start("phone/auth", body)
	_, err = r.Open(Pickup{OrderRef: declined.OrderRef, PersonalNumber: erik})
	wantRefusal(t, err, "wrongPerson")
	must(t)(r.Open(Pickup{OrderRef: declined.OrderRef, PersonalNumber: asa}))
	must(t)(r.ConfirmCall(declined.OrderRef, false))
	r.wantOutcome(declined.OrderRef, "failed/userDeclinedCall")

	// A second start loses both.
	first := r.start("phone/auth", body)
	if status, m := r.call("phone/auth", body); status != 400 || m["errorCode"] != "alreadyInProgress" {
		t.Fatalf("second start: %d %v", status, m)
	}
	r.wantOutcome(first.OrderRef, "failed/cancelled")
	r.start("phone/auth", body)
}

func testIdentityDocument(t *testing.T) {
	r := newRig(t, Options{})
	o := r.start("auth", `{"endUserIp":"192.0.2.1","requirement":{"mrtd":true}}`)
	must(t)(r.Scan(Pickup{OrderRef: o.OrderRef, PersonalNumber: asa}))
	r.wantOutcome(o.OrderRef, "pending/userMrtd")
	_, err := r.Sign(o.OrderRef, Approval{})
	wantRefusal(t, err, "documentNotRead")
	must(t)(r.ReadDocument(o.OrderRef, true))
	r.wantOutcome(o.OrderRef, "pending/userSign")
	must(t)(r.ReadDocument(o.OrderRef, false))
	r.wantOutcome(o.OrderRef, "failed/mrtdVerificationFailed")
}

func testWrongCodes(t *testing.T) {
	r := newRig(t, Options{})
	o := r.auth()
	must(t)(r.Scan(Pickup{OrderRef: o.OrderRef, PersonalNumber: asa}))
	for _, want := range []string{"wrongCode", "wrongCode", "blocked"} {
		_, err := r.Sign(o.OrderRef, Approval{Code: WrongCode})
		wantRefusal(t, err, want)
	}
	r.wantOutcome(o.OrderRef, "failed/certificateErr")
}

func testHintsOnRequest(t *testing.T) {
	r := newRig(t, Options{})
	o := r.auth()
	_, err := r.Cancel(o.OrderRef, "")
	wantRefusal(t, err, "notPickedUp")
	for _, hint := range []string{"noClient", "userStepUp", "userFace", "processing", "somethingNew"} {
		must(t)(r.SetHint(o.OrderRef, hint))
		r.wantOutcome(o.OrderRef, "pending/"+hint)
	}
	must(t)(r.Scan(Pickup{OrderRef: o.OrderRef, PersonalNumber: asa})) // the next step tells its own hint again
	r.wantOutcome(o.OrderRef, "pending/userSign")
	must(t)(r.Fail(o.OrderRef, "alsoNew"))
	r.wantOutcome(o.OrderRef, "failed/alsoNew")
	_, err = r.SetHint(o.OrderRef, "userSign")
	wantRefusal(t, err, "orderEnded")
	_, err = r.Fail(o.OrderRef, "")
	wantRefusal(t, err, "badRequest")
}

func testMisuseIsCounted(t *testing.T) {
	r := newRig(t, Options{})
	o := r.auth()
	r.wantOutcome(o.OrderRef, "pending/outstandingTransaction")
	r.advance(999 * time.Millisecond)
	r.wantOutcome(o.OrderRef, "pending/outstandingTransaction") // within the jitter that is forgiven
	if n := r.Misuse().Counts[MisuseCollectTooOften]; n != 0 {
		t.Errorf("%d collects counted too early", n)
	}
	r.advance(500 * time.Millisecond)
	r.wantOutcome(o.OrderRef, "pending/outstandingTransaction")
	r.advance(startWindow)
	r.wantOutcome(o.OrderRef, "failed/startFailed")
	r.advance(2 * time.Second)
	r.wantOutcome(o.OrderRef, badRequest)
	r.wantOutcome("nothing-of-ours", badRequest)
	r.call("auth", `{}`)
	got := r.Misuse()
	for _, kind := range []string{MisuseCollectTooOften, MisuseAfterEnd, MisuseUnknownOrder, MisuseInvalidRequest} {
		if got.Counts[kind] != 1 {
			t.Errorf("%s: %d, want 1", kind, got.Counts[kind])
		}
	}
	if len(got.Entries) != 4 {
		t.Errorf("%d entries", len(got.Entries))
	}
}

func TestPeople(t *testing.T) {
	r := newRig(t, Options{})
	people := r.People()
	if len(people) < 6 {
		t.Fatalf("%d people", len(people))
	}
	for _, p := range people {
		if !validPersonalNumber(p.PersonalNumber) {
			t.Errorf("%s has a number that cannot be", p.Name())
		}
	}
	if _, err := r.AddPerson(Person{PersonalNumber: "200001019801", GivenName: "Ny", Surname: "Person"}); err != nil {
		t.Error(err)
	}
	for name, p := range map[string]Person{
		"check digit": {PersonalNumber: "198502039823", GivenName: "A", Surname: "B"},
		"no date":     {PersonalNumber: "198513039829", GivenName: "A", Surname: "B"},
		"no name":     {PersonalNumber: "200001019819", GivenName: " "},
		"policy":      {PersonalNumber: "200001019819", GivenName: "A", Surname: "B", BankIDs: []BankID{{Policy: "1.2"}}},
	} {
		_, err := r.AddPerson(p)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		wantRefusal(t, err, "invalidPerson")
	}
	_, err := r.AddPerson(Person{PersonalNumber: asa, GivenName: "A", Surname: "B"})
	wantRefusal(t, err, "personExists")
}
