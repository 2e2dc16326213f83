package bankidsim

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"
	"testing"
)

func TestPaymentRequests(t *testing.T) {
	const (
		ip   = `"endUserIp":"192.0.2.1",`
		shop = `"recipient":{"name":"Butiken"}`
		paid = `"money":{"amount":"1000,00","currency":"SEK"}`
	)
	of := func(transaction string) string { return `"userVisibleTransaction":{` + transaction + `}` }
	card, npa := of(`"transactionType":"card",`+shop+`,`+paid), of(`"transactionType":"npa",`+shop)
	for _, tt := range []struct {
		name string
		kind Kind
		body string
		ok   bool
	}{
		{"card", KindPayment, ip + card, true},
		{"no card", KindPayment, ip + npa, true},
		{"with all of auth", KindPayment, ip + card + `,"userVisibleData":"SGVq","returnUrl":"https://a.se/","returnRisk":true,"web":{"userAgent":"x"},"requirement":{"personalNumber":"198502039822"}`, true},
		{"no address", KindPayment, card, false},
		{"no transaction", KindPayment, ip + `"returnRisk":true`, false},
		{"no type", KindPayment, ip + of(shop), false},
		{"other type", KindPayment, ip + of(`"transactionType":"cash",`+shop+`,`+paid), false},
		{"no recipient", KindPayment, ip + of(`"transactionType":"card",`+paid), false},
		{"recipient without name", KindPayment, ip + of(`"transactionType":"npa","recipient":{}`), false},
		{"card without money", KindPayment, ip + of(`"transactionType":"card",`+shop), false},
		{"money without card", KindPayment, ip + of(`"transactionType":"npa",`+shop+`,`+paid), false},
		{"point for comma", KindPayment, ip + of(`"transactionType":"card",`+shop+`,"money":{"amount":"1.50","currency":"SEK"}`), false},
		{"two commas", KindPayment, ip + of(`"transactionType":"card",`+shop+`,"money":{"amount":"1,5,0","currency":"SEK"}`), false},
		{"nothing", KindPayment, ip + of(`"transactionType":"card",`+shop+`,"money":{"amount":"0","currency":"SEK"}`), true},
		{"currency in small letters", KindPayment, ip + of(`"transactionType":"card",`+shop+`,"money":{"amount":"1","currency":"sek"}`), false},
		{"warning", KindPayment, ip + of(`"transactionType":"npa",`+shop+`,"riskWarning":"Se upp"`), true},
		{"unknown in the transaction", KindPayment, ip + of(`"transactionType":"npa",`+shop+`,"more":1`), false},
		{"flags", KindPayment, ip + npa + `,"riskFlags":["newCard","other"]`, true},
		{"unknown flag", KindPayment, ip + npa + `,"riskFlags":["old"]`, false},
		{"transaction in auth", KindAuth, ip + npa, false},
		{"other", KindOtherPayment, `"personalNumber":"198502039822",` + npa, true},
		{"other without number", KindOtherPayment, npa, false},
		{"other with address", KindOtherPayment, ip + `"personalNumber":"198502039822",` + npa, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, fault := parseObject([]byte("{"+tt.body+"}"), false)
			if fault != nil {
				t.Fatal(fault)
			}
			if _, fault = parseStart(o, tt.kind); (fault == nil) != tt.ok {
				t.Errorf("fault %v, want accepted %t", fault, tt.ok)
			}
		})
	}
}

// TestPayments lets people pay on the page and elsewhere, and take a call that names nobody.
func TestPayments(t *testing.T) {
	r := newRig(t, Options{})
	const shop = `"userVisibleTransaction":{"transactionType":"card","recipient":{"name":"Butiken"},"money":{"amount":"100,50","currency":"SEK"},"riskWarning":"Se upp"}`
	paid := &Transaction{Type: "card", Recipient: "Butiken", Amount: "100,50", Currency: "SEK", RiskWarning: "Se upp"}
	for _, tt := range []struct {
		call, body string
		pushed     bool
		shown      *Transaction
	}{
		{"payment", `{"endUserIp":"192.0.2.1",` + shop + `}`, false, paid},
		{"other/payment", `{"personalNumber":"` + asa + `",` + shop + `}`, true, paid},
		{"phone/auth", `{"callInitiator":"user"}`, true, nil},
	} {
		t.Run(tt.call, func(t *testing.T) {
			status, m := r.call(tt.call, tt.body)
			ref, _ := m["orderRef"].(string)
			token, _ := m["autoStartToken"].(string)
			if status != 200 || ref == "" || (token == "") != tt.pushed {
				t.Fatalf("%d %v", status, m)
			}
			pickup := Pickup{PersonalNumber: asa, AutoStartToken: token}
			if tt.pushed {
				pickup = Pickup{PersonalNumber: asa, OrderRef: ref}
			}
			o := must(t)(r.Open(pickup))
			if o.VisibleText != "" || (o.Transaction == nil) != (tt.shown == nil) || o.Transaction != nil && *o.Transaction != *tt.shown {
				t.Errorf("the phone shows %+v", o)
			}
			if tt.call == "phone/auth" {
				must(t)(r.ConfirmCall(ref, true))
			}
			must(t)(r.Sign(ref, Approval{}))
			if status, m := r.call("collect", `{"orderRef":"`+ref+`"}`); status != 200 || m["status"] != "complete" {
				t.Errorf("%d %v", status, m)
			}
		})
	}
	first := `{"personalNumber":"` + asa + `",` + shop + `}`
	r.call("other/payment", first)
	if status, m := r.call("other/payment", first); status != 400 || m["errorCode"] != "alreadyInProgress" {
		t.Errorf("a second payment of the same person: %d %v", status, m)
	}
}

