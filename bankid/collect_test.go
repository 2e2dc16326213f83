package bankid

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"brygga/secret"
)

const completeBody = `{"orderRef":"` + testRef + `","status":"complete","completionData":{"user":{"personalNumber":"191212121212",
	"name":"Tolvan Tolvansson","givenName":"Tolvan","surname":"Tolvansson"},"device":{"ipAddress":"203.0.113.7",
	"uhi":"AAECAwQFBgcICQoLDA0ODxAREhMU"},"bankIdIssueDate":"2024-02-29","stepUp":{"mrtd":true},"signature":"PD94bWw=",
	"ocspResponse":"MIIHfg==","risk":"low"}}`

func TestParseCollect(t *testing.T) {
	ref := secret.New(testRef)
	person := &CompletionData{
		User: User{
			PersonalNumber: secret.New("191212121212"), Name: secret.New("Tolvan Tolvansson"), GivenName: secret.New("Tolvan"),
			Surname: secret.New("Tolvansson"),
		},
		Device:          Device{IPAddress: "203.0.113.7", UHI: secret.New("AAECAwQFBgcICQoLDA0ODxAREhMU")},
		BankIDIssueDate: time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), StepUp: StepUp{MRTD: true},
		Signature: secret.New("PD94bWw="), OCSPResponse: secret.New("MIIHfg=="), Risk: RiskLow,
	}
	least := &CompletionData{User: User{PersonalNumber: secret.New("191212121212")}}
	head := `{"orderRef":"` + testRef + `",`
	tests := []struct {
		name string
		body string
		want CollectResponse
		err  error
	}{
		{"pending", head + `"status":"pending","hintCode":"userSign"}`, CollectResponse{ref, StatusPending, HintUserSign, nil}, nil},
		{"pending, unknown hint", head + `"status":"pending","hintCode":"dancing"}`, CollectResponse{ref, StatusPending, "dancing", nil}, nil},
		{"pending, no hint", head + `"status":"pending"}`, CollectResponse{ref, StatusPending, "", nil}, nil},
		{"hint that breaks a log", head + `"status":"pending","hintCode":"a\nb"}`, CollectResponse{ref, StatusPending, "", nil}, nil},
		{"failed", head + `"status":"failed","hintCode":"userCancel"}`, CollectResponse{ref, StatusFailed, HintUserCancel, nil}, nil},
		{"failed, unknown hint", head + `"status":"failed","hintCode":"x9"}`, CollectResponse{ref, StatusFailed, "x9", nil}, nil},
		{"complete", completeBody, CollectResponse{ref, StatusComplete, "", person}, nil},
		{"complete, least", head + `"status":"complete","completionData":{"user":{"personalNumber":"191212121212"}}}`, CollectResponse{ref, StatusComplete, "", least}, nil},
		{"unknown members", head + `"status":"pending","new":{"a":[null]},"completionData":null}`, CollectResponse{ref, StatusPending, "", nil}, nil},
		{"unreadable date", head + `"status":"complete","completionData":{"user":{"personalNumber":"191212121212"},"bankIdIssueDate":"yesterday"}}`,
			CollectResponse{ref, StatusComplete, "", least}, nil},
		{"failed with a result", strings.Replace(completeBody, "complete", "failed", 1), CollectResponse{ref, StatusFailed, "", nil}, nil},
		{"complete without a result", head + `"status":"complete"}`, CollectResponse{}, ErrBadResponse},
		{"complete without a person", head + `"status":"complete","completionData":{"user":{}}}`, CollectResponse{}, ErrBadResponse},
		{"unknown status", head + `"status":"resting"}`, CollectResponse{}, ErrBadResponse},
		{"status in capitals", head + `"status":"COMPLETE"}`, CollectResponse{}, ErrBadResponse},
		{"no status", head + `"hintCode":"userSign"}`, CollectResponse{}, ErrBadResponse},
		{"wrong type", head + `"status":["pending"]}`, CollectResponse{}, ErrBadResponse},
		{"more after the end", head + `"status":"pending"}{}`, CollectResponse{}, ErrBadResponse},
		{"empty", ``, CollectResponse{}, ErrBadResponse},
		{"null", `null`, CollectResponse{}, ErrBadResponse},
		{"HTML", `<html>`, CollectResponse{}, ErrBadResponse},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseCollect([]byte(tt.body))
			if !errors.Is(err, tt.err) {
				t.Errorf("got error %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseDate(t *testing.T) {
	day := time.Date(2020, 2, 1, 0, 0, 0, 0, time.UTC)
	tests := map[string]time.Time{
		"2020-02-01": day, "2020-02-01Z": day, "2020-02-01+02:00": day, "2020-02-01-05:00": day, "2020-02-01T23:59:59Z": day,
		"2020-02-01T00:30:00+02:00": day, "2020-02-01T10:00:00.123+01:00": day, "2020-02-01T10:00:00": day,
		"": {}, "2020-02-30": {}, "1/2 2020": {}, "20200201": {},
	}
	for text, want := range tests {
		if got := parseDate(text); !got.Equal(want) {
			t.Errorf("parseDate(%q) = %v, want %v", text, got, want)
		}
	}
}

func TestHintCodes(t *testing.T) {
	for _, h := range append(PendingHintCodes(), FailedHintCodes()...) {
		if !h.Known() || harmless(string(h)) != string(h) {
			t.Errorf("%q is a constant and not known", h)
		}
		if got, want := h.ShowsQR(), h == "outstandingTransaction"; got != want {
			t.Errorf("%q shows a QR code: %v", h, got)
		}
	}
	for _, h := range []HintCode{"", "dancing", "UserSign"} {
		if h.Known() {
			t.Errorf("%q is known", h)
		}
	}
}

func FuzzParseCollect(f *testing.F) {
	f.Add([]byte(completeBody))
	f.Add([]byte(`{"orderRef":"` + testRef + `","status":"pending","hintCode":"outstandingTransaction"}`))
	f.Add([]byte(`{"orderRef":"` + testRef + `","status":"failed","hintCode":"userCancel"}`))
	f.Add([]byte(`{"orderRef":"` + testRef + `","status":"pending","hintCode":"\u0000","new":[{}]}`))
	f.Add([]byte(`{"errorCode":"invalidParameters","details":"No such order"}`))
	f.Add([]byte(`<html>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := parseCollect(body)
		if err != nil {
			if !errors.Is(err, ErrBadResponse) {
				t.Errorf("error of another kind: %v", err)
			}
			return
		}
		if (c.Status == StatusComplete) != (c.CompletionData != nil) {
			t.Errorf("status %q, result %v", c.Status, c.CompletionData != nil)
		}
		if strings.ContainsFunc(string(c.HintCode), func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Errorf("hint code %q is not fit for a log", c.HintCode)
		}
		o, err := Order{OrderRef: c.OrderRef, State: Pending}.Next(c)
		if err != nil || string(o.State) != string(c.Status) {
			t.Errorf("a response that parses cannot be used: state %q, error %v", o.State, err)
		}
	})
}
