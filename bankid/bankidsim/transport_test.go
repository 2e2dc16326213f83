package bankidsim

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"
	"time"
)

// transportRefusals returns the test of what a row of the checklist has refused before an order is thought of.
func transportRefusals(row string) func(t *testing.T) {
	return func(t *testing.T) { testTransportRefusals(t, row) }
}

func testTransportRefusals(t *testing.T, row string) {
	r := newRig(t, Options{})
	for _, tt := range []struct {
		row, name, method, path, contentType, body string
		want                                       int
		code                                       string
	}{
		{"S-02", "get", "GET", "/rp/v6.0/auth", "", "", 405, "methodNotAllowed"},
		{"S-02", "put", "PUT", "/rp/v6.0/collect", "application/json", "{}", 405, "methodNotAllowed"},
		{"S-04", "old version", "POST", "/rp/v5.1/auth", "application/json", "{}", 404, "notFound"},
		{"S-04", "no version", "POST", "/auth", "application/json", "{}", 404, "notFound"},
		{"S-04", "payments", "POST", "/rp/v6.0/payments", "application/json", "{}", 404, "notFound"},
		{"S-04", "trailing slash", "POST", "/rp/v6.0/auth/", "application/json", "{}", 404, "notFound"},
		{"S-03", "charset", "POST", "/rp/v6.0/auth", "application/json; charset=utf-8", `{"endUserIp":"192.0.2.1"}`, 415, "unsupportedMediaType"},
		{"S-03", "form", "POST", "/rp/v6.0/auth", "application/x-www-form-urlencoded", `{"endUserIp":"192.0.2.1"}`, 415, "unsupportedMediaType"},
		{"S-03", "no type", "POST", "/rp/v6.0/auth", "", `{"endUserIp":"192.0.2.1"}`, 415, "unsupportedMediaType"},
		{"S-08", "broken", "POST", "/rp/v6.0/auth", "application/json", `{"endUserIp":`, 400, "invalidParameters"},
		{"S-08", "not an object", "POST", "/rp/v6.0/auth", "application/json", `[]`, 400, "invalidParameters"},
		{"S-08", "empty", "POST", "/rp/v6.0/auth", "application/json", ``, 400, "invalidParameters"},
		{"S-08", "two values", "POST", "/rp/v6.0/auth", "application/json", `{"endUserIp":"192.0.2.1"}{}`, 400, "invalidParameters"},
		{"S-08", "not utf-8", "POST", "/rp/v6.0/auth", "application/json", "{\"endUserIp\":\"192.0.2.1\xff\"}", 400, "invalidParameters"},
		{"S-08", "too large", "POST", "/rp/v6.0/auth", "application/json", `{"endUserIp":"192.0.2.1"` + strings.Repeat(" ", maxBodySize) + `}`, 400, "invalidParameters"},
	} {
		if tt.row != row {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			resp, err := r.rp.Do(r.request(tt.method, tt.path, tt.contentType, tt.body))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body := new(strings.Builder)
			if _, err := readInto(body, resp); err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tt.want || !strings.Contains(body.String(), `"errorCode":"`+tt.code+`"`) {
				t.Errorf("got %d %s, want %d %s", resp.StatusCode, body, tt.want, tt.code)
			}
			if got := resp.Header.Get("Content-Type"); got != "application/json" {
				t.Errorf("content type %q", got)
			}
		})
	}
	if n := len(r.Orders("")); n != 0 {
		t.Errorf("%d orders were started", n)
	}
}

func testClientCertificateIsDemanded(t *testing.T) {
	r := newRig(t, Options{})
	stranger, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, certs := range map[string][]tls.Certificate{"none": nil, "of another CA": {stranger.ClientCertificate().TLS}} {
		if resp, err := r.client(certs...).Do(r.request("POST", "/rp/v6.0/auth", "application/json", `{"endUserIp":"192.0.2.1"}`)); err == nil {
			resp.Body.Close()
			t.Errorf("certificate %s: accepted with %d", name, resp.StatusCode)
		}
	}
	// Without TLS in front of it the handler refuses too.
	rec := newRecorder()
	r.API().ServeHTTP(rec, r.request("POST", "/rp/v6.0/auth", "application/json", `{"endUserIp":"192.0.2.1"}`))
	if rec.Code != http.StatusUnauthorized {
		t.Errorf("without TLS: %d", rec.Code)
	}
}

func testServerIsKnownByItsOwnRoot(t *testing.T) {
	r := newRig(t, Options{})
	other, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	r2 := &rig{Simulator: other, t: t, addr: r.addr}
	if resp, err := r2.client(r.ClientCertificate().TLS).Do(r.request("POST", "/rp/v6.0/auth", "application/json", "{}")); err == nil {
		resp.Body.Close()
		t.Error("a client that pins another root got an answer")
	}
	resp, err := r.rp.Do(r.request("GET", "/rp/v6.0/auth", "", ""))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.ProtoMajor != 1 || resp.TLS.Version < tls.VersionTLS12 {
		t.Errorf("HTTP/%d over TLS %x", resp.ProtoMajor, resp.TLS.Version)
	}
}

func testOrdersBelongToTheCertificate(t *testing.T) {
	r := newRig(t, Options{})
	second, err := r.IssueRPCertificate(RPSubject{Name: "Norrby kommun", OrgNumber: "2120001234"})
	if err != nil {
		t.Fatal(err)
	}
	o := r.auth()
	body := `{"orderRef":"` + o.OrderRef + `"}`
	for _, endpoint := range []string{"collect", "cancel"} {
		if status, m := r.callAs(r.client(second.TLS), endpoint, body); status != 400 || m["errorCode"] != "invalidParameters" {
			t.Errorf("foreign %s: %d %v", endpoint, status, m)
		}
	}
	r.wantOutcome(o.OrderRef, "pending/outstandingTransaction")
	if n := r.Misuse().Counts[MisuseForeignOrder]; n != 2 {
		t.Errorf("%d foreign calls counted", n)
	}
	other := new(rig)
	*other = *r
	other.rp = r.client(second.TLS)
	other.auth()
	if got := r.Orders("")[0].RPName; got != "Norrby kommun" {
		t.Errorf("the phone shows %q", got)
	}
}

func testRPCertificate(t *testing.T) {
	s, err := New(Options{RPName: "Åkeriet", RPOrgNumber: "5599990008", Now: func() time.Time { return startOfTests }})
	if err != nil {
		t.Fatal(err)
	}
	c := s.ClientCertificate()
	if _, err := tls.X509KeyPair(c.CertPEM, c.KeyPEM); err != nil {
		t.Errorf("PEM: %v", err)
	}
	rp, err := readRP(c.TLS.Leaf)
	if err != nil {
		t.Fatal(err)
	}
	if want := "cn=RP Åkeriet,name=Åkeriet,serialNumber=5599990008,o=" + bankName + ",c=SE"; rp.subject != want {
		t.Errorf("subject %q, want %q", rp.subject, want)
	}
	if rp.displayName != "Åkeriet" {
		t.Errorf("display name %q", rp.displayName)
	}
	for _, bad := range [][2]string{{"", "5599990008"}, {"X", "55999900"}, {"X", "559999-000"}} {
		if _, err := s.IssueRPCertificate(RPSubject{Name: bad[0], OrgNumber: bad[1]}); err == nil {
			t.Errorf("issued for %q", bad)
		}
	}
}
