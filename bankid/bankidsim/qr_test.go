package bankidsim

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func testQRCode(t *testing.T) {
	const published, madeUp = "d28db9a7-4cde-429e-a983-359be676944c", "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
	for _, tt := range []struct {
		secret string
		second int
		want   string
	}{
		{published, 0, "dc69358e712458a66a7525beef148ae8526b1c71610eff2c16cdffb4cdac9bf8"},
		{published, 1, "949d559bf23403952a94d103e67743126381eda00f0b3cbddbf7c96b1adcbce2"},
		{published, 2, "a9e5ec59cb4eee4ef4117150abc58fad7a85439a6a96ccbecc3668b41795b3f3"},
		{published, 9, "85fc3076b6a1d9ec5ff73014b006035375c8e9dd34bbbaea60c08e931a6eceeb"},
		{published, 10, "2822ca616ce1e64a1c171df69154ebc5adef4011244c867d6ad88a02db178962"},
		{published, 29, "26049f2bc12d5b43ebe8bf701e7725abf015d2d8347aa04c924b5793ee4a196c"},
		{published, 30, "814d7fd38e2276625b6815152e3554c663acca689260c092203b48ca4e5c09a3"},
		{madeUp, 0, "f9554cff6694cd5a01012ae047be7c41718281c1ed75b0e17212e04f250120b3"},
		{madeUp, 7, "de42bc0d7582f287283834b77128cf2d8a2c626aa238041cf1108debd55128fd"},
		{madeUp, 15, "869990175c312bdcb2f2515b09aa9ce8154aa623f51be4adbff1ce8946cb807b"},
	} {
		if got := qrCode(tt.secret, tt.second); got != tt.want {
			t.Errorf("second %d: %s, want %s", tt.second, got, tt.want)
		}
	}
}

func testScan(t *testing.T) {
	for _, tt := range []struct {
		name    string
		elapsed time.Duration
		second  int
		change  func(string) string
		refusal string
	}{
		{"at once", 0, 0, nil, ""},
		{"late in the second", 7999 * time.Millisecond, 7, nil, ""},
		{"oldest allowed", 15 * time.Second, 10, nil, ""},
		{"too old", 16 * time.Second, 10, nil, "qrTooOld"},
		{"earliest allowed", 3 * time.Second, 5, nil, ""},
		{"too early", 3 * time.Second, 6, nil, "qrTooEarly"},
		{"second of another frame", 0, 0, func(s string) string { return strings.Replace(s, ".0.", ".1.", 1) }, "qrForged"},
		{"changed code", 0, 0, func(s string) string { return s[:len(s)-1] + flipped(s[len(s)-1]) }, "qrForged"},
		{"unknown token", 0, 0, func(s string) string { return "bankid.0" + s[7:] }, "unknownOrder"},
		{"leading zero", 0, 0, func(s string) string { return strings.Replace(s, ".0.", ".00.", 1) }, "qrMalformed"},
		{"capitals", 0, 0, func(s string) string { return s[:50] + strings.ToUpper(s[50:]) }, "qrMalformed"},
		{"no prefix", 0, 0, func(s string) string { return s[7:] }, "qrMalformed"},
		{"static", 0, 0, func(string) string { return "bankid:///?autostarttoken=x" }, "qrMalformed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, Options{})
			o := r.auth()
			r.advance(tt.elapsed)
			frame := fmt.Sprintf("bankid.%s.%d.%s", o.QRStartToken, tt.second, qrCode(o.QRStartSecret, tt.second))
			if tt.change != nil {
				frame = tt.change(frame)
			}
			_, err := r.Scan(Pickup{QR: frame, PersonalNumber: asa})
			if tt.refusal == "" {
				if err != nil {
					t.Fatal(err)
				}
				r.wantOutcome(o.OrderRef, "pending/userSign")
				return
			}
			wantRefusal(t, err, tt.refusal)
			r.wantOutcome(o.OrderRef, "pending/outstandingTransaction") // a refused frame does no harm
		})
	}
}

func flipped(c byte) string {
	if c == '0' {
		return "1"
	}
	return "0"
}

func FuzzParseQR(f *testing.F) {
	f.Add("bankid.67df3917-fa0d-44e5-b327-edcc928297f8.0.dc69358e712458a66a7525beef148ae8526b1c71610eff2c16cdffb4cdac9bf8")
	f.Fuzz(func(t *testing.T, text string) {
		if q, err := parseQR(text); err == nil && fmt.Sprintf("bankid.%s.%d.%s", q.token, q.second, q.code) != text {
			t.Errorf("%q was read as %+v", text, q)
		}
	})
}
