package bankid

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"brygga/secret"
)

func TestCertificateSources(t *testing.T) {
	dir := t.TempDir()
	cert := relyingParty()
	certFile, keyFile := writePEM(t, dir, cert, time.Now())
	both := filepath.Join(dir, "both.pem")
	writeFile(t, both, append(must(os.ReadFile(certFile)), must(os.ReadFile(keyFile))...), time.Now())
	modern, legacy := filepath.Join(dir, "modern.p12"), filepath.Join(dir, "legacy.pfx")
	chain := []*x509.Certificate{bankRoot().cert}
	writeFile(t, modern, must(pkcs12.Modern2023.Encode(cert.PrivateKey, cert.Leaf, chain, "qwerty123")), time.Now())
	writeFile(t, legacy, must(pkcs12.LegacyRC2.Encode(cert.PrivateKey, cert.Leaf, nil, "qwerty123")), time.Now())
	noLeaf := tls.Certificate{Certificate: cert.Certificate, PrivateKey: cert.PrivateKey}

	tests := []struct {
		name   string
		source CertificateSource
	}{
		{"PEM", CertificateSource{CertFile: certFile, KeyFile: keyFile}},
		{"PEM in one file", CertificateSource{CertFile: both}},
		{"PKCS#12", CertificateSource{PKCS12File: modern, Passphrase: secret.New("qwerty123")}},
		{"old PKCS#12", CertificateSource{PKCS12File: legacy, Passphrase: secret.New("qwerty123")}},
		{"in memory, not parsed", CertificateSource{TLS: &noLeaf}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPeer(t, answer(405, ""))
			o := p.options()
			o.Certificate = tt.source
			if err := newAPI(t, o).Probe(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got, want := p.lastSerial(), cert.Leaf.SerialNumber.String(); got != want {
				t.Errorf("BankID saw certificate %s, want %s", got, want)
			}
		})
	}
	t.Run("wrong passphrase", func(t *testing.T) {
		o := blankOptions(cert)
		o.Certificate = CertificateSource{PKCS12File: modern, Passphrase: secret.New("hemlis-7319")}
		_, err := New(o)
		if err == nil || !strings.Contains(err.Error(), "passphrase") || strings.Contains(err.Error(), "hemlis") {
			t.Errorf("got error %v", err)
		}
	})
}

func TestCertificateInfo(t *testing.T) {
	cert := relyingParty()
	a := newAPI(t, blankOptions(cert))
	want := CertificateInfo{
		DisplayName: "Exempeltjänsten", Organisation: "Exempelbanken AB", OrganisationNumber: "5560000001", CommonName: "Exempel FP",
		Issuer: "CN=Test bank root", NotBefore: cert.Leaf.NotBefore, NotAfter: cert.Leaf.NotAfter,
	}
	if got := a.CertificateInfo(); got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	bare := bankRoot().issue(x509.Certificate{Subject: pkix.Name{CommonName: "bare"}})
	if got := newAPI(t, blankOptions(bare)).CertificateInfo(); got.DisplayName != "" || got.CommonName != "bare" {
		t.Errorf("got %+v", got)
	}
}

// reloading is an API with certificate files and a clock, and a BankID that remembers which certificate it saw.
type reloading struct {
	*API
	peer *peer
	dir  string
	now  time.Time
	logs bytes.Buffer
}

func newReloading(t *testing.T, first tls.Certificate) *reloading {
	r := &reloading{peer: newPeer(t, answer(405, "")), dir: t.TempDir(), now: time.Now()}
	o := r.peer.options()
	o.Certificate = CertificateSource{}
	o.Certificate.CertFile, o.Certificate.KeyFile = writePEM(t, r.dir, first, r.now)
	o.Now = func() time.Time { return r.now }
	o.Logger = slog.New(slog.NewTextHandler(&r.logs, nil))
	r.API = newAPI(t, o)
	return r
}

// seen makes a call and returns whether BankID saw cert.
func (r *reloading) seen(t *testing.T, cert tls.Certificate) bool {
	t.Helper()
	if err := r.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r.peer.lastSerial() == cert.Leaf.SerialNumber.String()
}

func TestChangedFilesAreTaken_RowA21(t *testing.T) {
	first, second := relyingParty(), relyingParty()
	r := newReloading(t, first)
	if !r.seen(t, first) {
		t.Fatal("BankID did not see the first certificate")
	}
	writePEM(t, r.dir, second, r.now.Add(time.Second))
	r.now = r.now.Add(DefaultReloadEvery - time.Second)
	if !r.seen(t, first) {
		t.Error("the files were looked at too soon")
	}
	r.now = r.now.Add(time.Second)
	if !r.seen(t, second) || r.CertificateInfo().NotAfter != second.Leaf.NotAfter {
		t.Error("the new certificate was not taken")
	}
}

