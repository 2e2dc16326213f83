package bankidsim

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

const (
	asa  = "198502039822"
	erik = "197807159814"
	both = "196209309852" // has a mobile and a file BankID
)

var startOfTests = time.Date(2026, time.March, 4, 10, 20, 30, 0, time.UTC)

// sharedKeys are the keys for signatures in all tests, as they take half a second to make.
var sharedKeys = sync.OnceValue(func() *signaturePKI { return newSignaturePKI(startOfTests) })

// rig is a simulator whose clock only moves by Advance, served over real TLS, with one relying party.
type rig struct {
	*Simulator
	t    *testing.T
	addr string
	rp   *http.Client
}

func newRig(t *testing.T, opts Options) *rig {
	t.Helper()
	shared := opts.Now == nil // certificates hold by the clock of the tests
	if shared {
		opts.Now = func() time.Time { return startOfTests }
	}
	s, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	if shared {
		s.sig = sharedKeys()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := s.APIServer()
	done := make(chan struct{})
	go func() { defer close(done); srv.ServeTLS(l, "", "") }()
	t.Cleanup(func() {
		srv.Close()
		<-done
		s.Close()
	})
	r := &rig{Simulator: s, t: t, addr: l.Addr().String()}
	r.rp = r.client(s.ClientCertificate().TLS)
	return r
}

// client is a relying party with the certificates given, which may be none.
func (r *rig) client(certs ...tls.Certificate) *http.Client {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(r.ServerRootPEM())
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: certs}}
	r.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 20 * time.Second}
}

func (r *rig) request(method, path, contentType, body string) *http.Request {
	r.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, "https://"+r.addr+path, bytes.NewReader([]byte(body)))
	if err != nil {
		r.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return req
}

// call posts to an endpoint as a relying party and returns the status and the members of the answer.
func (r *rig) callAs(rp *http.Client, endpoint, body string) (int, map[string]any) {
	r.t.Helper()
	resp, err := rp.Do(r.request(http.MethodPost, "/rp/v6.0/"+endpoint, "application/json", body))
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	var members map[string]any
	if len(text) > 0 {
		if err := json.Unmarshal(text, &members); err != nil {
			r.t.Fatalf("%s answered %q: %v", endpoint, text, err)
		}
	}
	return resp.StatusCode, members
}

func (r *rig) call(endpoint, body string) (int, map[string]any) {
	r.t.Helper()
	return r.callAs(r.rp, endpoint, body)
}

// start starts an order and returns its answer.
func (r *rig) start(endpoint, body string) startResponse {
	r.t.Helper()
	status, m := r.call(endpoint, body)
	if status != http.StatusOK {
		r.t.Fatalf("%s: %d %v", endpoint, status, m)
	}
	get := func(name string) string { s, _ := m[name].(string); return s }
	return startResponse{get("orderRef"), get("autoStartToken"), get("qrStartToken"), get("qrStartSecret")}
}

func (r *rig) auth() startResponse {
	r.t.Helper()
	return r.start("auth", `{"endUserIp":"192.0.2.1"}`)
}

// outcome is what a collect says, in short: "pending/userSign", "complete/", "400 invalidParameters".
func (r *rig) outcome(orderRef string) string {
	r.t.Helper()
	status, m := r.call("collect", `{"orderRef":"`+orderRef+`"}`)
	if status != http.StatusOK {
		return http.StatusText(status) + " " + m["errorCode"].(string)
	}
	hint, _ := m["hintCode"].(string)
	return m["status"].(string) + "/" + hint
}

func (r *rig) wantOutcome(orderRef, want string) {
	r.t.Helper()
	if got := r.outcome(orderRef); got != want {
		r.t.Fatalf("collect says %q, want %q", got, want)
	}
}

func (r *rig) advance(d time.Duration) {
	r.t.Helper()
	if _, err := r.Advance(d); err != nil {
		r.t.Fatal(err)
	}
}

// must takes the result of a step of the phone that has to work.
func must(t *testing.T) func(Order, error) Order {
	return func(o Order, err error) Order {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
}

// wantRefusal checks that err is a Refusal with the code.
func wantRefusal(t *testing.T, err error, code string) {
	t.Helper()
	if r, ok := err.(*Refusal); !ok || r.Code != code {
		t.Fatalf("got %v, want refusal %q", err, code)
	}
}

const badRequest = "Bad Request invalidParameters"
