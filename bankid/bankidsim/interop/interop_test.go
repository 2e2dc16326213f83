package interop

import (
	"encoding/base64"
	"strings"
	"testing"

	"brygga/bankid/bankidsim"
)

type m = map[string]any

type started struct {
	OrderRef       string `json:"orderRef"`
	AutoStartToken string `json:"autoStartToken"`
	QRStartToken   string `json:"qrStartToken"`
	QRStartSecret  string `json:"qrStartSecret"`
}

func (r *rig) wantOrder(ref, status, hint string) collected {
	r.t.Helper()
	c := want[collected](r, r.call("collect", m{"orderRef": ref}))
	if c.OrderRef != ref || c.Status != status || c.HintCode != hint {
		r.t.Fatalf("the client collects %s/%s, want %s/%s", c.Status, c.HintCode, status, hint)
	}
	return c
}

func (r *rig) wantNoMisuse(kinds ...string) {
	r.t.Helper()
	counts := r.Misuse().Counts
	for _, kind := range kinds {
		if counts[kind] != 0 {
			r.t.Errorf("the client is said to have done %s: %+v", kind, r.Misuse().Entries)
		}
	}
}

// TestForeignClientLogsIn runs a login with the QR code that the client itself makes of its order, under the misbehaviour
// that "brygga dev" begins with.
func TestForeignClientLogsIn(t *testing.T) {
	r := newRig(t, bankidsim.MildChaos())
	o := want[started](r, r.call("authenticate", m{
		"endUserIp": "192.0.2.1", "userVisibleData": "# Logga in\nHos **Norrby** kommun", "userVisibleDataFormat": "simpleMarkdownV1",
		"userNonVisibleData": "request 1", "returnRisk": true, "requirement": m{"pinCode": true, "certificatePolicies": []string{bankidsim.PolicyMobile}},
	}))
	if o.OrderRef == "" || o.AutoStartToken == "" || o.QRStartToken == "" || o.QRStartSecret == "" {
		t.Fatal("the client misses a token")
	}
	r.wantOrder(o.OrderRef, "pending", "outstandingTransaction")
	frame := want[string](r, r.call("qr", o.OrderRef))
	seen, err := r.Scan(bankidsim.Pickup{QR: frame, PersonalNumber: asa})
	if err != nil || seen.OrderRef != o.OrderRef || seen.VisibleText != "# Logga in\nHos **Norrby** kommun" {
		t.Fatalf("scan: %v, %q", err, seen.VisibleText)
	}
	r.Close() // the keys are made: the client's loop collects again when an answer takes a second, and a result is told once
	if _, err := r.Sign(o.OrderRef, bankidsim.Approval{Risk: "moderate"}); err != nil {
		t.Fatal(err)
	}
	// The client's own loop fetches the result, with a collect a second later.
	c := want[collected](r, r.call("awaitPendingCollect", o.OrderRef))
	d := c.CompletionData
	if c.Status != "complete" || d.User.PersonalNumber != asa || d.User.Name != "Åsa Märta Elin Öberg-Ström" || d.User.Surname != "Öberg-Ström" {
		t.Errorf("the client is told %s, %+v", c.Status, d.User)
	}
	if d.Risk != "moderate" || d.Device.IPAddress == "" || d.Device.UHI == "" || d.BankIDIssueDate == "" {
		t.Errorf("the result lacks a part: %+v", d)
	}
	xml, err := base64.StdEncoding.DecodeString(d.Signature)
	if err != nil || !strings.Contains(string(xml), base64.StdEncoding.EncodeToString([]byte("request 1"))) {
		t.Errorf("the signature does not hold the client's data: %v", err)
	}
	if _, err := base64.StdEncoding.DecodeString(d.OCSPResponse); err != nil || d.OCSPResponse == "" {
		t.Errorf("no OCSP answer: %v", err)
	}
	r.wantError(r.call("collect", m{"orderRef": o.OrderRef}), "BankIdError", "invalidParameters")
	r.wantNoMisuse(bankidsim.MisuseCollectTooOften, bankidsim.MisuseInvalidRequest, bankidsim.MisuseUnknownOrder)
}

