package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority is a private one for certificates of servers.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string // with its certificate, in PEM
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	der, key := a.sign(&x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Private"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true})
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a.cert, a.key, a.file = cert, key, filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

// sign signs a certificate with a new key: as the authority, or by itself when there is none yet.
func (a *authority) sign(c *x509.Certificate) ([]byte, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	parent, by := a.cert, a.key
	if parent == nil {
		parent, by = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), by)
	if err != nil {
		a.t.Fatal(err)
	}
	return der, key
}

// serve returns the address of a server for which the authority has signed until then, and counts who sends it anything.
func (a *authority) serve(until time.Time, asked *int, ips ...net.IP) string {
	a.t.Helper()
	der, key := a.sign(&x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: until.Add(-time.Hour), NotAfter: until, DNSNames: []string{"admin.example.se"}, IPAddresses: ips})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		*asked++
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"items":[]}`)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	a.t.Cleanup(server.Close)
	return server.URL
}

// TestCAFile: a server is asked whose certificate leads to the authority that --ca-file names. To any other no key is sent, and why is said plainly.
func TestCAFile(t *testing.T) {
	private, other := newAuthority(t), newAuthority(t)
	here, soon := net.IPv4(127, 0, 0, 1), time.Now().Add(time.Minute)
	asked := 0
	sound, expired, elsewhere := private.serve(soon, &asked, here), private.serve(time.Now().Add(-24*time.Hour), &asked, here), private.serve(soon, &asked)
	nothing := filepath.Join(t.TempDir(), "nothing.pem")
	if err := os.WriteFile(nothing, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, server, file string
		code               int
		said               string
	}{
		{"the right authority", sound, private.file, exitOK, ""},
		{"another authority", sound, other.file, exitUnavailable, "its certificate leads to none of those that are trusted"},
		{"no authority", sound, "", exitUnavailable, "its certificate leads to none of those that are trusted"},
		{"expired", expired, private.file, exitUnavailable, "which is not now"},
		{"another host", elsewhere, private.file, exitUnavailable, "its certificate is for admin.example.se, not for 127.0.0.1"},
		{"no such file", sound, nothing + "x", exitUsage, "--ca-file"},
		{"no certificates", sound, nothing, exitUsage, "--ca-file"},
	} {
		asked = 0
		var out bytes.Buffer
		code := run(t.Context(), []string{"client", "list", "--server", test.server, "--ca-file", test.file}, &host{out: &out, err: &out, environ: []string{keyVariable + "=brygga_x_y"}})
		if code != test.code || !strings.Contains(out.String(), test.said) || (asked > 0) != (test.code == exitOK) {
			t.Errorf("%s: code %d, asked %d times: %s", test.name, code, asked, &out)
		}
		if test.code == exitUnavailable && (strings.Contains(out.String(), "x509") || !strings.Contains(out.String(), "--ca-file")) {
			t.Errorf("%s is not said plainly: %s", test.name, &out)
		}
	}
}