// TestDevices looks at what the signed data says of each device.
func TestDevices(t *testing.T) {
	r := newRig(t, Options{})
	for device, want := range map[string]struct {
		policy, platform, version string
		refused                   bool
	}{
		"":        {PolicyMobile, "IPHONE", appVersion, false},
		"iphone":  {PolicyMobile, "IPHONE", appVersion, false},
		"android": {PolicyMobile, "ANDROID", appVersion, false},
		"mac":     {PolicyFile, "OS_X", "BankID_exe=" + appVersion + ".1&BISP=", false},
		"windows": {PolicyFile, "WINDOWS", "&platform=win64&", false},
		"linux":   {PolicyMobile, "", "", true},
	} {
		o := r.auth()
		const both = "196209309852"
		_, err := r.Open(Pickup{AutoStartToken: o.AutoStartToken, PersonalNumber: both, Policy: want.policy, Device: device})
		if (err != nil) != want.refused {
			t.Errorf("%q: %v", device, err)
		}
		if err != nil {
			continue
		}
		must(t)(r.Sign(o.OrderRef, Approval{}))
		_, m := r.call("collect", `{"orderRef":"`+o.OrderRef+`"}`)
		var data completionData
		text, err := json.Marshal(m["completionData"])
		if err == nil {
			err = json.Unmarshal(text, &data)
		}
		xml, errSignature := base64.StdEncoding.DecodeString(data.Signature)
		uhi, errUHI := base64.StdEncoding.DecodeString(data.Device.UHI)
		if err != nil || errSignature != nil || errUHI != nil {
			t.Fatal(err, errSignature, errUHI)
		}
		_, version, _ := strings.Cut(string(xml), "<version>")
		version, _, _ = strings.Cut(version, "</version>")
		plain, err := base64.StdEncoding.DecodeString(version)
		if err != nil || !strings.Contains(string(xml), "<ai><type>"+b64(want.platform)+"</type>") || !strings.Contains(string(plain), want.version) {
			t.Errorf("%q: version %q of %s, %v", device, plain, xml, err)
		}
		if phone := want.policy == PolicyMobile; len(uhi) != map[bool]int{true: 20, false: 21}[phone] || strings.Contains(string(plain), "best_before=") == phone {
			t.Errorf("%q: %d bytes identify the device, version %q", device, len(uhi), plain)
		}
	}
	if _, err := r.Open(Pickup{AutoStartToken: r.auth().AutoStartToken, PersonalNumber: asa, Device: "windows"}); err == nil {
		t.Error("a mobile BankID was used on a computer")
	}
}

// TestRefusedWithPage gives a relying party the answer of the server in front of BankID.
func TestRefusedWithPage(t *testing.T) {
	r := newRig(t, Options{Chaos: &Chaos{RejectPage: true}})
	resp, err := r.rp.Do(r.request("POST", "/rp/v6.0/auth", "application/json", `{"endUserIp":"192.0.2.1"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 403 || resp.Header.Get("Content-Type") != "text/html" || !strings.Contains(string(body), "403 Forbidden") {
		t.Errorf("%d %v %q, %v", resp.StatusCode, resp.Header, body, err)
	}
}

// TestRSACertificate makes an order with a certificate of the form that banks issue.
func TestRSACertificate(t *testing.T) {
	r := newRig(t, Options{RSA: true})
	leaf := r.ClientCertificate().TLS.Leaf
	if leaf.PublicKeyAlgorithm.String() != "RSA" || len(leaf.ExtKeyUsage) != 0 || len(leaf.Policies) != 1 {
		t.Errorf("%s, %v, %v", leaf.PublicKeyAlgorithm, leaf.ExtKeyUsage, leaf.Policies)
	}
	r.auth()
}

func TestPolicyAllowed(t *testing.T) {
	for _, tt := range []struct {
		pattern, policy string
		want            bool
	}{
		{"1.2.3.4.25", "1.2.3.4.25", true},
		{"1.2.3.4.2", "1.2.3.4.25", false},
		{"1.2.3.4.*", "1.2.3.4.25", true},
		{"1.2.3.4.*", "1.2.3.4", false},
		{"1.2.3.4.*", "1.2.3.45.1", false},
		{"1.2.3.4.*", "1.2.3.4.5.6", true},
		{"1.2.3.4.*.1", "1.2.3.4.5.1", true},
		{"1.2.3.4.*.1", "1.2.3.4.5.6.1", false},
		{"1.2.3.4.*.1", "1.2.3.4.5.2", false},
	} {
		if got := policyAllowed([]string{"1.9", tt.pattern}, tt.policy); got != tt.want {
			t.Errorf("%s for %s: %v", tt.policy, tt.pattern, got)
		}
	}
}
