package bankid

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"brygga/secret"
)

func TestErrorAnswers(t *testing.T) {
	sentinels := []error{
		ErrUnavailable, ErrMaintenance, ErrCertificateRefused, ErrUntrustedServer, ErrBadResponse, ErrAlreadyInProgress, ErrOrderGone,
	}
	const proxy = "<html><body>502 Bad Gateway</body></html>"
	tests := []struct {
		name   string
		status int
		body   string
		code   ErrorCode
		is     []error
	}{
		{"already in progress", 400, `{"errorCode":"alreadyInProgress","details":"x"}`, CodeAlreadyInProgress, []error{ErrAlreadyInProgress}},
		{"invalid parameters", 400, `{"errorCode":"invalidParameters","details":"No such order"}`, CodeInvalidParameters, []error{ErrOrderGone}},
		{"unknown code with digits", 400, `{"errorCode":"weirdCode77","details":"x"}`, "weirdCode##", nil},
		{"code with a number behind it", 400, `{"errorCode":"no-order-191212121212"}`, "no-order-############", nil},
		{"unknown code", 400, `{"errorCode":"brandNew","details":"x"}`, "brandNew", nil},
		{"code with a number in it", 400, `{"errorCode":"no order 191212121212"}`, "", nil},
		{"code of digits", 400, `{"errorCode":"191212121212"}`, "", nil},
		{"code with line break", 400, `{"errorCode":"a\nlevel=INFO"}`, "", nil},
		{"endless code", 400, `{"errorCode":"` + strings.Repeat("a", 65) + `"}`, "", nil},
		{"code of the wrong type", 400, `{"errorCode":7}`, "", nil},
		{"unauthorized 401", 401, `{"errorCode":"unauthorized","details":"x"}`, CodeUnauthorized, []error{ErrCertificateRefused}},
		{"unauthorized 403", 403, `{"errorCode":"unauthorized","details":"x"}`, CodeUnauthorized, []error{ErrCertificateRefused}},
		{"401 from a proxy", 401, proxy, "", []error{ErrCertificateRefused}},
		{"403 from a proxy", 403, proxy, "", []error{ErrCertificateRefused}},
		{"not found", 404, `{"errorCode":"notFound","details":"x"}`, CodeNotFound, nil},
		{"method", 405, `{"errorCode":"methodNotAllowed","details":"x"}`, CodeMethodNotAllowed, nil},
		{"method, empty body", 405, ``, "", nil},
		{"request timeout", 408, `{"errorCode":"requestTimeout","details":"x"}`, CodeRequestTimeout, []error{ErrUnavailable}},
		{"request timeout, empty body", 408, ``, "", []error{ErrUnavailable}},
		{"media type", 415, `{"errorCode":"unsupportedMediaType","details":"x"}`, CodeUnsupportedMediaType, nil},
		{"too many requests", 429, `{"errorCode":"tooManyRequests","details":"x"}`, CodeTooManyRequests, []error{ErrUnavailable}},
		{"too many requests, no JSON", 429, `slow down`, "", []error{ErrUnavailable}},
		{"internal error", 500, `{"errorCode":"internalError","details":"x"}`, CodeInternalError, []error{ErrUnavailable}},
		{"internal error, HTML", 500, proxy, "", []error{ErrUnavailable}},
		{"bad gateway", 502, proxy, "", []error{ErrUnavailable}},
		{"maintenance", 503, `{"errorCode":"maintenance","details":"x"}`, CodeMaintenance, []error{ErrMaintenance, ErrUnavailable}},
		{"Maintenance", 503, `{"errorCode":"Maintenance","details":"x"}`, CodeMaintenance, []error{ErrMaintenance, ErrUnavailable}},
		{"503 from a proxy", 503, proxy, "", []error{ErrMaintenance, ErrUnavailable}},
		{"gateway timeout", 504, ``, "", []error{ErrUnavailable}},
		{"null", 500, `null`, "", []error{ErrUnavailable}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPeer(t, answer(tt.status, tt.body))
			_, err := newAPI(t, p.options()).Collect(t.Context(), secret.New(testRef))
			e, ok := errors.AsType[*APIError](err)
			if !ok {
				t.Fatalf("got %v, want an *APIError", err)
			}
			if e.Status != tt.status || e.Code != tt.code || e.Call != "collect" {
				t.Errorf("got %s, status %d, code %q; want status %d, code %q", e.Call, e.Status, e.Code, tt.status, tt.code)
			}
			for _, sentinel := range sentinels {
				want := false
				for _, is := range tt.is {
					want = want || is == sentinel
				}
				if got := errors.Is(err, sentinel); got != want {
					t.Errorf("errors.Is(err, %q) = %v, want %v", sentinel, got, want)
				}
			}
		})
	}
}

