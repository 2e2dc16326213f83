package bankidsim

import (
	"encoding/base64"
	"strings"
	"testing"
)

func testStartRequests(t *testing.T) {
	text := func(size int) string { // base64 of exactly size characters
		return base64.StdEncoding.EncodeToString([]byte(strings.Repeat("a", size/4*3)))
	}
	b64 := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	ip := `"endUserIp":"192.0.2.1"`
	sign := ip + `,"userVisibleData":"SGVq"`
	phone := `"personalNumber":"198502039822","callInitiator":"user"`
	for _, tt := range []struct {
		name string
		kind Kind
		body string
		ok   bool
	}{
		{"least", KindAuth, ip, true},
		{"no address", KindAuth, ``, false},
		{"ipv6", KindAuth, `"endUserIp":"2001:db8::1"`, true},
		{"host for address", KindAuth, `"endUserIp":"example.se"`, false},
		{"zone", KindAuth, `"endUserIp":"fe80::1%eth0"`, false},
		{"address and port", KindAuth, `"endUserIp":"192.0.2.1:80"`, false},
		{"address not text", KindAuth, `"endUserIp":1`, false},
		{"name in other case", KindAuth, `"EndUserIp":"192.0.2.1"`, false},
		{"unknown member", KindAuth, ip + `,"hello":1`, false},
		{"null", KindAuth, ip + `,"returnUrl":null`, false},
		{"v5 personal number", KindAuth, ip + `,"personalNumber":"198502039822"`, false},

		{"longest auth text", KindAuth, ip + `,"userVisibleData":"` + text(1500) + `"`, true},
		{"auth text too long", KindAuth, ip + `,"userVisibleData":"` + text(1504) + `"`, false},
		{"empty text", KindAuth, ip + `,"userVisibleData":""`, false},
		{"url-safe base64", KindAuth, ip + `,"userVisibleData":"w7_Dvw=="`, false},
		{"no padding", KindAuth, ip + `,"userVisibleData":"SGVqYQ"`, false},
		{"loose padding bits", KindAuth, ip + `,"userVisibleData":"SGVqYR=="`, false},
		{"line break in base64", KindAuth, ip + `,"userVisibleData":"SGVq\nSGVq"`, false},
		{"text not utf-8", KindAuth, ip + `,"userVisibleData":"//79"`, false},
		{"hidden not utf-8", KindAuth, ip + `,"userNonVisibleData":"//79"`, true},
		{"hidden auth data too long", KindAuth, ip + `,"userNonVisibleData":"` + text(1504) + `"`, false},
		{"IPv4 in the form of IPv6", KindAuth, `"endUserIp":"::ffff:192.0.2.1"`, false},
		{"plain", KindAuth, ip + `,"userVisibleDataFormat":"plaintext","userVisibleData":"SGVq"`, true},
		{"plain without text", KindAuth, ip + `,"userVisibleDataFormat":"plaintext"`, false},
		{"markdown without text", KindAuth, ip + `,"userVisibleDataFormat":"simpleMarkdownV1"`, false},
		{"markdown with text", KindAuth, ip + `,"userVisibleDataFormat":"simpleMarkdownV1","userVisibleData":"` + b64("# Rubrik\r\n+ **ett**\n| a | b |") + `"`, true},
		{"emoji in markdown", KindAuth, ip + `,"userVisibleDataFormat":"simpleMarkdownV1","userVisibleData":"` + b64("Hej \U0001F600") + `"`, false},
		{"no space behind a plus", KindAuth, ip + `,"userVisibleDataFormat":"simpleMarkdownV1","userVisibleData":"` + b64("Vi får:\n+Ditt namn") + `"`, false},
		{"a plus alone", KindAuth, ip + `,"userVisibleDataFormat":"simpleMarkdownV1","userVisibleData":"` + b64("a\n+") + `"`, false},
		{"a list of hyphens", KindAuth, ip + `,"userVisibleDataFormat":"simpleMarkdownV1","userVisibleData":"` + b64("- Ditt namn") + `"`, false},
		{"no space behind a plus in plain text", KindAuth, ip + `,"userVisibleData":"` + b64("+46 8 123") + `"`, true},
		{"control character in markdown", KindAuth, ip + `,"userVisibleDataFormat":"simpleMarkdownV1","userVisibleData":"` + b64("Hej\x07") + `"`, false},
		{"emoji in plain text", KindAuth, ip + `,"userVisibleData":"` + b64("Hej \U0001F600") + `"`, true},
		{"other format", KindAuth, ip + `,"userVisibleDataFormat":"html"`, false},

		{"sign", KindSign, sign, true},
		{"sign without text", KindSign, ip, false},
		{"longest sign text", KindSign, ip + `,"userVisibleData":"` + text(40000) + `"`, true},
		{"sign text too long", KindSign, ip + `,"userVisibleData":"` + text(40004) + `"`, false},
		{"longest hidden sign data", KindSign, sign + `,"userNonVisibleData":"` + text(200000) + `"`, true},
		{"hidden sign data too long", KindSign, sign + `,"userNonVisibleData":"` + text(200004) + `"`, false},

		{"return", KindAuth, ip + `,"returnUrl":"https://id.example.se/r#n=1"`, true},
		{"return empty", KindAuth, ip + `,"returnUrl":""`, false},
		{"return too long", KindAuth, ip + `,"returnUrl":"https://id.example.se/` + strings.Repeat("r", 491) + `"`, false},
		{"return longest", KindAuth, ip + `,"returnUrl":"https://id.example.se/` + strings.Repeat("r", 490) + `"`, true},
		{"return without scheme", KindAuth, ip + `,"returnUrl":"/r"`, false},
		{"risk", KindAuth, ip + `,"returnRisk":true`, true},
		{"risk as text", KindAuth, ip + `,"returnRisk":"true"`, false},

		{"web", KindAuth, ip + `,"web":{"referringDomain":"example.se","userAgent":"x","deviceIdentifier":"y"}`, true},
		{"app", KindAuth, ip + `,"app":{"appIdentifier":"se.example","deviceOS":"IOS 1","deviceModelName":"x","deviceIdentifier":"y"}`, true},
		{"web and app", KindAuth, ip + `,"web":{"userAgent":"x"},"app":{"appIdentifier":"x"}`, false},
		{"web empty", KindAuth, ip + `,"web":{}`, false},
		{"app empty", KindAuth, ip + `,"app":{}`, false},
		{"web not an object", KindAuth, ip + `,"web":"x"`, false},
		{"domain in capitals", KindAuth, ip + `,"web":{"referringDomain":"Example.se"}`, false},
		{"domain with port", KindAuth, ip + `,"web":{"referringDomain":"example.se:80"}`, false},
		{"domain too short", KindAuth, ip + `,"web":{"referringDomain":"a"}`, false},
		{"agent too long", KindAuth, ip + `,"web":{"userAgent":"` + strings.Repeat("u", 257) + `"}`, false},
		{"agent longest", KindAuth, ip + `,"web":{"userAgent":"` + strings.Repeat("å", 256) + `"}`, true},
		{"device too long", KindAuth, ip + `,"web":{"deviceIdentifier":"` + strings.Repeat("d", 65) + `"}`, false},
		{"unknown in web", KindAuth, ip + `,"web":{"userAgent":"x","more":1}`, false},

		{"requirement", KindAuth, ip + `,"requirement":{"pinCode":true,"mrtd":false,"cardReader":"class1","certificatePolicies":["1.2.3.4.25","1.2.752.78.*"],"personalNumber":"198502039822"}`, true},
		{"v5 requirement", KindAuth, ip + `,"requirement":{"tokenStartRequired":true}`, false},
		{"removed risk", KindAuth, ip + `,"requirement":{"risk":"LOW"}`, false},
		{"short number", KindAuth, ip + `,"requirement":{"personalNumber":"8502039822"}`, false},
		{"number with dash", KindAuth, ip + `,"requirement":{"personalNumber":"19850203-9822"}`, false},
		{"card reader", KindAuth, ip + `,"requirement":{"cardReader":"class3"}`, false},
		{"early wildcard", KindAuth, ip + `,"requirement":{"certificatePolicies":["1.2*"]}`, false},
		{"wildcard as third component", KindAuth, ip + `,"requirement":{"certificatePolicies":["1.2.*"]}`, false},
		{"wildcard as fourth component", KindAuth, ip + `,"requirement":{"certificatePolicies":["1.2.3.*"]}`, false},
		{"wildcard as fifth component", KindAuth, ip + `,"requirement":{"certificatePolicies":["1.2.3.4.*"]}`, true},
		{"wildcard inside", KindAuth, ip + `,"requirement":{"certificatePolicies":["1.2.752.78.*.5"]}`, true},
		{"half a component", KindAuth, ip + `,"requirement":{"certificatePolicies":["1.2.3.4.2*"]}`, false},
		{"two wildcards", KindAuth, ip + `,"requirement":{"certificatePolicies":["1.2.3.*.*"]}`, false},
		{"policy a name", KindAuth, ip + `,"requirement":{"certificatePolicies":["mobile"]}`, false},
		{"policy empty", KindAuth, ip + `,"requirement":{"certificatePolicies":[""]}`, false},

		{"phone", KindPhoneAuth, phone, true},
		{"phone, we called", KindPhoneAuth, `"personalNumber":"198502039822","callInitiator":"RP"`, true},
		{"initiator in other case", KindPhoneAuth, `"personalNumber":"198502039822","callInitiator":"rp"`, false},
		{"no initiator", KindPhoneAuth, `"personalNumber":"198502039822"`, false},
		{"no number", KindPhoneAuth, `"callInitiator":"RP"`, true},
		{"short number in a phone order", KindPhoneAuth, `"personalNumber":"8502039822","callInitiator":"RP"`, false},
		{"phone with address", KindPhoneAuth, phone + `,` + ip, false},
		{"phone with return", KindPhoneAuth, phone + `,"returnUrl":"https://x.se"`, false},
		{"phone requirement", KindPhoneAuth, phone + `,"requirement":{"pinCode":true,"mrtd":true}`, true},
		{"phone requirement with number", KindPhoneAuth, phone + `,"requirement":{"personalNumber":"198502039822"}`, false},
		{"phone sign", KindPhoneSign, phone + `,"userVisibleData":"SGVq"`, true},
		{"phone sign without text", KindPhoneSign, phone, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, fault := parseObject([]byte("{"+tt.body+"}"), false)
			if fault != nil {
				t.Fatal(fault)
			}
			_, fault = parseStart(o, tt.kind)
			if ok := fault == nil; ok != tt.ok {
				t.Fatalf("fault %v, want accepted %t", fault, tt.ok)
			}
			if fault != nil && (fault.Code != "invalidParameters" || fault.status != 400 || fault.Details == "") {
				t.Errorf("fault %+v", fault)
			}
		})
	}
}

