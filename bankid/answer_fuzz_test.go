package bankid

import (
	"errors"
	"strings"
	"testing"
)

// FuzzParseOrder reads answers to a start.
func FuzzParseOrder(f *testing.F) {
	f.Add([]byte(`{"orderRef":"131daac9-16c6-4618-beb0-365768f37288","autoStartToken":"7c40b5c9-fa74-49cf-b98c-bfe651f9a7c6","qrStartToken":"67df3917-fa0d-44e5-b327-edcc928297f8","qrStartSecret":"d28db9a7-4cde-429e-a983-359be676944c"}`))
	f.Add([]byte(`{"orderRef":"131daac9-16c6-4618-beb0-365768f37288"}`))
	f.Add([]byte(`{"orderRef":1,"autoStartToken":[]}`))
	f.Add([]byte(`[]`))
	f.Add([]byte(``))
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := parseOrder(KindAuth, body)
		switch {
		case err != nil && !errors.Is(err, ErrBadResponse):
			t.Errorf("error of another kind: %v", err)
		case err == nil && (o.OrderRef.IsZero() || o.AutoStartToken.IsZero() || o.QRStartToken.IsZero() || o.QRStartSecret.IsZero()):
			t.Error("an order without one of its tokens")
		}
		if _, err := parseOrder(KindPhoneAuth, body); err != nil && !errors.Is(err, ErrBadResponse) {
			t.Errorf("error of another kind: %v", err)
		}
	})
}

// FuzzAPIError reads answers that are no success, and looks at what of them would stand in a log.
func FuzzAPIError(f *testing.F) {
	f.Add(400, []byte(`{"errorCode":"alreadyInProgress","details":"Order already in progress for pno"}`))
	f.Add(400, []byte(`{"errorCode":"InvalidParameters","details":"No such order"}`))
	f.Add(503, []byte(`{"errorCode":"Maintenance"}`))
	f.Add(502, []byte(`<html><body>Bad gateway</body></html>`))
	f.Add(400, []byte(`{"errorCode":"199001019802","details":{}}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e := newAPIError("collect", status, body)
		if strings.ContainsFunc(string(e.Code), func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("-._", r)
		}) {
			t.Errorf("the code %q is not fit for a log", e.Code)
		}
		if e.Code != "" && !e.Code.Known() && strings.ContainsAny(e.Error(), "\n\r") {
			t.Errorf("the error has lines of its own: %q", e.Error())
		}
		if e.Temporary() != errors.Is(e, ErrUnavailable) {
			t.Error("a temporary error is not one of being unavailable")
		}
	})
}
