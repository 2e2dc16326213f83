package bankid

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"brygga/secret"
)

const (
	testRef       = "5f1c0a7e-2a44-4c0b-9b1d-0e6f4d1f2a3b"
	testAutoStart = "0c3b7a52-5c0e-4f0e-8a65-9d1f6b7c8d9e"
	testQRToken   = "11111111-2222-4333-8444-555555555555"
	testQRSecret  = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
	startedBody   = `{"orderRef":"` + testRef + `","autoStartToken":"` + testAutoStart + `","qrStartToken":"` + testQRToken +
		`","qrStartSecret":"` + testQRSecret + `","newMember":{"a":[1]}}`
)

var endUser = netip.MustParseAddr("203.0.113.7")

// request is what the peer saw of a call.
type request struct {
	Method, Path, Proto, ContentType string
	Body                             map[string]any
}

func record(t *testing.T, got *request, status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		*got = request{Method: r.Method, Path: r.URL.Path, Proto: r.Proto, ContentType: r.Header.Get("Content-Type")}
		if text, err := io.ReadAll(r.Body); err != nil {
			t.Error(err)
		} else if len(text) > 0 {
			if err := json.Unmarshal(text, &got.Body); err != nil {
				t.Errorf("request is no JSON: %v", err)
			}
		}
		answer(status, body)(w, r)
	}
}