func testLenientRequests(t *testing.T) {
	o, fault := parseObject([]byte(`{"endUserIp":"192.0.2.1","returnUrl":null,"hello":1,"requirement":{"risk":"LOW"}}`), true)
	if fault != nil {
		t.Fatal(fault)
	}
	if _, fault := parseStart(o, KindAuth); fault != nil {
		t.Error(fault)
	}
	if o, fault = parseObject([]byte(`{"endUserIp":"::ffff:192.0.2.1","userVisibleDataFormat":"plaintext"}`), true); fault != nil {
		t.Fatal(fault)
	}
	if _, fault := parseStart(o, KindAuth); fault != nil {
		t.Error(fault)
	}

	// The switch works while the simulator runs.
	r := newRig(t, Options{})
	const old = `{"endUserIp":"192.0.2.1","personalNumber":"198502039822"}`
	for _, lenient := range []bool{false, true} {
		if err := r.SetChaos(Chaos{Lenient: lenient}); err != nil {
			t.Fatal(err)
		}
		if status, m := r.call("auth", old); (status == 200) != lenient {
			t.Errorf("lenient %t: %d %v", lenient, status, m)
		}
	}
}

func FuzzStartRequest(f *testing.F) {
	f.Add([]byte(`{"endUserIp":"192.0.2.1","web":{"userAgent":"x"},"requirement":{"certificatePolicies":["1.2.3.*"]}}`))
	f.Add([]byte(`{"personalNumber":"198502039822","callInitiator":"RP"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, k := range []Kind{KindAuth, KindPhoneSign} {
			o, fault := parseObject(body, false)
			if fault != nil {
				return
			}
			if r, fault := parseStart(o, k); fault == nil && !k.phone() && r.endUserIP == "" {
				t.Error("accepted without endUserIp")
			}
		}
	})
}
