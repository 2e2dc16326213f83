package bankidsim

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestChecklist runs what the simulator promises, row by row: S-01 to S-05 the transport, S-06 to S-08 the start of an
// order, S-09 to S-18 its life, S-19 to S-21 its result, S-22 to S-25 what can be made to go wrong.
func TestChecklist(t *testing.T) {
	rows := []struct {
		name string
		test func(t *testing.T)
	}{
		{"S-01 own server root", testServerIsKnownByItsOwnRoot},
		{"S-01 client certificate is demanded", testClientCertificateIsDemanded},
		{"S-01 orders belong to the certificate", testOrdersBelongToTheCertificate},
		{"S-01 certificate names the relying party", testRPCertificate},
		{"S-02 POST only", transportRefusals("S-02")},
		{"S-02 405 without a body on request", testEmptyErrors},
		{"S-03 content type without parameters", transportRefusals("S-03")},
		{"S-04 unknown paths and old versions", transportRefusals("S-04")},
		{"S-05 answers are JSON", testAnswersAreJSON},
		{"S-06 validation of requests", testStartRequests},
		{"S-06 lenient on request", testLenientRequests},
		{"S-07 four distinct UUIDs", testStartAnswer},
		{"S-08 broken and oversized bodies", transportRefusals("S-08")},
		{"S-09 start fails after 30 seconds", testOrderThatNobodyPicksUp},
		{"S-10 QR codes as published", testQRCode},
		{"S-10 pick-up by QR code", testScan},
		{"S-10 pick-up by picture", testPictures},
		{"S-10 pictures refused", testPicturesRefused},
		{"S-11 launch links and return address", testLaunchLinks},
		{"S-12 started first", testStartedFirst},
		{"S-12 identity document", testIdentityDocument},
		{"S-12 every pending and failed hint", testHintsOnRequest},
		{"S-12 expires after three minutes", testOrderThatNobodyFinishes},
		{"S-12 wrong code three times", testWrongCodes},
		{"S-13 required person and certificate policies", testRequirements},
		{"S-14 second pick-up ends the first", testSecondPickUpEndsTheFirst},
		{"S-14 an order is in one app", testTakenOrder},
		{"S-15 phone orders", testPhoneOrders},
		{"S-16 cancel", testCancelByRP},
		{"S-16 cancel races with completion", testCancelRacesWithCompletion},
		{"S-17 result is told once", testResultIsToldOnce},
		{"S-17 results are kept for a while", testResultsAreKeptForAWhile},
		{"S-18 old app and returnUrl", testOldApp},
		{"S-19 signature and OCSP answer", testResult},
		{"S-19 certificates of people", testLeafShape},
		{"S-19 roots of our own", testOwnRoots},
		{"S-20 people and dates of all kinds", testPeopleVary},
		{"S-20 stepUp only when asked for", testStepUpShowsOnlyWhenAskedFor},
		{"S-21 unknown members, hints and errors", testUnknownOnRequest},
		{"S-21 mild chaos", testMildChaos},
		{"S-22 errors and rubbish", testChaosSpoilsSoManyCalls},
		{"S-22 lost answer", testLostAnswer},
		{"S-22 handshake stall", testHandshakeStall},
		{"S-22 too many requests", testTooManyRequests},
		{"S-22 switches", testChaosSwitches},
		{"S-23 attacks", testAttacks},
		{"S-23 fixation", testFixation},
		{"S-23 late relay", testLateRelay},
		{"S-24 misuse is counted", testMisuseIsCounted},
		{"S-25 clock", testClock},
	}
	seen := map[string]bool{}
	for _, row := range rows {
		seen[row.name[:4]] = true
		t.Run(row.name, row.test)
	}
	for n := range 25 {
		if id := fmt.Sprintf("S-%02d", n+1); !seen[id] {
			t.Errorf("no test is for row %s", id)
		}
	}
}

func testAnswersAreJSON(t *testing.T) {
	r := newRig(t, Options{})
	for _, body := range []string{`{"endUserIp":"192.0.2.1"}`, `{"endUserIp":"nowhere"}`} {
		resp, err := r.rp.Do(r.request("POST", "/rp/v6.0/auth", "application/json", body))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Content-Type"); got != "application/json" || resp.ContentLength <= 0 {
			t.Errorf("%d is %q with %d bytes", resp.StatusCode, got, resp.ContentLength)
		}
	}
	status, m := r.call("auth", `{"endUserIp":"nowhere"}`)
	if details, _ := m["details"].(string); status != 400 || m["errorCode"] != "invalidParameters" || details == "" || len(m) != 2 {
		t.Errorf("an error reads %d %v", status, m)
	}
}