func TestForeignClientSigns(t *testing.T) {
	r := newRig(t, nil)
	o := want[started](r, r.call("sign", m{"endUserIp": "2001:db8::1", "userVisibleData": "Jag köper båten."}))
	if _, err := r.Open(bankidsim.Pickup{AutoStartToken: o.AutoStartToken, PersonalNumber: asa}); err != nil {
		t.Fatal(err)
	}
	r.wantOrder(o.OrderRef, "pending", "userSign")
	r.Close()
	if _, err := r.Sign(o.OrderRef, bankidsim.Approval{}); err != nil {
		t.Fatal(err)
	}
	if c := want[collected](r, r.call("awaitPendingCollect", o.OrderRef)); c.CompletionData.Device.IPAddress != "2001:db8::1" {
		t.Errorf("the result comes from %q", c.CompletionData.Device.IPAddress)
	}
	r.wantNoMisuse(bankidsim.MisuseCollectTooOften, bankidsim.MisuseAfterEnd, bankidsim.MisuseInvalidRequest, bankidsim.MisuseUnknownOrder)
}

func TestForeignClientCancels(t *testing.T) {
	r := newRig(t, nil)
	o := want[started](r, r.call("authenticate", m{"endUserIp": "192.0.2.1"}))
	if done := want[m](r, r.call("cancel", m{"orderRef": o.OrderRef})); len(done) != 0 {
		t.Errorf("cancel answered %v", done)
	}
	r.wantError(r.call("cancel", m{"orderRef": o.OrderRef}), "BankIdError", "invalidParameters")
	r.wantError(r.call("collect", m{"orderRef": o.OrderRef}), "BankIdError", "invalidParameters")
	if list := r.Orders(bankidsim.StatePending); len(list) != 0 {
		t.Errorf("%d orders still wait", len(list))
	}

	// The person cancels: the client's loop ends with what the collect said.
	o = want[started](r, r.call("authenticate", m{"endUserIp": "192.0.2.1"}))
	if _, err := r.Scan(bankidsim.Pickup{OrderRef: o.OrderRef, PersonalNumber: asa}); err != nil {
		t.Fatal(err)
	}
	r.begin(6, "awaitPendingCollect", o.OrderRef)
	if _, err := r.Cancel(o.OrderRef, asa); err != nil {
		t.Fatal(err)
	}
	if a := r.end(); a.Failed.Status != "failed" || a.Failed.HintCode != "userCancel" {
		t.Errorf("the client says %+v", a)
	}
}

// TestForeignClientMeetsErrors: the client knows each error by the code that it has for it.
func TestForeignClientMeetsErrors(t *testing.T) {
	r := newRig(t, nil)
	for _, tt := range []struct {
		what       string
		chaos      bankidsim.Chaos
		version    int
		with       m
		name, code string
	}{
		{"maintenance", bankidsim.Chaos{Maintenance: 1}, 6, m{"endUserIp": "192.0.2.1"}, "BankIdError", "maintenance"},
		{"fault at BankID", bankidsim.Chaos{Errors: 1}, 6, m{"endUserIp": "192.0.2.1"}, "BankIdError", "internalError"},
		{"refused certificate", bankidsim.Chaos{RejectCertificate: true}, 6, m{"endUserIp": "192.0.2.1"}, "BankIdError", "unauthorized"},
		{"lost answer", bankidsim.Chaos{DropAnswer: 1}, 6, m{"endUserIp": "192.0.2.1"}, "RequestError", "BANKID_NO_RESPONSE"},
		{"no address", bankidsim.Chaos{}, 6, m{"endUserIp": "somewhere"}, "BankIdError", "invalidParameters"},
		{"requirement of version 5", bankidsim.Chaos{}, 6, m{"endUserIp": "192.0.2.1", "requirement": m{"tokenStartRequired": true}}, "BankIdError", "invalidParameters"},
		{"version 5", bankidsim.Chaos{}, 5, m{"endUserIp": "192.0.2.1"}, "BankIdError", "notFound"},
	} {
		t.Run(tt.what, func(t *testing.T) {
			if err := r.SetChaos(tt.chaos); err != nil {
				t.Fatal(err)
			}
			r.t = t
			r.begin(tt.version, "authenticate", tt.with)
			r.wantError(r.end(), tt.name, tt.code)
		})
	}
}