func TestRequestsOnTheWire_U16_U17(t *testing.T) {
	full := AuthRequest{
		EndUserIP:             netip.MustParseAddr("::ffff:203.0.113.7"),
		UserVisibleData:       "Logga in på Exempeltjänsten",
		UserNonVisibleData:    []byte("sha256:0a1b2c3d"),
		UserVisibleDataFormat: FormatSimpleMarkdownV1,
		ReturnURL:             secret.New("https://id.example.se/bankid/return#n=Zt3k9Qm1"),
		ReturnRisk:            true,
		Requirement: Requirement{
			PinCode: true, MRTD: true, CardReader: CardReaderClass2, CertificatePolicies: []string{PolicyMobile, "1.2.752.78.*"},
			PersonalNumber: secret.New("191212121212"),
		},
		Web: &Web{ReferringDomain: "example.se", UserAgent: "Mozilla/5.0 (made up)", DeviceIdentifier: secret.New("6f0d2c3a")},
	}
	fullJSON := `{"endUserIp":"203.0.113.7","userVisibleData":"TG9nZ2EgaW4gcMOlIEV4ZW1wZWx0asOkbnN0ZW4=",
		"userNonVisibleData":"c2hhMjU2OjBhMWIyYzNk","userVisibleDataFormat":"simpleMarkdownV1",
		"returnUrl":"https://id.example.se/bankid/return#n=Zt3k9Qm1","returnRisk":true,
		"requirement":{"pinCode":true,"mrtd":true,"cardReader":"class2","certificatePolicies":["1.2.752.78.1.5","1.2.752.78.*"],
		"personalNumber":"191212121212"},
		"web":{"referringDomain":"example.se","userAgent":"Mozilla/5.0 (made up)","deviceIdentifier":"6f0d2c3a"}}`
	tests := []struct {
		name   string
		status int
		body   string
		call   func(a *API) error
		want   request
		sent   string
	}{
		{"auth, least", 200, startedBody, func(a *API) error {
			_, err := a.Auth(t.Context(), AuthRequest{EndUserIP: endUser})
			return err
		}, request{Path: "/rp/v6.0/auth"}, `{"endUserIp":"203.0.113.7"}`},
		{"auth, all", 200, startedBody, func(a *API) error {
			_, err := a.Auth(t.Context(), full)
			return err
		}, request{Path: "/rp/v6.0/auth"}, fullJSON},
		{"sign, all", 200, startedBody, func(a *API) error {
			_, err := a.Sign(t.Context(), SignRequest(full))
			return err
		}, request{Path: "/rp/v6.0/sign"}, fullJSON},
		{"auth from an app", 200, startedBody, func(a *API) error {
			_, err := a.Auth(t.Context(), AuthRequest{EndUserIP: netip.MustParseAddr("2001:db8::7"), App: &App{
				AppIdentifier: "se.example.app", DeviceOS: "IOS 16.7.7", DeviceModelName: "Apple iPhone14,3",
				DeviceIdentifier: secret.New("d1"),
			}})
			return err
		}, request{Path: "/rp/v6.0/auth"}, `{"endUserIp":"2001:db8::7","app":{"appIdentifier":"se.example.app",
			"deviceOS":"IOS 16.7.7","deviceModelName":"Apple iPhone14,3","deviceIdentifier":"d1"}}`},
		{"phone auth", 200, `{"orderRef":"` + testRef + `"}`, func(a *API) error {
			_, err := a.PhoneAuth(t.Context(), PhoneAuthRequest{
				PersonalNumber: secret.New("191212121212"), CallInitiator: CallByRelyingParty, Requirement: Requirement{PinCode: true},
			})
			return err
		}, request{Path: "/rp/v6.0/phone/auth"}, `{"personalNumber":"191212121212","callInitiator":"RP","requirement":{"pinCode":true}}`},
		{"phone sign", 200, `{"orderRef":"` + testRef + `"}`, func(a *API) error {
			_, err := a.PhoneSign(t.Context(), PhoneSignRequest{
				PersonalNumber: secret.New("191212121212"), CallInitiator: CallByUser, UserVisibleData: "a",
				UserNonVisibleData: []byte("b"), UserVisibleDataFormat: FormatPlainText,
			})
			return err
		}, request{Path: "/rp/v6.0/phone/sign"}, `{"personalNumber":"191212121212","callInitiator":"user","userVisibleData":"YQ==",
			"userNonVisibleData":"Yg==","userVisibleDataFormat":"plaintext"}`},
		{"collect", 200, `{"orderRef":"` + testRef + `","status":"pending"}`, func(a *API) error {
			_, err := a.Collect(t.Context(), secret.New(testRef))
			return err
		}, request{Path: "/rp/v6.0/collect"}, `{"orderRef":"` + testRef + `"}`},
		{"cancel", 200, `{}`, func(a *API) error {
			return a.Cancel(t.Context(), secret.New(testRef))
		}, request{Path: "/rp/v6.0/cancel"}, `{"orderRef":"` + testRef + `"}`},
		{"cancel with an empty answer", 200, ``, func(a *API) error {
			return a.Cancel(t.Context(), secret.New(testRef))
		}, request{Path: "/rp/v6.0/cancel"}, `{"orderRef":"` + testRef + `"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got request
			p := newPeer(t, record(t, &got, tt.status, tt.body))
			if err := tt.call(newAPI(t, p.options())); err != nil {
				t.Fatal(err)
			}
			want := tt.want
			want.Method, want.Proto, want.ContentType = http.MethodPost, "HTTP/1.1", "application/json"
			if err := json.Unmarshal([]byte(tt.sent), &want.Body); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStartedOrder(t *testing.T) {
	now := time.Now().Add(time.Minute)
	p := newPeer(t, answer(200, startedBody))
	o := p.options()
	o.Now = func() time.Time { return now }
	got, err := newAPI(t, o).Auth(t.Context(), AuthRequest{EndUserIP: endUser})
	if err != nil {
		t.Fatal(err)
	}
	want := Order{
		Kind: KindAuth, OrderRef: secret.New(testRef), AutoStartToken: secret.New(testAutoStart),
		QRStartToken: secret.New(testQRToken), QRStartSecret: secret.New(testQRSecret), ReceivedAt: now,
		State: Pending, HintCode: HintOutstandingTransaction,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestUnusableStart(t *testing.T) {
	for _, body := range []string{
		``, `null`, `{}`, `[]`, `<html>`, `{"orderRef":""}`, `{"orderRef":5}`, `{"orderRef":"` + testRef + `"}`,
		strings.Replace(startedBody, testQRSecret, "", 1), strings.Replace(startedBody, testQRToken, "", 1),
		strings.Replace(startedBody, testAutoStart, "", 1), strings.Replace(startedBody, testRef, "", 1), startedBody[:40],
	} {
		p := newPeer(t, answer(200, body))
		a := newAPI(t, p.options())
		got, err := a.Auth(t.Context(), AuthRequest{EndUserIP: endUser})
		if !errors.Is(err, ErrBadResponse) {
			t.Errorf("body %q: got error %v", body, err)
		}
		if diff := cmp.Diff(Order{}, got); diff != "" {
			t.Errorf("body %q: got an order:\n%s", body, diff)
		}
	}
}

func TestCollectOfAnotherOrder(t *testing.T) {
	p := newPeer(t, answer(200, `{"orderRef":"another","status":"pending"}`))
	if _, err := newAPI(t, p.options()).Collect(t.Context(), secret.New(testRef)); !errors.Is(err, ErrBadResponse) {
		t.Errorf("got error %v", err)
	}
}

func TestMissingOrderRef(t *testing.T) {
	p := newPeer(t, func(http.ResponseWriter, *http.Request) { t.Error("something was sent") })
	a := newAPI(t, p.options())
	_, collect := a.Collect(t.Context(), secret.String{})
	for _, err := range []error{collect, a.Cancel(t.Context(), secret.String{})} {
		if e, ok := errors.AsType[*InvalidRequestError](err); !ok || e.Field != "orderRef" {
			t.Errorf("got error %v", err)
		}
	}
}

func TestProbe(t *testing.T) {
	tests := []struct {
		name   string
		status int
		want   error
	}{
		{"refused as it must be", 405, nil},
		{"accepted", 200, ErrBadResponse},
		{"redirected", 302, ErrBadResponse},
		{"our certificate refused", 403, ErrCertificateRefused},
		{"down", 503, ErrUnavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got request
			p := newPeer(t, record(t, &got, tt.status, ""))
			if err := newAPI(t, p.options()).Probe(t.Context()); !errors.Is(err, tt.want) {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
			if want := (request{Method: http.MethodGet, Path: "/rp/v6.0/auth", Proto: "HTTP/1.1"}); !reflect.DeepEqual(got, want) {
				t.Errorf("sent %+v, want %+v", got, want)
			}
		})
	}
}

func TestObserve(t *testing.T) {
	type seen struct {
		call   string
		status int
		code   string
	}
	var mu sync.Mutex
	var got []seen
	reply := answer(200, startedBody)
	p := newPeer(t, func(w http.ResponseWriter, r *http.Request) { reply(w, r) })
	o := p.options()
	o.Observe = func(call string, status int, code string, d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, seen{call, status, code})
		if d < 0 {
			t.Errorf("%s took %v", call, d)
		}
	}
	a := newAPI(t, o)
	a.Auth(t.Context(), AuthRequest{EndUserIP: endUser})
	a.Auth(t.Context(), AuthRequest{}) // refused by us: no call
	reply = answer(400, `{"errorCode":"ALREADYINPROGRESS","details":"x"}`)
	a.PhoneAuth(t.Context(), PhoneAuthRequest{PersonalNumber: secret.New("191212121212"), CallInitiator: CallByUser})
	reply = answer(400, `{"errorCode":"brandNew"}`)
	a.Cancel(t.Context(), secret.New(testRef))
	reply = answer(200, `<html>`)
	a.Collect(t.Context(), secret.New(testRef))
	reply = answer(405, ``)
	a.Probe(t.Context())
	p.Close()
	a.Probe(t.Context())
	want := []seen{
		{"auth", 200, ""}, {"phone/auth", 400, "alreadyInProgress"}, {"cancel", 400, "other"}, {"collect", 200, "bad_response"},
		{"probe", 405, ""}, {"probe", 0, "unavailable"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("observed %v\nwant %v", got, want)
	}
}