// testCancelRacesWithCompletion: whichever comes first wins, and the other is told so.
func testCancelRacesWithCompletion(t *testing.T) {
	r := newRig(t, Options{})
	for range 20 {
		o := r.auth()
		must(t)(r.Scan(Pickup{OrderRef: o.OrderRef, PersonalNumber: asa}))
		var signed error
		var both sync.WaitGroup
		both.Go(func() { _, signed = r.Sign(o.OrderRef, Approval{}) })
		status, _ := r.call("cancel", `{"orderRef":"`+o.OrderRef+`"}`)
		both.Wait()
		want := map[bool]string{true: "complete/", false: badRequest}[signed == nil]
		if got := r.outcome(o.OrderRef); got != want || (status == 200) == (signed == nil) {
			t.Fatalf("cancel %d, sign %v, then %s", status, signed, got)
		}
	}
}

func testOwnRoots(t *testing.T) {
	r := newRig(t, Options{})
	signatureRoot, err := r.SignatureRootPEM()
	if err != nil {
		t.Fatal(err)
	}
	for _, pem := range [][]byte{r.ServerRootPEM(), signatureRoot} {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			t.Fatal("a root is no certificate")
		}
	}
	root, err := r.sig.root()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{root.cert.Subject.String(), r.tls.serverRoot.cert.Subject.String()} {
		if strings.Contains(name, "Finansiell ID-Teknik") || strings.Contains(name, "BankID Root CA v1") || strings.Contains(name, "BankID SSL Root CA v1") {
			t.Errorf("a root is named as the genuine one: %s", name)
		}
	}
}