func TestOrderGoneIsForOrdersOnly(t *testing.T) {
	p := newPeer(t, answer(400, `{"errorCode":"invalidParameters"}`))
	a := newAPI(t, p.options())
	if _, err := a.Auth(t.Context(), AuthRequest{EndUserIP: endUser}); errors.Is(err, ErrOrderGone) {
		t.Errorf("a refused auth counts as a lost order: %v", err)
	}
	if err := a.Cancel(t.Context(), secret.New(testRef)); !errors.Is(err, ErrOrderGone) {
		t.Errorf("cancel: got error %v", err)
	}
}

func TestStrangeSuccess(t *testing.T) {
	for _, status := range []int{201, 204, 301, 302, 307} {
		p := newPeer(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/rp/v6.0/elsewhere")
			w.WriteHeader(status)
		})
		if err := newAPI(t, p.options()).Cancel(t.Context(), secret.New(testRef)); !errors.Is(err, ErrBadResponse) {
			t.Errorf("HTTP %d: got error %v", status, err)
		}
		if got := len(p.certs.serials); got != 1 {
			t.Errorf("HTTP %d: %d requests", status, got)
		}
	}
}

func TestErrorCodesAnyCase(t *testing.T) {
	for _, code := range ErrorCodes() {
		for _, text := range []string{string(code), strings.ToUpper(string(code)), strings.ToLower(string(code))} {
			if got, known := parseErrorCode(text); got != code || !known || !code.Known() {
				t.Errorf("%q became %q", text, got)
			}
		}
	}
	if ErrorCode("brandNew").Known() || ErrorCode("").Known() {
		t.Error("an unknown code is known")
	}
}

// TestErrorsKeepSecrets makes each kind of failure with marked values and looks for the marks in everything that an error
// prints.
func TestErrorsKeepSecrets(t *testing.T) {
	const mark = "marked-7f3a"
	bodies := []string{
		`{"errorCode":"alreadyInProgress","details":"order for ` + mark + `"}`, `{"errorCode":"` + mark + ` 1"}`,
		`{"orderRef":"` + mark + `","status":"` + mark + `"}`, `{"orderRef":"` + mark + `","status":7}`, `"` + mark + `"`, mark, `{"` + mark,
		`{"orderRef":"other-` + mark + `","status":"pending"}`, `{"orderRef":"` + mark + `","status":"complete","completionData":{"user":"` + mark + `"}}`,
	}
	for _, status := range []int{200, 400, 500} {
		for _, body := range bodies {
			p := newPeer(t, answer(status, body))
			a := newAPI(t, p.options())
			_, collect := a.Collect(t.Context(), secret.New(mark+"-ref"))
			_, auth := a.Auth(t.Context(), AuthRequest{EndUserIP: endUser, ReturnURL: secret.New("https://id.example.se/?n=" + mark)})
			_, invalid := a.Auth(t.Context(), AuthRequest{EndUserIP: endUser, ReturnURL: secret.New(mark)})
			_, number := a.PhoneAuth(t.Context(), PhoneAuthRequest{PersonalNumber: secret.New(mark), CallInitiator: CallByUser})
			p.Close()
			_, down := a.Collect(t.Context(), secret.New(mark+"-ref"))
			for _, err := range []error{collect, auth, invalid, number, down} {
				if err == nil {
					t.Fatalf("HTTP %d with %s: no error", status, body)
				}
				for ; err != nil; err = errors.Unwrap(err) {
					for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
						if text := fmt.Sprintf(format, err); strings.Contains(text, mark) {
							t.Errorf("HTTP %d with %s: %s shows %s", status, body, format, text)
						}
					}
				}
			}
		}
	}
}

func TestGarbageInsteadOfHTTP(t *testing.T) {
	p := newPeer(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		conn.Write([]byte("marked-7f3a 191212121212\r\n\r\n"))
		conn.Close()
	})
	_, err := newAPI(t, p.options()).Collect(t.Context(), secret.New(testRef))
	if !errors.Is(err, ErrBadResponse) || strings.Contains(err.Error(), "1912") || strings.Contains(err.Error(), "marked") {
		t.Errorf("got error %v", err)
	}
}

func TestDetails(t *testing.T) {
	p := newPeer(t, answer(400, `{"errorCode":"invalidParameters","details":"No such order"}`))
	err := newAPI(t, p.options()).Cancel(context.Background(), secret.New(testRef))
	if e, ok := errors.AsType[*APIError](err); !ok || e.Details().Reveal() != "No such order" {
		t.Errorf("got %v", err)
	}
}