func TestBrokenFilesKeepTheOldCertificate(t *testing.T) {
	first, second := relyingParty(), relyingParty()
	r := newReloading(t, first)
	certFile, keyFile := filepath.Join(r.dir, "rp.crt"), filepath.Join(r.dir, "rp.key")

	// The certificate comes before its key, then the file vanishes, then both are there.
	oldKey := must(os.ReadFile(keyFile))
	writePEM(t, r.dir, second, r.now.Add(time.Second))
	newKey := must(os.ReadFile(keyFile))
	writeFile(t, keyFile, oldKey, r.now)
	for range 3 {
		r.now = r.now.Add(DefaultReloadEvery)
		if !r.seen(t, first) {
			t.Fatal("the old certificate was lost")
		}
	}
	if got := strings.Count(r.logs.String(), "level=ERROR"); got != 1 {
		t.Errorf("%d errors logged for one broken state:\n%s", got, &r.logs)
	}
	newCert := must(os.ReadFile(certFile))
	if err := os.Remove(certFile); err != nil {
		t.Fatal(err)
	}
	if err := r.Reload(); err == nil {
		t.Error("Reload took a missing file")
	}
	r.now = r.now.Add(DefaultReloadEvery)
	if !r.seen(t, first) {
		t.Error("the old certificate was lost")
	}
	writeFile(t, certFile, newCert, r.now)
	writeFile(t, keyFile, newKey, r.now)
	r.now = r.now.Add(DefaultReloadEvery)
	if !r.seen(t, second) {
		t.Error("the new certificate was not taken")
	}
	if strings.Contains(r.logs.String(), "PRIVATE") {
		t.Error("the log holds a key")
	}
}

func TestReload(t *testing.T) {
	first, second := relyingParty(), relyingParty()
	r := newReloading(t, first)
	if !r.seen(t, first) {
		t.Fatal("BankID did not see the first certificate")
	}
	writePEM(t, r.dir, second, r.now.Add(time.Second))
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	if !r.seen(t, second) {
		t.Error("the new certificate was not taken")
	}
	memory := newAPI(t, blankOptions(first))
	if err := memory.Reload(); err != nil {
		t.Error(err)
	}
}

func TestExpiredFileIsNotTaken(t *testing.T) {
	first := relyingParty()
	r := newReloading(t, first)
	template := *first.Leaf
	template.SerialNumber = nil
	template.NotBefore, template.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	writePEM(t, r.dir, bankRoot().issue(template), r.now.Add(time.Second))
	if err := r.Reload(); err == nil {
		t.Error("an expired certificate was taken")
	}
	if !r.seen(t, first) {
		t.Error("the old certificate was lost")
	}
}

// TestStartsWithInvalidCertificate: who is logged in needs no BankID, so an installation starts with a certificate that is over,
// or not valid yet, and goes on once its files hold a valid one.
func TestStartsWithInvalidCertificate(t *testing.T) {
	valid := relyingParty()
	for name, shift := range map[string]time.Duration{"expired": -24 * time.Hour, "not valid yet": 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			template := *valid.Leaf
			template.SerialNumber = nil
			template.NotBefore, template.NotAfter = template.NotBefore.Add(shift), template.NotAfter.Add(shift)
			r := newReloading(t, bankRoot().issue(template))
			if !strings.Contains(r.logs.String(), "level=ERROR") || !strings.Contains(r.logs.String(), "it is valid from") {
				t.Errorf("log = %s, want an error that says so", r.logs.String())
			}
			request := AuthRequest{EndUserIP: netip.MustParseAddr("192.0.2.1")}
			if _, err := r.Auth(t.Context(), request); !errors.Is(err, ErrUnavailable) || r.peer.lastSerial() != "" {
				t.Errorf("Auth = %v, BankID saw %q; want ErrUnavailable and nothing sent", err, r.peer.lastSerial())
			}
			writePEM(t, r.dir, valid, r.now.Add(time.Second))
			r.now = r.now.Add(DefaultReloadEvery)
			if r.Auth(t.Context(), request); r.peer.lastSerial() != valid.Leaf.SerialNumber.String() {
				t.Errorf("BankID saw %q, want the new certificate", r.peer.lastSerial())
			}
		})
	}
}