func testPeopleVary(t *testing.T) {
	r := newRig(t, Options{})
	kinds := map[string]*regexp.Regexp{
		"surname in capitals": regexp.MustCompile(`"surname":"[A-ZÅÄÖ]{4,}"`), "å, ä or ö": regexp.MustCompile(`"name":"[^"]*[ÅÄÖåäö]`),
		"several given names": regexp.MustCompile(`"givenName":"\S+ \S+`), "date alone": regexp.MustCompile(`"bankIdIssueDate":"\d{4}-\d\d-\d\d"`),
		"date with Z": regexp.MustCompile(`"bankIdIssueDate":"\d{4}-\d\d-\d\dZ"`), "surname alone": regexp.MustCompile(`"givenName":"","surname":"\pL+"`),
		"given name alone": regexp.MustCompile(`"name":"(\pL+)","givenName":"\pL+","surname":""`), "birth of which only the year is known": regexp.MustCompile(`"personalNumber":"\d{4}0060`),
		"date with offset":    regexp.MustCompile(`"bankIdIssueDate":"\d{4}-\d\d-\d\d\+\d\d:00"`),
		"coordination number": regexp.MustCompile(`"personalNumber":"\d{6}[6-9]\d{5}"`),
	}
	for form, number := range map[string]string{"2024-02-29": "200001019801", "2024-02-29+01:00": "200001019819"} {
		if _, err := r.AddPerson(Person{PersonalNumber: number, GivenName: "Nova", Surname: "Berg", BankIDs: []BankID{{Policy: PolicyMobile, IssueDate: form}}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range r.People() {
		o := r.auth()
		must(t)(r.Scan(Pickup{OrderRef: o.OrderRef, PersonalNumber: p.PersonalNumber}))
		must(t)(r.Sign(o.OrderRef, Approval{}))
		resp, err := r.rp.Do(r.request("POST", "/rp/v6.0/collect", "application/json", `{"orderRef":"`+o.OrderRef+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		text := new(strings.Builder)
		readInto(text, resp)
		resp.Body.Close()
		for kind, sign := range kinds {
			if sign.MatchString(text.String()) {
				delete(kinds, kind)
			}
		}
	}
	for kind := range kinds {
		t.Errorf("nobody has a %s", kind)
	}
}

func testUnknownOnRequest(t *testing.T) {
	r := newRig(t, Options{Chaos: &Chaos{ExtraMembers: true}})
	o := r.auth()
	ref := `{"orderRef":"` + o.OrderRef + `"}`
	for _, call := range [][2]string{{"auth", `{"endUserIp":"192.0.2.1"}`}, {"auth", `{}`}, {"collect", ref}, {"cancel", ref}, {"collect", ref}} {
		if status, m := r.call(call[0], call[1]); m["simulatorExtra"] == nil {
			t.Errorf("%s: %d has no unknown member: %v", call[0], status, m)
		}
	}
	failed := r.auth()
	must(t)(r.Fail(failed.OrderRef, "newReason"))
	r.wantOutcome(failed.OrderRef, "failed/newReason")
	if err := r.SetChaos(Chaos{Errors: 1, ErrorStatus: 400, ErrorCode: "newError"}); err != nil {
		t.Fatal(err)
	}
	if status, m := r.call("auth", `{"endUserIp":"192.0.2.1"}`); status != 400 || m["errorCode"] != "newError" {
		t.Errorf("%d %v", status, m)
	}
}

// testHandshakeStall: a stalled handshake never ends by itself while a client waits, and the next one works.
func testHandshakeStall(t *testing.T) {
	r := newRig(t, Options{Chaos: &Chaos{HandshakeStalls: 1}})
	impatient := r.client(r.ClientCertificate().TLS)
	impatient.Transport.(*http.Transport).TLSHandshakeTimeout = 300 * time.Millisecond
	resp, err := impatient.Do(r.request("POST", "/rp/v6.0/auth", "application/json", `{"endUserIp":"192.0.2.1"}`))
	if err == nil {
		resp.Body.Close()
		t.Fatal("the handshake did not stall")
	}
	if timeout, ok := err.(net.Error); !ok || !timeout.Timeout() {
		t.Errorf("the handshake failed for another reason: %v", err)
	}
	r.auth()
	if n := len(r.Orders("")); n != 1 {
		t.Errorf("%d orders", n)
	}
}

func testTooManyRequests(t *testing.T) {
	r := newRig(t, Options{Chaos: &Chaos{Errors: 1, ErrorStatus: http.StatusTooManyRequests}})
	resp, err := r.rp.Do(r.request("POST", "/rp/v6.0/auth", "application/json", `{"endUserIp":"192.0.2.1"}`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	h := resp.Header
	if resp.StatusCode != 429 || h.Get("RateLimit-Limit") == "" || h.Get("RateLimit-Remaining") != "0" || h.Get("RateLimit-Reset") == "" {
		t.Errorf("%d %v", resp.StatusCode, h)
	}
}

// testFixation: somebody else opens the link of an attacker's order. BankID lets them, so the relying party must notice, by
// the address that the result tells and by the return address, which is opened where the link was.
func testFixation(t *testing.T) {
	r := newRig(t, Options{})
	const back = "https://id.example.se/back?n=attackers"
	o := r.start("auth", `{"endUserIp":"192.0.2.1","returnUrl":"`+back+`"}`)
	v := must(t)(r.Open(Pickup{URL: "https://app.bankid.com/?autostarttoken=" + o.AutoStartToken + "&redirect=null", PersonalNumber: erik}))
	if v.PersonalNumber != erik {
		t.Errorf("the order is %s's", v.PersonalNumber)
	}
	v = must(t)(r.Sign(o.OrderRef, Approval{IPAddress: "203.0.113.9"}))
	if v.ReturnURL == nil || *v.ReturnURL != back {
		t.Errorf("the victim's browser opens %v", v.ReturnURL)
	}
	_, m := r.call("collect", `{"orderRef":"`+o.OrderRef+`"}`)
	if ip := m["completionData"].(map[string]any)["device"].(map[string]any)["ipAddress"]; ip != "203.0.113.9" {
		t.Errorf("the result comes from %v", ip)
	}
}

// testLateRelay: a frame that an attacker shows to a victim some seconds later is refused, but a quick relay works.
func testLateRelay(t *testing.T) {
	r := newRig(t, Options{QRLate: 3 * time.Second})
	o := r.auth()
	r.advance(4 * time.Second)
	_, err := r.Scan(Pickup{QR: o.frame(0), PersonalNumber: erik})
	wantRefusal(t, err, "qrTooOld")
	r.wantOutcome(o.OrderRef, "pending/outstandingTransaction")
	must(t)(r.Scan(Pickup{QR: o.frame(2), PersonalNumber: erik}))
}

func testClock(t *testing.T) {
	r := newRig(t, Options{})
	o := r.auth()
	if now, err := r.Advance(29 * time.Second); err != nil || !now.Equal(startOfTests.Add(29*time.Second)) {
		t.Errorf("the clock says %v, %v", now, err)
	}
	if _, err := r.Advance(-time.Second); err == nil {
		t.Error("the clock went back")
	}
	must(t)(r.Scan(Pickup{OrderRef: o.OrderRef, PersonalNumber: asa}))
	must(t)(r.Sign(o.OrderRef, Approval{}))
	r.advance(time.Minute)
	_, m := r.call("collect", `{"orderRef":"`+o.OrderRef+`"}`)
	if m["status"] != "complete" {
		t.Errorf("a minute later: %v", m)
	}
}
