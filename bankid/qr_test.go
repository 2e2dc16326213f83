package bankid

import (
	"testing"
	"time"

	"brygga/secret"
)

func TestQRData_U03(t *testing.T) {
	const (
		token1, secret1 = "67df3917-fa0d-44e5-b327-edcc928297f8", "d28db9a7-4cde-429e-a983-359be676944c"
		token2, secret2 = testQRToken, testQRSecret
	)
	tests := []struct {
		name          string
		token, secret string
		elapsed       time.Duration
		want          string // after the token
	}{
		{"at once", token1, secret1, 0, ".0.dc69358e712458a66a7525beef148ae8526b1c71610eff2c16cdffb4cdac9bf8"},
		{"clock set back", token1, secret1, -5 * time.Second, ".0.dc69358e712458a66a7525beef148ae8526b1c71610eff2c16cdffb4cdac9bf8"},
		{"within the first second", token1, secret1, 999 * time.Millisecond, ".0.dc69358e712458a66a7525beef148ae8526b1c71610eff2c16cdffb4cdac9bf8"},
		{"after one second", token1, secret1, time.Second, ".1.949d559bf23403952a94d103e67743126381eda00f0b3cbddbf7c96b1adcbce2"},
		{"two", token1, secret1, 2 * time.Second, ".2.a9e5ec59cb4eee4ef4117150abc58fad7a85439a6a96ccbecc3668b41795b3f3"},
		{"just before three", token1, secret1, 3*time.Second - 1, ".2.a9e5ec59cb4eee4ef4117150abc58fad7a85439a6a96ccbecc3668b41795b3f3"},
		{"nine", token1, secret1, 9 * time.Second, ".9.85fc3076b6a1d9ec5ff73014b006035375c8e9dd34bbbaea60c08e931a6eceeb"},
		{"ten", token1, secret1, 10 * time.Second, ".10.2822ca616ce1e64a1c171df69154ebc5adef4011244c867d6ad88a02db178962"},
		{"twenty-nine", token1, secret1, 29 * time.Second, ".29.26049f2bc12d5b43ebe8bf701e7725abf015d2d8347aa04c924b5793ee4a196c"},
		{"thirty", token1, secret1, 30 * time.Second, ".30.814d7fd38e2276625b6815152e3554c663acca689260c092203b48ca4e5c09a3"},
		{"second pair", token2, secret2, 0, ".0.f9554cff6694cd5a01012ae047be7c41718281c1ed75b0e17212e04f250120b3"},
		{"second pair, seven", token2, secret2, 7 * time.Second, ".7.de42bc0d7582f287283834b77128cf2d8a2c626aa238041cf1108debd55128fd"},
		{"second pair, fifteen", token2, secret2, 15 * time.Second, ".15.869990175c312bdcb2f2515b09aa9ce8154aa623f51be4adbff1ce8946cb807b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := QRData(secret.New(tt.token), secret.New(tt.secret), tt.elapsed).Reveal()
			if want := "bankid." + tt.token + tt.want; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func BenchmarkQRData(b *testing.B) {
	token, key := secret.New(testQRToken), secret.New(testQRSecret)
	b.ReportAllocs()
	for b.Loop() {
		QRData(token, key, 7*time.Second)
	}
}
